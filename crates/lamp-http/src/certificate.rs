//! The certificate that a server shows, read whatever is wrong with it: one that is over, not yet valid, for another name, or of
//! an authority that nobody believes.
//!
//! The dates are read by the very parser that judges certificates for clients: asked as of the end of time it names the end of the
//! certificate's life, asked as of 1970 the beginning.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use crate::inside;

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The beginning of its life.
    pub not_before: Timestamp,
    /// The end of its life.
    pub not_after: Timestamp,
    /// Whether it is for the host name that was asked for.
    pub is_for_host: bool,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The host name cannot stand in TLS.
    #[error("{host:?} is not a host name")]
    HostName {
        /// As given, cut to 200 characters.
        host: String,
    },
    /// Nobody answers, or the connection ended before a certificate was shown.
    #[error("connect")]
    Connect(#[source] io::Error),
    /// TLS did not come about.
    #[error("speak TLS")]
    Tls(#[source] Error),
    /// What was shown is no certificate that a client could read.
    #[error("read the certificate")]
    Unreadable,
}

/// Whom to ask, and as whom.
#[derive(Debug)]
pub struct Shown {
    /// The server.
    pub address: SocketAddr,
    /// The host name that is asked for.
    pub host: String,
    /// The network namespace to ask from; `None`: the caller's own.
    pub net: Option<OwnedFd>,
}

impl Shown {
    /// Reads the certificate, within `most`. Blocks, on a thread of its own if a namespace is to be joined.
    pub fn read(self, most: Duration) -> Result<Presented, ReadError> {
        let refused = || ReadError::HostName {
            host: self.host.chars().take(200).collect(),
        };
        let name = ServerName::try_from(self.host.clone()).map_err(|_| refused())?;
        let (asked, address) = (name.clone(), self.address);
        let thread = inside::work("lamp-http-certificate", self.net, move || async move {
            leaf(address, asked, Instant::now() + most)
        });
        let ended = thread.map_err(ReadError::Connect)?.join();
        let leaf = ended.unwrap_or_else(|_| Err(io::Error::other("its thread ended")));
        presented(&leaf.map_err(ReadError::Connect)??, &name)
    }
}

/// Speaks TLS up to the certificate.
fn leaf(
    address: SocketAddr,
    name: ServerName<'static>,
    until: Instant,
) -> Result<CertificateDer<'static>, ReadError> {
    let recorder = Arc::new(Recorder::default());
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ReadError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let mut session = ClientConnection::new(Arc::new(config), name).map_err(ReadError::Tls)?;
    let ended = shake_hands(&mut session, address, until);
    match recorder.take() {
        Some(leaf) => Ok(leaf),
        None => Err(ended.err().unwrap_or(ReadError::Unreadable)),
    }
}

fn shake_hands(session: &mut ClientConnection, address: SocketAddr, until: Instant) -> Result<(), ReadError> {
    let late = || ReadError::Connect(io::ErrorKind::TimedOut.into());
    let left = || {
        until
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    };
    let mut stream =
        TcpStream::connect_timeout(&address, left().ok_or_else(late)?).map_err(ReadError::Connect)?;
    while session.is_handshaking() {
        let left = left().ok_or_else(late)?;
        let bounded = stream
            .set_read_timeout(Some(left))
            .and_then(|()| stream.set_write_timeout(Some(left)));
        bounded.map_err(ReadError::Connect)?;
        if session.wants_write() {
            session.write_tls(&mut stream).map_err(ReadError::Connect)?;
            continue;
        }
        if session.read_tls(&mut stream).map_err(ReadError::Connect)? == 0 {
            return Err(ReadError::Connect(io::ErrorKind::UnexpectedEof.into()));
        }
        session.process_new_packets().map_err(ReadError::Tls)?;
    }
    Ok(())
}

fn presented(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<Presented, ReadError> {
    let parsed = ParsedCertificate::try_from(leaf).map_err(|_| ReadError::Unreadable)?;
    let at = |seconds| life_as_of(&parsed, UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
    let (Life::BeginsAt(not_before), Life::EndsAt(not_after)) = (at(0), at(u64::MAX)) else {
        return Err(ReadError::Unreadable);
    };
    Ok(Presented {
        not_before: moment(not_before),
        not_after: moment(not_after),
        is_for_host: verify_server_name(&parsed, name).is_ok(),
    })
}

/// What the parser says of a certificate's life at one time.
enum Life {
    BeginsAt(UnixTime),
    EndsAt(UnixTime),
    /// Nothing: it cannot be read.
    Unknown,
}

/// Its dates are looked at before anything else of it: that no authority is believed plays no part.
fn life_as_of(parsed: &ParsedCertificate<'_>, now: UnixTime) -> Life {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let nobody = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(parsed, &nobody, &[], now, algorithms.all) {
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            Life::BeginsAt(not_before)
        }
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Life::EndsAt(not_after)
        }
        Ok(()) | Err(_) => Life::Unknown,
    }
}

/// What lies beyond the calendar is its end.
fn moment(at: UnixTime) -> Timestamp {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// Keeps the certificate, and lets it pass.
#[derive(Debug, Default)]
struct Recorder(Mutex<Option<CertificateDer<'static>>>);

impl Recorder {
    fn take(&self) -> Option<CertificateDer<'static>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(leaf.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    /// Nothing is told to the server and nothing of it is believed: that it owns the key does not matter.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = ring::default_provider().signature_verification_algorithms;
        known.supported_schemes()
    }
}
