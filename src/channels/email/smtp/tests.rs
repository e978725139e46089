use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::*;
use crate::channels::email::connection::Wire;
use crate::channels::email::oauth::forgetful;
use crate::channels::email::tokens::TokenServer;
use crate::config::{Dkim, OAuth, Secret};

const FROM: &str = "support@example.test";
const TO: &str = "client@example.test";
const MAIL: &[u8] = b"Subject: hello\r\n\r\nbody\r\n";
const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Closes the connection instead of an answer.
const CLOSE: &str = "close";
/// Gives no answer.
const SILENCE: &str = "silence";

/// What a [`Responder`] does other than accept.
#[derive(Default)]
struct Manners {
    features: Vec<&'static str>,
    /// Command (`GREETING` and `END` too) and the answer to its next use.
    faults: Vec<(&'static str, &'static str)>,
    tls: Option<TlsAcceptor>,
    /// The access token that is good.
    token: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Received {
    from: String,
    to: String,
    raw: Vec<u8>,
}

/// A small SMTP server that keeps what it accepts.
struct Responder {
    port: u16,
    manners: Arc<Mutex<Manners>>,
    received: Arc<Mutex<Vec<Received>>>,
    /// Connections and commands, in order.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Responder {
    async fn start(at: IpAddr, features: &[&'static str], faults: &[(&'static str, &'static str)]) -> Self {
        Self::with(at, Manners { features: features.to_vec(), faults: faults.to_vec(), ..Manners::default() }).await
    }

    async fn with(at: IpAddr, manners: Manners) -> Self {
        let listener = TcpListener::bind((at, 0)).await.unwrap();
        let (port, manners) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(manners)));
        let responder = Self { port, manners, received: Arc::default(), seen: Arc::default() };
        let (manners, received, seen) = (Arc::clone(&responder.manners), Arc::clone(&responder.received), Arc::clone(&responder.seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                seen.lock().unwrap().push("CONNECTION".into());
                let session = Session {
                    manners: Arc::clone(&manners),
                    received: Arc::clone(&received),
                    seen: Arc::clone(&seen),
                    mail: Received::default(),
                };
                // A client that leaves in the middle is what some of the tests are about.
                tokio::spawn(async move { drop(session.serve(Box::new(stream)).await) });
            }
        });
        responder
    }

    fn fault(&self, command: &'static str, answer: &'static str) {
        self.manners.lock().unwrap().faults.push((command, answer));
    }

    fn server(&self, host: IpAddr) -> MailServer {
        MailServer { tls: Tls::StartTls, host: host.to_string(), port: self.port, user: None, password: None, oauth: None, ca_pem: None }
    }

    fn smtp(&self) -> Smtp {
        smtp(self.server(LOCALHOST))
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn count(&self, command: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|s| s.starts_with(command)).count()
    }
}

struct Session {
    manners: Arc<Mutex<Manners>>,
    received: Arc<Mutex<Vec<Received>>>,
    seen: Arc<Mutex<Vec<String>>>,
    mail: Received,
}

