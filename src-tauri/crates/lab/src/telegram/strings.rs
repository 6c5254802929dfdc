//! An account's session as other programs write it. The product reads these with code of its own.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};

use super::{AccountId, Key};

/// Writes a Telethon string with an IPv4 address, or with an IPv6 one where the address is such.
pub fn telethon(dc: i32, address: SocketAddr, key: &Key) -> String {
    let mut packed = vec![dc_byte(dc)];
    match address.ip() {
        IpAddr::V4(ip) => packed.extend(ip.octets()),
        IpAddr::V6(ip) => packed.extend(ip.octets()),
    }
    packed.extend(address.port().to_be_bytes());
    packed.extend(key);
    format!("1{}", URL_SAFE.encode(packed))
}

/// Writes a Telethon string whose IPv4 address stands in the IPv6 form.
pub fn telethon_v6(dc: i32, address: SocketAddr, key: &Key) -> String {
    let ip: Ipv6Addr = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    telethon(dc, SocketAddr::from((ip, address.port())), key)
}

/// Writes a GramJS string: the address is text, the base64 is the standard one.
pub fn gramjs(dc: i32, host: &str, port: u16, key: &Key) -> String {
    let mut packed = vec![dc_byte(dc)];
    packed.extend(u16::try_from(host.len()).unwrap_or(u16::MAX).to_be_bytes());
    packed.extend(host.as_bytes());
    packed.extend(port.to_be_bytes());
    packed.extend(key);
    format!("1{}", STANDARD.encode(packed))
}

/// Writes a Pyrogram 2 string.
pub fn pyrogram(dc: i32, api_id: u32, key: &Key, account: AccountId, bot: bool) -> String {
    let mut packed = vec![dc_byte(dc)];
    packed.extend(api_id.to_be_bytes());
    packed.push(0);
    packed.extend(key);
    packed.extend(account.0.to_be_bytes());
    packed.push(u8::from(bot));
    URL_SAFE_NO_PAD.encode(packed)
}

/// Writes a string of Pyrogram 1.x with a user id of 64 bits.
pub fn pyrogram_1(dc: i32, key: &Key, account: AccountId, bot: bool) -> String {
    pyrogram_old(dc, key, &account.0.to_be_bytes(), bot)
}

/// Writes a string of the first Pyrogram 1.x, with a user id of 32 bits.
pub fn pyrogram_1_short(dc: i32, key: &Key, account: AccountId, bot: bool) -> String {
    pyrogram_old(dc, key, &u32::try_from(account.0).unwrap_or(u32::MAX).to_be_bytes(), bot)
}

fn pyrogram_old(dc: i32, key: &Key, user_id: &[u8], bot: bool) -> String {
    let mut packed = vec![dc_byte(dc), 0];
    packed.extend(key);
    packed.extend(user_id);
    packed.push(u8::from(bot));
    URL_SAFE_NO_PAD.encode(packed)
}

fn dc_byte(dc: i32) -> u8 {
    u8::try_from(dc).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_other_programs() {
        let (key, account) = ([7; 256], AccountId(1_000_001));
        let address: SocketAddr = "127.0.0.1:4430".parse().unwrap();
        assert_eq!(telethon(2, address, &key).len(), 353);
        assert_eq!(telethon_v6(2, address, &key).len(), 369);
        assert_eq!(gramjs(2, "149.154.167.50", 443, &key).len(), 369);
        assert_eq!(pyrogram(2, 12345, &key, account, false).len(), 362);
        assert_eq!(pyrogram_1(2, &key, account, false).len(), 356);
        assert_eq!(pyrogram_1_short(2, &key, account, false).len(), 351);
    }
}
