//! `x-line-signature`: base64 of HMAC-SHA256 over the raw body, keyed with the channel secret (Messaging API reference,
//! "Signature validation").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::config::Secret;

/// Whether `header` signs exactly these bytes with one of `secrets`. Compares in constant time, and with every secret, whichever fits;
/// a header that is not base64 signs nothing.
pub fn verify<'a>(secrets: impl IntoIterator<Item = &'a Secret>, raw_body: &[u8], header: &str) -> bool {
    let Ok(claimed) = STANDARD.decode(header.trim()) else { return false };
    secrets.into_iter().fold(false, |fits, secret| fits | keyed(secret, raw_body).verify_slice(&claimed).is_ok())
}

/// The header's value for `raw_body`: for the stand-in platform and for tests.
pub fn sign(secret: &Secret, raw_body: &[u8]) -> String {
    STANDARD.encode(keyed(secret, raw_body).finalize().into_bytes())
}

fn keyed(secret: &Secret, raw_body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(raw_body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#;
    const SIGNATURE: &str = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=";

    fn documented() -> Secret {
        Secret::new("8c570fa6dd201bb328f1c1eac23a96d8")
    }

    #[test]
    fn the_documented_example_is_signed_as_line_signs_it() {
        assert_eq!(sign(&documented(), BODY), SIGNATURE);
        assert!(verify([&documented()], BODY, SIGNATURE));
    }

    #[test]
    fn while_a_secret_is_reissued_either_signs() {
        let (old, next) = (documented(), Secret::new("the-next"));
        for secret in [&old, &next] {
            assert!(verify([&old, &next], BODY, &sign(secret, BODY)));
        }
        assert!(!verify([&old, &next], BODY, &sign(&Secret::new("a third"), BODY)));
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(!verify([&Secret::new("another")], BODY, SIGNATURE));
        assert!(!verify([], BODY, SIGNATURE));
        assert!(!verify([&documented()], &BODY[1..], SIGNATURE));
        for header in ["", "=", "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs", "R2hS", "簽章"] {
            assert!(!verify([&documented()], BODY, header), "{header}");
        }
    }
}
