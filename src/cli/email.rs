//! `threadline email parse`: raw mails in, one JSON object a line out.

use std::fs;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::channels::email::parse::{self, Own};
use crate::domain::{IncomingMail, MessageId};
use crate::files::sha256;

/// The largest mail that is read, in bytes.
const MAIL_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Folders deeper than this are an error: a link that leads back.
const FOLDER_DEPTH_MAX: usize = 64;

/// A mail as it is printed; the order of the fields is the order of the keys.
#[derive(Default, Serialize)]
struct Line<'a> {
    file: &'a str,
    message_id: &'a str,
    in_reply_to: &'a str,
    references: Vec<&'a str>,
    from: &'a str,
    from_name: &'a str,
    subject: &'a str,
    text: &'a str,
    reply: &'a str,
    passed_on: &'a str,
    attachments: Vec<Attachment<'a>>,
    auto: &'a str,
}

/// What is ours, from `x.ctx.json` beside `x.eml`: without it no mail is known as our own coming back.
#[derive(Default, Deserialize)]
struct Ours {
    #[serde(default)]
    own_addresses: Vec<String>,
    own_domain: Option<String>,
}

impl Ours {
    /// That of the mail at `path`; nothing where there is none.
    fn beside(path: &Path) -> anyhow::Result<Self> {
        let path = path.with_extension("ctx.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| path.display().to_string()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e).with_context(|| path.display().to_string()),
        }
    }
}

#[derive(Serialize)]
struct Attachment<'a> {
    name: &'a str,
    size: usize,
    sha256: String,
}

