//! A throw-away Dovecot 2.3 on ports of its own, with its mailboxes in a temporary folder. It stands alone, so that the unit tests and
//! the benchmarks can use it as well.

use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub const USER: &str = "support@example.test";
/// Not ASCII: it must survive the login.
pub const PASSWORD: &str = "信箱-secret";
/// Opens the same mailbox, by LOGIN.
pub const ASCII_USER: &str = "ascii@example.test";
pub const ASCII_PASSWORD: &str = "a \"quoted\" \\ one";
/// Opens the same mailbox, with OAuth alone.
pub const OAUTH_USER: &str = "oauth@example.test";
/// Has a mailbox of its own.
pub const SECOND_USER: &str = "second@example.test";
pub const SECOND_PASSWORD: &str = "second-secret";
/// The folders of the two mailboxes.
pub const FIRST: &str = "mail";
pub const SECOND: &str = "mail2";

const NOBODY: u32 = 65534;
const START_MAX: Duration = Duration::from_secs(15);

/// What it offers beside passwords in plain text.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    pub tls: bool,
    /// Where access tokens are looked up, up to and with `access_token=`: then it takes XOAUTH2.
    pub tokeninfo_url: Option<String>,
}

pub struct Dovecot {
    dir: tempfile::TempDir,
    pub port: u16,
    pub tls_port: u16,
    master: Option<Child>,
}

impl Dovecot {
    /// None, and a printed word, where there is no Dovecot 2.3.
    pub fn start(offers: &Offers) -> Option<Self> {
        let version = Command::new("dovecot").arg("--version").output();
        if !version.is_ok_and(|v| v.stdout.starts_with(b"2.3")) {
            println!("skipped: there is no Dovecot 2.3 here");
            return None;
        }
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let mut dovecot = Self { dir, port: free_port(), tls_port: free_port(), master: None };
        if offers.tls && !dovecot.make_certificate() {
            println!("skipped: there is no openssl here");
            return None;
        }
        dovecot.configure(offers);
        dovecot.run();
        Some(dovecot)
    }

