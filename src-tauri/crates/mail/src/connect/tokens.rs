//! Tokens of OAuth 2.0: what is kept of them, and how an access token that has ended is made anew (RFC 6749 section 6).

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, body::Incoming, header};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use skrynka_core::{
    logbook::redact,
    model::{Endpoint, Security},
};
use time::{Duration, OffsetDateTime};
use url::{Url, form_urlencoded};

use super::{dial, resolve, tls};
use crate::{
    error::{MailError, Result, within},
    tuning::Tuning,
    wire::{Stream, status::clean},
};

/// An access token that ends sooner than this is made anew at once: signing in takes a moment.
const MARGIN: Duration = Duration::seconds(60);
/// Bytes of an answer that are read.
const ANSWER: usize = 64 << 10;

/// The tokens of a mailbox, as the keyring holds them and as the command line takes them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// What the program is called at the provider.
    pub client_id: String,
    /// The secret that belongs to it, where the provider gave one.
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// What access tokens are made from.
    pub refresh_token: SecretString,
    /// Where they are made: `https://…`, or `http://` on this computer.
    pub token_endpoint: String,
    /// The one in use.
    #[serde(default)]
    pub access_token: Option<SecretString>,
    /// When it ends; without it, it is used until a server refuses it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
}

/// Where access tokens are made.
struct TokenEndpoint {
    server: Endpoint,
    security: Security,
    /// Host and port as the Host header names them.
    authority: String,
    /// Path and query.
    path: String,
}

/// RFC 6749 section 5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<i64>,
    refresh_token: Option<SecretString>,
}