impl Session {
    async fn serve(mut self, stream: Box<dyn Wire>) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let greeting = self.answer("GREETING", "220 ready").await?;
        stream.write_all(greeting.as_bytes()).await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            self.seen.lock().unwrap().push(line.trim_end().to_owned());
            let verb = line.split([' ', '\r']).next().unwrap_or_default().to_owned();
            let answer = match verb.as_str() {
                "EHLO" => {
                    let features = self.manners.lock().unwrap().features.join("\r\n250-");
                    self.answer("EHLO", &format!("250-here\r\n250-{features}\r\n250 HELP")).await?
                }
                "DATA" => self.answer("DATA", "354 go on").await?,
                "QUIT" => return stream.write_all(b"221 bye\r\n").await,
                "AUTH" if line.starts_with("AUTH XOAUTH2 ") => {
                    let given = STANDARD.decode(line["AUTH XOAUTH2 ".len()..].trim_end()).unwrap();
                    let good = self.manners.lock().unwrap().token.clone();
                    if given == format!("user=user\x01auth=Bearer {good}\x01\x01").as_bytes() {
                        self.answer("AUTH", "235 welcome").await?
                    } else {
                        // {"status":"401"}
                        stream.write_all(b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n").await?;
                        let mut empty = String::new();
                        stream.read_line(&mut empty).await?;
                        assert_eq!(empty, "\r\n");
                        self.answer("AUTH", "535 5.7.8 who are you?").await?
                    }
                }
                "AUTH" => {
                    // "\0user\0right"
                    let good = if line.contains("AHVzZXIAcmlnaHQ=") { "235 welcome" } else { "535 5.7.8 who are you?" };
                    self.answer("AUTH", good).await?
                }
                _ => self.answer(&verb, "250 fine").await?,
            };
            stream.write_all(answer.as_bytes()).await?;
            match verb.as_str() {
                "MAIL" => self.mail.from = line.trim_end().to_owned(),
                "RCPT" => self.mail.to = line.trim_end().to_owned(),
                "DATA" if answer.starts_with("354") => self.take(&mut stream).await?,
                "STARTTLS" if answer.starts_with("250") => {
                    let acceptor = self.manners.lock().unwrap().tls.clone().unwrap();
                    self.manners.lock().unwrap().features.retain(|f| *f != "STARTTLS");
                    stream = BufReader::new(Box::new(acceptor.accept(stream.into_inner()).await?));
                }
                _ => {}
            }
        }
    }

    async fn take(&mut self, stream: &mut BufReader<Box<dyn Wire>>) -> std::io::Result<()> {
        self.answer("BODY", "").await?;
        self.mail.raw.clear();
        loop {
            let mut line = Vec::new();
            if stream.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            match line.as_slice() {
                b".\r\n" => break,
                [b'.', rest @ ..] => self.mail.raw.extend_from_slice(rest),
                _ => self.mail.raw.extend_from_slice(&line),
            }
        }
        let answer = self.answer("END", "250 filed").await?;
        if answer.starts_with("250") {
            self.received.lock().unwrap().push(self.mail.clone());
        }
        stream.write_all(answer.as_bytes()).await
    }

    async fn answer(&self, command: &str, usual: &str) -> std::io::Result<String> {
        let fault = {
            let faults = &mut self.manners.lock().unwrap().faults;
            faults.iter().position(|(c, _)| *c == command).map(|i| faults.remove(i).1)
        };
        match fault {
            Some(CLOSE) => Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(SILENCE) => std::future::pending().await,
            answer => Ok(format!("{}\r\n", answer.unwrap_or(usual))),
        }
    }
}

fn configured(sink: MailSink) -> config::Smtp {
    config::Smtp { sink, from_name: "Support".into(), from_address: FROM.into(), dkim: None }
}

fn smtp(server: MailServer) -> Smtp {
    let sink = MailSink::Smtp(server);
    Smtp::new(&configured(sink), None).unwrap()
}

fn relay(smtp: &mut Smtp) -> &mut Relay {
    match &mut smtp.sink {
        Sink::Server(relay) => relay,
        Sink::Maildir(_) => panic!("it is a folder"),
    }
}

async fn send(smtp: &Smtp) -> SendOutcome {
    smtp.send(FROM, TO, MAIL, "delivery-1").await
}

#[tokio::test]
async fn a_mail_arrives_byte_for_byte() {
    let responder = Responder::start(LOCALHOST, &["8BITMIME"], &[]).await;
    let smtp = responder.smtp();
    let mut dots = b"Subject: \xe4\xbf\xa1\r\n\r\n.\r\n..\r\n.x\r\n\r\n.".to_vec();
    dots.resize(CHUNK_BYTES - 1, b'x');
    dots.extend_from_slice(b"\r\n.\r\n.end\r\n");
    for raw in [MAIL, b".\r\n", b"\r\n\r\n", &dots, &b"0123456789\r\n".repeat(100_000)] {
        assert_eq!(smtp.send(FROM, TO, raw, "x").await, SendOutcome::Sent);
        assert!(responder.received().last().unwrap().raw == raw);
    }
    assert_eq!(smtp.send("", TO, b"a\nb\r\rc\r\n\n.\n", "x").await, SendOutcome::Sent);
    let last = responder.received().pop().unwrap();
    assert_eq!(last.raw, b"a\r\nb\r\n\r\nc\r\n\r\n.\r\n");
    assert_eq!((last.from.as_str(), last.to.as_str()), ("MAIL FROM:<>", "RCPT TO:<client@example.test>"));
    assert_eq!(responder.count("CONNECTION"), 1);
    assert_eq!(responder.count("MAIL FROM:<support@example.test> BODY=8BITMIME"), 1);
}

