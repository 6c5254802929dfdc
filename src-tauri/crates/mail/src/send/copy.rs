//! The copy of a sent mail in the Sent folder: looked for by its Message-ID before it is put there, so that there is one.

use secrecy::SecretString;
use skrynka_core::{
    connector::SentCopy,
    model::{AccountId, EmailSettings},
    secrets::Secrets,
};

use crate::{
    connect,
    connector::password,
    error::Result,
    folder::{quoted, sent_folder},
    session::Session,
    tuning::Tuning,
};

/// Servers whose provider keeps a copy of what goes through them by itself.
const KEEPS_ITSELF: [&str; 6] =
    ["gmail.com", "googlemail.com", "office365.com", "outlook.com", "hotmail.com", "zoho.com"];

/// Tells whether the Sent folder holds a mail with this Message-ID. False where there is no such folder.
pub(super) async fn is_in_sent(
    account: AccountId,
    settings: &EmailSettings,
    secrets: &Secrets,
    tuning: &Tuning,
    message_id: &str,
) -> Result<bool> {
    let password = password(account, secrets).await?;
    let mut session = connect::open(settings, &password, tuning).await?;
    let found = async {
        match sent(&mut session).await? {
            Some(folder) => holds(&mut session, &folder, message_id).await,
            None => Ok(false),
        }
    };
    let found = found.await;
    session.log_out().await;
    found
}

/// Puts a copy into the Sent folder unless one is there or the provider keeps one.
pub(super) async fn keep(
    account: AccountId,
    settings: &EmailSettings,
    secrets: &Secrets,
    tuning: &Tuning,
    (message_id, raw): (&str, &[u8]),
) -> Result<SentCopy> {
    let host = settings.smtp.host.to_ascii_lowercase();
    if KEEPS_ITSELF.iter().any(|provider| host == *provider || host.ends_with(&format!(".{provider}"))) {
        return Ok(SentCopy::Provider);
    }
    let password: SecretString = password(account, secrets).await?;
    let mut session = connect::open(settings, &password, tuning).await?;
    let kept = async {
        let Some(folder) = sent(&mut session).await? else { return Ok(SentCopy::NoFolder) };
        if !holds(&mut session, &folder, message_id).await? {
            session.append(&folder, "\\Seen", raw).await?;
        }
        Ok(SentCopy::Kept)
    };
    let kept = kept.await;
    session.log_out().await;
    kept
}

async fn sent(session: &mut Session) -> Result<Option<String>> {
    let listed = session.folders().await?;
    Ok(sent_folder(&listed).map(|folder| folder.name.clone()))
}

async fn holds(session: &mut Session, folder: &str, message_id: &str) -> Result<bool> {
    session.examine(folder).await?;
    if session.selected.exists == 0 {
        return Ok(false);
    }
    let found = session.search(&format!("HEADER Message-ID {}", quoted(message_id)?)).await?;
    Ok(!found.is_empty())
}
