//! Signing the mails that we send (RFC 6376, and RFC 8463 for Ed25519), for operators whose relay does not.

use std::fmt;

use mail_auth::common::crypto::{Algorithm, Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::{HeaderWriter as _, Writable};
use mail_auth::dkim::{Canonicalization, DkimSigner};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::connection::{MailError, one_line};
use crate::config::Dkim;

/// What is signed: what readers and their programs act upon (RFC 6376, section 5.4.1). One that is not there is signed as absent, so
/// that nobody can add it.
const ALWAYS_SIGNED: [&str; 11] =
    ["From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type"];
/// Signed once more than they are there, so that nobody can add another one.
const SIGNED_TWICE: [&str; 3] = ["From", "To", "Subject"];
/// What is signed where it is there; mailing lists may add theirs. One-click unsubscribing asks for two of them (RFC 8058, section 4).
const SIGNED_IF_THERE: [&str; 6] =
    ["Content-Transfer-Encoding", "Auto-Submitted", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", super::DELIVERY_HEADER];

/// A key with the names under which its public half stands in the DNS.
pub struct Signer {
    key: Key,
    domain: String,
    selector: String,
}

enum Key {
    Rsa(RsaKey<Sha256>),
    Ed25519(Ed25519Key),
}

impl SigningKey for &Key {
    type Hasher = Sha256;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        match self {
            Key::Rsa(key) => key.sign(input),
            Key::Ed25519(key) => key.sign(input),
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Key::Rsa(key) => key.algorithm(),
            Key::Ed25519(key) => key.algorithm(),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("domain", &self.domain).field("selector", &self.selector).finish_non_exhaustive()
    }
}

impl Signer {
    /// # Errors
    /// `BadKey` where the key is not RSA of at least 2,047 bits or Ed25519, as PKCS#8 (or PKCS#1, for RSA) in PEM.
    pub fn new(config: &Dkim) -> Result<Self, MailError> {
        let bad = |why: String| MailError::BadKey { why: one_line(&why) };
        let der = PrivateKeyDer::from_pem_slice(config.key.expose().as_bytes()).map_err(|e| bad(e.to_string()))?;
        let ed25519 = match &der {
            PrivateKeyDer::Pkcs8(pkcs8) => Ed25519Key::from_pkcs8_maybe_unchecked_der(pkcs8.secret_pkcs8_der()).ok(),
            _ => None,
        };
        let key = match ed25519 {
            Some(key) => Key::Ed25519(key),
            None => Key::Rsa(
                RsaKey::from_key_der(der).map_err(|e| bad(format!("it is neither Ed25519 nor an RSA key of 2048 bits or more ({e})")))?,
            ),
        };
        Ok(Self { key, domain: config.domain.clone(), selector: config.selector.clone() })
    }

    /// The `DKIM-Signature` header that goes before `mail`, whose lines end with CRLF.
    ///
    /// # Errors
    /// In words, where there is nothing to sign.
    pub fn header(&self, mail: &[u8]) -> Result<String, String> {
        let there = SIGNED_IF_THERE.into_iter().filter(|name| has_header(mail, name));
        let signer = DkimSigner::from_key(&self.key)
            .domain(self.domain.as_str())
            .selector(self.selector.as_str())
            .headers(ALWAYS_SIGNED.into_iter().chain(SIGNED_TWICE).chain(there))
            .header_canonicalization(Canonicalization::Relaxed)
            .body_canonicalization(Canonicalization::Relaxed);
        signer.sign(mail).map(|s| s.to_header()).map_err(|e| format!("the mail cannot be signed: {e}"))
    }
}

fn has_header(mail: &[u8], name: &str) -> bool {
    let head = mail.split(|b| *b == b'\n').take_while(|line| !line.trim_ascii().is_empty());
    let mut names = head.filter_map(|line| line.get(..=name.len()));
    names.any(|n| n.ends_with(b":") && n[..name.len()].eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests;
