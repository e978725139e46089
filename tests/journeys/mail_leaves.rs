//! Mail leaves by a real mail connection: what the server puts off is tried again, what it refuses is shown, and what arrives bears a
//! signature that other mail servers believe.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::parse::TxtRecordParser as _;
use mail_auth::common::verify::DomainKey;
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::support::mail::{Letter, Mail};
use crate::support::office::{Office, run};
use crate::support::relay::Relay;
use crate::support::{SUPPORT, eventually, stays};

const AMY: &str = "amy@client.example";
const BOB: &str = "bob@client.example";

/// Mail in by a folder, mail out by `relay`; `more` is said of the way out.
async fn office(relay: &Relay, more: &str) -> Office {
    let office = Office::open(&format!(
        "[[mailbox]]\nname = \"support\"\naddress = \"{SUPPORT}\"\nurl = \"maildir://mail-in\"\n\
         [smtp]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"客服 <{SUPPORT}>\"\n{more}\n[notify]\nhold_seconds = 0\n",
        relay.port
    ))
    .await;
    office.api.post("/projects", &json!({"key": "alpha", "name": "專案"})).await.expect(201);
    office.api.put("/projects/alpha/email-senders", &json!({"pattern": "@client.example"})).await.expect(200);
    office
}

/// Somebody asks by mail, and is answered on the page; the discussion's number.
async fn asks_and_is_answered(office: &Office, who: &str, answer: &str) -> i64 {
    let letter = Letter::new(who, "大門感應器壞了", "您好，\n大門的感應器沒有反應。");
    let folder = office.folder.path().join("mail-in");
    threadline::channels::email::maildir::deliver(&folder, &letter.raw()).await.expect("it can be filed");
    let number = eventually("the mail is placed", async || {
        let rows = office.api.items("/inbound").await;
        rows.iter().find(|r| r["external_id"] == letter.message_id.as_str())?["discussion"].as_i64()
    })
    .await;
    office.api.post(&format!("/discussions/{number}/posts"), &json!({"body": answer})).await.expect(201);
    number
}

async fn deliveries(office: &Office, number: i64, to: &str) -> Vec<Value> {
    let all = office.api.items(&format!("/deliveries?discussion={number}")).await;
    all.into_iter().filter(|d| d["target"] == to).collect()
}

#[test]
fn a_mail_that_is_put_off_is_sent_later_and_one_that_is_refused_is_shown() {
    let relay = Relay::start();
    relay.refuse(AMY, &["451 4.7.1 greylisted, come back", "452 4.2.2 mailbox full"]);
    relay.refuse(BOB, &["550 5.1.1 no such user here"; 9]);
    run(async {
        let office = office(&relay, "").await;
        let amys = asks_and_is_answered(&office, AMY, "師傅明天到").await;
        let put_off = eventually("the mail is put off", async || {
            deliveries(&office, amys, AMY).await.into_iter().find(|d| d["last_error"].as_str().is_some_and(|e| e.contains("45")))
        })
        .await;
        assert_ne!(put_off["status"], "failed", "{put_off}");
        let bobs = asks_and_is_answered(&office, BOB, "師傅後天到").await;
        let sent = eventually("the mail is sent", async || {
            let all = deliveries(&office, amys, AMY).await;
            (!all.is_empty() && all.iter().all(|d| d["status"] == "sent")).then_some(all)
        })
        .await;
        assert!(sent.iter().any(|d| d["attempts"].as_i64() > Some(1)), "{sent:?}");
        let failed = eventually("the refusal is shown", async || {
            let all = deliveries(&office, bobs, BOB).await;
            (!all.is_empty() && all.iter().all(|d| d["status"] == "failed")).then_some(all)
        })
        .await;
        for delivery in &failed {
            let why = delivery["last_error"].as_str().unwrap_or_default();
            assert!(why.contains("550") || why.contains("5.1.1"), "{delivery}");
        }
        // Neither is tried again, and what was tried three times arrived once. Several notices may travel in one mail.
        let asked = relay.asked(BOB);
        assert!((1..=failed.len()).contains(&asked), "{asked} tries: {failed:?}");
        stays("nothing is sent any more", async || {
            relay.asked(BOB) == asked && relay.taken(BOB).is_empty() && relay.asked(AMY) == relay.taken(AMY).len() + 2
        })
        .await;
        let texts: Vec<String> = relay.taken(AMY).into_iter().map(|m| m.text).filter(|t| t.contains("師傅明天到")).collect();
        assert_eq!(texts.len(), 1);
        office.close().await;
    });
}

/// The DNS, as far as it concerns us.
struct Records(HashMap<Box<str>, Txt>);

impl ResolverCache<Box<str>, Txt> for Records {
    fn get<Q: Hash + Eq + ?Sized>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q: Hash + Eq + ?Sized>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
    {
        None
    }

    fn insert(&self, name: Box<str>, _: Txt, _: Instant) {
        panic!("{name} was asked of the real DNS");
    }
}

/// What a mail server that looks up `record` under our name thinks of the signature.
async fn verdict(record: &str, raw: &[u8]) -> DkimResult {
    let key = DomainKey::parse(record.as_bytes()).expect("the record is right");
    let records = Records([("s1._domainkey.example.com.".into(), Txt::DomainKey(Arc::new(key)))].into());
    let mail = AuthenticatedMessage::parse(raw).expect("what we write can be read");
    let resolver = MessageAuthenticator::new_cloudflare().expect("nothing is asked yet");
    let found = resolver.verify_dkim(Parameters::new(&mail).with_txt_cache(&records)).await;
    assert_eq!(found.len(), 1, "it bears one signature");
    found[0].result().clone()
}

#[test]
fn what_leaves_bears_a_signature_that_others_believe() {
    let relay = Relay::start();
    let document = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).expect("there is chance");
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("it was just made");
    let record = format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(pair.public_key().as_ref()));
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(document.as_ref()));
    run(async {
        let office = office(&relay, &format!("dkim_domain = \"example.com\"\ndkim_selector = \"s1\"\ndkim_key = '''\n{pem}\n'''")).await;
        asks_and_is_answered(&office, AMY, "師傅明天到，\n.\n請留意電話。").await;
        let mail: Mail = eventually("the client has mail", async || relay.taken(AMY).into_iter().find(|m| m.text.contains("師傅"))).await;
        let verified = verdict(&record, &mail.raw).await;
        assert_eq!(verified, DkimResult::Pass);
        // It holds for these words and this sender, and for no others.
        let text = String::from_utf8(mail.raw.clone()).expect("it is UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("there is a body");
        for changed in [format!("{head}\r\n\r\nP.S.\r\n{body}"), text.replacen("Subject: ", "Subject: Fwd: ", 1)] {
            assert_ne!(verdict(&record, changed.as_bytes()).await, DkimResult::Pass, "{changed}");
        }
        office.close().await;
    });
}