/// RFC 6749 section 5.2.
#[derive(Deserialize)]
struct Denied {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Tokens {
    /// Refuses what can be seen to be wrong before anything is asked of a server. Returns why in one line.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.client_id.trim().is_empty() || self.client_id.chars().any(char::is_control) {
            return Err("the client id is missing".to_owned());
        }
        if self.refresh_token.expose_secret().trim().is_empty() {
            return Err("the refresh token is missing".to_owned());
        }
        self.endpoint().map(drop)
    }

    /// Makes the parts known to the logbook's redaction; the store knows only the whole.
    pub fn remember(&self) {
        let parts = [Some(&self.refresh_token), self.client_secret.as_ref(), self.access_token.as_ref()];
        parts.into_iter().flatten().for_each(redact::remember);
    }

    /// As the keyring holds them.
    pub(crate) fn kept(&self) -> SecretString {
        let exposed = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let rfc3339 = &time::format_description::well_known::Rfc3339;
        let expires_at = self.expires_at.and_then(|end| end.format(rfc3339).ok());
        let json = serde_json::json!({
            "client_id": self.client_id,
            "client_secret": exposed(&self.client_secret),
            "refresh_token": self.refresh_token.expose_secret(),
            "token_endpoint": self.token_endpoint,
            "access_token": exposed(&self.access_token),
            "expires_at": expires_at,
        });
        SecretString::from(json.to_string())
    }

    /// The access token, unless it has ended or a server has refused it.
    pub(super) fn usable(&self, now: OffsetDateTime, refused: Option<&SecretString>) -> Option<SecretString> {
        let token = self.access_token.as_ref()?;
        let was_refused = refused.is_some_and(|refused| refused.expose_secret() == token.expose_secret());
        let lives = self.expires_at.is_none_or(|end| end > now + MARGIN);
        (lives && !was_refused).then(|| token.clone())
    }

    /// Asks for a new access token, over a connection of its own and through no proxy. The provider may give a new refresh
    /// token with it, and the old one may be good no more: what this leaves has to be kept.
    ///
    /// # Errors
    /// [`MailError::Revoked`] when a person has to sign in again at the provider, [`MailError::TokenSettings`] when the
    /// material cannot work, [`MailError::TokenServer`] when the provider has trouble of its own, and those of a connection.
    pub(super) async fn refresh(
        &mut self,
        ca_pem: Option<&str>,
        tuning: &Tuning,
        now: OffsetDateTime,
    ) -> Result<SecretString> {
        let endpoint = self.endpoint().map_err(MailError::TokenSettings)?;
        let stream = endpoint.connect(ca_pem, tuning).await?;
        let (status, body) = within(tuning.command, endpoint.post(stream, self.request())).await?;
        let granted = self.read(status, &body)?;
        redact::remember(&granted.access_token);
        if let Some(renewed) = granted.refresh_token {
            redact::remember(&renewed);
            self.refresh_token = renewed;
        }
        self.expires_at =
            granted.expires_in.filter(|seconds| *seconds > 0).map(|seconds| now + Duration::seconds(seconds));
        self.access_token = Some(granted.access_token.clone());
        tracing::info!(
            target: "skrynka::email",
            host = endpoint.server.host, seconds = granted.expires_in, "Access token made anew"
        );
        Ok(granted.access_token)
    }

    fn endpoint(&self) -> std::result::Result<TokenEndpoint, String> {
        let wrong = || "the token endpoint is no https:// address".to_owned();
        let url = Url::parse(self.token_endpoint.trim()).map_err(|_| wrong())?;
        let security = match url.scheme() {
            "https" => Security::Tls,
            // Refused for any host but this computer when its name has been resolved.
            "http" => Security::LoopbackPlain,
            _ => return Err(wrong()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong());
        }
        let host = url.host_str().ok_or_else(wrong)?;
        let port = url.port_or_known_default().ok_or_else(wrong)?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let server = Endpoint { host: host.trim_matches(['[', ']']).to_owned(), port };
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(TokenEndpoint { server, security, authority, path })
    }

    fn request(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", self.refresh_token.expose_secret())
            .append_pair("client_id", &self.client_id);
        if let Some(secret) = &self.client_secret {
            form.append_pair("client_secret", secret.expose_secret());
        }
        form.finish()
    }

    fn read(&self, status: StatusCode, body: &[u8]) -> Result<Granted> {
        if status == StatusCode::OK {
            let nonsense = || MailError::TokenServer("its answer holds no access token".to_owned());
            let granted: Granted = serde_json::from_slice(body).map_err(|_| nonsense())?;
            // What a header could not carry would end the message early.
            let plain = |token: &SecretString| token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
            return if plain(&granted.access_token) { Ok(granted) } else { Err(nonsense()) };
        }
        let denied: Option<Denied> = serde_json::from_slice(body).ok();
        let words = denied.as_ref().map(|Denied { error, error_description }| format!("{error} {error_description}"));
        let words = self.without_secrets(clean(&words.unwrap_or_else(|| status.to_string())));
        match denied.map(|denied| denied.error).as_deref() {
            Some("invalid_grant") => Err(MailError::Revoked(words)),
            Some("temporarily_unavailable" | "slow_down" | "server_error") => Err(MailError::TokenServer(words)),
            Some(_) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                Err(MailError::TokenSettings(words))
            }
            // A redirect is not followed: the secrets are for this address alone.
            _ if status.is_redirection() || status == StatusCode::NOT_FOUND => Err(MailError::TokenSettings(words)),
            _ => Err(MailError::TokenServer(words)),
        }
    }

    /// A provider may repeat what it was sent.
    fn without_secrets(&self, text: String) -> String {
        let parts = [Some(&self.refresh_token), self.client_secret.as_ref()];
        parts.into_iter().flatten().fold(text, |text, part| text.replace(part.expose_secret(), "…"))
    }
}

impl TokenEndpoint {
    async fn connect(&self, ca_pem: Option<&str>, tuning: &Tuning) -> Result<Box<dyn Stream>> {
        let addresses = resolve(&self.server, self.security, tuning).await?;
        let (tcp, _) = dial(&self.server, &addresses, tuning.connect).await?;
        match self.security {
            Security::Tls => Ok(tls::protect(Box::new(tcp), &self.server.host, ca_pem, tuning.connect).await?.0),
            Security::Starttls | Security::LoopbackPlain => Ok(Box::new(tcp)),
        }
    }

