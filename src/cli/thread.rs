//! `threadline thread replay`: the threader over a recorded chat, as if it happened now.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use jiff::Timestamp;

use crate::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::discussions;
use crate::threading::Table;
use crate::threading::kept::EXAMPLES_MIN;
use crate::threading::recorded::{Decided, Recorded, Walk};

/// Decides line by line, with no look-ahead but to the end of what its author sends in one go (a minute's pause at most); what is decided
/// comes out in the order of the lines, of several chats, too. With `ask` a person who knows each message's matter (`thread`) answers what is
/// marked.
pub(super) fn replay(file: &Path, ask: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let lines = BufReader::new(File::open(file).with_context(|| format!("reading {}", file.display()))?);
    let mut chats: BTreeMap<String, Walk> = BTreeMap::new();
    let mut told = InOrder::default();
    for (at, line) in lines.lines().enumerate() {
        let here = || format!("{}: line {}", file.display(), at + 1);
        let line = line.with_context(here)?;
        // Some editors mark a file as Unicode by its first character.
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let recorded = read(line).map_err(|why| anyhow!("{}: {why}", here()))?;
        told.expect(&recorded.chat);
        let walk = chats.entry(recorded.chat.clone()).or_insert_with(|| Walk::new(&recorded.chat, ask));
        told.tell(walk.step(&recorded, Table::shipped()), out)?;
    }
    for walk in chats.values_mut() {
        told.tell(walk.finish(), out)?;
    }
    out.flush()?;
    Ok(())
}

/// The line, or what is wrong with it.
fn read(line: &str) -> Result<Recorded, String> {
    if !line.starts_with('{') {
        return Err("it is no JSON object".to_owned());
    }
    let recorded: Recorded = serde_json::from_str(line).map_err(|e| {
        // The one line that it knows of is the file's.
        let why = e.to_string();
        let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why);
        format!("column {}: {why}", e.column())
    })?;
    Timestamp::from_millisecond(recorded.ts_ms).map_err(|e| format!("ts_ms: {e}"))?;
    Ok(recorded)
}

/// Lets what is decided out in the order in which the lines came.
#[derive(Default)]
struct InOrder {
    came: usize,
    gone: usize,
    /// The lines of each chat that are not decided yet.
    open: BTreeMap<String, VecDeque<usize>>,
    /// What is decided while a line before it is not.
    decided: BTreeMap<usize, Decided>,
}

impl InOrder {
    fn expect(&mut self, chat: &str) {
        self.open.entry(chat.to_owned()).or_default().push_back(self.came);
        self.came += 1;
    }

    /// `decided`: of one chat, in its order.
    fn tell(&mut self, decided: Vec<Decided>, out: &mut impl Write) -> anyhow::Result<()> {
        for one in decided {
            let at = self.open.get_mut(&one.chat).and_then(VecDeque::pop_front).context("a line is decided twice")?;
            self.decided.insert(at, one);
        }
        while let Some(next) = self.decided.remove(&self.gone) {
            serde_json::to_writer(&mut *out, &next).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
            self.gone += 1;
        }
        Ok(())
    }
}

/// Fits the installation's weights and says what came of it. A server that runs takes them into use within a minute.
pub(super) async fn fit(config: Config) -> anyhow::Result<()> {
    let app = App::open(config, Clock::wall()).await?;
    match discussions::refit(&app).await? {
        None => println!("fewer than {EXAMPLES_MIN} corrections and confirmations: nothing to fit to"),
        Some(fitted) => {
            let what = if fitted.is_no_worse() { "taken into use" } else { "no better: the weights stay as they are" };
            println!(
                "{} examples; mean loss of the newest fifth {:.4}, before {:.4}: {what}",
                fitted.examples, fitted.after, fitted.before
            );
        }
    }
    app.db.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(chat: &str, id: i64) -> Decided {
        let (id, thread, why) = (id.into(), String::new(), String::new());
        Decided { chat: chat.into(), id, thread, confidence: 1.0, class: "sure", why, chances: vec![], mixed: 0.0 }
    }

    #[test]
    fn what_is_decided_comes_out_in_the_order_of_the_lines() {
        let (mut told, mut out) = (InOrder::default(), vec![]);
        for chat in ["a", "b", "b", "a"] {
            told.expect(chat);
        }
        told.tell(vec![decided("b", 2), decided("b", 3)], &mut out).unwrap();
        assert!(out.is_empty(), "the first line is not decided yet");
        told.tell(vec![decided("a", 1)], &mut out).unwrap();
        told.tell(vec![decided("a", 4)], &mut out).unwrap();
        let ids: Vec<i64> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["id"].as_i64().unwrap())
            .collect();
        assert_eq!(ids, [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_in_a_few_words() {
        assert_eq!(read("[]").unwrap_err(), "it is no JSON object");
        assert_eq!(read("{\"chat\":\"a\",}").unwrap_err(), "column 13: trailing comma");
        assert_eq!(read("{\"chat\":\"a\",\"id\":1}").unwrap_err(), "column 19: missing field `ts_ms`");
        assert!(read("{\"chat\":\"a\",\"id\":1,\"ts_ms\":5,\"thread\":7}").is_ok(), "a matter may have a number for its name");
    }
}
