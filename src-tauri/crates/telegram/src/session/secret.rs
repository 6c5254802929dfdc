//! Skrynka's own form of a session: what the keyring holds.

use std::{fmt, net::SocketAddr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use super::formats::FormatError;

/// Bytes of an authorisation key.
pub(crate) const KEY_BYTES: usize = 256;
/// The first words of the text form, with its version.
const MARK: &str = "skrynka-session-1";

/// An authorisation key. It cannot be printed, and it is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Box<[u8; KEY_BYTES]>);

impl Key {
    /// Reads a key of the right length.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(Box::new(bytes.try_into().ok()?)))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The bytes, for the library that encrypts with them.
    pub(crate) const fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A signed-in session: whoever holds it is the account.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret {
    dc: i32,
    address: Option<SocketAddr>,
    key: Key,
}

/// The keyring's text is not a session of Skrynka's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what the keyring holds for this account is not a session")]
pub struct NotASession;

impl SessionSecret {
    pub(crate) const fn new(dc: i32, address: Option<SocketAddr>, key: Key) -> Self {
        Self { dc, address, key }
    }

    /// The data centre it belongs to.
    pub const fn dc(&self) -> i32 {
        self.dc
    }

    /// Whether both are of one key, whatever format or address they came with: Telegram takes them for one session.
    pub fn has_key_of(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// The address that came with it; without one the data centre's own is used.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }

    /// Writes the text that the keyring keeps.
    pub fn to_secret(&self) -> SecretString {
        let address = self.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
        let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.key.bytes()));
        format!("{MARK} {} {address} {}", self.dc, *key).into()
    }

    /// Reads a session as another program kept it, by its structure.
    ///
    /// # Errors
    /// [`FormatError`]: it is none, or no whole one.
    pub fn from_foreign(text: &SecretString) -> Result<Self, FormatError> {
        Ok(super::formats::from_text(text.expose_secret())?.into_secret())
    }

    /// Reads the text that the keyring kept.
    ///
    /// # Errors
    /// It is not such a text.
    pub fn from_secret(secret: &SecretString) -> Result<Self, NotASession> {
        let mut words = secret.expose_secret().split(' ');
        let (mark, dc, address, key) = (words.next(), words.next(), words.next(), words.next());
        if mark != Some(MARK) || words.next().is_some() {
            return Err(NotASession);
        }
        let dc = dc.and_then(|dc| dc.parse().ok()).filter(|dc| (1..=5).contains(dc)).ok_or(NotASession)?;
        let address = match address.ok_or(NotASession)? {
            "-" => None,
            address => Some(address.parse().map_err(|_| NotASession)?),
        };
        let key = Zeroizing::new(URL_SAFE_NO_PAD.decode(key.ok_or(NotASession)?).map_err(|_| NotASession)?);
        Ok(Self { dc, address, key: Key::read(&key).ok_or(NotASession)? })
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionSecret").field("dc", &self.dc).field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_comes_back_as_it_went_and_debug_shows_no_key() {
        let key = Key::read(&std::array::from_fn::<u8, KEY_BYTES, _>(|at| at as u8)).unwrap();
        for address in [None, Some("127.0.0.1:443".parse().unwrap()), Some("[::1]:17443".parse().unwrap())] {
            let session = SessionSecret::new(4, address, key.clone());
            let secret = session.to_secret();
            assert!(SessionSecret::from_secret(&secret).unwrap() == session);
            assert!(secret.expose_secret().len() < 420, "Windows keeps 1,280 characters");
            let shown = format!("{session:?}");
            assert!(!shown.contains("AAEC") && !shown.contains("0, 1, 2"), "{shown}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "1BVts", "skrynka-session-1 9 - AA", "skrynka-session-1 2 - AA", "skrynka-session-1 2 x AA"] {
            assert_eq!(SessionSecret::from_secret(&text.to_owned().into()), Err(NotASession), "{text}");
        }
    }
}
