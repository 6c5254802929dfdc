//! Signing in: `AUTHENTICATE PLAIN` in UTF-8 (RFC 4616), or `LOGIN` with literals where that is all a server offers; with
//! a token by OAUTHBEARER or XOAUTH2.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use skrynka_core::model::EmailSettings;

use super::{
    Greeted,
    access::Proof,
    capabilities,
    sasl::{self, Mechanism},
};
use crate::{
    error::{MailError, Result, is_temporary, within},
    session::{Capabilities, Session},
    tuning::Tuning,
    wire::{
        Wire,
        reply::Reply,
        status::{Status, Word},
    },
};

/// Signs in over a greeted connection.
///
/// # Errors
/// [`MailError::SignIn`] when name or password are refused, [`MailError::TokenRefused`] when a token is; [`MailError::Refused`] when the server says that the
/// trouble is its own.
pub(crate) async fn sign_in(
    greeted: Greeted,
    settings: &EmailSettings,
    proof: &Proof,
    tuning: &Tuning,
) -> Result<Session> {
    // Three answers at most: the capabilities before, the verdict, the capabilities after.
    within(tuning.command.saturating_mul(3), exchange(greeted, settings, proof, tuning)).await
}

async fn exchange(greeted: Greeted, settings: &EmailSettings, proof: &Proof, tuning: &Tuning) -> Result<Session> {
    let user = settings.user.as_str();
    let Greeted { mut wire, capabilities: told, .. } = greeted;
    let before = match told {
        Some(told) => Capabilities::new(told),
        None => ask(&mut wire, tuning).await?,
    };
    if user.contains(['\0', '\u{1}']) {
        return Err(MailError::BadName(user.to_owned()));
    }
    let status = match proof {
        Proof::Bearer(token) => bearer(&mut wire, &before, settings, token, tuning).await?,
        Proof::Password(password) if before.has("AUTH=PLAIN") => {
            plain(&mut wire, &before, user, password, tuning).await?
        }
        Proof::Password(_) if before.has("LOGINDISABLED") => return Err(MailError::NoPasswordSignIn),
        Proof::Password(password) => login(&mut wire, user, password, tuning).await?,
    };
    let after = match capabilities(&status) {
        Some(told) => Capabilities::new(told),
        None => ask(&mut wire, tuning).await?,
    };
    Ok(Session::new(wire, after, tuning.clone()))
}

async fn ask(wire: &mut Wire, tuning: &Tuning) -> Result<Capabilities> {
    let sent = wire.send("CAPABILITY", tuning.command).await?;
    let mut found = Vec::new();
    loop {
        match wire.next(tuning.command).await? {
            Reply::Capability(words) => found = words,
            Reply::Status { tag: Some(tag), status } if tag == sent => {
                return match status.word {
                    Word::Ok => Ok(Capabilities::new(found)),
                    _ => Err(MailError::Refused { doing: "name its capabilities", said: status.into() }),
                };
            }
            Reply::Status { tag: None, status } if status.word == Word::Bye => {
                return Err(MailError::Bye(status.into()));
            }
            _ => {}
        }
    }
}

async fn plain(
    wire: &mut Wire,
    capabilities: &Capabilities,
    user: &str,
    password: &SecretString,
    tuning: &Tuning,
) -> Result<Status> {
    let message = Zeroizing::new(format!("\0{user}\0{}", password.expose_secret()));
    let response = Zeroizing::new(STANDARD.encode(message.as_bytes()));
    authenticate(wire, capabilities, ("PLAIN", &response, ""), tuning).await
}

async fn bearer(
    wire: &mut Wire,
    capabilities: &Capabilities,
    settings: &EmailSettings,
    token: &SecretString,
    tuning: &Tuning,
) -> Result<Status> {
    let chosen = Mechanism::chosen(|name| capabilities.has(&format!("AUTH={name}")));
    let mechanism = chosen.ok_or(MailError::NoTokenSignIn)?;
    let response = mechanism.message(&settings.user, &settings.imap, token);
    let exchange = (mechanism.name(), response.as_str(), mechanism.after_refusal());
    authenticate(wire, capabilities, exchange, tuning).await.map_err(|error| match error {
        MailError::SignIn(said) => MailError::TokenRefused(said),
        other => other,
    })
}

/// Runs a mechanism whose client speaks once; `then` answers a challenge after that.
async fn authenticate(
    wire: &mut Wire,
    capabilities: &Capabilities,
    (mechanism, response, then): (&str, &str, &str),
    tuning: &Tuning,
) -> Result<Status> {
    if capabilities.has("SASL-IR") {
        let command = Zeroizing::new(format!("AUTHENTICATE {mechanism} {response}"));
        let sent = wire.send(&command, tuning.command).await?;
        return outcome(wire, &sent, &[], then, tuning).await;
    }
    let sent = wire.send(&format!("AUTHENTICATE {mechanism}"), tuning.command).await?;
    outcome(wire, &sent, &[response], then, tuning).await
}

/// A quoted string cannot carry every password, a literal can.
async fn login(wire: &mut Wire, user: &str, password: &SecretString, tuning: &Tuning) -> Result<Status> {
    let password = password.expose_secret();
    if user.contains(['\r', '\n']) || password.contains(['\r', '\n']) {
        return Err(MailError::NoPasswordSignIn);
    }
    let sent = wire.send(&format!("LOGIN {{{}}}", user.len()), tuning.command).await?;
    let first = Zeroizing::new(format!("{user} {{{}}}", password.len()));
    outcome(wire, &sent, &[&first, password], "", tuning).await
}

/// Answers each continuation with the next line and waits for the verdict. A further challenge means that the exchange has
/// failed: `then` asks for the verdict.
async fn outcome(wire: &mut Wire, sent: &str, lines: &[&str], then: &str, tuning: &Tuning) -> Result<Status> {
    let mut lines = lines.iter();
    let mut why = None;
    loop {
        match wire.next(tuning.command).await? {
            Reply::Continue(challenge) => {
                let line = lines.next().copied().unwrap_or_else(|| {
                    why = sasl::refusal(&challenge);
                    then
                });
                wire.send_line(line, tuning.command).await?;
            }
            Reply::Status { tag: Some(tag), status } if tag == sent => {
                return match status.word {
                    Word::Ok => Ok(status),
                    word => Err(refusal(word, status, why)),
                };
            }
            Reply::Status { tag: None, status } if status.word == Word::Bye => {
                return Err(MailError::Bye(status.into()));
            }
            _ => {}
        }
    }
}

fn refusal(word: Word, status: Status, why: Option<String>) -> MailError {
    let mut said: Box<crate::error::Goodbye> = status.into();
    if let Some(why) = why {
        said.text = format!("{} ({why})", said.text);
    }
    if word == Word::Bad || is_temporary(&said) {
        MailError::Refused { doing: "sign in", said }
    } else {
        MailError::SignIn(said)
    }
}
