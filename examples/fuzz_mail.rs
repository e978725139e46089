//! Damages the mails of `tests/fixtures/email` in many ways and reads them: no panic, and no reading over a second.
//!
//! `nice cargo run --release --example fuzz_mail -- parser|reply SECONDS [SEED]`: `parser` reads whole mails, `reply` their bytes
//! as if they were a plain or an HTML text, which brings the reader of new text to what no parser would hand it. The same seed makes the same mails; every hundred
//! thousand mails it says how far it is, and at the end which mail took longest. A mail that panics or is slow is written to
//! `target/fuzz_mail-SEED-NUMBER.eml`, and the run fails.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use threadline::channels::email::parse::{Own, parse};
use threadline::channels::email::reply_text;

/// The longest that a mail may take to be read.
const READING_MAX: Duration = Duration::from_secs(1);
/// The largest mail that is made, in bytes.
const MAIL_BYTES_MAX: usize = 256 * 1024;
/// Changes of a mail, at most.
const CHANGES_MAX: usize = 12;
/// Mails between two words on how far it is.
const REPORT_MAILS: u64 = 100_000;

/// What rules look at: put in anywhere, alone or many times.
const PIECES: &[&str] = &[
    "\r\n",
    "\n\n",
    "> ",
    ">",
    "-- \r\n",
    "--",
    "----",
    "________________________________\r\n",
    "From: ",
    "寄件者: ",
    "寄件日期: ",
    "主旨：",
    "On Mon, Jan 2, 2026 at 3:04 PM a <a@b.c> wrote:\r\n",
    "寫道：\r\n",
    "-----Original Message-----",
    "---------- Forwarded message ---------\r\n",
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n",
    "Content-Type: message/rfc822\r\n\r\n",
    "--x\r\n",
    "--x--\r\n",
    "=?utf-8?B?5rC0?=",
    "=?big5?Q?=A4?=",
    "=?utf-7?Q?+?=",
    "=E6",
    "=\r\n",
    "begin 644 a\r\n",
    "end\r\n",
    "<div class=\"gmail_quote\">",
    "<blockquote type=\"cite\">",
    "</blockquote>",
    "<table><tr><td>",
    "<a href=\"http://x\">",
    "<!--",
    "<img src=\"cid:x\">",
    "[cid:x]",
    "&nbsp;",
    "filename*0*=utf-8''%E6; filename*1*=%B0",
    "\x1b$B",
    "\x1b(B",
    "電話：02-2555-0100\r\n",
    "BEGIN:VEVENT\r\n",
    "ORGANIZER;CN=\"",
    "\u{feff}",
    "\u{e000}",
];

/// A generator of numbers (splitmix64): small, and the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap_or(1)).unwrap_or(0)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let target = match arguments.next().as_deref() {
        Some("parser") => read_mail,
        Some("reply") => read_texts,
        _ => return Err("parser or reply?".into()),
    };
    let seconds: u64 = arguments.next().ok_or("how many seconds?")?.parse()?;
    let seed: u64 = arguments.next().map_or(Ok(1), |s| s.parse())?;
    let mails = fixtures(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/email")))?;
    let mut numbers = Numbers(seed);
    let begun = Instant::now();
    let (mut count, mut slowest, mut slowest_at) = (0_u64, Duration::ZERO, 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        count += 1;
        let mail = damaged(&mails, &mut numbers);
        let started = Instant::now();
        let read = std::panic::catch_unwind(|| target(&mail));
        let took = started.elapsed();
        if took > slowest {
            (slowest, slowest_at) = (took, count);
        }
        if read.is_err() || took > READING_MAX {
            let path = PathBuf::from(format!("target/fuzz_mail-{seed}-{count}.eml"));
            std::fs::write(&path, &mail)?;
            return Err(format!("{} ({} bytes, {took:?})", path.display(), mail.len()).into());
        }
        if count.is_multiple_of(REPORT_MAILS) {
            println!("{count} mails in {:?}, slowest {slowest:?} (number {slowest_at})", begun.elapsed());
        }
    }
    println!("{count} mails in {:?}, slowest {slowest:?} (number {slowest_at})", begun.elapsed());
    Ok(())
}

fn read_mail(mail: &[u8]) {
    parse(mail, &Own::default());
}

fn read_texts(mail: &[u8]) {
    let text = String::from_utf8_lossy(mail);
    reply_text::new_text(&text);
    reply_text::read("", Some(&text), false);
    reply_text::read(&text, Some(&text), true);
}

/// Every mail under `folder`.
fn fixtures(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    let mut mails = Vec::new();
    for path in entries {
        if path.is_dir() {
            mails.extend(fixtures(&path)?);
        } else if path.extension().is_some_and(|e| e == "eml") {
            mails.push(std::fs::read(&path)?);
        }
    }
    Ok(mails)
}

fn damaged(mails: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut mail = mails[numbers.below(mails.len())].clone();
    for _ in 0..=numbers.below(CHANGES_MAX) {
        change(&mut mail, mails, numbers);
    }
    mail.truncate(MAIL_BYTES_MAX);
    mail
}

fn change(mail: &mut Vec<u8>, mails: &[Vec<u8>], numbers: &mut Numbers) {
    let at = numbers.below(mail.len() + 1);
    let until = (at + numbers.below(200)).min(mail.len());
    match numbers.below(8) {
        0 => mail.truncate(at),
        1 => drop(mail.drain(at..until)),
        2 if at < mail.len() => mail[at] = u8::try_from(numbers.next() & 0xff).unwrap_or(0),
        3 => {
            let piece = PIECES[numbers.below(PIECES.len())].as_bytes();
            mail.splice(at..at, piece.iter().copied());
        }
        4 => {
            // Many of one kind: where time grows with the square of something, it shows here.
            let piece = PIECES[numbers.below(PIECES.len())].repeat(1 + numbers.below(4_000));
            mail.splice(at..at, piece.into_bytes());
        }
        5 => {
            let again = mail[at..until].repeat(1 + numbers.below(50));
            mail.splice(at..at, again);
        }
        6 => {
            let other = &mails[numbers.below(mails.len())];
            let from = numbers.below(other.len() + 1);
            mail.truncate(at);
            mail.extend_from_slice(&other[from..]);
        }
        _ => {
            let mut lines: Vec<&[u8]> = mail.split_inclusive(|b| *b == b'\n').collect();
            if lines.len() > 1 {
                let (a, b) = (numbers.below(lines.len()), numbers.below(lines.len()));
                lines.swap(a, b);
                *mail = lines.concat();
            }
        }
    }
}
