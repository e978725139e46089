use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::login::said_in;
use super::search::{date_after, date_before, moment};
use super::*;
use crate::channels::email::dovecot::{ASCII_PASSWORD, ASCII_USER, Dovecot, OAUTH_USER, Offers, PASSWORD, USER, free_port};
use crate::channels::email::oauth::forgetful;
use crate::channels::email::tokens::TokenServer;
use crate::config::{OAuth, Secret, Tls};

/// A Dovecot of this test's own.
fn dovecot(tls: bool) -> Option<Dovecot> {
    Dovecot::start(&Offers { tls, ..Offers::default() })
}

impl Dovecot {
    fn server(&self) -> MailServer {
        server(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port)
    }

    async fn connect(&self) -> (Imap, Selected) {
        Imap::connect(&self.server(), "INBOX", None).await.unwrap()
    }
}

fn server(host: IpAddr, port: u16) -> MailServer {
    MailServer {
        tls: Tls::StartTls,
        host: host.to_string(),
        port,
        user: Some(USER.into()),
        password: Some(Secret::new(PASSWORD)),
        oauth: None,
        ca_pem: None,
    }
}

async fn fetch_all(imap: &mut Imap, uids: &[u32]) -> (BTreeMap<u32, Vec<u8>>, Vec<Fetched>) {
    let (mut mails, mut others) = (BTreeMap::new(), Vec::new());
    let mut fetching = imap.fetch(uids);
    while let Some(fetched) = fetching.next().await.unwrap() {
        match fetched {
            Fetched::Mail { uid, raw } => assert!(mails.insert(uid, raw).is_none()),
            Fetched::Long { uid, .. } => panic!("{uid} is no long mail"),
            other => others.push(other),
        }
    }
    (mails, others)
}

fn mail(n: u32) -> Vec<u8> {
    format!("From: client@example.test\r\nSubject: mail {n}\r\n\r\nbody {n}\r\n").into_bytes()
}

#[tokio::test]
async fn mails_arrive_byte_for_byte_and_stay_unseen() {
    let Some(dovecot) = dovecot(false) else { return };
    let eight_bit = [b"Subject: \xb4\xfa\xb8\xd5\r\n\r\n".as_slice(), &(1..=255).collect::<Vec<u8>>(), b"\r\n.\r\n\"{3}\r\n"].concat();
    // A lone CR or LF is not something that IMAP servers keep.
    let eight_bit: Vec<u8> =
        eight_bit.iter().enumerate().filter(|(i, b)| *i < 21 || *i > 276 || !b"\r\n".contains(b)).map(|(_, b)| *b).collect();
    let large =
        [b"Subject: large\r\n\r\n".as_slice(), &b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(12_000)]
            .concat();
    for raw in [&mail(1), &eight_bit, &large] {
        dovecot.deliver(raw);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut imap, selected) = dovecot.connect().await;
    assert_eq!((selected.exists, selected.uid_next), (3, Some(4)));
    assert_eq!(imap.unseen().await.unwrap(), [1, 2, 3]);
    let (mails, others) = fetch_all(&mut imap, &[1, 2, 3, 9]).await;
    assert_eq!(others, [Fetched::Gone { uid: 9 }]);
    let mut got: Vec<_> = mails.into_values().collect();
    let mut sent = vec![mail(1), eight_bit, large];
    got.sort();
    sent.sort();
    assert!(got == sent);
    assert_eq!(imap.unseen().await.unwrap(), [1, 2, 3]);
    assert_eq!(imap.after(1).await.unwrap(), [2, 3]);
    assert_eq!(imap.after(3).await.unwrap(), Vec::<u32>::new());
    assert_eq!(imap.after(u32::MAX).await.unwrap(), Vec::<u32>::new());
    let now = crate::clock::Clock::wall().now();
    imap.settle(&[2], &AfterTaking::Seen).await.unwrap();
    let earlier = |hours| Some(now - SignedDuration::from_hours(hours));
    for (since, found) in [(earlier(1), &[1, 2, 3][..]), (earlier(-1), &[1, 3]), (earlier(-72), &[1, 3]), (earlier(72), &[1, 2, 3])] {
        assert_eq!(imap.between(1, 3, since).await.unwrap(), found);
    }
    assert_eq!(imap.between(2, 9, None).await.unwrap(), [2, 3]);
    assert_eq!(imap.between(4, 3, None).await.unwrap(), Vec::<u32>::new());
    imap.logout().await;
}

