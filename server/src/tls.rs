//! TLS by a certificate and a key from files.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use essence::{Error, ErrorKind, Result};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::options::TlsFiles;

/// The first byte of a TLS connection: the content type of a handshake (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

/// Answers connections with TLS.
#[derive(Clone)]
pub(crate) struct Tls(TlsAcceptor);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// - `NotFound`, `Io`: a file can't be read.
    /// - `InvalidArgument`: it holds no certificate or no key, or they don't belong together.
    pub(crate) fn open(files: &TlsFiles) -> Result<Self> {
        let certificates = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(|e| unreadable(&files.certificate, "certificate", e))?;
        if certificates.is_empty() {
            return Err(unreadable(
                &files.certificate,
                "certificate",
                pem::Error::NoItemsFound,
            ));
        }
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|e| unreadable(&files.key, "key", e))?;
        let refused = |e| {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            let message =
                format!("the certificate {certificate} and the key {key} don't make a server");
            Error::new(ErrorKind::InvalidArgument, message).with_source(e)
        };
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(refused)?
                .with_no_client_auth()
                .with_single_cert(certificates, key)
                .map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// The connection under TLS, if the browser gets there in time. One that speaks plain http is told so.
    pub(crate) async fn accept(
        &self,
        mut stream: TcpStream,
        own: SocketAddr,
        limit: Duration,
    ) -> Option<TlsStream<TcpStream>> {
        let mut first = [0];
        let peeked = time::timeout(limit, stream.peek(&mut first)).await;
        if !matches!(peeked, Ok(Ok(1))) {
            return None;
        }
        if first[0] != HANDSHAKE {
            let body = format!("This server speaks https: open https://{own} instead.\n");
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = time::timeout(limit, stream.write_all(answer.as_bytes())).await;
            let _ = stream.shutdown().await;
            return None;
        }
        time::timeout(limit, self.0.accept(stream)).await.ok()?.ok()
    }
}

#[cold]
fn unreadable(path: &Path, what: &str, error: pem::Error) -> Error {
    let path = path.display();
    let (kind, message) = match &error {
        pem::Error::Io(e) if e.kind() == std::io::ErrorKind::NotFound => (
            ErrorKind::NotFound,
            format!("there is no {path} for the {what}"),
        ),
        pem::Error::Io(_) => (ErrorKind::Io, format!("the {what} {path} can't be read")),
        _ => (
            ErrorKind::InvalidArgument,
            format!("{path} holds no {what} in PEM (without a password)"),
        ),
    };
    Error::new(kind, message).with_source(error)
}
