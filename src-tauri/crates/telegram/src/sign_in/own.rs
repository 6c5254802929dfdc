//! A session of Skrynka's own from one that another program made: a session that is used in two places is destroyed.

use grammers_tl_types as tl;

use super::{App, Result, SignIn, SignInError, Step, qr::Token};
use crate::{connector::TelegramConnector, session::SessionSecret};

impl TelegramConnector {
    /// Signs a session of Skrynka's own in with the help of `pasted`, as a phone does with a QR code, and asks for the
    /// two-step password where there is one. `pasted` stays signed in: [`TelegramConnector::log_out`] ends it.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn own_session(&self, pasted: &SessionSecret, app: App) -> Result<(SignIn, Step)> {
        let helper = self.restored(pasted, &app).await?;
        let outcome = self.accepted(&helper, pasted.dc(), app).await;
        helper.close().await;
        outcome
    }

    async fn accepted(&self, helper: &crate::pool::Pool, dc: i32, app: App) -> Result<(SignIn, Step)> {
        let mut sign_in = self.sign_in_at(app, dc).await?;
        let Token::Fresh(tl::types::auth::LoginToken { token, .. }) = Box::pin(sign_in.token()).await? else {
            return Err(SignInError::OutOfOrder);
        };
        helper.ask(&tl::functions::auth::AcceptLoginToken { token }).await?;
        match Box::pin(sign_in.token()).await? {
            Token::Scanned(step) => Ok((sign_in, step)),
            Token::Fresh(_) => Err(SignInError::ExpiredToken),
        }
    }
}
