//! A QR code that a signed-in phone scans.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use grammers_session::updates::UpdatesLike;
use grammers_tl_types as tl;
use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::{Result, SignIn, Step};
use crate::{convert::moment, error::TelegramError};

/// Telegram is not asked more often what became of a code.
const LEAST_WAIT: Duration = Duration::from_secs(5);

/// What a phone is to scan.
#[derive(Debug, Clone)]
pub struct QrCode {
    /// The text of the code. It signs in whoever's phone scans it, so it is for the screen alone.
    pub url: SecretString,
    /// Until when it can be scanned.
    pub expires_at: OffsetDateTime,
}

/// What came of a code.
#[derive(Debug)]
pub enum Scan {
    /// It was scanned.
    Scanned(Step),
    /// Nobody has scanned it yet: it goes on, or has expired and this is the next one.
    Renewed(QrCode),
}

/// What Telegram answers when asked for a token.
pub(super) enum Token {
    Fresh(tl::types::auth::LoginToken),
    Scanned(Step),
}

impl SignIn {
    /// Makes a code to be scanned, or tells that the one before was.
    ///
    /// # Errors
    /// See [`super::SignInError`].
    pub async fn qr_code(&mut self) -> Result<Scan> {
        Ok(match self.token().await? {
            Token::Fresh(token) => Scan::Renewed(shown(&token)),
            Token::Scanned(step) => Scan::Scanned(step),
        })
    }

    /// Waits until it is time to ask what became of the code: it was scanned, it has expired, or some seconds have gone.
    /// May be cancelled; [`Self::qr_code`] may not, it can be the answer that holds the session.
    ///
    /// # Errors
    /// See [`super::SignInError`].
    pub async fn due(&mut self, code: &QrCode) -> Result<()> {
        let left: Duration = (code.expires_at - self.clock.now()).try_into().unwrap_or_default();
        // News that arrives while a connection is made is lost, so Telegram is asked now and then as well. A clock that is
        // ahead sees every code as expired: asking in a circle would only lead to a flood wait.
        let wait = left.max(LEAST_WAIT).min(self.pool.tuning().token);
        loop {
            match timeout(wait, self.feed.recv()).await {
                Ok(Some(told)) if !is_scan(&told) => {}
                Ok(Some(_)) | Err(_) => return Ok(()),
                Ok(None) => return Err(TelegramError::Internal("the library stopped").into()),
            }
        }
    }

    /// Asks for a token, or for what became of the last one.
    pub(super) async fn token(&mut self) -> Result<Token> {
        let request = tl::functions::auth::ExportLoginToken {
            api_id: self.app.api_id,
            api_hash: self.app.api_hash.expose_secret().to_owned(),
            except_ids: Vec::new(),
        };
        let answer = self.pool.ask(&request).await;
        let answer = match answer {
            Ok(tl::enums::auth::LoginToken::MigrateTo(elsewhere)) => {
                self.follow(elsewhere.dc_id);
                self.pool.ask(&tl::functions::auth::ImportLoginToken { token: elsewhere.token }).await
            }
            other => other,
        };
        match answer {
            Ok(tl::enums::auth::LoginToken::Token(token)) => Ok(Token::Fresh(token)),
            Ok(tl::enums::auth::LoginToken::Success(success)) => {
                Ok(Token::Scanned(self.signed_in(Ok(success.authorization)).await?))
            }
            Ok(tl::enums::auth::LoginToken::MigrateTo(_)) => {
                Err(TelegramError::Protocol("Telegram sends from one data centre to the next".to_owned()).into())
            }
            Err(error) => Ok(Token::Scanned(self.signed_in(Err(error)).await?)),
        }
    }
}

fn shown(token: &tl::types::auth::LoginToken) -> QrCode {
    let url = format!("tg://login?token={}", URL_SAFE_NO_PAD.encode(&token.token));
    QrCode { url: url.into(), expires_at: moment(token.expires) }
}

fn is_scan(told: &UpdatesLike) -> bool {
    let is_scan = |update: &tl::enums::Update| matches!(update, tl::enums::Update::LoginToken);
    match told {
        UpdatesLike::Updates(tl::enums::Updates::UpdateShort(short)) => is_scan(&short.update),
        UpdatesLike::Updates(tl::enums::Updates::Updates(told)) => told.updates.iter().any(is_scan),
        UpdatesLike::Updates(tl::enums::Updates::Combined(told)) => told.updates.iter().any(is_scan),
        _ => false,
    }
}
