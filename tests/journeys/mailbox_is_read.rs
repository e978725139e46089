//! A mailbox on a real IMAP server (Dovecot), read by the real program through everything that happens to mail servers, connections and
//! programs: every mail becomes one row, and is settled with the server only once it is durable.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use crate::support::dovecot::{ASCII_USER, Dovecot, OAUTH_USER, Offers, SECOND, SECOND_PASSWORD, SECOND_USER};
use crate::support::mail::Letter;
use crate::support::office::{Office, TAKES_WITHIN, run};
use crate::support::program;
use crate::support::proxy::Proxy;
use crate::support::tokens::TokenServer;
use crate::support::waiting::eventually_within;
use crate::support::{eventually, posts, stays};

/// What the operator is promised after any outage.
const RESUMES_WITHIN: Duration = Duration::from_mins(1);

/// A `[[mailbox]]` of the first folder behind `port`.
fn mailbox(port: u16, more: &str) -> String {
    let user = ASCII_USER.replace('@', "%40");
    format!(
        "[[mailbox]]\nname = \"support\"\naddress = \"support@example.com\"\nurl = \"imap://{user}@127.0.0.1:{port}/INBOX\"\n\
         password = 'a \"quoted\" \\ one'\n{more}\n"
    )
}

fn id(n: u32) -> String {
    format!("mail-{n}@client.example")
}

fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(id).collect()
}

/// About 2 KB.
fn mail(n: u32) -> Vec<u8> {
    let body = "The quick brown fox jumps over the lazy dog.\r\n".repeat(40);
    let head = format!("From: client{n}@client.example\r\nTo: support@example.com\r\nSubject: matter {n}\r\nMessage-ID: <{}>\r\n", id(n));
    format!("{head}\r\nNumber {n}\r\n{body}").into_bytes()
}

fn deliver(dovecot: &Dovecot, numbers: impl IntoIterator<Item = u32>) {
    for n in numbers {
        dovecot.deliver(&mail(n));
    }
}

/// Four mails that were read long ago, one that was read yesterday, two that were read just now, and one that nobody has read.
fn a_lived_in_mailbox() -> Option<Dovecot> {
    let dovecot = Dovecot::start(&Offers::default())?;
    deliver(&dovecot, 1..=4);
    dovecot.age_all(40 * 24);
    deliver(&dovecot, [5]);
    dovecot.age_all(26);
    deliver(&dovecot, 6..=7);
    dovecot.age_all(0);
    deliver(&dovecot, [8]);
    Some(dovecot)
}

#[test]
fn a_first_look_takes_what_since_says_and_from_then_on_everything_is_taken() {
    let Some(_) = Dovecot::start(&Offers::default()) else { return };
    let firsts = [("", 6..9), ("since = \"27h\"", 5..9), ("since = \"50d\"", 1..9), ("since = \"all\"", 1..9), ("since = \"0\"", 9..9)];
    for (since, first) in firsts {
        let Some(dovecot) = a_lived_in_mailbox() else { return };
        run(async {
            let mut office = Office::open(&mailbox(dovecot.port, since)).await;
            office.until_it_reads().await;
            office.eventually_taken(&ids(first.clone())).await;
            deliver(&dovecot, [9]);
            office.eventually_taken(&ids(first.clone().chain([9]))).await;
            // Read in another program, and made to look old, while we were away: it is new to us all the same.
            office.stop().await;
            deliver(&dovecot, [10]);
            dovecot.age_all(40 * 24);
            office.start().await;
            office.eventually_taken(&ids(first.chain([9, 10]))).await;
            office.close().await;
        });
    }
}

#[test]
fn a_connection_that_is_cut_in_the_middle_again_and_again_loses_and_doubles_nothing() {
    let Some(dovecot) = Dovecot::start(&Offers::default()) else { return };
    deliver(&dovecot, 1..=300);
    let proxy = Proxy::start(dovecot.port);
    // A batch is longer than what passes.
    proxy.cut_after(Some(150_000));
    run(async {
        let office = Office::open(&mailbox(proxy.port, "after = \"move:Done\"")).await;
        eventually_within(TAKES_WITHIN, "it was cut three times", async || (proxy.connections() > 3).then_some(())).await;
        proxy.cut_after(None);
        office.eventually_taken(&ids(1..=300)).await;
        eventually("every mail is moved", async || (dovecot.files(".Done").len() == 300 && dovecot.files("").is_empty()).then_some(()))
            .await;
        eventually("nothing waits any more", async || {
            office.metrics().await.contains("threadline_mailbox_waiting{mailbox=\"support\"} 0").then_some(())
        })
        .await;
        office.close().await;
    });
}

