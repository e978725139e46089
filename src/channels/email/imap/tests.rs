use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};

use super::fetch::FETCH_BATCH_MAX;
use super::login::said_in;
use super::*;
use crate::channels::email::maildir;
use crate::config::{Secret, Tls};

const USER: &str = "support@example.test";
/// Not ASCII: it must survive the login.
const PASSWORD: &str = "信箱-secret";
/// Opens the same mailbox, by LOGIN.
const ASCII_USER: &str = "ascii@example.test";
const ASCII_PASSWORD: &str = "a \"quoted\" \\ one";
const NOBODY: u32 = 65534;
const START_MAX: Duration = Duration::from_secs(15);

/// A throw-away Dovecot 2.3 on a port of its own, with a mailbox in a temporary folder.
struct Dovecot {
    dir: tempfile::TempDir,
    port: u16,
    tls_port: u16,
    master: Option<Child>,
}

impl Dovecot {
    /// None, and a printed word, where there is no Dovecot 2.3.
    async fn start(tls: bool) -> Option<Self> {
        let version = Command::new("dovecot").arg("--version").output();
        if !version.is_ok_and(|v| v.stdout.starts_with(b"2.3")) {
            println!("skipped: there is no Dovecot 2.3 here");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let (port, tls_port) = (free_port(), free_port());
        let mut dovecot = Self { dir, port, tls_port, master: None };
        if tls && !dovecot.make_certificate() {
            println!("skipped: there is no openssl here");
            return None;
        }
        dovecot.configure(tls);
        dovecot.run().await;
        Some(dovecot)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn make_certificate(&self) -> bool {
        let openssl = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=mail.example.test", "-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(self.path("key.pem"))
            .arg("-out")
            .arg(self.path("cert.pem"))
            .stderr(Stdio::null())
            .status();
        openssl.is_ok_and(|s| s.success())
    }

    fn trust(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("cert.pem")).unwrap()).unwrap();
        Trust::with(roots)
    }

    fn configure(&self, tls: bool) {
        let dir = self.dir.path().display();
        let (uid, gid, names) = if is_root() {
            (NOBODY, NOBODY, String::new())
        } else {
            let (uid, gid) = owner_of(Path::new("/proc/self"));
            let me = std::env::var("USER").unwrap_or_default();
            (uid, gid, format!("default_internal_user = {me}\ndefault_login_user = {me}"))
        };
        for folder in ["run", "state", "mail/new", "mail/cur", "mail/tmp"] {
            fs::create_dir_all(self.path(folder)).unwrap();
        }
        let user = |name: &str, password: &str| format!("{name}:{{PLAIN}}{password}:{uid}:{gid}::{dir}/mail::\n");
        fs::write(self.path("users"), user(USER, PASSWORD) + &user(ASCII_USER, ASCII_PASSWORD)).unwrap();
        let ssl = if tls { format!("ssl = yes\nssl_cert = <{dir}/cert.pem\nssl_key = <{dir}/key.pem") } else { "ssl = no".into() };
        let tls_port = if tls { self.tls_port } else { 0 };
        let conf = format!(
            "base_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = {dir}/log\nprotocols = imap\nlisten = 127.0.0.1\n{ssl}\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain login\nauth_failure_delay = 0\nfirst_valid_uid = 1\n{names}\n\
             mail_location = maildir:{dir}/mail\nmailbox_list_index = no\n\
             passdb {{\n driver = passwd-file\n args = {dir}/users\n}}\nuserdb {{\n driver = passwd-file\n args = {dir}/users\n}}\n\
             namespace inbox {{\n inbox = yes\n separator = /\n}}\n\
             service imap-login {{\n inet_listener imap {{\n port = {}\n }}\n inet_listener imaps {{\n port = {tls_port}\n }}\n}}\n\
             service anvil {{\n unix_listener anvil-auth-penalty {{\n mode = 0\n }}\n}}\n\
             service stats {{\n unix_listener stats-writer {{\n mode = 0666\n }}\n}}\n",
            self.port
        );
        fs::write(self.path("dovecot.conf"), conf).unwrap();
        open_to_all(self.dir.path());
        own(&self.path("mail"));
    }

