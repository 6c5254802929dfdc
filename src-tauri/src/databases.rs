//! Which database a profile uses: the same choice for the window and the command line.

use secrecy::SecretString;
use skrynka_core::{
    logbook::redact,
    postgres::{PostgresError, ServerUrl, ServerUrlError},
    profile::{Profile, ProfileError},
    secrets::{Secrets, SecretsError},
};

use crate::wire::{ErrorCode, WireError};

/// Why another database was not chosen. The choice and the kept password are as before.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// The address cannot be used.
    #[error("the server's address cannot be used")]
    Url(#[from] ServerUrlError),
    /// The server could not be reached, refused the sign-in, or does not write durably.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The password could not be kept.
    #[error("the password could not be kept")]
    Secrets(#[from] SecretsError),
    /// The settings could not be read or written.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl From<ChoiceError> for WireError {
    fn from(error: ChoiceError) -> Self {
        let detail = skrynka_core::chain(&error);
        match error {
            ChoiceError::Url(error) => Self { code: ErrorCode::InvalidInput, detail: format!("serverUrl: {error}") },
            ChoiceError::Postgres(_) => Self { code: ErrorCode::Database, detail },
            ChoiceError::Secrets(_) => Self { code: ErrorCode::Secrets, detail },
            ChoiceError::Profile(_) => Self { code: ErrorCode::File, detail },
        }
    }
}

/// Chooses the team's server, from the next start on. It is signed in to first, with the given password or the kept
/// one, and asked whether it writes durably; only then the password replaces the one that was kept before.
///
/// # Errors
/// See [`ChoiceError`].
pub async fn use_server(
    profile: &Profile,
    secrets: &Secrets,
    url: &str,
    password: Option<SecretString>,
) -> Result<(), ChoiceError> {
    let server = url.parse::<ServerUrl>()?.trusting(profile.settings()?.database.ca_file);
    match password {
        Some(password) => {
            redact::remember(&password);
            server.try_password(&password).await?;
            secrets.set(ServerUrl::PASSWORD, password).await?;
        }
        None => drop(server.open(secrets).await?),
    }
    profile.change_settings(|settings| settings.database.server_url = Some(url.trim().to_owned()))?;
    Ok(())
}

/// Chooses the private database, from the next start on. The server's password is kept for the way back.
///
/// # Errors
/// The settings could not be read or written.
pub fn use_private(profile: &Profile) -> Result<(), ChoiceError> {
    profile.change_settings(|settings| settings.database.server_url = None)?;
    Ok(())
}

#[cfg(test)]
mod tests;
