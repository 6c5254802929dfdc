//! Signing in: `AUTHENTICATE PLAIN` in UTF-8 (RFC 4616), or `LOGIN` with literals where that is all a server offers.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::{Greeted, capabilities};
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
/// [`MailError::SignIn`] when name or password are refused; [`MailError::Refused`] when the server says that the
/// trouble is its own.
pub(crate) async fn sign_in(greeted: Greeted, user: &str, password: &SecretString, tuning: &Tuning) -> Result<Session> {
    // Three answers at most: the capabilities before, the verdict, the capabilities after.
    within(tuning.command.saturating_mul(3), exchange(greeted, user, password, tuning)).await
}

async fn exchange(greeted: Greeted, user: &str, password: &SecretString, tuning: &Tuning) -> Result<Session> {
    let Greeted { mut wire, capabilities: told, .. } = greeted;
    let before = match told {
        Some(told) => Capabilities::new(told),
        None => ask(&mut wire, tuning).await?,
    };
    if user.contains('\0') {
        return Err(MailError::BadName(user.to_owned()));
    }
    let status = if before.has("AUTH=PLAIN") {
        plain(&mut wire, &before, user, password, tuning).await?
    } else if before.has("LOGINDISABLED") {
        return Err(MailError::NoPasswordSignIn);
    } else {
        login(&mut wire, user, password, tuning).await?
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
    if capabilities.has("SASL-IR") {
        let command = Zeroizing::new(format!("AUTHENTICATE PLAIN {}", *response));
        let sent = wire.send(&command, tuning.command).await?;
        return outcome(wire, &sent, &[], tuning).await;
    }
    let sent = wire.send("AUTHENTICATE PLAIN", tuning.command).await?;
    outcome(wire, &sent, &[&response], tuning).await
}

/// A quoted string cannot carry every password, a literal can.
async fn login(wire: &mut Wire, user: &str, password: &SecretString, tuning: &Tuning) -> Result<Status> {
    let password = password.expose_secret();
    if user.contains(['\r', '\n']) || password.contains(['\r', '\n']) {
        return Err(MailError::NoPasswordSignIn);
    }
    let sent = wire.send(&format!("LOGIN {{{}}}", user.len()), tuning.command).await?;
    let first = Zeroizing::new(format!("{user} {{{}}}", password.len()));
    outcome(wire, &sent, &[&first, password], tuning).await
}

/// Answers each continuation with the next line and waits for the verdict.
async fn outcome(wire: &mut Wire, sent: &str, lines: &[&str], tuning: &Tuning) -> Result<Status> {
    let mut lines = lines.iter();
    loop {
        match wire.next(tuning.command).await? {
            // A further challenge means that the exchange has failed; an empty answer asks for the verdict.
            Reply::Continue => wire.send_line(lines.next().unwrap_or(&""), tuning.command).await?,
            Reply::Status { tag: Some(tag), status } if tag == sent => {
                return match status.word {
                    Word::Ok => Ok(status),
                    word => Err(refusal(word, status)),
                };
            }
            Reply::Status { tag: None, status } if status.word == Word::Bye => {
                return Err(MailError::Bye(status.into()));
            }
            _ => {}
        }
    }
}

fn refusal(word: Word, status: Status) -> MailError {
    let said: Box<crate::error::Goodbye> = status.into();
    if word == Word::Bad || is_temporary(&said) {
        MailError::Refused { doing: "sign in", said }
    } else {
        MailError::SignIn(said)
    }
}
