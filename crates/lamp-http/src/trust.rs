//! Whom TLS believes.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::builder::Protocol;

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// The machine's own store of authorities.
    #[default]
    System,
    /// This authority alone, given as DER.
    Authority(Vec<u8>),
    /// Any certificate. Only for asking one's own host by its address, where the name in the certificate
    /// says nothing: the answer proves what the site serves, not who serves it.
    AnyCertificate,
}

/// The TLS set-up for `trust`; `None`: the client library's own with the machine's store.
pub(crate) fn config(trust: &Trust, protocol: Protocol) -> Result<Option<ClientConfig>, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let versions =
        || ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let mut config = match trust {
        Trust::System => {
            // The library takes the process's provider; a second call finds the same one already set.
            let _ = CryptoProvider::clone(&provider).install_default();
            return Ok(None);
        }
        Trust::Authority(der) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_slice(der).into_owned())?;
            versions()?.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::AnyCertificate => versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(Arc::clone(&provider))))
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.alpn().to_vec()];
    Ok(Some(config))
}

/// Accepts every chain; signatures are still checked, so the peer does own the key that it shows.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