#[test]
fn every_connection_that_is_cut_brings_the_end_nearer() {
    let Some(dovecot) = Dovecot::start(&Offers::default()) else { return };
    deliver(&dovecot, 1..=150);
    let proxy = Proxy::start(dovecot.port);
    proxy.cut_after(Some(150_000));
    run(async {
        // It never gets better.
        let office = Office::open(&mailbox(proxy.port, "after = \"delete\"")).await;
        office.eventually_taken(&ids(1..=150)).await;
        eventually_within(RESUMES_WITHIN, "every mail is deleted", async || dovecot.files("").is_empty().then_some(())).await;
        office.close().await;
    });
}

#[test]
fn mails_that_are_numbered_anew_are_recognised() {
    let Some(mut dovecot) = Dovecot::start(&Offers::default()) else { return };
    deliver(&dovecot, 1..=5);
    run(async {
        let office = Office::open(&mailbox(dovecot.port, "since = \"0\"")).await;
        office.until_it_reads().await;
        deliver(&dovecot, 6..=8);
        office.eventually_taken(&ids(6..=8)).await;
        dovecot.stop();
        dovecot.number_anew();
        deliver(&dovecot, [9]);
        dovecot.run();
        // What had been left because it was old is unread, and nobody can tell it from what is new.
        office.eventually_taken(&ids(1..=9)).await;
        stays("each once", async || office.taken().await.len() == 9).await;
        office.close().await;
    });
}

#[test]
fn a_server_that_is_away_is_asked_until_it_is_back() {
    let Some(mut dovecot) = Dovecot::start(&Offers::default()) else { return };
    run(async {
        let office = Office::open(&mailbox(dovecot.port, "")).await;
        for n in 1..=3 {
            deliver(&dovecot, [n]);
            office.eventually_taken(&ids(1..=n)).await;
            dovecot.stop();
            sleep(Duration::from_secs(2)).await;
            dovecot.run();
        }
        deliver(&dovecot, [4]);
        office.eventually_taken(&ids(1..=4)).await;
        office.close().await;
    });
}

#[test]
fn a_connection_that_falls_silent_is_given_up_within_a_minute() {
    let Some(dovecot) = Dovecot::start(&Offers::default()) else { return };
    let proxy = Proxy::start(dovecot.port);
    run(async {
        let office = Office::open(&mailbox(proxy.port, "")).await;
        deliver(&dovecot, [1]);
        office.eventually_taken(&ids([1])).await;
        let before = proxy.connections();
        proxy.silence();
        deliver(&dovecot, [2]);
        eventually_within(RESUMES_WITHIN, "the mail is taken", async || (office.taken().await.len() == 2).then_some(())).await;
        assert!(proxy.connections() > before);
        office.close().await;
    });
}

#[test]
fn a_program_that_is_killed_while_it_takes_a_mailbox_goes_on_and_settles_only_what_is_durable() {
    for after in ["move:Done", "delete", "seen"] {
        let Some(dovecot) = Dovecot::start(&Offers::default()) else { return };
        deliver(&dovecot, 1..=600);
        run(async {
            let mut office = Office::open(&mailbox(dovecot.port, &format!("after = \"{after}\"\nsince = \"all\""))).await;
            for pause in [10, 60, 120, 250, 400] {
                sleep(Duration::from_millis(pause)).await;
                office.kill().await;
                office.start().await;
            }
            // A mail that was moved, deleted or marked before it was durable would be missing now.
            office.eventually_taken(&ids(1..=600)).await;
            eventually_within(RESUMES_WITHIN, "every mail is settled", async || {
                let (inbox, done) = (dovecot.files(""), dovecot.files(".Done"));
                let is_seen = |name: &String| name.split_once(":2,").is_some_and(|(_, flags)| flags.contains('S'));
                match after {
                    "seen" => (inbox.len() == 600 && inbox.iter().all(is_seen)).then_some(()),
                    "delete" => inbox.is_empty().then_some(()),
                    _ => (inbox.is_empty() && done.len() == 600).then_some(()),
                }
            })
            .await;
            office.close().await;
        });
    }
}

