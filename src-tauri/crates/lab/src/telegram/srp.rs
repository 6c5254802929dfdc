//! The server's half of Telegram's two-step password: SRP with Telegram's hashing.

use grammers_tl_types as tl;
use num_bigint::BigUint;
use rand::RngExt;
use sha2::Sha512;

use super::cipher::sha256;

/// The 2048-bit prime that Telegram uses.
const PRIME: &str = include_str!("srp/prime.txt");
const GENERATOR: u32 = 3;
const SALT_1: &[u8] = b"the first salt";
const SALT_2: &[u8] = b"the second salt";
const ROUNDS: u32 = 100_000;
const LENGTH: usize = 256;

/// What the server keeps instead of a password.
#[derive(Debug, Clone)]
pub(super) struct Verifier(BigUint);

/// A question that waits for its proof.
#[derive(Debug, Clone)]
pub(super) struct Challenge {
    pub(super) id: i64,
    secret: BigUint,
}

impl Verifier {
    pub(super) fn new(password: &str) -> Self {
        let salted = |data: &[u8], salt: &[u8]| sha256(&[salt, data, salt]);
        let first = salted(&salted(password.as_bytes(), SALT_1), SALT_2);
        let mut stretched = [0; 64];
        pbkdf2::pbkdf2_hmac::<Sha512>(&first, SALT_1, ROUNDS, &mut stretched);
        let x = BigUint::from_bytes_be(&salted(&stretched, SALT_2));
        Self(BigUint::from(GENERATOR).modpow(&x, &prime()))
    }

    /// Makes a new question. Returns it with the server's public value.
    pub(super) fn challenge(&self) -> (Challenge, Vec<u8>) {
        let mut secret = [0; LENGTH];
        rand::rng().fill(&mut secret);
        let challenge = Challenge { id: rand::rng().random(), secret: BigUint::from_bytes_be(&secret) };
        let public = self.public(&challenge);
        (challenge, public)
    }

    /// Tells whether the client proved that it knows the password.
    pub(super) fn check(&self, challenge: &Challenge, a: &[u8], proof: &[u8]) -> bool {
        let prime = prime();
        let a = BigUint::from_bytes_be(a);
        if a.bits() < 1984 || a >= prime {
            return false;
        }
        let b = self.public(challenge);
        let u = BigUint::from_bytes_be(&sha256(&[&padded(&a), &b]));
        let shared = (&a * self.0.modpow(&u, &prime)).modpow(&challenge.secret, &prime);
        let prime_hash = sha256(&[&padded(&prime)]);
        let generator_hash = sha256(&[&generator()]);
        let mixed: Vec<u8> = prime_hash.iter().zip(generator_hash).map(|(left, right)| left ^ right).collect();
        let salts = [sha256(&[SALT_1]), sha256(&[SALT_2])];
        sha256(&[&mixed, &salts[0], &salts[1], &padded(&a), &b, &sha256(&[&padded(&shared)])]) == *proof
    }

    fn public(&self, challenge: &Challenge) -> Vec<u8> {
        let prime = prime();
        let k = BigUint::from_bytes_be(&sha256(&[&padded(&prime), &generator()]));
        padded(&((k * &self.0 + BigUint::from(GENERATOR).modpow(&challenge.secret, &prime)) % &prime))
    }
}

/// Returns how clients are to hash a password.
pub(super) fn algorithm() -> tl::enums::PasswordKdfAlgo {
    tl::types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow {
        salt1: SALT_1.to_vec(),
        salt2: SALT_2.to_vec(),
        g: i32::try_from(GENERATOR).unwrap_or_default(),
        p: padded(&prime()),
    }
    .into()
}

fn prime() -> BigUint {
    BigUint::parse_bytes(PRIME.trim().as_bytes(), 16).unwrap_or_default()
}

fn generator() -> Vec<u8> {
    padded(&BigUint::from(GENERATOR))
}

fn padded(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut out = vec![0; LENGTH.saturating_sub(bytes.len())];
    out.extend(bytes);
    out
}
