use std::process::Command;

use mail_auth::AuthenticatedMessage;
use ring::signature::{ED25519, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm};
use sha2::{Digest as _, Sha256};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::config::Secret;

const MAIL: &str = "From: =?utf-8?B?5a6i5pyN?= <support@example.test>\r\nTo:  client@example.test\r\nSubject: [#1]\r\n  folded \t subject\r\n\
                    Date: Sat, 21 Nov 2026 20:00:00 +0800\r\nMessage-ID: <1@example.test>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
                    List-Unsubscribe: <https://support.example.test/u/1>\r\nX-Other: not signed\r\n\r\nHello \t there  \r\n\r\n.\r\n\r\n\r\n";

fn signer(key: &str) -> Signer {
    Signer::new(&Dkim { domain: "example.test".into(), selector: "s1".into(), key: Secret::new(key) }).unwrap()
}

fn ed25519() -> (String, Vec<u8>) {
    let key = ring::signature::Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let public = ring::signature::Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap().public_key().as_ref().to_vec();
    (format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key.as_ref())), public)
}

/// Relaxed header canonicalisation by hand (RFC 6376, section 3.4.2).
fn relaxed(name: &str, value: &str) -> String {
    let unfolded = value.replace("\r\n", "");
    format!("{}:{}", name.trim().to_lowercase(), unfolded.split([' ', '\t']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" "))
}

/// Relaxed body canonicalisation by hand (RFC 6376, section 3.4.4).
fn relaxed_body(body: &str) -> String {
    let mut lines: Vec<String> = body
        .split("\r\n")
        .map(|l| {
            let joined = l.split([' ', '\t']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
            if l.starts_with([' ', '\t']) && !joined.is_empty() { format!(" {joined}") } else { joined }
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.iter().fold(String::new(), |all, line| all + line + "\r\n")
}

/// The fields of a head with their values, in order.
fn fields(head: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = vec![];
    for line in head.split_inclusive("\r\n") {
        if line.starts_with([' ', '\t']) {
            found.last_mut().unwrap().1.push_str(line);
        } else {
            let (name, value) = line.split_once(':').unwrap();
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

/// Checks a signature without the library that made it (RFC 6376, section 3.7).
fn verifies(signed: &str, algorithm: &'static dyn VerificationAlgorithm, public: &[u8], is_hashed_first: bool) -> bool {
    let (head, body) = signed.split_once("\r\n\r\n").unwrap();
    let fields = fields(&format!("{head}\r\n"));
    assert_eq!(fields[0].0, "DKIM-Signature");
    let plain: String = fields[0].1.chars().filter(|c| !c.is_whitespace()).collect();
    let tag = |name: &str| plain.split(';').find_map(|t| t.strip_prefix(&format!("{name}="))).unwrap();
    assert_eq!((tag("v"), tag("d"), tag("s"), tag("c")), ("1", "example.test", "s1", "relaxed/relaxed"));
    let is_body_good = STANDARD.encode(Sha256::digest(relaxed_body(body))) == tag("bh");
    let mut left: Vec<_> = fields[1..].to_vec();
    let mut input = String::new();
    for name in tag("h").split(':') {
        // From the bottom up, each field once; one that is not there counts as nothing.
        if let Some(i) = left.iter().rposition(|(n, _)| n.eq_ignore_ascii_case(name)) {
            let (name, value) = left.remove(i);
            input += &relaxed(&name, &value);
            input += "\r\n";
        }
    }
    let unsigned = fields[0].1.rfind("b=").map(|at| &fields[0].1[..at + 2]).unwrap();
    let rest = fields[0].1[unsigned.len()..].split_once(';').map_or("", |(_, rest)| rest);
    input += &relaxed("DKIM-Signature", &format!("{unsigned}{}{rest}", if rest.is_empty() { "" } else { ";" }));
    let signature = STANDARD.decode(tag("b")).unwrap();
    let message = if is_hashed_first { Sha256::digest(input.as_bytes()).to_vec() } else { input.into_bytes() };
    is_body_good && UnparsedPublicKey::new(algorithm, public).verify(&message, &signature).is_ok()
}

#[test]
fn a_signature_holds_and_breaks_with_what_it_covers() {
    let (pem, public) = ed25519();
    let header = signer(&pem).header(MAIL.as_bytes()).unwrap();
    let holds = |mail: &str| verifies(&format!("{header}{mail}"), &ED25519, &public, true);
    assert!(holds(MAIL), "{header}");
    // White space that relays change does no harm; the text and what readers act on must stay.
    assert!(holds(&MAIL.replace("Hello \t there  ", "Hello there").replace("To:  client", "To: client")));
    assert!(holds(&MAIL.replace("not signed", "changed")));
    assert!(!holds(&MAIL.replace("Hello", "Hallo")));
    assert!(!holds(&MAIL.replace("Subject: [#1]", "Subject: [#2]")));
    assert!(!holds(&MAIL.replace("/u/1", "/u/2")));
    // Nobody can add what was not there.
    assert!(!holds(&format!("Reply-To: eve@evil.example\r\n{MAIL}")));
    assert!(!holds(&format!("From: eve@evil.example\r\n{MAIL}")));
    assert!(!header.contains("List-Id") && header.contains("List-Unsubscribe-Post"), "{header}");
    let read = AuthenticatedMessage::parse(format!("{header}{MAIL}").as_bytes()).map(|m| m.dkim_headers.len());
    assert_eq!(read, Some(1));
}

#[test]
fn keys_that_openssl_makes_can_be_used() {
    for (algorithm, bits) in [("ed25519", ""), ("RSA", "rsa_keygen_bits:2048")] {
        let mut openssl = Command::new("openssl");
        openssl.args(["genpkey", "-algorithm", algorithm]);
        if !bits.is_empty() {
            openssl.args(["-pkeyopt", bits]);
        }
        let Ok(made) = openssl.output() else {
            println!("skipped: there is no openssl here");
            return;
        };
        let pem = String::from_utf8(made.stdout).unwrap();
        let signer = signer(&pem);
        let mail = format!("{}{MAIL}", signer.header(MAIL.as_bytes()).unwrap());
        match &signer.key {
            Key::Rsa(key) => assert!(verifies(&mail, &RSA_PKCS1_2048_8192_SHA256, &key.public_key(), false), "{mail}"),
            Key::Ed25519(key) => assert!(verifies(&mail, &ED25519, &key.public_key(), true), "{mail}"),
        }
        assert_eq!(matches!(signer.key, Key::Rsa(_)), algorithm == "RSA");
    }
}

#[test]
fn a_key_that_is_none_is_refused_without_showing_it() {
    for bad in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"] {
        let config = Dkim { domain: "example.test".into(), selector: "s1".into(), key: Secret::new(bad) };
        let refused = Signer::new(&config).unwrap_err();
        assert!(matches!(refused, MailError::BadKey { .. }), "{refused}");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
}
