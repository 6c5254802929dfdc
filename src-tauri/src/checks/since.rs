//! Since when each check is in the state it is in: kept in the profile, so that it outlives a run.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};
use skrynka_core::{engine::blocking, files};
use time::OffsetDateTime;

use crate::{
    wire::{Check, CheckState, stamp},
    wiring::Ground,
};

/// Where it stands in the profile.
const FILE: &str = "checks.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    state: CheckState,
    since: String,
}

/// Says since when each check stands as it does, and remembers it. One whose own time is known keeps it.
pub async fn remember(ground: &Ground, checks: &mut Vec<Check>) {
    let (now, root, told) = (ground.clock.now(), ground.profile.root().to_owned(), checks.clone());
    if let Ok(told) = blocking(move || remembered(&root, told, now)).await {
        *checks = told;
    }
}

fn remembered(root: &Path, mut checks: Vec<Check>, now: OffsetDateTime) -> Vec<Check> {
    let path = root.join(FILE);
    // Without the file, or with another program's, everything is as of now.
    let mut known: BTreeMap<String, Known> =
        fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let before = known.clone();
    for check in &mut checks {
        let key = format!("{} {}", check.name, check.account.as_deref().unwrap_or_default());
        let own = (check.since != check.checked_at).then(|| check.since.clone());
        let as_before = known.get(&key).filter(|known| known.state == check.state).map(|known| known.since.clone());
        check.since = own.or(as_before).unwrap_or_else(|| stamp(now));
        known.insert(key, Known { state: check.state, since: check.since.clone() });
    }
    if known != before
        && let Err(error) =
            serde_json::to_vec(&known).map_err(io::Error::from).and_then(|text| files::replace(&path, &text))
    {
        tracing::warn!(target: "skrynka::app", error = %error, "Checks not remembered");
    }
    checks
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::wire::Finding;

    const NOW: OffsetDateTime = datetime!(2026-11-27 10:00 UTC);

    fn look(root: &Path, state: CheckState, at: OffsetDateTime) -> String {
        let check = super::super::check(at, "disk", state, Finding::NotTried, None);
        remembered(root, vec![check], at)[0].since.clone()
    }

    #[test]
    fn a_check_keeps_the_moment_at_which_its_state_began() {
        let folder = tempfile::tempdir().unwrap();
        let (root, later) = (folder.path(), NOW + Duration::hours(1));
        assert_eq!(look(root, CheckState::Warn, NOW), stamp(NOW));
        assert_eq!(look(root, CheckState::Warn, later), stamp(NOW));
        assert_eq!(look(root, CheckState::Ok, later), stamp(later));
        fs::write(root.join(FILE), "not json").unwrap();
        assert_eq!(look(root, CheckState::Ok, later + Duration::hours(1)), stamp(later + Duration::hours(1)));
    }
}
