//! The twin's own certificate: production's key never is in a twin.

use rcgen::{CertificateParams, DnType, KeyPair};

use crate::error::TwinError;

/// A certificate that nobody outside of the twin believes.
#[derive(Debug)]
pub(crate) struct Certificate {
    /// The private key, as PEM.
    pub(crate) key: String,
    /// The certificate and its key, as PEM: right for a server that is told of one file or of two.
    pub(crate) with_key: String,
}

impl Certificate {
    /// Makes one for `hostname`.
    pub(crate) fn make(hostname: &str) -> Result<Self, TwinError> {
        let made = || -> Result<Self, rcgen::Error> {
            let key = KeyPair::generate()?;
            let mut params = CertificateParams::new([hostname.to_owned(), "localhost".to_owned()])?;
            params
                .distinguished_name
                .push(DnType::CommonName, "Lamplighter twin");
            let certificate = params.self_signed(&key)?;
            let key = key.serialize_pem();
            Ok(Self {
                with_key: format!("{}{key}", certificate.pem()),
                key,
            })
        };
        made().map_err(TwinError::Certificate)
    }
}