#[test]
fn a_first_look_at_many_mails_tells_how_far_it_is_and_goes_on_from_there_after_a_kill() {
    const MAILS: u32 = 1_500;
    let Some(dovecot) = Dovecot::start(&Offers::default()) else { return };
    deliver(&dovecot, 1..=MAILS);
    let proxy = Proxy::start(dovecot.port);
    // All of it would take some 12 s, longer than it takes until a word is said.
    proxy.slow_down(Duration::from_millis(60));
    run(async {
        let mut office = Office::open_telling(&mailbox(proxy.port, "since = \"all\""), "warn,threadline=info").await;
        let told = |log: &str| number_after(log, "taken=").filter(|taken| *taken < MAILS);
        let taken = eventually("it tells how far it is", async || told(&office.told())).await;
        let waiting = number_after(&office.metrics().await, "threadline_mailbox_waiting{mailbox=\"support\"} ");
        office.kill().await;
        let first = office.told();
        assert_eq!(number_after(&first, "taking mails mailbox=\"support\" mails="), Some(MAILS));
        for word in [&format!("total={MAILS}"), "mails_per_second=", "seconds_left="] {
            assert!(first.contains(word), "{word}: {first}");
        }
        assert!(taken > 0 && waiting.is_some_and(|n| 0 < n && n <= MAILS - taken), "{taken} {waiting:?}");
        proxy.slow_down(Duration::ZERO);
        office.start().await;
        office.eventually_taken(&ids(1..=MAILS)).await;
        let second = office.told().split_off(first.len());
        let rest = number_after(&second, "mails=").expect("it tells what is left");
        assert!(rest < MAILS - 200, "{rest} of {MAILS} were begun again: {second}");
        office.close().await;
    });
}

