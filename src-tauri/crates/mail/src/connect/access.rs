//! What a mailbox is reached by: its settings, and what it signs in with, from the keyring and fresh.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use skrynka_core::{
    model::{AccountId, Auth, EmailSettings},
    secrets::{SecretKind, SecretName, Secrets},
};
use time::OffsetDateTime;
use tokio::sync::Mutex;

use super::{counted::Counts, open, tokens::Tokens};
use crate::{
    clocked::Clocked,
    error::{MailError, Result},
    session::Session,
    smtp::{self, Line},
    tuning::Tuning,
};

/// What a mailbox signs in with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A password.
    Password(SecretString),
    /// Tokens of OAuth 2.0.
    Tokens(Box<Tokens>),
}

/// What one sign-in shows.
#[derive(Debug)]
pub(crate) enum Proof {
    Password(SecretString),
    /// An access token.
    Bearer(SecretString),
}

impl Proof {
    /// The secret, for taking it out of what a server repeats.
    pub(crate) const fn secret(&self) -> &SecretString {
        match self {
            Self::Password(secret) | Self::Bearer(secret) => secret,
        }
    }
}

impl Credential {
    /// Returns the name under which it is kept for an account.
    pub const fn name(auth: Auth, account: AccountId) -> SecretName {
        let kind = match auth {
            Auth::Password => SecretKind::MailPassword,
            Auth::Xoauth2 => SecretKind::MailTokens,
        };
        SecretName { kind, account }
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// Kept tokens cannot be read: a person has to enter them again.
    pub fn read(auth: Auth, kept: SecretString) -> std::result::Result<Self, MailError> {
        match auth {
            Auth::Password => Ok(Self::Password(kept)),
            Auth::Xoauth2 => {
                let unreadable = |_| MailError::Revoked("what is kept of the tokens cannot be read".to_owned());
                let tokens: Tokens = serde_json::from_str(kept.expose_secret()).map_err(unreadable)?;
                tokens.remember();
                Ok(Self::Tokens(Box::new(tokens)))
            }
        }
    }

    /// As it is kept.
    pub fn kept(&self) -> SecretString {
        match self {
            Self::Password(password) => password.clone(),
            Self::Tokens(tokens) => tokens.kept(),
        }
    }

    /// Whether nothing has been made anew since `other` was copied from it.
    pub fn is_as(&self, other: &Self) -> bool {
        self.kept().expose_secret() == other.kept().expose_secret()
    }

    /// Which of the two it is.
    pub const fn auth(&self) -> Auth {
        match self {
            Self::Password(_) => Auth::Password,
            Self::Tokens(_) => Auth::Xoauth2,
        }
    }

    /// What one sign-in shows. An access token that has ended is made anew; so is one that was `refused`.
    pub(crate) async fn proof(
        &mut self,
        settings: &EmailSettings,
        refused: Option<&Proof>,
        tuning: &Tuning,
        now: OffsetDateTime,
    ) -> Result<Proof> {
        match self {
            Self::Password(password) => Ok(Proof::Password(password.clone())),
            Self::Tokens(tokens) => match tokens.usable(now, refused.map(Proof::secret)) {
                Some(token) => Ok(Proof::Bearer(token)),
                None => Ok(Proof::Bearer(tokens.refresh(settings.ca_pem.as_deref(), tuning, now).await?)),
            },
        }
    }
}

/// An account's way to its servers. Clones share one turn at making tokens anew: a provider may take each refresh token
/// only once.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) account: AccountId,
    pub(crate) settings: EmailSettings,
    pub(crate) secrets: Secrets,
    pub(crate) tuning: Tuning,
    pub(crate) clock: Clocked,
    pub(crate) counts: Counts,
    pub(crate) turn: Arc<Mutex<()>>,
}

impl Access {
    /// Connects to the IMAP server and signs in.
    pub(crate) async fn imap(&self) -> Result<Session> {
        let proof = self.proof(None).await?;
        let mut session = match open(&self.settings, &proof, &self.tuning).await {
            // It may have been withdrawn before its end.
            Err(MailError::TokenRefused(_)) => {
                let proof = self.proof(Some(&proof)).await?;
                open(&self.settings, &proof, &self.tuning).await
            }
            outcome => outcome,
        }?;
        session.counted = Some(self.counts.one_more(self.account));
        Ok(session)
    }

    /// Connects to the SMTP server and signs in.
    pub(crate) async fn smtp(&self) -> Result<Line> {
        // A server that holds strangers up for minutes (RFC 5321 section 4.5.3.2) takes the mail all the same.
        let patient = Tuning { command: self.tuning.submit, ..self.tuning.clone() };
        let proof = self.proof(None).await?;
        let opened = match smtp::open(&self.settings, &proof, &patient).await {
            Err(MailError::TokenRefused(_)) => {
                let proof = self.proof(Some(&proof)).await?;
                smtp::open(&self.settings, &proof, &patient).await
            }
            outcome => outcome,
        };
        opened.map(|(line, _)| line)
    }

    async fn proof(&self, refused: Option<&Proof>) -> Result<Proof> {
        let _turn = self.turn.lock().await;
        let name = Credential::name(self.settings.auth, self.account);
        let kept = self.secrets.get(name).await.map_err(MailError::Secrets)?.ok_or(MailError::NoPassword)?;
        let mut credential = Credential::read(self.settings.auth, kept.clone())?;
        let proof = credential.proof(&self.settings, refused, &self.tuning, self.clock.now()).await?;
        let now_kept = credential.kept();
        if now_kept.expose_secret() != kept.expose_secret() {
            self.secrets.set(name, now_kept).await.map_err(MailError::Secrets)?;
        }
        Ok(proof)
    }
}
