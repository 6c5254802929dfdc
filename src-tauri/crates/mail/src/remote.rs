//! What can be asked of a mailbox beside the listener, each over a short connection of its own.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::BoxFuture;
use skrynka_core::{
    connector::{ConnectorError, Remote},
    model::{AccountId, EmailSettings, Place},
    secrets::Secrets,
};
use tokio::time::sleep;

use crate::{
    clocked::Clocked,
    connect,
    connector::password,
    error::{MailError, Result},
    tuning::Tuning,
    uids::UidSet,
};

/// The longest pause after which marks are tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// UIDs in one STORE, so that the command line stays short.
const AT_ONCE: usize = 500;

/// The mailbox, to be asked.
#[derive(Clone)]
pub(crate) struct MailRemote {
    pub(crate) account: AccountId,
    pub(crate) settings: EmailSettings,
    pub(crate) secrets: Secrets,
    pub(crate) tuning: Tuning,
    pub(crate) clock: Clocked,
}

impl Remote for MailRemote {
    fn mark_seen(&self, places: Vec<Place>, seen: bool) -> BoxFuture<'_, std::result::Result<(), ConnectorError>> {
        Box::pin(async move {
            let mut pause = self.tuning.mark_again;
            loop {
                let Err(error) = self.store_seen(&places, seen).await else { return Ok(()) };
                let detail = error.trouble().detail;
                let error = error.into_connector(self.clock.now());
                if pause > LONGEST_PAUSE || !matches!(error, ConnectorError::Transient { .. }) {
                    return Err(error);
                }
                tracing::info!(
                    target: "skrynka::email",
                    why = detail, seconds = pause.as_secs(), "Marks not set, trying again later"
                );
                sleep(pause.mul_f64(rand::random_range(0.75..1.25))).await;
                pause = pause.saturating_mul(4);
            }
        })
    }
}

impl MailRemote {
    async fn store_seen(&self, places: &[Place], seen: bool) -> Result<()> {
        let mut folders: BTreeMap<(String, u32), Vec<u32>> = BTreeMap::new();
        for place in places {
            folders.entry((place.mailbox.clone(), place.epoch)).or_default().push(place.number);
        }
        if folders.is_empty() {
            return Ok(());
        }
        let password = password(self.account, &self.secrets).await?;
        let mut session = connect::open(&self.settings, &password, &self.tuning).await?;
        let mut outcome = Ok(());
        for ((mailbox, epoch), uids) in folders {
            outcome = store(&mut session, &mailbox, epoch, &uids, seen).await;
            if outcome.is_err() {
                break;
            }
        }
        session.log_out().await;
        outcome
    }
}

async fn store(
    session: &mut crate::session::Session,
    mailbox: &str,
    epoch: u32,
    uids: &[u32],
    seen: bool,
) -> Result<()> {
    session.select_for_marks(mailbox).await?;
    if session.selected.validity != epoch {
        // These numbers name other messages by now. The listener reads the folder anew and finds them again.
        tracing::info!(target: "skrynka::email", epoch, "Marks not set, the folder was renumbered");
        return Ok(());
    }
    let sign = if seen { '+' } else { '-' };
    for some in uids.chunks(AT_ONCE) {
        let set: UidSet = some.iter().copied().collect();
        let command = format!("UID STORE {set} {sign}FLAGS.SILENT (\\Seen)");
        match session.run(&command, "set the read mark", |_| {}).await {
            // A message that went meanwhile needs no mark (RFC 9051 section 6.4.6).
            Ok(_) => {}
            Err(MailError::Refused { said, .. }) if said.code == "EXPUNGEISSUED" => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}