#[tokio::test]
async fn each_refusal_is_read_for_what_it_is() {
    let retry = SendOutcome::Retry as fn(String) -> SendOutcome;
    let rejected = SendOutcome::Rejected as fn(String) -> SendOutcome;
    let deferred = SendOutcome::Deferred as fn(String) -> SendOutcome;
    for (command, answer, expected) in [
        ("RCPT", "451 4.3.0 later", deferred),
        ("RCPT", "550 5.1.1 nobody", rejected),
        ("MAIL", "550 5.7.1 not you", rejected),
        ("MAIL", "530 5.7.0 log in first", retry),
        ("DATA", "451 4.3.0 later", deferred),
        ("DATA", "554 5.5.1 no", rejected),
        ("DATA", "250 what?", retry),
        ("END", "452 4.2.2 full", deferred),
        ("END", "554 5.7.1 spam", rejected),
        ("END", "421 4.3.2 closing", retry),
        ("GREETING", "554 5.7.1 your address is listed", retry),
        ("GREETING", "421 busy", retry),
        ("EHLO", "501 bad name", retry),
        ("RCPT", CLOSE, retry),
        ("MAIL", "not SMTP", retry),
    ] {
        let responder = Responder::start(LOCALHOST, &[], &[(command, answer)]).await;
        let smtp = responder.smtp();
        let outcome = send(&smtp).await;
        let (SendOutcome::Retry(text) | SendOutcome::Deferred(text) | SendOutcome::Rejected(text)) = &outcome else {
            panic!("{command} {answer}: {outcome:?}")
        };
        assert_eq!(outcome, expected(text.clone()), "{command} {answer}");
        assert!(responder.received().is_empty());
        assert_eq!(send(&smtp).await, SendOutcome::Sent, "after {command} {answer}");
    }
}

#[tokio::test]
async fn the_servers_words_are_kept_without_the_mails() {
    let responder = Responder::start(LOCALHOST, &[], &[("RCPT", "550-5.1.1 no\r\n550 5.1.1 such user")]).await;
    let SendOutcome::Rejected(text) = send(&responder.smtp()).await else { panic!("accepted") };
    assert!(text.contains("550") && text.contains("such user") && !text.contains("body"), "{text}");
}

#[tokio::test]
async fn a_connection_cut_after_the_mails_end_leaves_it_unknown() {
    let responder = Responder::start(LOCALHOST, &[], &[("END", CLOSE)]).await;
    assert!(matches!(send(&responder.smtp()).await, SendOutcome::Unknown(_)));
    assert_eq!(responder.count("CONNECTION"), 1);
}

#[tokio::test]
async fn a_connection_cut_before_the_mails_end_means_that_it_did_not_arrive() {
    let responder = Responder::start(LOCALHOST, &[], &[("BODY", CLOSE)]).await;
    let large = b"0123456789\r\n".repeat(2_000_000);
    let outcome = responder.smtp().send(FROM, TO, &large, "x").await;
    assert!(matches!(outcome, SendOutcome::Retry(_)), "{outcome:?}");
}

