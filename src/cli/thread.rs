//! `threadline thread replay`: the threader over a recorded chat, as if it happened now.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;

use crate::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::discussions;
use crate::threading::Table;
use crate::threading::kept::EXAMPLES_MIN;
use crate::threading::recorded::{Decided, Recorded, Walk};

/// Decides line by line, with no look-ahead but to the end of what its author sends in one go (a minute's pause at most); a chat's lines come
/// out in their order. With `ask` a person who knows each message's matter (`thread`) answers what is marked.
pub(super) fn replay(file: &Path, ask: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let lines = BufReader::new(File::open(file).with_context(|| format!("reading {}", file.display()))?);
    let mut chats: BTreeMap<String, Walk> = BTreeMap::new();
    for (at, line) in lines.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let recorded: Recorded = serde_json::from_str(&line).with_context(|| format!("{}: line {}", file.display(), at + 1))?;
        Timestamp::from_millisecond(recorded.ts_ms).with_context(|| format!("{}: line {}: ts_ms", file.display(), at + 1))?;
        let walk = chats.entry(recorded.chat.clone()).or_insert_with(|| Walk::new(&recorded.chat, ask));
        print(&walk.step(&recorded, Table::shipped()), out)?;
    }
    for walk in chats.values_mut() {
        print(&walk.finish(), out)?;
    }
    out.flush()?;
    Ok(())
}

fn print(decided: &[Decided], out: &mut impl Write) -> anyhow::Result<()> {
    for one in decided {
        serde_json::to_writer(&mut *out, one)?;
        out.write_all(b"\n")?;
    }
    Ok(())
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
