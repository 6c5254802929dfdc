//! MTProto 2.0's message encryption from the server's side.

use grammers_crypto::aes;
use rand::RngExt;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Key;

/// The last eight bytes of a key's SHA-1, by which packets name it.
pub(super) type KeyId = [u8; 8];

/// Key id and message key, which stand before what is encrypted.
const HEADER: usize = 24;
const MESSAGE_KEY: std::ops::Range<usize> = 8..HEADER;

/// Where the two directions take their parts of the key.
const FROM_CLIENT: usize = 0;
const FROM_SERVER: usize = 8;

pub(super) fn key_id(key: &Key) -> KeyId {
    let mut id = KeyId::default();
    id.copy_from_slice(&Sha1::digest(key)[12..20]);
    id
}

pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Decrypts a client's packet, key id included. Returns `None` if its length or its message key is wrong.
pub(super) fn decrypt(key: &Key, packet: &[u8]) -> Option<Vec<u8>> {
    let message_key = packet.get(MESSAGE_KEY)?;
    let mut plain = packet[HEADER..].to_vec();
    if plain.is_empty() || !plain.len().is_multiple_of(16) {
        return None;
    }
    let (aes_key, iv) = derive(key, message_key, FROM_CLIENT);
    aes::ige_decrypt(&mut plain, &aes_key, &iv);
    (sha256(&[&key[88..120], &plain])[8..24] == *message_key).then_some(plain)
}

/// Encrypts for a client. Returns the packet, key id included.
pub(super) fn encrypt(key: &Key, id: &KeyId, mut plain: Vec<u8>) -> Vec<u8> {
    let padding = 12 + (16 - (plain.len() + 12) % 16) % 16;
    let mut noise = [0; 32];
    rand::rng().fill(&mut noise);
    plain.extend(&noise[..padding]);
    let hash = sha256(&[&key[96..128], &plain]);
    let message_key = &hash[8..24];
    let (aes_key, iv) = derive(key, message_key, FROM_SERVER);
    aes::ige_encrypt(&mut plain, &aes_key, &iv);
    [id, message_key, &plain].concat()
}

fn derive(key: &Key, message_key: &[u8], x: usize) -> ([u8; 32], [u8; 32]) {
    let a = sha256(&[message_key, &key[x..x + 36]]);
    let b = sha256(&[&key[x + 40..x + 76], message_key]);
    let mix = |outer: &[u8; 32], inner: &[u8; 32]| {
        let mut mixed = *outer;
        mixed[8..24].copy_from_slice(&inner[8..24]);
        mixed
    };
    (mix(&a, &b), mix(&b, &a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_was_touched_is_refused() {
        let mut key = [0; 256];
        rand::rng().fill(&mut key);
        // A key whose halves are alike makes both directions the same, so that one end can play both.
        let mirrored: Key = std::array::from_fn(|at| key[at % 8]);
        let packet = encrypt(&mirrored, &key_id(&mirrored), vec![9; 40]);
        let plain = decrypt(&mirrored, &packet).unwrap();
        assert_eq!(plain[..40], [9; 40]);
        for at in [8, 24, packet.len() - 1] {
            let mut touched = packet.clone();
            touched[at] ^= 1;
            assert_eq!(decrypt(&mirrored, &touched), None, "byte {at}");
        }
        assert_eq!(decrypt(&mirrored, &packet[..packet.len() - 1]), None);
        assert_eq!(decrypt(&mirrored, &packet[..20]), None);
    }
}
