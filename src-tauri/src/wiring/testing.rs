//! The seam that shortens pauses for a test, and lets sign-ins, and sessions that name no address, reach the data centres of a test or of the demo.
//! Compiled only with the feature `testing`, never into a release.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde::Deserialize;
use skrynka_core::engine::MailTerms;
use skrynka_telegram::DataCentres;

/// The variable that names the file with the data centres.
const VARIABLE: &str = "SKRYNKA_TELEGRAM_CENTRES";

/// A data centre: where it is, and in 512 hex digits the key that stands in for the key exchange.
#[derive(Deserialize)]
struct Named {
    address: SocketAddr,
    key: Option<String>,
}

/// Short pauses between tries of a mail where a test asks for them, in milliseconds.
pub fn mail_terms() -> MailTerms {
    let asked = std::env::var("SKRYNKA_MAIL_PAUSE_MS").ok().and_then(|ms| ms.parse().ok());
    match asked {
        Some(ms) => MailTerms { pauses: vec![Duration::from_millis(ms)], ..MailTerms::default() },
        None => MailTerms::default(),
    }
}

/// Reads the file that is named, each time: a key serves one sign-in.
pub fn centres() -> DataCentres {
    let Some(path) = std::env::var_os(VARIABLE) else { return DataCentres::default() };
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    let named: Result<BTreeMap<i32, Named>, String> =
        read.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()));
    match named {
        Ok(named) => named.into_iter().fold(DataCentres::default(), |centres, (dc, named)| {
            centres.with(dc, named.address, named.key.as_deref().and_then(key))
        }),
        Err(error) => {
            tracing::error!(target: "skrynka::telegram", error, "Test's data centres not read");
            // Nothing listens there: a test never reaches Telegram itself.
            let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
            (1..=5).fold(DataCentres::default(), |centres, dc| centres.with(dc, nowhere, None))
        }
    }
}

fn key(hex: &str) -> Option<[u8; 256]> {
    let mut key = [0; 256];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(key)
}