    pub fn path(&self, name: &str) -> PathBuf {
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

    /// The certificate that it shows, in PEM.
    pub fn certificate(&self) -> String {
        fs::read_to_string(self.path("cert.pem")).expect("it was made for TLS")
    }

    fn configure(&self, offers: &Offers) {
        let dir = self.dir.path().display();
        let (uid, gid, names) = if is_root() {
            (NOBODY, NOBODY, String::new())
        } else {
            let (uid, gid) = owner_of(Path::new("/proc/self"));
            let me = std::env::var("USER").unwrap_or_default();
            (uid, gid, format!("default_internal_user = {me}\ndefault_login_user = {me}"))
        };
        for folder in ["run", "state"] {
            fs::create_dir_all(self.path(folder)).expect("a folder can be made");
        }
        for part in ["new", "cur", "tmp"] {
            for mailbox in [FIRST, SECOND] {
                fs::create_dir_all(self.path(mailbox).join(part)).expect("a folder can be made");
            }
        }
        let user = |name: &str, password: &str, mailbox: &str| {
            format!("{name}:{{PLAIN}}{password}:{uid}:{gid}::{dir}/{mailbox}::userdb_mail=maildir:{dir}/{mailbox}\n")
        };
        let users = [(USER, PASSWORD, FIRST), (ASCII_USER, ASCII_PASSWORD, FIRST), (SECOND_USER, SECOND_PASSWORD, SECOND)];
        let mut users: String = users.into_iter().map(|(name, password, mailbox)| user(name, password, mailbox)).collect();
        users += &user(OAUTH_USER, "!", FIRST).replace("{PLAIN}!", "{CRYPT}!");
        fs::write(self.path("users"), users).expect("a file can be written");
        let ssl = if offers.tls { format!("ssl = yes\nssl_cert = <{dir}/cert.pem\nssl_key = <{dir}/key.pem") } else { "ssl = no".into() };
        let tls_port = if offers.tls { self.tls_port } else { 0 };
        let (mechanisms, oauth) = match &offers.tokeninfo_url {
            None => ("plain login", String::new()),
            Some(url) => {
                fs::write(self.path("oauth2"), format!("tokeninfo_url = {url}\nusername_attribute = email\n"))
                    .expect("a file can be written");
                ("plain login xoauth2", format!("passdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {dir}/oauth2\n}}\n"))
            }
        };
        let conf = format!(
            "base_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = {dir}/log\nprotocols = imap\nlisten = 127.0.0.1\n{ssl}\n\
             disable_plaintext_auth = no\nauth_mechanisms = {mechanisms}\nauth_failure_delay = 0\nfirst_valid_uid = 1\n{names}\n\
             mailbox_list_index = no\n{oauth}\
             passdb {{\n driver = passwd-file\n args = {dir}/users\n}}\nuserdb {{\n driver = passwd-file\n args = {dir}/users\n}}\n\
             namespace inbox {{\n inbox = yes\n separator = /\n}}\n\
             service imap-login {{\n inet_listener imap {{\n port = {}\n }}\n inet_listener imaps {{\n port = {tls_port}\n }}\n}}\n\
             service anvil {{\n unix_listener anvil-auth-penalty {{\n mode = 0\n }}\n}}\n\
             service stats {{\n unix_listener stats-writer {{\n mode = 0666\n }}\n}}\n",
            self.port
        );
        fs::write(self.path("dovecot.conf"), conf).expect("a file can be written");
        open_to_all(self.dir.path());
        own(&self.path(FIRST));
        own(&self.path(SECOND));
    }

    /// Starts it (again) and waits until it greets.
    pub fn run(&mut self) {
        use std::os::unix::process::CommandExt as _;
        let mut master = Command::new("dovecot");
        master.args(["-F", "-c"]).arg(self.path("dovecot.conf")).stderr(Stdio::null()).process_group(0);
        self.master = Some(master.spawn().expect("it can be started"));
        let until = Instant::now() + START_MAX;
        while !is_greeting(self.port) {
            assert!(Instant::now() < until, "dovecot: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has written of itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Ends it at once; its connections are cut.
    pub fn stop(&mut self) {
        let Some(mut master) = self.master.take() else { return };
        // The whole group: its children would wait for their clients to leave.
        Command::new("kill").args(["-KILL", "--", &format!("-{}", master.id())]).status().expect("there is a kill command");
        master.wait().expect("it is our child");
    }

    /// A mail arrives in the first mailbox.
    pub fn deliver(&self, raw: &[u8]) {
        self.deliver_to(FIRST, raw);
    }

    /// A mail arrives.
    pub fn deliver_to(&self, mailbox: &str, raw: &[u8]) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("1700000000.{:08}.test", NUMBER.fetch_add(1, Ordering::Relaxed));
        let tmp = self.path(mailbox).join("tmp").join(&name);
        fs::write(&tmp, raw).expect("the mail can be written");
        if is_root() {
            std::os::unix::fs::chown(&tmp, Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        fs::rename(&tmp, self.path(mailbox).join("new").join(&name)).expect("the mail can be filed");
    }

    /// The names in `new` and `cur` of a folder of the first mailbox; `""` is its INBOX.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        for part in ["new", "cur"] {
            let Ok(entries) = fs::read_dir(self.path(FIRST).join(folder).join(part)) else { continue };
            for entry in entries {
                names.push(entry.expect("the folder can be read").file_name().into_string().expect("names are ASCII"));
            }
        }
        names
    }

    /// Makes every mail of the first mailbox one that somebody has read, `hours` ago; those that were aged before stay as they are.
    pub fn age_all(&self, hours: u64) {
        let mailbox = self.path(FIRST);
        let at = fs::metadata("/proc/self").and_then(|m| m.modified()).expect("there is a clock") - Duration::from_hours(hours);
        for entry in fs::read_dir(mailbox.join("new")).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().and_then(|n| n.to_str()).expect("names are ASCII");
            let file = fs::File::options().write(true).open(&path).expect("it can be opened");
            file.set_modified(at).expect("its time can be set");
            fs::rename(&path, mailbox.join("cur").join(format!("{name}:2,S"))).expect("it can be renamed");
        }
    }

    /// Forgets how its mails were numbered: UIDVALIDITY changes. It must not be running.
    pub fn number_anew(&self) {
        for entry in fs::read_dir(self.path(FIRST)).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let is_index = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("dovecot"));
            if is_index {
                fs::remove_file(&path).expect("it can be taken away");
            }
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port on which nothing listens, below those that the system gives out by itself: nobody gets it while the server is away.
pub fn free_port() -> u16 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let n = u64::from(std::process::id()) * 131 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from(n % 12_000).expect("it is below 12,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn is_greeting(port: u16) -> bool {
    let mut four = [0; 4];
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let waits = stream.set_read_timeout(Some(Duration::from_secs(2)));
    waits.is_ok() && stream.read_exact(&mut four).is_ok() && four == *b"* OK"
}

fn owner_of(path: &Path) -> (u32, u32) {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path).expect("it is there");
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
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("the folder can be read") {
            own(&entry.expect("the folder can be read").path());
        }
    }
}

fn open_to_all(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("it is ours");
}
