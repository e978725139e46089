//! `threadline thread replay`: the threader over a recorded chat, as if it happened now.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{Details, DiscussionId, Said};
use crate::threading::{Candidates, Choice, Evidence, Utterance, decide};

/// One recorded message. What else a line holds is not looked at.
#[derive(Deserialize)]
struct Recorded {
    chat: String,
    id: Value,
    ts_ms: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    quotes: Option<Value>,
}

#[derive(Serialize)]
struct Decided<'a> {
    chat: &'a str,
    id: &'a Value,
    thread: &'a str,
    confidence: f64,
    class: &'static str,
    why: &'a Evidence,
}

/// What has been decided of one chat so far.
#[derive(Default)]
struct Chat {
    threads: Vec<String>,
    by_message: HashMap<String, DiscussionId>,
    latest: Option<(DiscussionId, Timestamp)>,
}

/// Decides line by line, with no look-ahead.
pub(super) fn replay(file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let lines = BufReader::new(File::open(file).with_context(|| format!("reading {}", file.display()))?);
    let mut chats: HashMap<String, Chat> = HashMap::new();
    for (at, line) in lines.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let recorded: Recorded = serde_json::from_str(&line).with_context(|| format!("{}: line {}", file.display(), at + 1))?;
        let said_at = Timestamp::from_millisecond(recorded.ts_ms).with_context(|| format!("{}: line {}: ts_ms", file.display(), at + 1))?;
        let chat = chats.entry(recorded.chat.clone()).or_default();
        place(chat, &recorded, said_at, out)?;
    }
    out.flush()?;
    Ok(())
}

fn place(chat: &mut Chat, recorded: &Recorded, at: Timestamp, out: &mut impl Write) -> anyhow::Result<()> {
    let key = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let id = key(&recorded.id);
    let quotes = recorded.quotes.as_ref().filter(|q| !q.is_null()).map(key);
    let said = Said {
        message: id.as_str().into(),
        kind: "text".into(),
        text: recorded.text.clone(),
        quotes: quotes.as_deref().map(Into::into),
        mentions_bot: false,
        attachment: None,
        unsupported: false,
        details: Details::default(),
    };
    let candidates =
        Candidates { quoted: quotes.and_then(|q| chat.by_message.get(&q).copied()), latest: chat.latest, ..Candidates::default() };
    let placement = decide(&Utterance { said: &said, at, untitled: "" }, &candidates);
    let (discussion, class) = match placement.choice {
        Choice::Join(discussion) => (discussion, if matches!(placement.evidence, Evidence::Quote { .. }) { "sure" } else { "likely" }),
        Choice::Open { .. } => {
            chat.threads.push(format!("{}:{id}", recorded.chat));
            (DiscussionId(i64::try_from(chat.threads.len() - 1)?), "new")
        }
    };
    chat.by_message.insert(id, discussion);
    chat.latest = Some((discussion, at));
    // The rules are certain or they are not; there is no finer measure yet.
    let confidence = match class {
        "sure" => 1.0,
        _ => 0.9,
    };
    let thread = &chat.threads[usize::try_from(discussion.0)?];
    let decided = Decided { chat: &recorded.chat, id: &recorded.id, thread, confidence, class, why: &placement.evidence };
    serde_json::to_writer(&mut *out, &decided)?;
    out.write_all(b"\n")?;
    Ok(())
}