    async fn post(&self, stream: Box<dyn Stream>, form: String) -> Result<(StatusCode, Bytes)> {
        let request = Request::post(self.path.as_str())
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::from(form)))
            .map_err(|error| MailError::TokenSettings(error.to_string()))?;
        let broken = |error: hyper::Error| MailError::Broken(std::io::Error::other(error));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let exchange = std::pin::pin!(async {
            let answer: hyper::Response<Incoming> = sender.send_request(request).await.map_err(broken)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER).collect().await;
            let body = body.map_err(|error| MailError::Broken(std::io::Error::other(error)))?;
            Ok::<_, MailError>((status, body.to_bytes()))
        });
        // The answer may be read to its end after the connection is over.
        match futures_util::future::select(exchange, std::pin::pin!(connection)).await {
            futures_util::future::Either::Left((answer, _)) => answer,
            futures_util::future::Either::Right((_over, exchange)) => exchange.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(endpoint: &str) -> Tokens {
        serde_json::from_value(serde_json::json!({
            "client_id": "bureau", "refresh_token": "1//canary", "token_endpoint": endpoint,
        }))
        .unwrap()
    }

    #[test]
    fn tokens_go_to_an_encrypted_address_or_to_this_computer() {
        for good in [
            "https://oauth2.googleapis.com/token",
            "https://h:8443/t?a=b",
            "http://127.0.0.1:1/token",
            "https://[::1]/t",
        ] {
            tokens(good).check().unwrap();
        }
        let endpoint = tokens("https://h:8443/t?a=b").endpoint().unwrap();
        assert_eq!(
            (endpoint.server.port, endpoint.authority.as_str(), endpoint.path.as_str()),
            (8443, "h:8443", "/t?a=b")
        );
        for wrong in ["", "oauth2.googleapis.com/token", "ftp://h/t", "https://me:pw@h/t", "https://"] {
            assert!(tokens(wrong).check().is_err(), "{wrong}");
        }
        let empty = Tokens { client_id: " ".to_owned(), ..tokens("https://h/t") };
        assert!(empty.check().is_err());
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let end = OffsetDateTime::UNIX_EPOCH + Duration::days(1);
        let full = Tokens {
            client_secret: Some("s".into()),
            access_token: Some("a".into()),
            expires_at: Some(end),
            ..tokens("https://h/t")
        };
        for tokens in [full, tokens("https://h/t")] {
            let again: Tokens = serde_json::from_str(tokens.kept().expose_secret()).unwrap();
            assert_eq!(again.kept().expose_secret(), tokens.kept().expose_secret());
        }
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end_and_not_after_a_refusal() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let mut tokens = Tokens { access_token: Some("a".into()), ..tokens("https://h/t") };
        assert!(tokens.usable(now, None).is_some());
        assert!(tokens.usable(now, Some(&"a".into())).is_none());
        assert!(tokens.usable(now, Some(&"b".into())).is_some());
        tokens.expires_at = Some(now + Duration::seconds(61));
        assert!(tokens.usable(now, None).is_some());
        tokens.expires_at = Some(now + Duration::seconds(60));
        assert!(tokens.usable(now, None).is_none());
    }

    #[test]
    fn refusals_are_told_apart_and_repeat_no_secret() {
        let tokens = tokens("https://h/t");
        let said = |status: u16, body: &str| match tokens.read(StatusCode::from_u16(status).unwrap(), body.as_bytes()) {
            Err(MailError::Revoked(words)) => ("revoked", words),
            Err(MailError::TokenSettings(words)) => ("settings", words),
            Err(MailError::TokenServer(words)) => ("server", words),
            other => panic!("{:?}", other.map(|_| ())),
        };
        assert_eq!(
            said(400, r#"{"error":"invalid_grant","error_description":"1//canary has been revoked."}"#),
            ("revoked", "invalid_grant … has been revoked.".to_owned())
        );
        assert_eq!(said(401, r#"{"error":"invalid_client"}"#).0, "settings");
        assert_eq!(said(302, "").0, "settings");
        assert_eq!(said(400, r#"{"error":"temporarily_unavailable"}"#).0, "server");
        for status in [429, 500, 503] {
            assert_eq!(said(status, "<html>").0, "server", "{status}");
        }
        for nonsense in ["", "{}", r#"{"access_token":"a\u0001b"}"#] {
            assert_eq!(said(200, nonsense).0, "server", "{nonsense}");
        }
    }
}
