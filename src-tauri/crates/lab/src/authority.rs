//! A certificate authority for one run.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

/// What kind of certificate a server shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// Valid for `localhost` and `127.0.0.1`.
    #[default]
    Valid,
    /// Its time is over.
    Expired,
    /// Made out to `imap.example.net`.
    WrongName,
    /// Valid names and times, but signed by an authority that nobody knows.
    UnknownIssuer,
}

/// The authority: its own certificate is what a client has to trust.
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and private key as PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate().context("Failed to make the authority's key")?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Skrynka lab authority");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).context("Failed to sign the authority's certificate")?.pem();
        Ok(Self { pem, issuer: Issuer::new(params, key) })
    }

    /// Returns the certificate that a client has to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Makes a certificate for a server on this machine.
    pub fn issue(&self, kind: Certificate) -> Result<Identity> {
        let key = KeyPair::generate().context("Failed to make a server's key")?;
        let names = match kind {
            Certificate::WrongName => vec!["imap.example.net".to_owned()],
            Certificate::Valid | Certificate::Expired | Certificate::UnknownIssuer => {
                vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
            }
        };
        let mut params = CertificateParams::new(names.clone()).context("Failed to name a server")?;
        params.distinguished_name.push(DnType::CommonName, names[0].as_str());
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(if kind == Certificate::Expired { 2021 } else { 2100 }, 1, 1);
        let stranger;
        let issuer = if kind == Certificate::UnknownIssuer {
            stranger = Self::new()?;
            &stranger.issuer
        } else {
            &self.issuer
        };
        let certificate = params.signed_by(&key, issuer).context("Failed to sign a server's certificate")?.pem();
        Ok(Identity { certificate, key: key.serialize_pem() })
    }
}
