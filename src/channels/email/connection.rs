//! What IMAP and SMTP share: TCP, TLS, a watch over silent servers, and the errors of both.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::config::MailServer;

/// Time for a TCP connection, and again for a TLS handshake.
pub const CONNECT_SECONDS_MAX: u64 = 15;
/// A mail larger than this is neither loaded nor sent.
pub const MAIL_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// What is kept of a server's words in an error.
const SAID_CHARS_MAX: usize = 300;

/// Why a mail server could not be used. Tells what was attempted, with whom; never a password or a mail's text.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// No TCP connection, no TLS, or no greeting.
    #[error("cannot connect to {server}: {why}")]
    CannotConnect { server: String, why: String },
    /// The user or the password is wrong, or absent.
    #[error("{server} refused the login of {user}: {said}")]
    RefusedLogin { server: String, user: String, said: String },
    /// There is no access token to log in with.
    #[error("no access token from {from}: {why}")]
    NoToken { from: String, why: String },
    /// The key for signing mails is of no use.
    #[error("the DKIM key cannot be used: {why}")]
    BadKey { why: String },
    /// A command was understood and refused.
    #[error("{server} said no to {command}: {said}")]
    SaidNo { server: String, command: &'static str, said: String },
    /// Nothing came for too long.
    #[error("{server} did not answer {command} in time")]
    TimedOut { server: String, command: &'static str },
    /// The connection ended in the middle.
    #[error("the connection to {server} ended during {command}: {why}")]
    CutOff { server: String, command: &'static str, why: String },
    /// The answer is larger than allowed, or not in the protocol.
    #[error("{server} gave an answer to {command} that cannot be used: {why}")]
    Nonsense { server: String, command: &'static str, why: String },
    /// The password would travel readable by others.
    #[error(
        "{server} offers no STARTTLS and is not this machine, so mail and password would travel in plain text; \
         use {instead} in its URL, or have the server offer STARTTLS"
    )]
    Insecure { server: String, instead: &'static str },
}

/// One line of at most 300 characters, without control characters: what a server said, fit for an error.
pub(super) fn one_line(said: &str) -> String {
    let words = said.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(SAID_CHARS_MAX).collect()
}

/// `host:port`, as errors name a server.
pub(super) fn name_of(server: &MailServer) -> String {
    format!("{}:{}", server.host, server.port)
}

fn cannot_connect(server: &MailServer, why: impl fmt::Display) -> MailError {
    MailError::CannotConnect { server: name_of(server), why: one_line(&why.to_string()) }
}

/// The host without the brackets that a URL puts around an IPv6 address.
pub(super) fn bare_host(server: &MailServer) -> &str {
    server.host.trim_start_matches('[').trim_end_matches(']')
}

/// Connects, and tells whether the other side is this machine.
pub(super) async fn tcp(server: &MailServer) -> Result<(TcpStream, bool), MailError> {
    let limit = Duration::from_secs(CONNECT_SECONDS_MAX);
    let stream = tokio::time::timeout(limit, TcpStream::connect((bare_host(server), server.port)))
        .await
        .map_err(|_| cannot_connect(server, format_args!("no answer within {CONNECT_SECONDS_MAX} s")))?
        .map_err(|e| cannot_connect(server, e))?;
    let peer = stream.peer_addr().map_err(|e| cannot_connect(server, e))?;
    stream.set_nodelay(true).map_err(|e| cannot_connect(server, e))?;
    Ok((stream, peer.ip().to_canonical().is_loopback()))
}

/// Which certificates are believed: those that browsers trust, and those of the authorities that the configuration names.
#[derive(Clone)]
pub(super) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// # Errors
    /// `CannotConnect` where the configured certificates cannot be read.
    pub(super) fn of(server: &MailServer) -> Result<Self, MailError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in CertificateDer::pem_slice_iter(server.ca_pem.as_deref().unwrap_or_default().as_bytes()) {
            let added = certificate.map_err(|e| e.to_string()).and_then(|c| roots.add(c).map_err(|e| e.to_string()));
            added.map_err(|why| cannot_connect(server, format_args!("ca_file: {why}")))?;
        }
        Ok(Self::with(roots))
    }

    fn with(roots: RootCertStore) -> Self {
        let ring = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// Starts TLS on `stream` and checks that the certificate is the server's.
    pub(super) async fn encrypt(&self, server: &MailServer, stream: Box<dyn Wire>) -> Result<Box<dyn Wire>, MailError> {
        let name = ServerName::try_from(bare_host(server).to_owned()).map_err(|e| cannot_connect(server, e))?;
        let limit = Duration::from_secs(CONNECT_SECONDS_MAX);
        let stream = tokio::time::timeout(limit, TlsConnector::from(Arc::clone(&self.0)).connect(name, stream))
            .await
            .map_err(|_| cannot_connect(server, format_args!("no TLS within {CONNECT_SECONDS_MAX} s")))?
            .map_err(|e| cannot_connect(server, format_args!("TLS: {e}")))?;
        Ok(Box::new(stream))
    }
}

/// A connection, plain or encrypted.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Wire for T {}

/// A stream whose reader fails with `TimedOut` after a silence and with `FileTooLarge` past a number of bytes, both set
/// anew for each command by [`Watched::expect`].
#[derive(Debug)]
pub(super) struct Watched {
    inner: Box<dyn Wire>,
    silence_max: Duration,
    silence: Pin<Box<Sleep>>,
    is_timing: bool,
    bytes_left: u64,
}

impl Watched {
    pub(super) fn new(inner: Box<dyn Wire>, silence_max: Duration, bytes_max: u64) -> Self {
        let silence = Box::pin(tokio::time::sleep(silence_max));
        Self { inner, silence_max, silence, is_timing: false, bytes_left: bytes_max }
    }

    /// From now on: at most `bytes_max` bytes, with at most `silence_max` between them.
    pub(super) fn expect(&mut self, silence_max: Duration, bytes_max: u64) {
        self.silence_max = silence_max;
        self.bytes_left = bytes_max;
        self.is_timing = false;
    }

    pub(super) fn into_inner(self) -> Box<dyn Wire> {
        self.inner
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                this.is_timing = false;
                let read = u64::try_from(buf.filled().len() - before).unwrap_or(u64::MAX);
                let Some(left) = this.bytes_left.checked_sub(read) else {
                    buf.set_filled(before);
                    return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
                };
                this.bytes_left = left;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Pending => {
                if !this.is_timing {
                    this.silence.as_mut().reset(Instant::now() + this.silence_max);
                    this.is_timing = true;
                }
                ready!(this.silence.as_mut().poll(cx));
                this.is_timing = false;
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_silent_server_times_out_and_a_slow_one_does_not() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut watched = Watched::new(Box::new(ours), Duration::from_secs(2), 100);
        let slow = tokio::spawn(async move {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(800)).await;
                theirs.write_all(b"x").await.unwrap();
            }
            theirs
        });
        let mut three = [0; 3];
        watched.read_exact(&mut three).await.unwrap();
        let theirs = slow.await.unwrap();
        assert_eq!(watched.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(theirs);
    }

    #[tokio::test]
    async fn a_read_that_was_given_up_does_not_shorten_the_next_one() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut watched = Watched::new(Box::new(ours), Duration::from_secs(2), 100);
        tokio::time::timeout(Duration::from_millis(1500), watched.read_u8()).await.unwrap_err();
        watched.expect(Duration::from_secs(2), 100);
        let late = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(800)).await;
            theirs.write_all(b"x").await.unwrap();
            theirs
        });
        assert_eq!(watched.read_u8().await.unwrap(), b'x');
        drop(late.await.unwrap());
    }

    #[tokio::test]
    async fn a_server_that_talks_too_much_is_stopped() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut watched = Watched::new(Box::new(ours), Duration::from_mins(1), 5);
        theirs.write_all(b"sixsix").await.unwrap();
        drop(theirs);
        let mut all = Vec::new();
        assert_eq!(watched.read_to_end(&mut all).await.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_a_server_says_becomes_one_short_line() {
        assert_eq!(one_line("5.7.1 no\r\n\tway\0 "), "5.7.1 no way");
        assert_eq!(one_line(&"長".repeat(1000)).chars().count(), SAID_CHARS_MAX);
    }
}
