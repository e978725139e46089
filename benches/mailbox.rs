//! How fast a mailbox is taken, beside what the same server gives to somebody who throws the mails away.
//!
//! `cargo bench --bench mailbox [-- --mails N | --rounds N]`
//!
//! A real Dovecot of its own holds N generated mails (5,000 if not told otherwise). In turns (a b c a b c …):
//!
//! * a — a bare loop on a socket: `UID FETCH n:m (BODY.PEEK[])`, 200 mails a command, the bytes counted and dropped;
//! * b — our client ([`Imap::fetch`]) with the mails dropped: what reading IMAP costs us;
//! * c — the real mailbox loop: every mail's bytes in the file store, synced, its row committed in SQLite, and the mail marked as read.
//!
//! The ratio that counts is c to a. Before every part all mails are unread again and Dovecot knows them already; c begins with an
//! empty database and file store each time, and is measured until the last mail is marked as read. Nothing is placed meanwhile.
//! Where there is no Dovecot it says that it was skipped.

#[path = "../tests/journeys/support/dovecot.rs"]
#[expect(dead_code, reason = "the journeys use more of it")]
mod dovecot;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use dovecot::{ASCII_USER, Dovecot, FIRST, Offers};
use threadline::App;
use threadline::channels::email::imap::{FETCH_BATCH_MAX, Fetched, Imap, PIECE_BYTES};
use threadline::clock::Clock;
use threadline::config::{self, AfterTaking, Config, MailSource};
use threadline::domain::Inbox;
use threadline::intake::mailbox;
use threadline::store::mailboxes;
use tokio_util::sync::CancellationToken;

const MAILS: u32 = 5_000;
const MAILS_QUICK: u32 = 300;
const ROUNDS: usize = 3;
/// How often there is a look whether everything was taken.
const LOOK_EVERY: Duration = Duration::from_millis(5);
const TAKEN_WITHIN: Duration = Duration::from_mins(10);