/// The last number that stands behind `name`.
fn number_after(text: &str, name: &str) -> Option<u32> {
    let rest = &text[text.rfind(name)? + name.len()..];
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn a_company_s_own_certificate_is_believed_where_it_is_named() {
    let Some(dovecot) = Dovecot::start(&Offers { tls: true, ..Offers::default() }) else { return };
    deliver(&dovecot, [1]);
    run(async {
        let wrapped = |more: &str| mailbox(dovecot.tls_port, more).replace("imap://", "imaps://");
        let office = Office::open(&wrapped("ca_file = \"ca.pem\"").replace("ca_file", "# ca_file")).await;
        let refused = program::run(&office.config, &["check"]).await;
        let said = String::from_utf8_lossy(&refused.stdout).into_owned();
        assert!(!refused.status.success() && said.contains("certificate"), "{said}");
        let text = fs::read_to_string(&office.config).expect("it is there").replace("# ca_file", "ca_file");
        fs::write(&office.config, text).expect("it can be written");
        fs::write(office.folder.path().join("ca.pem"), dovecot.certificate()).expect("it can be written");
        let mut office = office;
        office.stop().await;
        office.start().await;
        office.eventually_taken(&ids([1])).await;
        office.close().await;
    });
}

#[test]
fn several_mailboxes_are_read_side_by_side() {
    let Some(dovecot) = Dovecot::start(&Offers::default()) else { return };
    run(async {
        let first = mailbox(dovecot.port, "");
        let second = format!(
            "[[mailbox]]\nname = \"sales\"\naddress = \"sales@example.com\"\nurl = \"imap://{}@127.0.0.1:{}/INBOX\"\npassword = \"{SECOND_PASSWORD}\"\n",
            SECOND_USER.replace('@', "%40"),
            dovecot.port
        );
        let third = "[[mailbox]]\nname = \"drop\"\naddress = \"drop@example.com\"\nurl = \"maildir://drop\"\n";
        let office = Office::open(&format!("{first}{second}{third}")).await;
        deliver(&dovecot, 1..=2);
        // One of them was sent to both addresses.
        for n in [2, 3] {
            dovecot.deliver_to(SECOND, &mail(n));
        }
        threadline::channels::email::maildir::deliver(&office.folder.path().join("drop"), &mail(4)).await.expect("it can be filed");
        let expected: BTreeMap<String, usize> = [(id(1), 1), (id(2), 2), (id(3), 1), (id(4), 1)].into();
        eventually("each mailbox's mails are taken", async || (office.taken().await == expected).then_some(())).await;
        office.close().await;
    });
}

#[test]
fn a_long_mail_arrives_whole_and_one_that_is_too_large_is_listed_and_stays() {
    let Some(dovecot) = Dovecot::start(&Offers::default()) else { return };
    let wild: Vec<u8> = (0..5_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    let long = Letter::new("amy@client.example", "圖面", "如附件").attach("plan.bin", "application/octet-stream", &wild);
    let line = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n";
    let large = [mail(7), line.repeat(53 * 1024 * 1024 / line.len())].concat();
    dovecot.deliver(&large);
    dovecot.deliver(&long.raw());
    deliver(&dovecot, [8]);
    run(async {
        let drop = "[[mailbox]]\nname = \"drop\"\naddress = \"drop@example.com\"\nurl = \"maildir://drop\"\n";
        let office = Office::open(&(mailbox(dovecot.port, "") + drop)).await;
        let folder = office.folder.path().join("drop");
        // One of its own: what both mailboxes bring is taken once.
        let mut other = long.clone();
        other.message_id = "another@mail.example.org".into();
        for raw in [&large, &other.raw(), &mail(8)] {
            threadline::channels::email::maildir::deliver(&folder, raw).await.expect("it can be filed");
        }
        let row_of = |rows: &[Value], id: &str| rows.iter().filter(|r| r["external_id"] == id).cloned().collect::<Vec<_>>();
        let rows = eventually_within(TAKES_WITHIN, "all are dealt with", async || {
            let rows = office.api.items("/inbound").await;
            (rows.len() == 6 && rows.iter().all(|r| r["status"] != "received")).then_some(rows)
        })
        .await;
        for row in row_of(&rows, &id(7)) {
            assert_ne!(row["status"], "done", "{row}");
        }
        for id in [&long.message_id, &other.message_id] {
            let row = row_of(&rows, id).pop().expect("there is a row");
            assert_eq!(row["status"], "done", "{row}");
            let found = office.api.get(&format!("/discussions/{}", row["discussion"])).await.expect(200);
            let file = posts(&found)[0]["attachments"][0].clone();
            let got = office.api.file(file["url"].as_str().expect("it has a link")).await;
            assert!(Sha256::digest(&got.bytes) == Sha256::digest(&wild));
        }
        let unseen = |names: &[String]| names.iter().filter(|n| n.split_once(":2,").is_none_or(|(_, flags)| !flags.contains('S'))).count();
        eventually("the others are marked as read", async || (unseen(&dovecot.files("")) == 1).then_some(())).await;
        stays("the large ones are listed once", async || office.api.items("/inbound").await.len() == 6).await;
        assert_eq!(threadline::channels::email::maildir::list_new(&folder).await.expect("it can be read").len(), 1);
        office.close().await;
    });
}

#[test]
fn a_mailbox_that_wants_oauth_is_read_with_tokens_that_end_and_change() {
    let provider = TokenServer::start(OAUTH_USER, "refresh-1");
    let Some(dovecot) = Dovecot::start(&Offers { tokeninfo_url: Some(provider.tokeninfo_url()), ..Offers::default() }) else { return };
    provider.with(|p| {
        p.rotates = true;
        p.life = Some(2);
    });
    run(async {
        let oauth = format!(
            "[[mailbox]]\nname = \"support\"\naddress = \"support@example.com\"\nurl = \"imap://{}@127.0.0.1:{}/INBOX\"\n\
             oauth_token_url = \"{}\"\noauth_client_id = \"us\"\noauth_refresh_token = \"refresh-1\"\n",
            OAUTH_USER.replace('@', "%40"),
            dovecot.port,
            provider.token_url()
        );
        let mut office = Office::open(&oauth).await;
        deliver(&dovecot, [1]);
        office.eventually_taken(&ids([1])).await;
        assert_ne!(provider.with(|p| p.refresh_token.clone()), "refresh-1");
        // The configured refresh token is of no use any more; the newest was kept.
        office.stop().await;
        let checked = program::succeed(&office.config, &["check"]).await;
        assert!(checked.contains("ok   mailbox support"), "{checked}");
        office.start().await;
        // A token that is taken back in the middle.
        provider.with(|p| p.good.clear());
        deliver(&dovecot, [2]);
        office.eventually_taken(&ids([1, 2])).await;
        let log = fs::read_to_string(office.log()).expect("it writes one");
        assert!(!log.contains("refresh-") && !log.contains("access-"), "{log}");
        // An operator who writes another one means it, and a wrong one is told.
        office.stop().await;
        let other = fs::read_to_string(&office.config).expect("it is there").replace("\"refresh-1\"", "\"wrong-one\"");
        fs::write(&office.config, other).expect("it can be written");
        let output = program::run(&office.config, &["check"]).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && said.contains("FAIL mailbox support") && said.contains("invalid_grant"), "{said}");
        assert!(!said.contains("wrong-one"), "{said}");
        office.start().await;
        office.close().await;
    });
}
