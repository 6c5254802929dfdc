//! TLS with the system's own trust, and what a certificate says of itself.

use std::{sync::Arc, time::Duration};

use rustls::{
    ClientConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use time::OffsetDateTime;
use tokio::{task::spawn_blocking, time::timeout};
use tokio_rustls::TlsConnector;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use crate::{
    error::{MailError, Result, tls_error},
    wire::Stream,
};

/// What is known of an encrypted connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1_3` or `TLSv1_2`.
    pub version: String,
    /// The names the certificate is valid for.
    pub names: Vec<String>,
    /// Who issued it.
    pub issuer: String,
    /// When it ends.
    pub expires: OffsetDateTime,
}

/// Makes the handshake. `ca_pem` holds authorities to trust beside the system's.
///
/// # Errors
/// [`MailError::Certificate`] when the certificate is not trusted or of another name, [`MailError::Tls`] otherwise.
pub(crate) async fn protect(
    stream: Box<dyn Stream>,
    host: &str,
    ca_pem: Option<&str>,
    deadline: Duration,
) -> Result<(Box<dyn Stream>, TlsFacts)> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| MailError::Certificate(format!("{host:?} is no name a certificate can hold")))?;
    let connector = TlsConnector::from(config(ca_pem).await?);
    let handshake = connector.connect(name, stream);
    let shaken = timeout(deadline, handshake).await.map_err(|_| MailError::Silent(deadline))?;
    let stream = shaken.map_err(|error| tls_error(&error))?;
    let (_, connection) = stream.get_ref();
    let version = connection.protocol_version().map(|v| format!("{v:?}")).unwrap_or_default();
    let leaf = connection.peer_certificates().and_then(|chain| chain.first());
    let facts = leaf
        .and_then(|leaf| facts(leaf, &version))
        .ok_or_else(|| MailError::Certificate("the certificate cannot be read".to_owned()))?;
    Ok((Box::new(stream), facts))
}

async fn config(ca_pem: Option<&str>) -> Result<Arc<ClientConfig>> {
    let extra = authorities(ca_pem)?;
    let provider = Arc::new(ring::default_provider());
    // Reading the system's certificates is file work.
    let build = spawn_blocking(move || build(extra, provider));
    build.await.map_err(|error| MailError::Internal(error.to_string()))?
}

fn build(extra: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Arc<ClientConfig>> {
    let tls = |error: rustls::Error| MailError::Tls(error.to_string());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(tls)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .dangerous() // The verifier is the platform's own; rustls calls every verifier but its built-in one so.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn authorities(ca_pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>> {
    let Some(pem) = ca_pem.filter(|pem| !pem.trim().is_empty()) else { return Ok(Vec::new()) };
    let read: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(MailError::CaFile("no certificate in PEM form".to_owned())),
        Err(error) => Err(MailError::CaFile(error.to_string())),
    }
}

fn facts(leaf: &CertificateDer<'_>, version: &str) -> Option<TlsFacts> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.map(|extension| {
        let name = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => ip_text(bytes),
            _ => None,
        };
        extension.value.general_names.iter().filter_map(name).take(20).collect()
    });
    Some(TlsFacts {
        version: version.to_owned(),
        names: names.unwrap_or_default(),
        issuer: certificate.issuer().to_string(),
        expires: OffsetDateTime::from_unix_timestamp(certificate.validity().not_after.timestamp()).ok()?,
    })
}

fn ip_text(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|b| std::net::IpAddr::from(b).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|b| std::net::IpAddr::from(b).to_string())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named_as_such() {
        assert!(authorities(None).unwrap().is_empty());
        for wrong in ["hello", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(authorities(Some(wrong)), Err(MailError::CaFile(_))), "{wrong}");
        }
    }
}
