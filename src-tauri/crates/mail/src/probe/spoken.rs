//! A failure in the server's own words, without the password: some servers repeat what they did not understand.

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, zeroize::Zeroizing};
use skrynka_core::model::{EmailSettings, Trouble};

use crate::{
    connect::access::Proof,
    error::{Goodbye, MailError},
};

/// What an IMAP server said, as it stood on the line.
pub(super) fn imap(error: &MailError, settings: &EmailSettings, proof: Option<&Proof>) -> Trouble {
    let reply = words(error).map(|said| {
        let goodbye = matches!(error, MailError::Bye(_));
        let word = if goodbye {
            "BYE"
        } else if said.bad {
            "BAD"
        } else {
            "NO"
        };
        let code = if said.code.is_empty() { String::new() } else { format!("[{}] ", said.code) };
        format!("{word} {code}{}", said.text)
    });
    trouble(error, reply, settings, proof)
}

/// What an SMTP server said; its text begins with the reply's code.
pub(super) fn smtp(error: &MailError, settings: &EmailSettings, proof: Option<&Proof>) -> Trouble {
    trouble(error, words(error).map(|said| said.text.clone()), settings, proof)
}

/// The server's words, where it is the server that refused.
fn words(error: &MailError) -> Option<&Goodbye> {
    if let MailError::Bye(words)
    | MailError::SignIn(words)
    | MailError::TokenRefused(words)
    | MailError::Refused { said: words, .. } = error
    {
        return Some(words);
    }
    None
}

fn trouble(error: &MailError, reply: Option<String>, settings: &EmailSettings, proof: Option<&Proof>) -> Trouble {
    let Trouble { code, detail } = error.trouble();
    let said = reply.unwrap_or(detail);
    let detail = match proof {
        Some(proof) => without_secret(said, &settings.user, proof),
        None => said,
    };
    Trouble { code, detail }
}

/// Takes the password or token out of a text in every form it was sent in.
fn without_secret(mut text: String, user: &str, proof: &Proof) -> String {
    let secret = proof.secret().expose_secret();
    let plain = Zeroizing::new(match proof {
        Proof::Password(_) => format!("\0{user}\0{secret}"),
        Proof::Bearer(_) => format!("user={user}\u{1}auth=Bearer {secret}\u{1}\u{1}"),
    });
    let sasl = Zeroizing::new(STANDARD.encode(plain.as_bytes()));
    let alone = Zeroizing::new(STANDARD.encode(secret));
    for form in [sasl.as_str(), alone.as_str(), secret] {
        // Shorter ones would only garble what is said.
        if form.len() >= 4 && text.contains(form) {
            text = text.replace(form, "…");
        }
        // A long reply is cut, perhaps in the middle of the secret.
        let start = form.char_indices().nth(8).and_then(|(end, _)| form.get(..end));
        if let Some(at) = start.and_then(|start| text.find(start)) {
            text.truncate(at);
            text.push('…');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_repeats_the_password_is_shown_without_it() {
        let password = Proof::Password("correct horse".into());
        for (said, shown) in [
            ("500 unknown: AUTH PLAIN AG1lAGNvcnJlY3QgaG9yc2U= here", "500 unknown: AUTH PLAIN … here"),
            ("NO login me correct horse failed", "NO login me … failed"),
            ("500 Y29ycmVjdCBob3JzZQ==", "500 …"),
            ("500 cut: AG1lAGNvcnJlY3", "500 cut: …"),
            ("NO [AUTHENTICATIONFAILED] no", "NO [AUTHENTICATIONFAILED] no"),
        ] {
            assert_eq!(without_secret(said.to_owned(), "me", &password), shown);
        }
        assert_eq!(without_secret("NO".to_owned(), "", &Proof::Password("".into())), "NO");
    }
}