#[tokio::test]
async fn silence_is_unknown_after_the_mails_end_and_a_retry_before_it() {
    for (command, is_unknown) in [("END", true), ("GREETING", false), ("RCPT", false), ("DATA", false)] {
        let responder = Responder::start(LOCALHOST, &[], &[(command, SILENCE)]).await;
        let mut smtp = responder.smtp();
        relay(&mut smtp).patience = Duration::from_secs(1);
        let outcome = send(&smtp).await;
        assert_eq!(matches!(outcome, SendOutcome::Unknown(_)), is_unknown, "{command}: {outcome:?}");
        assert_eq!(matches!(outcome, SendOutcome::Retry(_)), !is_unknown, "{command}: {outcome:?}");
        // The next mail must not read the answers meant for this one.
        relay(&mut smtp).patience = Duration::from_secs(10);
        assert_eq!(send(&smtp).await, SendOutcome::Sent);
        assert_eq!(responder.count("CONNECTION"), 2);
    }
    assert_eq!(send_time_max(3_200_000), Duration::from_secs(60 + 97));
}

#[tokio::test]
async fn a_refused_connection_is_tried_later() {
    let responder = Responder::start(LOCALHOST, &[], &[]).await;
    let mut server = responder.server(LOCALHOST);
    server.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let smtp = smtp(server);
    assert!(matches!(send(&smtp).await, SendOutcome::Retry(_)));
    assert!(matches!(smtp.check().await.unwrap_err(), MailError::CannotConnect { .. }));
}

#[tokio::test]
async fn a_server_elsewhere_without_starttls_gets_nothing() {
    let probe = UdpSocket::bind("0.0.0.0:0").unwrap();
    let ours = probe.connect("192.0.2.1:9").and_then(|()| probe.local_addr());
    let Ok(ours) = ours.map(|a| a.ip()) else {
        println!("skipped: this machine has no address but loopback");
        return;
    };
    let responder = Responder::start(ours, &["AUTH PLAIN"], &[]).await;
    let server = MailServer { user: Some("user".into()), password: Some(Secret::new("right")), ..responder.server(ours) };
    let smtp = smtp(server);
    let refused = smtp.check().await.unwrap_err();
    assert!(matches!(refused, MailError::Insecure { .. }) && refused.to_string().contains("smtps://"), "{refused}");
    assert!(matches!(send(&smtp).await, SendOutcome::Retry(text) if text.contains("smtps://")));
    assert_eq!(responder.count("AUTH") + responder.count("MAIL"), 0);
}

#[tokio::test]
async fn a_login_is_made_where_it_is_offered() {
    let with_login = |responder: &Responder, password: &str| {
        smtp(MailServer { user: Some("user".into()), password: Some(Secret::new(password)), ..responder.server(LOCALHOST) })
    };
    let responder = Responder::start(LOCALHOST, &["AUTH LOGIN PLAIN"], &[]).await;
    let right = with_login(&responder, "right");
    right.check().await.unwrap();
    assert_eq!(send(&right).await, SendOutcome::Sent);
    assert_eq!((responder.count("AUTH"), responder.count("CONNECTION")), (2, 2));
    let wrong = with_login(&responder, "wrong");
    assert!(matches!(wrong.check().await.unwrap_err(), MailError::RefusedLogin { .. }));
    // The operator can mend it: the mails wait.
    assert!(matches!(send(&wrong).await, SendOutcome::Retry(text) if text.contains("login") && !text.contains("wrong")));
    responder.fault("AUTH", "454 4.7.0 later");
    assert!(matches!(right.check().await.unwrap_err(), MailError::SaidNo { .. }));

    let open = Responder::start(LOCALHOST, &[], &[]).await;
    assert_eq!(send(&with_login(&open, "right")).await, SendOutcome::Sent);
    assert_eq!(open.count("AUTH"), 0);
}

#[tokio::test]
async fn a_connection_serves_many_mails_and_a_stale_one_costs_none() {
    let responder = Responder::start(LOCALHOST, &[], &[]).await;
    let smtp = responder.smtp();
    for _ in 0..3 {
        assert_eq!(send(&smtp).await, SendOutcome::Sent);
    }
    assert_eq!(responder.count("CONNECTION"), 1);
    for (command, answer) in [("MAIL", CLOSE), ("MAIL", "421 4.4.2 idle for too long"), ("RCPT", CLOSE)] {
        responder.fault(command, answer);
        assert_eq!(send(&smtp).await, SendOutcome::Sent, "{command} {answer}");
    }
    assert_eq!((responder.count("CONNECTION"), responder.received().len()), (4, 6));
    // Once on a stale connection, once on a fresh one, and no more.
    responder.fault("MAIL", CLOSE);
    responder.fault("MAIL", CLOSE);
    assert!(matches!(send(&smtp).await, SendOutcome::Retry(_)));
    assert_eq!((responder.count("CONNECTION"), responder.received().len()), (5, 6));
    for _ in 0..=MAILS_PER_CONNECTION_MAX {
        assert_eq!(send(&smtp).await, SendOutcome::Sent);
    }
    assert_eq!(responder.count("CONNECTION"), 7);
}