    async fn run(&mut self) {
        use std::os::unix::process::CommandExt as _;
        let mut master = Command::new("dovecot");
        master.args(["-F", "-c"]).arg(self.path("dovecot.conf")).stderr(Stdio::null()).process_group(0);
        self.master = Some(master.spawn().unwrap());
        let until = Instant::now() + START_MAX;
        while !is_greeting(self.port).await {
            assert!(Instant::now() < until, "dovecot: {}", fs::read_to_string(self.path("log")).unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn stop(&mut self) {
        let Some(mut master) = self.master.take() else { return };
        // The whole group: its children would wait for their clients to leave.
        Command::new("kill").args(["-KILL", "--", &format!("-{}", master.id())]).status().unwrap();
        master.wait().unwrap();
    }

    fn server(&self) -> MailServer {
        server(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port)
    }

    async fn connect(&self) -> (Imap, Selected) {
        Imap::connect(&self.server(), "INBOX").await.unwrap()
    }

    async fn deliver(&self, raw: &[u8]) {
        let path = maildir::deliver(&self.path("incoming"), raw).await.unwrap();
        own(&path);
        fs::rename(&path, self.path("mail/new").join(path.file_name().unwrap())).unwrap();
    }

    /// The names in one folder's `new` and `cur`.
    fn files(&self, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        for part in ["new", "cur"] {
            for entry in fs::read_dir(self.path("mail").join(folder).join(part)).unwrap() {
                names.push(entry.unwrap().file_name().into_string().unwrap());
            }
        }
        names
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn server(host: IpAddr, port: u16) -> MailServer {
    MailServer { tls: Tls::StartTls, host: host.to_string(), port, user: Some(USER.into()), password: Some(Secret::new(PASSWORD)) }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn is_greeting(port: u16) -> bool {
    let mut four = [0; 4];
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return false };
    matches!(timeout(Duration::from_secs(2), stream.read_exact(&mut four)).await, Ok(Ok(_))) && four == *b"* OK"
}

fn owner_of(path: &Path) -> (u32, u32) {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path).unwrap();
    (found.uid(), found.gid())
}

fn is_root() -> bool {
    owner_of(Path::new("/proc/self")).0 == 0
}

/// Dovecot opens no mail as root.
fn own(path: &Path) {
    if !is_root() {
        return;
    }
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            own(&entry.unwrap().path());
        }
    }
}

fn open_to_all(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
}

async fn fetch_all(imap: &mut Imap, uids: &[u32]) -> (BTreeMap<u32, Vec<u8>>, Vec<Fetched>) {
    let (mut mails, mut others) = (BTreeMap::new(), Vec::new());
    let mut fetching = imap.fetch(uids);
    while let Some(fetched) = fetching.next().await.unwrap() {
        match fetched {
            Fetched::Mail { uid, raw } => assert!(mails.insert(uid, raw).is_none()),
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
    let Some(dovecot) = Dovecot::start(false).await else { return };
    let eight_bit = [b"Subject: \xb4\xfa\xb8\xd5\r\n\r\n".as_slice(), &(1..=255).collect::<Vec<u8>>(), b"\r\n.\r\n\"{3}\r\n"].concat();
    // A lone CR or LF is not something that IMAP servers keep.
    let eight_bit: Vec<u8> =
        eight_bit.iter().enumerate().filter(|(i, b)| *i < 21 || *i > 276 || !b"\r\n".contains(b)).map(|(_, b)| *b).collect();
    let large =
        [b"Subject: large\r\n\r\n".as_slice(), &b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(60_000)]
            .concat();
    for raw in [&mail(1), &eight_bit, &large] {
        dovecot.deliver(raw).await;
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
    assert_eq!(imap.since_yesterday(now).await.unwrap(), [1, 2, 3]);
    assert_eq!(imap.since_yesterday(now + SignedDuration::from_hours(72)).await.unwrap(), Vec::<u32>::new());
    imap.logout().await;
}

#[tokio::test]
async fn settling_marks_moves_or_deletes_and_may_be_repeated() {
    let Some(dovecot) = Dovecot::start(false).await else { return };
    for n in 1..=6 {
        dovecot.deliver(&mail(n)).await;
    }
    let (mut imap, first) = dovecot.connect().await;
    assert_eq!(imap.offers, Offers { idle: true, moving: true, uid_plus: true });
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
async fn waiting_ends_within_two_seconds_of_a_delivery() {
    let Some(dovecot) = Dovecot::start(false).await else { return };
    let (mut imap, _) = dovecot.connect().await;
    let started = Instant::now();
    assert!(!imap.wait(Duration::from_millis(300)).await.unwrap());
    assert!(started.elapsed() < Duration::from_secs(2));

    let waiting = tokio::spawn(async move {
        let woken = imap.wait(Duration::from_mins(1)).await.unwrap();
        (imap, woken, Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    dovecot.deliver(&mail(1)).await;
    let delivered = Instant::now();
    let (mut imap, woken, at) = waiting.await.unwrap();
    assert!(woken);
    assert!(at - delivered < Duration::from_secs(2), "{:?}", at - delivered);
    assert_eq!(imap.unseen().await.unwrap(), [1]);

    // What came while another command ran must not be slept over.
    dovecot.deliver(&mail(2)).await;
    imap.command("NOOP", "NOOP", |_| ()).await.unwrap();
    let started = Instant::now();
    assert!(imap.wait(Duration::from_mins(1)).await.unwrap());
    assert!(started.elapsed() < Duration::from_secs(2));

    imap.offers.idle = false;
    imap.unseen().await.unwrap();
    dovecot.deliver(&mail(3)).await;
    assert!(imap.wait(Duration::from_millis(200)).await.unwrap());
}

#[tokio::test]
async fn a_wrong_password_is_told_apart() {
    let Some(dovecot) = Dovecot::start(false).await else { return };
    for wrong in ["wrong", "錯", "a\r\nb"] {
        let server = MailServer { password: Some(Secret::new(wrong)), user: Some(ASCII_USER.into()), ..dovecot.server() };
        let refused = Imap::connect(&server, "INBOX").await.unwrap_err();
        assert!(matches!(refused, MailError::RefusedLogin { .. }), "{refused}");
        assert!(!refused.to_string().contains(wrong), "{refused}");
    }
    let right = MailServer { user: Some(ASCII_USER.into()), password: Some(Secret::new(ASCII_PASSWORD)), ..dovecot.server() };
    Imap::connect(&right, "INBOX").await.unwrap();
    let server = MailServer { password: None, ..dovecot.server() };
    assert!(matches!(Imap::connect(&server, "INBOX").await.unwrap_err(), MailError::RefusedLogin { .. }));
    let absent = Imap::connect(&dovecot.server(), "Nowhere").await.unwrap_err();
    assert!(matches!(absent, MailError::SaidNo { command: "SELECT", .. }), "{absent}");
}

#[tokio::test]
async fn a_server_that_stops_is_an_error_and_not_a_hang() {
    let Some(mut dovecot) = Dovecot::start(false).await else { return };
    dovecot.deliver(&mail(1)).await;
    let (mut idle, _) = dovecot.connect().await;
    let (mut busy, _) = dovecot.connect().await;
    let waiting = tokio::spawn(async move { idle.wait(Duration::from_mins(1)).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    dovecot.stop();
    let lost = timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(lost, MailError::CutOff { .. }), "{lost}");
    let lost = timeout(Duration::from_secs(5), busy.unseen()).await.unwrap().unwrap_err();
    assert!(matches!(lost, MailError::CutOff { .. }), "{lost}");
    let refused = Imap::connect(&dovecot.server(), "INBOX").await.unwrap_err();
    assert!(matches!(refused, MailError::CannotConnect { .. }), "{refused}");
    dovecot.run().await;
    assert_eq!(dovecot.connect().await.1.exists, 1);
}

#[tokio::test]
async fn tls_is_used_from_the_first_byte_or_by_starttls() {
    let Some(dovecot) = Dovecot::start(true).await else { return };
    let wrapped = MailServer { tls: Tls::Wrapped, port: dovecot.tls_port, ..dovecot.server() };
    for server in [&wrapped, &dovecot.server()] {
        let (mut imap, _) = Imap::connect_trusting(server, "INBOX", &dovecot.trust()).await.unwrap();
        assert!(format!("{:?}", imap.session).contains("TlsStream"));
        assert!(!imap.wait(Duration::from_millis(100)).await.unwrap());
        imap.logout().await;
    }
    let stranger = Imap::connect(&wrapped, "INBOX").await.unwrap_err();
    assert!(matches!(&stranger, MailError::CannotConnect { why, .. } if why.contains("certificate")), "{stranger}");
    // A mail server on this machine often has a certificate that nobody signed.
    let (imap, _) = Imap::connect(&dovecot.server(), "INBOX").await.unwrap();
    assert!(!format!("{:?}", imap.session).contains("TlsStream"));
}

#[tokio::test]
async fn fetching_goes_on_over_batches_in_a_task_and_a_broken_off_one_spends_the_session() {
    let Some(dovecot) = Dovecot::start(false).await else { return };
    let count = u32::try_from(FETCH_BATCH_MAX).unwrap() + 3;
    for n in 1..=count {
        dovecot.deliver(&mail(n)).await;
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

/// A server that greets, then answers each command whose text begins so with the given lines; `TAG` stands for its tag.
/// A script's end closes the connection.
async fn scripted(address: IpAddr, script: &'static [(&'static str, &'static str)]) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            stream.write_all(b"* OK ready\r\n").await.unwrap();
            for (begins, answer) in script {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    break;
                }
                let (tag, command) = line.split_once(' ').unwrap();
                assert!(command.starts_with(begins), "{command} is not {begins}");
                stream.write_all(answer.replace("TAG", tag).as_bytes()).await.unwrap();
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
    let refused = Imap::connect(&server(ours, at.port()), "INBOX").await.unwrap_err();
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
            (
                "UID FETCH 1:4 (UID RFC822.SIZE)",
                "* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n* 2 FETCH (RFC822.SIZE 3 UID 2)\r\n* 3 FETCH (UID 3 RFC822.SIZE 52428801)\r\nTAG OK done\r\n",
            ),
            ("UID FETCH 3 (UID BODY.PEEK[HEADER]<0.65536>)", "* 3 FETCH (UID 3 BODY[HEADER]<0> {6}\r\nA: b\r\n)\r\nTAG OK done\r\n"),
            ("UID FETCH 1:2 (UID BODY.PEEK[])", "* 1 FETCH (UID 1 BODY[] \"one\")\r\nTAG NO some could not be read\r\n"),
            ("UID FETCH 2 (UID BODY.PEEK[])", "TAG NO [SERVERBUG] broken\r\n"),
            ("UID FETCH 5 (UID RFC822.SIZE)", "* 1 FETCH (UID 5 RFC822.SIZE 9)\r\nTAG OK done\r\n"),
            ("UID FETCH 5 (UID BODY.PEEK[])", "* 1 FETCH (UID 5 BODY[] {9}\r\nhal"),
        ],
    )
    .await;
    let server = MailServer { password: Some(Secret::new("ascii \"quoted\\")), ..server(at.ip(), at.port()) };
    let (mut imap, selected) = Imap::connect(&server, "INBOX").await.unwrap();
    assert_eq!(selected, Selected { uid_validity: 7, uid_next: None, exists: 2 });
    let (mails, others) = fetch_all(&mut imap, &[1, 2, 3, 4]).await;
    assert_eq!(mails, BTreeMap::from([(1, b"one".to_vec())]));
    let too_large = Fetched::TooLarge { uid: 3, bytes: MAIL_BYTES_MAX + 1, head: b"A: b\r\n".to_vec() };
    let refused = Fetched::Refused { uid: 2, said: "[SERVERBUG] broken".to_owned() };
    assert_eq!(others, [too_large, Fetched::Gone { uid: 4 }, refused]);
    let half = imap.fetch(&[5]).next().await.unwrap_err();
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
    let (mut imap, _) = Imap::connect(&server, "INBOX").await.unwrap();
    assert!(imap.wait(Duration::from_millis(50)).await.unwrap());
    assert_eq!(imap.unseen().await.unwrap(), [4, 5, 9]);
    assert!(!imap.wait(Duration::from_millis(50)).await.unwrap());
    let lost = imap.wait(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(&lost, MailError::CutOff { why, .. } if why == "restarting"), "{lost}");
}

#[tokio::test]
async fn no_imap_server_is_told_as_such() {
    let at = scripted(IpAddr::V4(Ipv4Addr::LOCALHOST), &[]).await;
    let lost = Imap::connect(&server(at.ip(), at.port()), "INBOX").await.unwrap_err();
    assert!(matches!(lost, MailError::CutOff { command: "STARTTLS", .. }), "{lost}");
    let refused = Imap::connect(&server(at.ip(), free_port()), "INBOX").await.unwrap_err();
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
fn a_day_before_reaches_the_servers_furthest_behind() {
    assert_eq!(a_day_before("2026-03-02T11:00:00Z".parse().unwrap()), "28-Feb-2026");
    assert_eq!(a_day_before("2026-11-21T12:00:00Z".parse().unwrap()), "20-Nov-2026");
}

#[test]
fn the_server_s_words_are_found_in_the_library_s_error() {
    assert_eq!(said_in("code: None, info: Some(\"[AUTHENTICATIONFAILED] no (\\\"x\\\")\")"), "[AUTHENTICATIONFAILED] no (\\\"x\\\")");
    assert_eq!(said_in("else"), "else");
}
