//! Taking a self-test's mail off the server, and no other.

use skrynka_core::model::EmailSettings;

use crate::{
    error::{MailError, Result},
    folder::{display_name, quoted},
    listen::chosen,
    session::Session,
    uids::UidSet,
    wire::reply::{Listed, Reply},
};

/// Names of the folders to which a server sorts what it takes for spam, where it marks none.
const JUNK_NAMES: [&str; 8] =
    ["junk", "spam", "junk e-mail", "junk email", "bulk mail", "спам", "небажана пошта", "wiadomości-śmieci"];

/// Deletes every mail whose Message-ID is that of the self-test with this mark, in the folders that are read, the Sent folder and those to
/// which spam is sorted. Returns the folder of each.
///
/// Without UIDPLUS a server removes everything that anybody has marked as deleted, or nothing: there the mail is marked
/// alone, unless nothing but it is.
pub(super) async fn remove(session: &mut Session, mark: &str, settings: &EmailSettings) -> Result<Vec<String>> {
    let listed = session.folders().await?;
    let mut names: Vec<String> = chosen(&listed, &settings.folders).into_iter().map(|(name, _)| name).collect();
    names.extend(listed.iter().filter(|folder| is_junk(folder)).map(|folder| folder.name.clone()));
    names.sort_unstable();
    names.dedup();
    let id = format!("{mark}@{}", settings.id_domain());
    let mut removed = Vec::new();
    for name in names {
        match session.select_for_marks(&name).await {
            Err(MailError::Refused { .. }) => continue,
            other => other?,
        }
        if session.selected.exists == 0 {
            continue;
        }
        let named = session.search(&format!("HEADER Message-ID {}", quoted(&id)?)).await?;
        let found = proved(session, &named, &id).await?;
        if found.is_empty() {
            continue;
        }
        delete(session, &found).await?;
        tracing::info!(
            target: "skrynka::email", folder = display_name(&name), count = found.len(), "Self-test's mail deleted"
        );
        removed.extend(found.iter().map(|_| display_name(&name)));
    }
    Ok(removed)
}

/// Those that bear this very Message-ID: a server may find more than it was asked for.
async fn proved(session: &mut Session, named: &UidSet, id: &str) -> Result<UidSet> {
    let mut proved = Vec::new();
    if !named.is_empty() {
        let command = format!("UID FETCH {named} (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
        let each = |reply| {
            if let Reply::Fetch(fetched) = reply
                && let (Some(uid), Some(header)) = (fetched.uid, fetched.body)
                && String::from_utf8_lossy(&header).contains(&format!("<{id}>"))
            {
                proved.push(uid);
            }
        };
        session.run(&command, "look at the self-test", each).await?;
    }
    Ok(proved.into_iter().collect())
}

async fn delete(session: &mut Session, uids: &UidSet) -> Result<()> {
    session.run(&format!("UID STORE {uids} +FLAGS.SILENT (\\Deleted \\Seen)"), "delete the self-test", |_| {}).await?;
    if session.capabilities.has("UIDPLUS") || session.capabilities.has("IMAP4REV2") {
        session.run(&format!("UID EXPUNGE {uids}"), "delete the self-test", |_| {}).await?;
    } else if session.search("DELETED").await? == *uids {
        session.run("EXPUNGE", "delete the self-test", |_| {}).await?;
    }
    Ok(())
}

fn is_junk(folder: &Listed) -> bool {
    let name = display_name(&folder.name).to_lowercase();
    let last = name.rsplit(['/', '.']).next().unwrap_or(&name);
    !folder.unselectable && JUNK_NAMES.contains(&last)
}