#[tokio::test]
async fn a_long_mail_comes_in_pieces_and_keeps_no_other_waiting() {
    let Some(dovecot) = dovecot(false) else { return };
    let line = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n";
    // One ends with a piece, one just behind it, and one is long; more of them than beginnings are kept.
    let of = |bytes: usize| [b"Subject: long\r\n\r\n".as_slice(), &line.repeat(bytes / line.len() + 1)].concat()[..bytes].to_vec();
    let mut sent: Vec<Vec<u8>> = [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 7].map(of).to_vec();
    sent.extend((0..10).map(|n| of(PIECE_BYTES + 100 + n)));
    sent.push(mail(1));
    for raw in &sent {
        dovecot.deliver(raw);
    }
    let (mut imap, _) = dovecot.connect().await;
    let uids = imap.unseen().await.unwrap();
    let mut got = Vec::new();
    let mut fetching = imap.fetch(&uids);
    let mut longs = 0;
    while let Some(fetched) = fetching.next().await.unwrap() {
        got.push(match fetched {
            Fetched::Mail { raw, .. } => raw,
            Fetched::Long { uid, bytes, beginning: mut raw } => {
                longs += 1;
                let mut last = raw.len();
                while last == PIECE_BYTES {
                    let piece = fetching.piece(uid, raw.len() as u64).await.unwrap().unwrap();
                    last = piece.len();
                    raw.extend(piece);
                }
                assert_eq!(raw.len() as u64, bytes);
                raw
            }
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(longs, 13);
    assert_eq!(fetching.piece(999, 0).await.unwrap(), None);
    got.sort();
    sent.sort();
    assert!(got == sent);
}

#[tokio::test]
async fn settling_marks_moves_or_deletes_and_may_be_repeated() {
    let Some(dovecot) = dovecot(false) else { return };
    for n in 1..=6 {
        dovecot.deliver(&mail(n));
    }
    let (mut imap, first) = dovecot.connect().await;
    assert_eq!(imap.offers, super::Offers { idle: true, moving: true, uid_plus: true });
    for _ in 0..2 {
        imap.settle(&[1, 2], &AfterTaking::Seen).await.unwrap();
        imap.settle(&[3], &AfterTaking::Move("已處理 & \"done\"/2026".into())).await.unwrap();
        imap.settle(&[4], &AfterTaking::Delete).await.unwrap();
    }
    assert_eq!(imap.unseen().await.unwrap(), [5, 6]);
    assert_eq!(dovecot.files(".&XfKGVXQG- &- \"done\".2026").len(), 1);
    assert_eq!(dovecot.files("").len(), 4);

    imap.offers.moving = false;
    imap.settle(&[5], &AfterTaking::Move("Copied".into())).await.unwrap();
    imap.offers.uid_plus = false;
    imap.settle(&[6], &AfterTaking::Move("Copied".into())).await.unwrap();
    assert_eq!(dovecot.files(".Copied").len(), 2);
    assert_eq!(dovecot.files("").len(), 2);
    let (_, again) = dovecot.connect().await;
    assert_eq!((again.uid_validity, again.uid_next, again.exists), (first.uid_validity, Some(7), 2));
}

#[tokio::test]
async fn waiting_ends_soon_after_a_delivery_and_not_with_its_time() {
    let Some(dovecot) = dovecot(false) else { return };
    let (mut imap, _) = dovecot.connect().await;
    let started = Instant::now();
    assert!(!imap.wait(Duration::from_millis(300)).await.unwrap());
    assert!(started.elapsed() < Duration::from_secs(15));

    let waiting = tokio::spawn(async move {
        let woken = imap.wait(Duration::from_mins(1)).await.unwrap();
        (imap, woken, Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    dovecot.deliver(&mail(1));
    let delivered = Instant::now();
    let (mut imap, woken, at) = waiting.await.unwrap();
    assert!(woken);
    assert!(at - delivered < Duration::from_secs(15), "{:?}", at - delivered);
    assert_eq!(imap.unseen().await.unwrap(), [1]);

    // What came while another command ran must not be slept over.
    dovecot.deliver(&mail(2));
    imap.command("NOOP", "NOOP", |_| ()).await.unwrap();
    let started = Instant::now();
    assert!(imap.wait(Duration::from_mins(1)).await.unwrap());
    assert!(started.elapsed() < Duration::from_secs(15));

    imap.offers.idle = false;
    imap.unseen().await.unwrap();
    dovecot.deliver(&mail(3));
    assert!(imap.wait(Duration::from_millis(200)).await.unwrap());
}

#[tokio::test]
async fn a_wrong_password_is_told_apart() {
    let Some(dovecot) = dovecot(false) else { return };
    for wrong in ["wrong", "錯", "a\r\nb"] {
        let server = MailServer { password: Some(Secret::new(wrong)), user: Some(ASCII_USER.into()), ..dovecot.server() };
        let refused = Imap::connect(&server, "INBOX", None).await.unwrap_err();
        assert!(matches!(refused, MailError::RefusedLogin { .. }), "{refused}");
        assert!(!refused.to_string().contains(wrong), "{refused}");
    }
    let right = MailServer { user: Some(ASCII_USER.into()), password: Some(Secret::new(ASCII_PASSWORD)), ..dovecot.server() };
    Imap::connect(&right, "INBOX", None).await.unwrap();
    let server = MailServer { password: None, ..dovecot.server() };
    assert!(matches!(Imap::connect(&server, "INBOX", None).await.unwrap_err(), MailError::RefusedLogin { .. }));
    let absent = Imap::connect(&dovecot.server(), "Nowhere", None).await.unwrap_err();
    assert!(matches!(absent, MailError::SaidNo { command: "SELECT", .. }), "{absent}");
}

#[tokio::test]
async fn a_server_that_stops_is_an_error_and_not_a_hang() {
    let Some(mut dovecot) = dovecot(false) else { return };
    dovecot.deliver(&mail(1));
    let (mut idle, _) = dovecot.connect().await;
    let (mut busy, _) = dovecot.connect().await;
    let waiting = tokio::spawn(async move { idle.wait(Duration::from_mins(1)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    dovecot.stop();
    let lost = timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(lost, MailError::CutOff { .. }), "{lost}");
    let lost = timeout(Duration::from_secs(5), busy.unseen()).await.unwrap().unwrap_err();
    assert!(matches!(lost, MailError::CutOff { .. }), "{lost}");
    let refused = Imap::connect(&dovecot.server(), "INBOX", None).await.unwrap_err();
    assert!(matches!(refused, MailError::CannotConnect { .. }), "{refused}");
    dovecot.run();
    assert_eq!(dovecot.connect().await.1.exists, 1);
}

#[tokio::test]
async fn tls_is_used_from_the_first_byte_or_by_starttls() {
    let Some(dovecot) = dovecot(true) else { return };
    let trusting = MailServer { ca_pem: Some(dovecot.certificate()), ..dovecot.server() };
    let wrapped = MailServer { tls: Tls::Wrapped, port: dovecot.tls_port, ..dovecot.server() };
    for server in [&MailServer { ca_pem: trusting.ca_pem.clone(), ..wrapped.clone() }, &trusting] {
        let (mut imap, _) = Imap::connect(server, "INBOX", None).await.unwrap();
        assert!(format!("{:?}", imap.session).contains("TlsStream"));
        assert!(!imap.wait(Duration::from_millis(100)).await.unwrap());
        imap.logout().await;
    }
    let stranger = Imap::connect(&wrapped, "INBOX", None).await.unwrap_err();
    assert!(matches!(&stranger, MailError::CannotConnect { why, .. } if why.contains("certificate")), "{stranger}");
    let broken = MailServer { ca_pem: Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into()), ..wrapped };
    let refused = Imap::connect(&broken, "INBOX", None).await.unwrap_err();
    assert!(matches!(&refused, MailError::CannotConnect { why, .. } if why.contains("ca_file")), "{refused}");
    // A mail server on this machine often has a certificate that nobody signed.
    let (imap, _) = Imap::connect(&dovecot.server(), "INBOX", None).await.unwrap();
    assert!(!format!("{:?}", imap.session).contains("TlsStream"));
}

#[tokio::test]
async fn fetching_goes_on_over_batches_in_a_task_and_a_broken_off_one_spends_the_session() {
    let Some(dovecot) = dovecot(false) else { return };
    let count = u32::try_from(FETCH_BATCH_MAX).unwrap() + 3;
    for n in 1..=count {
        dovecot.deliver(&mail(n));
    }
    let (mut imap, _) = dovecot.connect().await;
    let uids = imap.unseen().await.unwrap();
    let task = tokio::spawn(async move {
        let (mails, others) = fetch_all(&mut imap, &uids).await;
        assert_eq!(others, []);
        (imap, mails)
    });
    let (mut imap, mails) = task.await.unwrap();
    assert!(mails.keys().copied().eq(1..=count));
    let mut bodies: Vec<_> = mails.into_values().collect();
    let mut sent: Vec<_> = (1..=count).map(mail).collect();
    bodies.sort();
    sent.sort();
    assert_eq!(bodies, sent);
    assert!(matches!(imap.fetch(&[1, 2, 3]).next().await.unwrap(), Some(Fetched::Mail { .. })));
    assert!(matches!(imap.unseen().await.unwrap_err(), MailError::CutOff { .. }));
    assert!(matches!(imap.fetch(&[1]).next().await.unwrap_err(), MailError::CutOff { .. }));
}

/// The beginning of a mail that is longer than a piece.
fn piece() -> String {
    let head = "A: b\r\n\r\n";
    format!("{head}{}", "x".repeat(PIECE_BYTES - head.len()))
}

/// A server that greets, then answers each command whose text begins so with the given lines; `TAG` stands for its tag.
/// A script's end closes the connection.
async fn scripted(address: IpAddr, script: &'static [(&'static str, &'static str)]) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            stream.write_all(b"* OK ready\r\n").await.unwrap();
            let mut last = String::new();
            for (begins, answer) in script {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    break;
                }
                let (tag, command) = match *begins {
                    // base64 of "user=support@example.test^Aauth=Bearer a token^A^A"
                    "XOAUTH2-RESPONSE" => (
                        last.as_str(),
                        if line.starts_with("dXNlcj1zdXBwb3J0QGV4YW1wbGUudGVzdAFhdXRoPUJlYXJlciBhIHRva2VuAQE=") { *begins } else { &line },
                    ),
                    "EMPTY" => (last.as_str(), if line == "\r\n" { *begins } else { &line }),
                    _ => line.split_once(' ').unwrap(),
                };
                assert!(command.starts_with(begins), "{command} is not {begins}");
                let tag = tag.to_owned();
                last.clone_from(&tag);
                let tag = tag.as_str();
                let literal = format!("{{{PIECE_BYTES}}}\r\n{}", piece());
                stream.write_all(answer.replace("TAG", tag).replace("PIECE", &literal).as_bytes()).await.unwrap();
            }
        }
    });
    at
}

const NO_STARTTLS: (&str, &str) = ("STARTTLS", "TAG BAD what?\r\n");
const LOGIN: (&str, &str) = ("LOGIN", "TAG OK in\r\n");
const SELECT: (&str, &str) = ("SELECT", "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK [READ-WRITE] done\r\n");

#[tokio::test]
async fn a_server_elsewhere_without_tls_is_refused() {
    let probe = UdpSocket::bind("0.0.0.0:0").unwrap();
    let ours = probe.connect("192.0.2.1:9").and_then(|()| probe.local_addr());
    let Ok(ours) = ours.map(|a| a.ip()) else {
        println!("skipped: this machine has no address but loopback");
        return;
    };
    let at = scripted(ours, &[NO_STARTTLS]).await;
    let refused = Imap::connect(&server(ours, at.port()), "INBOX", None).await.unwrap_err();
    assert!(matches!(refused, MailError::Insecure { .. }), "{refused}");
    assert!(refused.to_string().contains("imaps://"));
}

#[tokio::test]
async fn a_mail_that_is_too_large_or_unreadable_is_told_of_and_keeps_no_other_away() {
    let at = scripted(
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        &[
            NO_STARTTLS,
            LOGIN,
            ("CAPABILITY", "* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"),
            SELECT,
            // The fourth is exactly as long as a piece, the second cannot be read, and there is no fifth.
            ("UID FETCH 1:5 (UID BODY.PEEK[]<0.1048576>)", "* 1 FETCH (UID 1 BODY[]<0> \"one\")\r\n* 3 FETCH (UID 3 BODY[]<0> PIECE)\r\n* 4 FETCH (BODY[]<0> PIECE UID 4)\r\nTAG NO some could not be read\r\n"),
            ("UID FETCH 3 (UID RFC822.SIZE)", "* 3 FETCH (UID 3 RFC822.SIZE 52428801)\r\nTAG OK done\r\n"),
            ("UID FETCH 4 (UID RFC822.SIZE)", "* 4 FETCH (UID 4 RFC822.SIZE 1048576)\r\nTAG OK done\r\n"),
            ("UID FETCH 4 (UID BODY.PEEK[]<1048576.1048576>)", "* 4 FETCH (UID 4 BODY[]<1048576> \"\")\r\nTAG OK done\r\n"),
            ("UID FETCH 2 (UID BODY.PEEK[]<0.1048576>)", "TAG NO [SERVERBUG] broken\r\n"),
            ("UID FETCH 5 (UID BODY.PEEK[]<0.1048576>)", "TAG OK done\r\n"),
            ("UID FETCH 6 (UID BODY.PEEK[]<0.1048576>)", "* 1 FETCH (UID 6 BODY[]<0> {9}\r\nhal"),
        ],
    )
    .await;
    let server = MailServer { password: Some(Secret::new("ascii \"quoted\\")), ..server(at.ip(), at.port()) };
    let (mut imap, selected) = Imap::connect(&server, "INBOX", None).await.unwrap();
    assert_eq!(selected, Selected { uid_validity: 7, uid_next: None, exists: 2 });
    let (mut told, mut rest) = (Vec::new(), Vec::new());
    let mut fetching = imap.fetch(&[1, 2, 3, 4, 5]);
    while let Some(fetched) = fetching.next().await.unwrap() {
        if let Fetched::Long { uid, .. } = &fetched {
            rest.push(fetching.piece(*uid, PIECE_BYTES as u64).await.unwrap());
        }
        told.push(fetched);
    }
    let too_large = Fetched::TooLarge { uid: 3, bytes: MAIL_BYTES_MAX + 1, head: b"A: b\r\n\r\n".to_vec() };
    let long = Fetched::Long { uid: 4, bytes: PIECE_BYTES as u64, beginning: piece().into_bytes() };
    let refused = Fetched::Refused { uid: 2, said: "[SERVERBUG] broken".to_owned() };
    let expected = [Fetched::Mail { uid: 1, raw: b"one".to_vec() }, too_large, long, refused, Fetched::Gone { uid: 5 }];
    assert!(told == expected, "{:?}", told.iter().map(|f| format!("{f:.60?}")).collect::<Vec<_>>());
    assert_eq!(rest, [Some(Vec::new())]);
    let half = imap.fetch(&[6]).next().await.unwrap_err();
    assert!(matches!(half, MailError::CutOff { .. }), "{half}");
    assert!(!half.to_string().contains("hal"));
}

#[tokio::test]
async fn a_server_that_refuses_idle_is_asked_instead() {
    let at = scripted(
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        &[
            NO_STARTTLS,
            LOGIN,
            ("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK done\r\n"),
            SELECT,
            ("IDLE", "TAG NO not today\r\n"),
            ("NOOP", "* 3 EXISTS\r\nTAG OK done\r\n"),
            ("UID SEARCH UNSEEN", "* SEARCH 9 4\r\n* SEARCH 5\r\nTAG OK done\r\n"),
            ("NOOP", "* 1 EXPUNGE\r\nTAG OK done\r\n"),
            ("NOOP", "* BYE restarting\r\n"),
        ],
    )
    .await;
    let server = MailServer { password: Some(Secret::new("ascii")), ..server(at.ip(), at.port()) };
    let (mut imap, _) = Imap::connect(&server, "INBOX", None).await.unwrap();
    assert!(imap.wait(Duration::from_millis(50)).await.unwrap());
    assert_eq!(imap.unseen().await.unwrap(), [4, 5, 9]);
    assert!(!imap.wait(Duration::from_millis(50)).await.unwrap());
    let lost = imap.wait(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(&lost, MailError::CutOff { why, .. } if why == "restarting"), "{lost}");
}

#[tokio::test]
async fn no_imap_server_is_told_as_such() {
    let at = scripted(IpAddr::V4(Ipv4Addr::LOCALHOST), &[]).await;
    let lost = Imap::connect(&server(at.ip(), at.port()), "INBOX", None).await.unwrap_err();
    assert!(matches!(lost, MailError::CutOff { command: "STARTTLS", .. }), "{lost}");
    let refused = Imap::connect(&server(at.ip(), free_port()), "INBOX", None).await.unwrap_err();
    assert!(matches!(refused, MailError::CannotConnect { .. }), "{refused}");
}

#[test]
fn uids_are_written_as_runs() {
    assert_eq!(uid_set(&[7, 1, 3, 2, 7, 9]), "1:3,7,9");
    assert_eq!(uid_set(&[u32::MAX, u32::MAX - 1]), "4294967294:4294967295");
}

#[test]
fn folder_names_are_written_in_modified_utf7() {
    // The examples of RFC 3501, section 5.1.3.
    assert_eq!(utf7("~peter/mail/台北/日本語"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
    assert_eq!(utf7("&"), "&-");
    assert_eq!(quoted("a\"\\\r\n😀b"), "\"a\\\"\\\\&AA0ACtg93gA-b\"");
}

#[test]
fn a_search_by_day_reaches_the_servers_furthest_behind_and_ahead() {
    let at = |text: &str| text.parse().unwrap();
    assert_eq!(date_before(at("2026-03-01T11:00:00Z")), "28-Feb-2026");
    assert_eq!(date_before(at("2026-11-20T12:00:00Z")), "20-Nov-2026");
    // Where clocks are furthest ahead it is the 21st already.
    assert_eq!(date_after(at("2026-11-20T10:00:00Z")), "22-Nov-2026");
    assert_eq!(date_after(at("2026-11-20T09:59:59Z")), "21-Nov-2026");
    assert_eq!(moment(" 7-Jul-1996 02:44:25 -0700"), Some(at("1996-07-07T09:44:25Z")));
    assert_eq!(moment("17-Jul-1996 02:44:25 +0800"), Some(at("1996-07-16T18:44:25Z")));
    assert_eq!(moment("yesterday"), None);
}

#[test]
fn the_server_s_words_are_found_in_the_library_s_error() {
    assert_eq!(said_in("code: None, info: Some(\"[AUTHENTICATIONFAILED] no (\\\"x\\\")\")"), "[AUTHENTICATIONFAILED] no (\\\"x\\\")");
    assert_eq!(said_in("else"), "else");
}

#[tokio::test]
async fn a_token_opens_the_mailbox_and_one_that_was_taken_back_is_renewed_once() {
    // Losing a race with another test that installs the same provider changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let provider = TokenServer::start(OAUTH_USER, "refresh-1");
    let offers = Offers { tokeninfo_url: Some(provider.tokeninfo_url()), ..Offers::default() };
    let Some(dovecot) = Dovecot::start(&offers) else { return };
    dovecot.deliver(&mail(1));
    let oauth = OAuth {
        name: "mailbox/support".into(),
        token_url: provider.token_url(),
        client_id: "us".into(),
        client_secret: None,
        refresh_token: Secret::new("refresh-1"),
        scope: None,
    };
    let server = MailServer { user: Some(OAUTH_USER.into()), password: None, oauth: Some(Box::new(oauth.clone())), ..dovecot.server() };
    let tokens = forgetful(oauth);
    for _ in 0..2 {
        let (imap, selected) = Imap::connect(&server, "INBOX", Some(&tokens)).await.unwrap();
        assert_eq!(selected.exists, 1);
        imap.logout().await;
    }
    assert_eq!(provider.with(|p| p.asked.len()), 1);
    provider.with(|p| p.good.clear());
    Imap::connect(&server, "INBOX", Some(&tokens)).await.unwrap();
    assert_eq!(provider.with(|p| p.asked.len()), 2);
    // What the provider gives is of no use to this server: one try more, and no end of them.
    provider.with(|p| p.user = "somebody.else@example.test".into());
    tokens.instead_of(&tokens.get().await.unwrap()).await.unwrap();
    let refused = Imap::connect(&server, "INBOX", Some(&tokens)).await.unwrap_err();
    assert!(matches!(&refused, MailError::RefusedLogin { user, .. } if user == OAUTH_USER), "{refused}");
    assert!(!refused.to_string().contains("access-"), "{refused}");
    assert_eq!(provider.with(|p| p.asked.len()), 4);
}

#[tokio::test]
async fn the_server_s_account_of_a_refused_token_is_answered_and_told() {
    let at = scripted(
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        &[
            NO_STARTTLS,
            // {"status":"400","schemes":"Bearer"}
            ("AUTHENTICATE XOAUTH2", "+ \r\n"),
            ("XOAUTH2-RESPONSE", "+ eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=\r\n"),
            ("EMPTY", "TAG NO [AUTHENTICATIONFAILED] Invalid credentials\r\n"),
        ],
    )
    .await;
    let server = server(at.ip(), at.port());
    let refused = Imap::connect_with(&server, "INBOX", Some(&Secret::new("a token"))).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("AUTHENTICATIONFAILED") && text.contains("status 400") && !text.contains("token\""), "{text}");
}