/// Parses standard input without `paths`, else each file, and every `*.eml` and every mail of a Maildir under each folder, in the
/// order of their paths.
/// `x.ctx.json` beside `x.eml` may say what is ours: `{"own_addresses": ["…"], "own_domain": "…"}`.
///
/// # Errors
/// A path that cannot be read, by its name; `out` failing. What is no mail gets a line of empty fields.
pub fn parse(paths: &[PathBuf], out: &mut impl Write) -> anyhow::Result<()> {
    let mut out = BufWriter::new(out);
    if paths.is_empty() {
        let mut raw = Vec::new();
        std::io::stdin().lock().take(MAIL_BYTES_MAX).read_to_end(&mut raw).context("standard input")?;
        print("-", &raw, &Ours::default(), &mut out)?;
    }
    for path in paths {
        if fs::metadata(path).with_context(|| path.display().to_string())?.is_dir() {
            folder(path, 0, &mut out)?;
        } else {
            file(path, &mut out)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn folder(path: &Path, depth: usize, out: &mut impl Write) -> anyhow::Result<()> {
    anyhow::ensure!(depth < FOLDER_DEPTH_MAX, "{}: too many folders inside each other", path.display());
    let named = || path.display().to_string();
    let mut entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).with_context(named)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let holds_mails = is_of_maildir(path);
    for entry in entries {
        let path = entry.path();
        // A link to a folder is not followed: it may lead back.
        if entry.file_type().with_context(|| path.display().to_string())?.is_dir() {
            folder(&path, depth + 1, out)?;
        } else if holds_mails || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("eml")) {
            file(&path, out)?;
        }
    }
    Ok(())
}

/// Whether it is the `new` or `cur` of a Maildir, where any file is a mail.
fn is_of_maildir(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let Some(maildir) = folder.parent() else { return false };
    ["new", "cur"].iter().any(|name| folder.ends_with(name)) && ["new", "cur", "tmp"].iter().all(|name| maildir.join(name).is_dir())
}

fn file(path: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let mut raw = Vec::new();
    let read = fs::File::open(path).and_then(|f| f.take(MAIL_BYTES_MAX).read_to_end(&mut raw));
    read.with_context(|| name.clone())?;
    print(&name, &raw, &Ours::beside(path)?, out)
}

fn print(file: &str, raw: &[u8], ours: &Ours, out: &mut impl Write) -> anyhow::Result<()> {
    let own = Own { addresses: &ours.own_addresses, host: ours.own_domain.as_deref(), ..Own::default() };
    let mail = parse::parse(raw, &own);
    let line = mail.as_ref().map_or_else(|| Line { file, auto: "none", ..Line::default() }, |m| line(file, m));
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")?;
    Ok(())
}

fn line<'a>(file: &'a str, mail: &'a IncomingMail) -> Line<'a> {
    let attachment = |a: &'a crate::domain::MailAttachment| Attachment { name: &a.name, size: a.bytes.len(), sha256: sha256(&a.bytes) };
    Line {
        file,
        message_id: mail.message_id.as_ref().map_or("", |id| id.as_str()),
        in_reply_to: mail.in_reply_to.as_ref().map_or("", |id| id.as_str()),
        references: mail.references.iter().map(MessageId::as_str).collect(),
        from: mail.from.as_ref().map_or("", |f| &f.address),
        from_name: mail.from.as_ref().map_or("", |f| &f.name),
        subject: &mail.subject,
        text: &mail.text,
        reply: &mail.reply,
        passed_on: &mail.passed_on,
        attachments: mail.attachments.iter().map(attachment).collect(),
        auto: mail.auto.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_in_order_and_only_its_mails() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("sub")).expect("a folder");
        for (name, text) in [("b.eml", "Subject: b\n\nhi"), ("a.eml", "Subject: a\n\nhi"), ("sub/c.eml", ""), ("x.txt", "no")] {
            fs::write(dir.path().join(name), text).expect("a file");
        }
        let mut out = Vec::new();
        parse(&[dir.path().to_owned()], &mut out).expect("it parses");
        let rows: Vec<serde_json::Value> =
            out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).expect("JSON")).collect();
        let subjects: Vec<&str> = rows.iter().map(|r| r["subject"].as_str().expect("text")).collect();
        assert_eq!(subjects, ["a", "b", ""]);
        assert!(rows[2]["file"].as_str().expect("text").ends_with("sub/c.eml"));
    }

    #[test]
    fn the_mails_of_a_maildir_have_no_ending() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["new", "cur", "tmp"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        fs::write(folder.path().join("new/1.a.b"), "Subject: one\n\n").expect("a mail");
        fs::write(folder.path().join("cur/2.a.b:2,S"), "Subject: two\n\n").expect("a mail");
        fs::write(folder.path().join("tmp/3.a.b"), "Subject: half").expect("a mail");
        fs::write(folder.path().join("dovecot.index"), "x").expect("a file");
        let mut out = Vec::new();
        parse(&[folder.path().to_owned()], &mut out).expect("read");
        let out = String::from_utf8(out).expect("UTF-8");
        let subjects: Vec<&str> = out.lines().filter_map(|l| l.split("\"subject\":\"").nth(1)?.split('"').next()).collect();
        assert_eq!(subjects, ["two", "one"]);
    }

    #[test]
    fn what_is_ours_is_read_beside_the_mail() {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("a.eml", "From: help+token@example.com\n\nhi"),
            ("a.ctx.json", r#"{"own_addresses": ["help@example.com"]}"#),
            ("b.eml", "From: x@example.com\nMessage-ID: <1@desk.example.com>\n\nhi"),
            ("b.ctx.json", r#"{"own_domain": "desk.example.com"}"#),
            ("c.eml", "From: help@example.com\n\nhi"),
        ] {
            fs::write(dir.path().join(name), text).expect("a file");
        }
        let mut out = Vec::new();
        parse(&[dir.path().to_owned()], &mut out).expect("it parses");
        let lines = String::from_utf8(out).expect("UTF-8");
        let kinds: Vec<bool> = lines.lines().map(|l| l.contains(r#""auto":"loop""#)).collect();
        assert_eq!(kinds, [true, true, false]);
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let error = parse(&[PathBuf::from("/nowhere/x.eml")], &mut Vec::new()).expect_err("it is not there");
        assert!(format!("{error:#}").contains("/nowhere/x.eml"));
    }
}