fn main() -> anyhow::Result<()> {
    let (mut mails, mut rounds, mut is_bench) = (None, None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            // `cargo test --benches` runs this without it: then it only shows that it works.
            "--bench" => is_bench = true,
            "--mails" => mails = Some(value()?.parse()?),
            "--rounds" => rounds = Some(value()?.parse()?),
            _ => {}
        }
    }
    let mails = mails.unwrap_or(if is_bench { MAILS } else { MAILS_QUICK });
    let rounds = rounds.unwrap_or(if is_bench { ROUNDS } else { 1 });
    let Some(dovecot) = Dovecot::start(&Offers::default()) else { return Ok(()) };
    let bytes = fill(&dovecot, mails);
    println!("{mails} mails, {:.1} KB each on average; mails/s", to_f64(bytes) / to_f64(u64::from(mails)) / 1000.0);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Dovecot sees the mails for the first time.
    bare(&dovecot, mails)?;
    let mut ratios = vec![];
    for round in 1..=rounds {
        let a = rate(mails, bare(&dovecot, mails)?);
        let b = rate(mails, runtime.block_on(ours_dropping(&dovecot, mails))?);
        let c = rate(mails, runtime.block_on(taking(&dovecot, mails))?);
        ratios.push(c / a);
        println!(
            "round {round}: a bare loop {a:.0}   b our client {b:.0} ({:.0} %)   c taken durably {c:.0} ({:.0} %)",
            100.0 * b / a,
            100.0 * c / a
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("c/a, median: {:.0} %", 100.0 * ratios[ratios.len() / 2]);
    Ok(())
}

fn to_f64(n: u64) -> f64 {
    u32::try_from(n).map_or(f64::INFINITY, f64::from)
}

fn rate(mails: u32, time: Duration) -> f64 {
    f64::from(mails) / time.as_secs_f64()
}

/// Sizes between 1 and 17 KB, most of them small, as mail is. All bytes together.
fn fill(dovecot: &Dovecot, mails: u32) -> u64 {
    let mut bytes = 0;
    for n in 0..mails {
        let lines = 8 + (n.wrapping_mul(2_654_435_761) >> 24).pow(2) / 256;
        let head = format!(
            "Received: from mail.client.example by mx.example.test; Sat, 21 Nov 2026 20:00:00 +0800\r\nFrom: Client {n} <c{n}@client.example>\r\n\
             To: support@example.test\r\nSubject: Matter no. {n}\r\nMessage-ID: <{n}@client.example>\r\nDate: Sat, 21 Nov 2026 20:00:00 +0800\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        );
        let body = format!("Mail {n}: the quick brown fox jumps over the lazy dog.\r\n").repeat(usize::try_from(lines).unwrap_or(0));
        bytes += (head.len() + body.len()) as u64;
        dovecot.deliver_to(FIRST, (head + &body).as_bytes());
    }
    bytes
}

/// A session on a bare socket with every mail unread.
struct Socket(BufReader<TcpStream>);

impl Socket {
    fn open(dovecot: &Dovecot) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", dovecot.port))?;
        stream.set_nodelay(true)?;
        let mut socket = Self(BufReader::with_capacity(64 * 1024, stream));
        let mut greeting = String::new();
        socket.0.read_line(&mut greeting)?;
        socket.ask(&format!("LOGIN {ASCII_USER} \"a \\\"quoted\\\" \\\\ one\""))?;
        socket.ask("SELECT INBOX")?;
        socket.ask("UID STORE 1:* -FLAGS.SILENT (\\Seen)")?;
        Ok(socket)
    }

    /// Sends a command and drops its answer; how many bytes of literals were in it.
    fn ask(&mut self, command: &str) -> anyhow::Result<u64> {
        self.0.get_mut().write_all(format!("a {command}\r\n").as_bytes())?;
        let (mut literals, mut line) = (0, Vec::new());
        loop {
            line.clear();
            ensure!(self.0.read_until(b'\n', &mut line)? > 0, "the connection ended");
            if line.starts_with(b"a ") {
                ensure!(line.starts_with(b"a OK"), "{}", String::from_utf8_lossy(&line));
                return Ok(literals);
            }
            let end = line.trim_ascii_end();
            if let Some(open) = end.iter().rposition(|b| *b == b'{').filter(|_| end.ends_with(b"}")) {
                let length: u64 = std::str::from_utf8(&end[open + 1..end.len() - 1])?.parse()?;
                std::io::copy(&mut (&mut self.0).take(length), &mut std::io::sink())?;
                literals += length;
            }
        }
    }
}

fn bare(dovecot: &Dovecot, mails: u32) -> anyhow::Result<Duration> {
    let mut socket = Socket::open(dovecot)?;
    let batch = u32::try_from(FETCH_BATCH_MAX)?;
    let began = Instant::now();
    let mut bytes = 0;
    for first in (1..=mails).step_by(FETCH_BATCH_MAX) {
        bytes += socket.ask(&format!("UID FETCH {first}:{} (BODY.PEEK[])", (first + batch - 1).min(mails)))?;
    }
    let time = began.elapsed();
    ensure!(bytes > 0, "nothing was fetched");
    Ok(time)
}

/// A configuration for that mailbox, with everything else in `folder`.
fn configuration(dovecot: &Dovecot, folder: &std::path::Path) -> anyhow::Result<Config> {
    let text = format!(
        "[server]\npublic_url = \"https://support.example.test\"\n[[mailbox]]\nname = \"support\"\naddress = \"support@example.test\"\n\
         url = \"imap://{}@127.0.0.1:{}\"\npassword = 'a \"quoted\" \\ one'\nsince = \"all\"\n",
        ASCII_USER.replace('@', "%40"),
        dovecot.port
    );
    Ok(config::parse(&text, folder)?)
}

async fn ours_dropping(dovecot: &Dovecot, mails: u32) -> anyhow::Result<Duration> {
    Socket::open(dovecot)?;
    let config = configuration(dovecot, std::path::Path::new("/nowhere"))?;
    let MailSource::Imap { server, folder } = &config.mailbox[0].source else { anyhow::bail!("it is IMAP") };
    let (mut imap, _) = Imap::connect(server, folder, None).await?;
    let uids: Vec<u32> = (1..=mails).collect();
    let began = Instant::now();
    let mut fetching = imap.fetch(&uids);
    let mut fetched = 0;
    while let Some(mail) = fetching.next().await? {
        ensure!(matches!(mail, Fetched::Mail { raw, .. } if raw.len() < PIECE_BYTES), "every mail is short");
        fetched += 1;
    }
    let time = began.elapsed();
    ensure!(fetched == mails, "{fetched} mails were fetched");
    Ok(time)
}

/// Until the last mail is marked as read; logging in and searching are in it too.
async fn taking(dovecot: &Dovecot, mails: u32) -> anyhow::Result<Duration> {
    Socket::open(dovecot)?;
    let folder = tempfile::tempdir()?;
    std::fs::create_dir_all(folder.path().join("data"))?;
    let app = App::open(configuration(dovecot, folder.path())?, Clock::wall()).await?;
    let (mailbox, stop) = (app.config.mailbox[0].clone(), CancellationToken::new());
    ensure!(mailbox.after == AfterTaking::Seen, "that is the default");
    let began = Instant::now();
    let running = {
        let (app, stop) = (app.clone(), stop.clone());
        tokio::spawn(async move { mailbox::run(&app, &mailbox, &stop).await })
    };
    let time = loop {
        let place = mailboxes::find(&mut *app.db.read().await?, &Inbox::mail("support")).await?;
        // The place is recorded once everything is durable and settled.
        if place.is_some_and(|p| p.last_uid == mails) {
            break began.elapsed();
        }
        ensure!(began.elapsed() < TAKEN_WITHIN, "it was not taken in time");
        tokio::time::sleep(LOOK_EVERY).await;
    };
    stop.cancel();
    running.await?;
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM inbound").fetch_one(&mut *app.db.read().await?).await?;
    ensure!(rows == i64::from(mails), "{rows} rows were written");
    app.db.close().await;
    Ok(time)
}
