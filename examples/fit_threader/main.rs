//! Fits the threader's weights to recorded chats whose threads are marked, and says how well they do.
//!
//! `cargo run --release --example fit_threader -- [--out FILE] [--measure FILE]… [[--weight N] SOURCE]…`
//!
//! A SOURCE is a JSONL file, or a folder of them, as `threadline thread replay` reads them, with each message's `thread`; each source
//! counts 1 as a whole, or what `--weight` says. From each source a calmer variant is made as well ([`calm`]): the same matters, mostly
//! one after the other, with longer pauses and without roles, because many groups are like that. The first source is what confidence is
//! made honest for, with all calmer variants. `--measure` names files that are only scored, never fitted to. Nothing here is random: the
//! same sources give the same file.
//!
//! The shipped weights come from
//! `cargo run --release --example fit_threader -- --out src/threading/weights.toml --weight 3 tests/fixtures/chats/tune
//! tests/fixtures/chats/more --weight 1.7 irc-dev.jsonl newdomains.jsonl`
#![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "counts and seconds here are far below 2^24")]

mod calm;
mod score;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, bail};
use serde::Deserialize;
use threadline::threading::Table;
use threadline::threading::features::Feature;
use threadline::threading::fit::{Example, Plan, fit, loss};
use threadline::threading::recorded::{Before, Decided, Recorded, Walk, examples};
use threadline::threading::words::hash;

use score::Score;

/// The pull of every weight towards 0, and the most steps: chosen once by cross-validation on the sources.
const PLAN: Plan = Plan { steps: 120, pull: 0.000_01, still: &[Feature::CodeHere] };
/// Weights that are set by hand: the recordings hold some fifty lines that name an order's or a machine's number of one discussion alone,
/// without quoting it, of which nine in ten belong there.
const BY_HAND: [(Feature, f32); 1] = [(Feature::CodeHere, 5.5)];
/// What a calmer variant counts against its source: most clients' groups are like it.
const CALM_WEIGHT: f32 = 1.5;
/// Parts that the chats of a source are split into for cross-validation.
const FOLDS: usize = 3;
/// So many rounds come before the one that counts.
const EARLIER_ROUNDS: usize = 2;
/// What all examples of one source weigh together.
const SOURCE_WEIGHT: f32 = 1_000.0;
/// First lines of the weights file.
const HEAD: &str = "\
# The threader's weights: made by `cargo run --release --example fit_threader`, readable, not to be edited by hand.
# A place's score is the sum of value times weight; src/threading/features.rs says what the values are.
#
# Fitted to the project's own chats (tests/fixtures/chats, tune and more) and to irc-disentanglement by J. K. Kummerfeld et al.
# (A Large-Scale Corpus for Conversation Disentanglement, ACL 2019; https://github.com/jkkummerfeld/irc-disentanglement): the dev files
# of Ubuntu IRC and the channels mediawiki, rust, stripe and ubuntu-meeting, used under CC-BY 4.0
# (https://creativecommons.org/licenses/by/4.0/), with the addressees' names taken out of the texts. None of it is contained here.
# What is set by hand: BY_HAND in the fitting program.

";

/// One line of a recording, with what only the score looks at.
#[derive(Clone, Debug, Deserialize)]
struct Marked {
    #[serde(flatten)]
    recorded: Recorded,
    /// Whether it is scored.
    #[serde(default = "yes")]
    eval: bool,
    /// Whether the platform said it.
    #[serde(default)]
    sys: bool,
}

fn yes() -> bool {
    true
}

/// Chats by name.
type Chats = BTreeMap<String, Vec<Marked>>;

/// Chats that count as one body.
struct Source {
    name: String,
    chats: Chats,
    weight: f32,
    /// Whether clients' groups are like it.
    like_groups: bool,
}

fn main() -> anyhow::Result<()> {
    let (mut out, mut measured, mut named, mut weight) = (None, vec![], vec![], 1.0);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--out" => out = Some(PathBuf::from(arguments.next().context("--out needs a file")?)),
            "--measure" => measured.push(PathBuf::from(arguments.next().context("--measure needs a file")?)),
            "--weight" => weight = arguments.next().context("--weight needs a number")?.parse().context("--weight")?,
            flag if flag.starts_with("--") => bail!("{flag} is not known"),
            path => named.push((PathBuf::from(path), std::mem::replace(&mut weight, 1.0))),
        }
    }
    let mut sources = vec![];
    for (at, (path, weight)) in named.iter().enumerate() {
        let (name, chats) = (name_of(path), read(path)?);
        let calmer = calm::calmer(&chats, at as u64);
        sources.push(Source { name: format!("{name} (calmer)"), chats: calmer, weight: CALM_WEIGHT, like_groups: true });
        sources.push(Source { name, chats, weight: *weight, like_groups: at == 0 });
    }
    println!("{}", score::HEAD);
    let table = if sources.is_empty() { Table::shipped().clone() } else { fitted(&sources) };
    for path in &measured {
        let chats = read(path)?;
        print_both(&name_of(path), &chats, &table);
    }
    if let Some(out) = out {
        let file = toml::to_string(&table.weights("examples/fit_threader"))?;
        fs::write(&out, format!("{HEAD}{file}")).with_context(|| format!("writing {}", out.display()))?;
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn read(path: &Path) -> anyhow::Result<Chats> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let entries: Result<Vec<_>, _> = fs::read_dir(path)?.collect();
        files = entries?.into_iter().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "jsonl")).collect();
        files.sort();
    }
    let mut chats = Chats::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            let marked: Marked = serde_json::from_str(line).with_context(|| format!("{}", file.display()))?;
            chats.entry(marked.recorded.chat.clone()).or_default().push(marked);
        }
    }
    Ok(chats)
}