#[tokio::test]
async fn no_more_than_four_connections_are_open_at_once() {
    let responder = Responder::start(LOCALHOST, &[], &[]).await;
    let smtp = Arc::new(responder.smtp());
    let mails: Vec<_> = (0..40).map(|_| Arc::clone(&smtp)).map(|smtp| tokio::spawn(async move { send(&smtp).await })).collect();
    for mail in mails {
        assert_eq!(mail.await.unwrap(), SendOutcome::Sent);
    }
    assert_eq!(responder.received().len(), 40);
    assert!(responder.count("CONNECTION") <= CONNECTIONS_MAX);
}

#[tokio::test]
async fn what_the_server_cannot_carry_is_rejected() {
    let responder = Responder::start(LOCALHOST, &[], &[]).await;
    let smtp = responder.smtp();
    for (to, raw) in [(TO, "信".as_bytes()), ("客戶@example.test", MAIL), ("nobody", MAIL), ("a@b.test>\r\nRCPT TO:<c@d.test", MAIL)] {
        let outcome = smtp.send(FROM, to, raw, "x").await;
        assert!(matches!(outcome, SendOutcome::Rejected(_)), "{to}: {outcome:?}");
    }
    assert!(matches!(smtp.send("nobody", TO, MAIL, "x").await, SendOutcome::Rejected(_)));
    assert_eq!(responder.count("MAIL"), 0);
}

#[tokio::test]
async fn starttls_is_used_where_it_is_offered() {
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    let openssl = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=mail"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .args([key.as_os_str(), "-out".as_ref(), certificate.as_os_str()])
        .stderr(Stdio::null())
        .status();
    if !openssl.is_ok_and(|s| s.success()) {
        println!("skipped: there is no openssl here");
        return;
    }
    let ring = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
    let config = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap();
    let manners = || Manners { features: vec!["STARTTLS"], tls: Some(TlsAcceptor::from(Arc::new(config.clone()))), ..Manners::default() };

    let responder = Responder::with(LOCALHOST, manners()).await;
    let pem = std::fs::read_to_string(&certificate).unwrap();
    let mut trusting = smtp(MailServer { ca_pem: Some(pem), ..responder.server(LOCALHOST) });
    assert_eq!(send(&trusting).await, SendOutcome::Sent);
    assert!(relay(&mut trusting).take_parked().unwrap().wire.is_encrypted());
    assert_eq!((responder.count("STARTTLS"), responder.count("EHLO"), responder.count("CONNECTION")), (1, 2, 1));

    // A mail server on this machine often has a certificate that nobody signed.
    let responder = Responder::with(LOCALHOST, manners()).await;
    let mut stranger = responder.smtp();
    assert_eq!(send(&stranger).await, SendOutcome::Sent);
    assert!(!relay(&mut stranger).take_parked().unwrap().wire.is_encrypted());
    assert_eq!((responder.count("STARTTLS"), responder.count("CONNECTION")), (1, 2));
}

#[tokio::test]
async fn a_folder_takes_each_mail_once() {
    let dir = tempfile::tempdir().unwrap();
    let sink = MailSink::Maildir(dir.path().join("drop"));
    let smtp = Smtp::new(&configured(sink), None).unwrap();
    smtp.check().await.unwrap();
    for unique in ["one", "two", "one"] {
        assert_eq!(smtp.send(FROM, TO, MAIL, unique).await, SendOutcome::Sent);
    }
    let filed = maildir::list_new(&dir.path().join("drop")).await.unwrap();
    assert_eq!(filed.len(), 2);
    assert_eq!(maildir::read(&filed[0]).await.unwrap(), MAIL);
    assert!(matches!(smtp.send(FROM, TO, MAIL, "../up").await, SendOutcome::Retry(_)));
}

