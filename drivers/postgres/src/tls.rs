//! Encryption: what is verified of the server.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use thing_driver_api::{Error, Result};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::{Encryption, PostgresConfig};

/// What makes encrypted connections as configured.
pub(crate) fn connector(config: &PostgresConfig) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verification = match (config.encryption, &config.root_certificate) {
        (Encryption::Disable | Encryption::Prefer, _) | (Encryption::Require, None) => Verification::Nothing,
        (Encryption::Require | Encryption::VerifyCa, _) => Verification::Authority(authorities(config, &provider)?),
        (Encryption::VerifyFull, _) => Verification::Everything(authorities(config, &provider)?),
    };
    let verifier = Arc::new(Verifier { provider: provider.clone(), verification });
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::backend("encryption can't be set up").with_source(error))?
        // The verifier below is as strict as the configuration says.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(client))
}

fn authorities(config: &PostgresConfig, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    match &config.root_certificate {
        Some(file) => {
            let unreadable = |why: String| {
                Error::invalid_input(format!("the root certificate {} can't be used: {why}", file.display()))
            };
            let certificates = CertificateDer::pem_file_iter(file).map_err(|e| unreadable(e.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
                roots.add(certificate).map_err(|e| unreadable(e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable("the file holds no certificate".into()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(Error::invalid_input(
                    "the system trusts no certificate authority; name a root certificate",
                ));
            }
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| Error::invalid_input("the trusted authorities can't be used").with_source(error))
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    verification: Verification,
}

#[derive(Debug)]
enum Verification {
    Nothing,
    /// Who signed the certificate, not for whom.
    Authority(Arc<WebPkiServerVerifier>),
    Everything(Arc<WebPkiServerVerifier>),
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        revocation: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify = |authorities: &WebPkiServerVerifier| {
            authorities.verify_server_cert(certificate, intermediates, name, revocation, now)
        };
        match &self.verification {
            Verification::Nothing => Ok(ServerCertVerified::assertion()),
            Verification::Everything(authorities) => verify(authorities),
            Verification::Authority(authorities) => match verify(authorities) {
                // The name is looked at last, when the rest is in order.
                Err(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => Ok(ServerCertVerified::assertion()),
                outcome => outcome,
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
