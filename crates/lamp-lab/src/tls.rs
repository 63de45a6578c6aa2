//! The lab's own certificate authority and the certificate of its sites.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::error::LabError;

/// What is made once per lab.
pub(crate) struct Certificates {
    /// The authority, as DER: what clients are told to believe.
    pub(crate) authority: Vec<u8>,
    /// The sites' certificate, as PEM.
    pub(crate) certificate: String,
    /// Its key, as PEM.
    pub(crate) key: String,
}

/// The last day of a certificate's life: year, month, day.
pub(crate) type LastDay = (i32, u8, u8);

/// Makes an authority and one certificate of it for all `hosts`; without a last day it lives for longer than anybody asks.
pub(crate) fn make(hosts: Vec<String>, until: Option<LastDay>) -> Result<Certificates, LabError> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "Lamplighter lab");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let mut site = CertificateParams::new(hosts)?;
    site.distinguished_name
        .push(DnType::CommonName, "Lamplighter lab site");
    if let Some((year, month, day)) = until {
        site.not_after = rcgen::date_time_ymd(year, month, day);
    }
    let certificate = site.signed_by(&key, &authority)?;
    Ok(Certificates {
        authority: authority.der().to_vec(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}
