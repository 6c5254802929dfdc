//! Signing in with a token: SASL OAUTHBEARER (RFC 7628), or XOAUTH2, which came before it and which some servers offer
//! alone. Both are one message; a refusal comes as a challenge in JSON that is answered before the verdict.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::Deserialize;
use skrynka_core::model::Endpoint;

use crate::wire::status::clean;

/// How a token is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    OauthBearer,
    Xoauth2,
}

impl Mechanism {
    /// The one to use of those that are offered.
    pub(crate) fn chosen(is_offered: impl Fn(&str) -> bool) -> Option<Self> {
        [Self::OauthBearer, Self::Xoauth2].into_iter().find(|mechanism| is_offered(mechanism.name()))
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
        }
    }

    /// The message in Base64.
    pub(crate) fn message(self, user: &str, server: &Endpoint, token: &SecretString) -> Zeroizing<String> {
        let token = token.expose_secret();
        let plain = Zeroizing::new(match self {
            // RFC 5801 section 4: these two part the fields of a name.
            Self::OauthBearer => format!(
                "n,a={},\x01host={}\x01port={}\x01auth=Bearer {token}\x01\x01",
                user.replace('=', "=3D").replace(',', "=2C"),
                server.host,
                server.port
            ),
            Self::Xoauth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
        });
        Zeroizing::new(STANDARD.encode(plain.as_bytes()))
    }

    /// What the challenge of a refusal is answered with, so that the verdict follows: one 0x01 (RFC 7628 section 3.2.3), or
    /// an empty line.
    pub(crate) const fn after_refusal(self) -> &'static str {
        match self {
            Self::OauthBearer => "AQ==",
            Self::Xoauth2 => "",
        }
    }
}

/// Reads the challenge of a refusal (RFC 7628 section 3.2.2): its status, and the scope that is wanted.
pub(crate) fn refusal(challenge: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        status: String,
        #[serde(default)]
        scope: String,
    }
    let json = STANDARD.decode(challenge.trim()).ok()?;
    let Refusal { status, scope } = serde_json::from_slice(&json).ok()?;
    Some(clean(&if scope.is_empty() { status } else { format!("{status}, scope {scope}") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_are_those_of_the_documents() {
        let server = Endpoint { host: "server.example.com".to_owned(), port: 143 };
        let token = SecretString::from("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        // RFC 7628 section 4.1, and Google's page on XOAUTH2.
        assert_eq!(
            *Mechanism::OauthBearer.message("user@example.com", &server, &token),
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
        );
        let token = SecretString::from("ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        assert_eq!(
            *Mechanism::Xoauth2.message("someuser@example.com", &server, &token),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
    }

    #[test]
    fn a_refusal_is_read_and_nonsense_is_not() {
        let google =
            "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K";
        assert_eq!(refusal(google).as_deref(), Some("401, scope https://mail.google.com/"));
        let plain = STANDARD.encode(r#"{"status":"invalid_token"}"#);
        assert_eq!(refusal(&plain).as_deref(), Some("invalid_token"));
        for nonsense in ["", "idling", "!!", "e30="] {
            assert_eq!(refusal(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_standard_is_chosen_before_its_forerunner() {
        let of = |offered: &'static [&str]| Mechanism::chosen(|name| offered.contains(&name));
        assert_eq!(of(&["XOAUTH2", "OAUTHBEARER"]), Some(Mechanism::OauthBearer));
        assert_eq!(of(&["XOAUTH2"]), Some(Mechanism::Xoauth2));
        assert_eq!(of(&["PLAIN"]), None);
    }
}
