//! The copy of a sent mail in the Sent folder: looked for by its Message-ID before it is put there, so that there is one.

use skrynka_core::connector::SentCopy;

use crate::{
    connect::access::Access,
    error::{MailError, Result},
    folder::{quoted, sent_folder},
    session::Session,
};

/// Servers whose provider keeps a copy of what goes through them by itself.
const KEEPS_ITSELF: [&str; 6] =
    ["gmail.com", "googlemail.com", "office365.com", "outlook.com", "hotmail.com", "zoho.com"];

/// A connection to a mailbox with the name of its Sent folder.
pub(super) struct SentFolder {
    session: Session,
    /// `None`: it has none.
    name: Option<String>,
}

impl SentFolder {
    async fn open(access: &Access) -> Result<Self> {
        let mut session = access.imap().await?;
        let listed = session.folders().await?;
        let name = sent_folder(&listed).map(|folder| folder.name.clone());
        Ok(Self { session, name })
    }

    async fn holds(&mut self, message_id: &str) -> Result<bool> {
        let Some(name) = &self.name else { return Ok(false) };
        self.session.examine(name).await?;
        if self.session.selected.exists == 0 {
            return Ok(false);
        }
        let found = self.session.search(&format!("HEADER Message-ID {}", quoted(message_id)?)).await?;
        Ok(!found.is_empty())
    }

    async fn keep(&mut self, (message_id, raw): (&str, &[u8])) -> Result<SentCopy> {
        let Some(name) = self.name.clone() else { return Ok(SentCopy::NoFolder) };
        if !self.holds(message_id).await? {
            self.session.append(&name, "\\Seen", raw).await?;
        }
        Ok(SentCopy::Kept)
    }

    pub(super) async fn close(mut self) {
        self.session.log_out().await;
    }
}

/// Tells whether the Sent folder holds a mail with this Message-ID. False where there is no such folder.
pub(super) async fn is_in_sent(access: &Access, message_id: &str) -> Result<bool> {
    let mut folder = SentFolder::open(access).await?;
    let found = folder.holds(message_id).await;
    folder.close().await;
    found
}

/// Puts a copy into the Sent folder unless one is there or the provider keeps one. What is open stays so for the next.
pub(super) async fn keep(access: &Access, open: &mut Option<SentFolder>, copy: (&str, &[u8])) -> Result<SentCopy> {
    let host = access.settings.smtp.host.to_ascii_lowercase();
    if KEEPS_ITSELF.iter().any(|provider| host == *provider || host.ends_with(&format!(".{provider}"))) {
        return Ok(SentCopy::Provider);
    }
    let kept_open = open.take();
    let reused = kept_open.is_some();
    let mut folder = match kept_open {
        Some(folder) => folder,
        None => SentFolder::open(access).await?,
    };
    let mut kept = folder.keep(copy).await;
    // A server may close a connection between two copies; whether this one is there is looked for again.
    if reused && matches!(&kept, Err(MailError::Closed { .. } | MailError::Broken(_))) {
        folder = SentFolder::open(access).await?;
        kept = folder.keep(copy).await;
    }
    if kept.is_ok() {
        *open = Some(folder);
    } else {
        folder.close().await;
    }
    kept
}