#[tokio::test]
async fn a_token_logs_in_and_one_that_was_taken_back_is_renewed_once() {
    // Losing a race with another test that installs the same provider changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    let provider = TokenServer::start("user", "refresh-1");
    let oauth = OAuth {
        name: "smtp".into(),
        token_url: provider.token_url(),
        client_id: "us".into(),
        client_secret: None,
        refresh_token: Secret::new("refresh-1"),
        scope: None,
    };
    let manners = Manners { features: vec!["AUTH PLAIN XOAUTH2"], token: "access-1".into(), ..Manners::default() };
    let responder = Responder::with(LOCALHOST, manners).await;
    let server = MailServer { user: Some("user".into()), oauth: Some(Box::new(oauth.clone())), ..responder.server(LOCALHOST) };
    let tokens = || Some(Arc::new(forgetful(oauth.clone())));
    let smtp = Smtp::new(&configured(MailSink::Smtp(server.clone())), tokens()).unwrap();
    smtp.check().await.unwrap();
    assert_eq!(send(&smtp).await, SendOutcome::Sent);
    assert_eq!((provider.with(|p| p.asked.len()), responder.count("AUTH XOAUTH2"), responder.count("CONNECTION")), (1, 2, 2));

    // The provider's next one is good, and the first not any more.
    responder.manners.lock().unwrap().token = "access-2".into();
    smtp.check().await.unwrap();
    assert_eq!((provider.with(|p| p.asked.len()), responder.count("CONNECTION")), (2, 4));

    responder.manners.lock().unwrap().token = "none".into();
    let refused = smtp.check().await.unwrap_err().to_string();
    assert!(refused.contains("535") && refused.contains("status 401") && !refused.contains("access-"), "{refused}");
    assert_eq!((provider.with(|p| p.asked.len()), responder.count("CONNECTION")), (3, 6));
    responder.manners.lock().unwrap().features = vec!["AUTH PLAIN"];
    assert!(smtp.check().await.unwrap_err().to_string().contains("XOAUTH2"));

    provider.with(|p| p.refresh_token = "another".into());
    let smtp = Smtp::new(&configured(MailSink::Smtp(server)), tokens()).unwrap();
    assert!(matches!(send(&smtp).await, SendOutcome::Retry(text) if text.contains("invalid_grant")));
}

#[tokio::test]
async fn a_signed_mail_arrives_with_its_signature_on_top_and_is_otherwise_the_same() {
    let key = ring::signature::Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key.as_ref()));
    let dkim = Some(Dkim { domain: "example.test".into(), selector: "s1".into(), key: Secret::new(pem) });
    let responder = Responder::start(LOCALHOST, &[], &[]).await;
    let smtp = Smtp::new(&config::Smtp { dkim, ..configured(MailSink::Smtp(responder.server(LOCALHOST))) }, None).unwrap();
    assert_eq!(smtp.send(FROM, TO, b"From: a@example.test\nSubject: x\n\nbody\n", "x").await, SendOutcome::Sent);
    let raw = String::from_utf8(responder.received().pop().unwrap().raw).unwrap();
    assert!(raw.starts_with("DKIM-Signature: ") && raw.contains("d=example.test"), "{raw}");
    assert!(raw.ends_with("\r\nFrom: a@example.test\r\nSubject: x\r\n\r\nbody\r\n"), "{raw}");
    let bad = Dkim { domain: "example.test".into(), selector: "s1".into(), key: Secret::new("no key") };
    let refused =
        Smtp::new(&config::Smtp { dkim: Some(bad), ..configured(MailSink::Smtp(responder.server(LOCALHOST))) }, None).unwrap_err();
    assert!(matches!(&refused, MailError::BadKey { .. }) && !refused.to_string().contains("no key"), "{refused}");
}