/// Fits to all sources, with the score of each by cross-validation: each chat is scored with weights that have not seen its fold.
fn fitted(sources: &[Source]) -> Table {
    // What is not marked is placed by weights of two earlier rounds, of which the first knows only what is.
    let settled = (0..EARLIER_ROUNDS).fold(Table::zero(), |before, _| round(sources, &before, None));
    // Without each fold in turn, and with all.
    let mut folds: Vec<Table> = thread::scope(|scope| {
        let rounds: Vec<_> = (0..=FOLDS)
            .map(|fold| {
                scope.spawn({
                    let settled = &settled;
                    move || round(sources, settled, Some(fold).filter(|f| *f < FOLDS))
                })
            })
            .collect();
        rounds.into_iter().map(|r| r.join().expect("a round that fails has said why")).collect()
    });
    let all = folds.pop().expect("the last of them is that with all");
    // Confidence is made honest for the chats that are like clients' groups: the first source, and what is calm.
    let mut outcomes = vec![];
    for source in sources.iter().filter(|s| s.like_groups) {
        for (name, chat) in &source.chats {
            outcomes.extend(score::outcomes(chat, &folds[fold_of(name)]));
        }
    }
    let (sharpness, when_mixed) = score::sharpness(&outcomes);
    for source in sources {
        let (mut alone, mut asking) = (Score::default(), Score::default());
        for (name, chat) in &source.chats {
            let table = Table { sharpness, sharpness_when_mixed: when_mixed, ..folds[fold_of(name)].clone() };
            alone.add(&score::score(chat, &walked(chat, &table, false)));
            asking.add(&score::score(chat, &walked(chat, &table, true)));
        }
        println!("{:32} {alone}\n{:32} {asking}", source.name, format!("{} --ask", source.name));
    }
    Table { sharpness, sharpness_when_mixed: when_mixed, ..all }
}

/// A chat and its calmer variant are in one fold, so that neither is scored with weights that have seen the other.
fn fold_of(name: &str) -> usize {
    let chat = name.split('~').next().unwrap_or(name);
    (hash(chat) >> 32) as usize % FOLDS
}

/// Fits once, without the chats of one fold.
fn round(sources: &[Source], before: &Table, without: Option<usize>) -> Table {
    let mut all: Vec<Example> = vec![];
    for source in sources {
        let marked = source.chats.values().flatten().filter(|m| m.recorded.thread.is_some()).count();
        let weight = source.weight * SOURCE_WEIGHT / marked.max(1) as f32;
        for (_, chat) in source.chats.iter().filter(|(name, _)| Some(fold_of(name)) != without) {
            let recorded: Vec<Recorded> = chat.iter().map(|m| m.recorded.clone()).collect();
            all.extend(examples(&recorded, before, Before::Right, weight));
        }
    }
    let begin = by_hand();
    let table = fit(&all, &begin, &begin, PLAN);
    eprintln!("{} examples, mean loss {:.4}", all.len(), loss(&all, &table));
    table
}

/// Nothing but what is set by hand.
fn by_hand() -> Table {
    let mut table = Table::zero();
    for (feature, weight) in BY_HAND {
        table.of[feature as usize] = weight;
    }
    table
}

fn walked(chat: &[Marked], table: &Table, ask: bool) -> Vec<(String, &'static str)> {
    decided(chat, table, ask).into_iter().map(|d| (d.thread, d.class)).collect()
}

/// The whole chat through the threader, in the order of its lines.
fn decided(chat: &[Marked], table: &Table, ask: bool) -> Vec<Decided> {
    let mut walk = Walk::new(&chat[0].recorded.chat, ask);
    let mut all: Vec<Decided> = chat.iter().flat_map(|m| walk.step(&m.recorded, table)).collect();
    all.extend(walk.finish());
    all
}

fn print_both(name: &str, chats: &Chats, table: &Table) {
    for (ask, suffix) in [(false, ""), (true, " --ask")] {
        let mut sum = Score::default();
        for chat in chats.values() {
            sum.add(&score::score(chat, &walked(chat, table, ask)));
        }
        println!("{:32} {sum}", format!("{name}{suffix}"));
    }
    for (name, rule) in score::RULES {
        let mut sum = Score::default();
        for chat in chats.values() {
            sum.add(&score::score(chat, &rule(chat)));
        }
        println!("  {name:30} {sum}");
    }
}
