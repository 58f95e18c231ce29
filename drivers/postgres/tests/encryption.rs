//! Encryption: what each mode verifies.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{patient, query};
use thing_driver_api::{Error, ErrorKind, Result, Value};
use thing_driver_postgres::{Encryption, PostgresConfig, PostgresExecutor};
use thing_test_servers::{certificate_authority, postgres_url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn config(encryption: Encryption) -> PostgresConfig {
    patient(PostgresConfig::from_url(&postgres_url()).unwrap()).encryption(encryption)
}

/// Whether the connection is encrypted.
async fn encrypted(config: PostgresConfig) -> Result<bool> {
    let executor = PostgresExecutor::connect(config).await?;
    let asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let rows = query(&executor, asked, &[]).await?.rows;
    Ok(rows == [[Value::Bool(true)]])
}

fn assert_refused(outcome: Result<bool>, words: &str) -> Error {
    let error = outcome.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(error.to_string().contains("encryption failed") && error.to_string().contains(words), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_encrypts_and_verifies_what_it_says() {
    assert!(!encrypted(config(Encryption::Disable)).await.unwrap());
    assert!(encrypted(config(Encryption::Prefer)).await.unwrap());
    assert!(encrypted(config(Encryption::Require)).await.unwrap());
    for encryption in [Encryption::Require, Encryption::VerifyCa, Encryption::VerifyFull] {
        let config = config(encryption).root_certificate(certificate_authority());
        assert!(encrypted(config).await.unwrap(), "{encryption:?}");
    }
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", postgres_url(), certificate_authority().display());
    assert!(encrypted(patient(PostgresConfig::from_url(&url).unwrap())).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_authority_is_not_trusted() {
    for encryption in [Encryption::VerifyCa, Encryption::VerifyFull] {
        // The system does not know the authority of the test server.
        match encrypted(config(encryption)).await {
            Err(error) if *error.kind() == ErrorKind::InvalidInput => {
                assert!(error.to_string().contains("trusts no certificate authority"), "{error}");
            }
            outcome => drop(assert_refused(outcome, "UnknownIssuer")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_for_verify_ca_only() {
    // The test server under a name that its certificate does not hold.
    let renamed = postgres_url().replace("127.0.0.1", "db.example.com").replace("localhost", "db.example.com");
    let config = patient(PostgresConfig::from_url(&format!("{renamed}?hostaddr=127.0.0.1")).unwrap());
    let config = config.root_certificate(certificate_authority());
    assert!(encrypted(config.clone().encryption(Encryption::VerifyCa)).await.unwrap());
    let error = assert_refused(encrypted(config.encryption(Encryption::VerifyFull)).await, "db.example.com");
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_certificate_that_can_not_be_read_is_named() {
    for file in ["/nowhere/ca.pem", "/dev/null"] {
        let error = encrypted(config(Encryption::VerifyFull).root_certificate(file)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(file), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_encryption_is_refused_where_it_is_required() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).await.unwrap();
        client.write_all(b"N").await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap_or_default()
    });
    let config = PostgresConfig::from_url(&format!("postgres://user:hunter2@127.0.0.1:{port}/database")).unwrap();
    assert_refused(encrypted(config.encryption(Encryption::Require)).await, "does not support TLS");
    assert_eq!(server.await.unwrap(), 0, "nothing was sent in plain text");
}
