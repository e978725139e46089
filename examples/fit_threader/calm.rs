//! A calmer variant of a chat: the same matters, mostly one after the other.

use std::collections::HashMap;

use threadline::threading::words::hash;

use super::{Chats, Marked};

/// Pauses between matters lie between these, in seconds; each power of ten as often as another.
const PAUSE_SECONDS: (f64, f64) = (600.0, 3.0 * 86_400.0);
/// The times within a matter are stretched by up to this much, one measure a chat.
const STRETCH_MAX: f64 = 30.0;
/// No pause within a matter gets longer, in milliseconds.
const INNER_MS_MAX: f64 = 20.0 * 3_600_000.0;
/// The share of matters that begin before the one before them has ended, and by how much at most, in milliseconds.
const OVERLAPPING: f64 = 0.12;
const OVERLAP_MS_MAX: f64 = 1_200_000.0;

/// The chats' calmer variants. `variant` makes different ones of the same.
pub(super) fn calmer(chats: &Chats, variant: u64) -> Chats {
    chats
        .iter()
        .filter_map(|(name, chat)| {
            let name = format!("{name}~{variant}");
            let chat = calmer_chat(&name, chat);
            (!chat.is_empty()).then_some((name, chat))
        })
        .collect()
}

fn calmer_chat(name: &str, chat: &[Marked]) -> Vec<Marked> {
    let mut dice = Dice(hash(name));
    let stretch = dice.between(1.0, STRETCH_MAX);
    let (mut order, mut matters): (Vec<&str>, HashMap<&str, Vec<&Marked>>) = (vec![], HashMap::new());
    for marked in chat.iter().filter(|m| !m.sys) {
        let Some(matter) = marked.recorded.thread.as_deref().filter(|t| *t != "other") else { continue };
        if !matters.contains_key(matter) {
            order.push(matter);
        }
        matters.entry(matter).or_default().push(marked);
    }
    let start = chat.first().map_or(0, |m| m.recorded.ts_ms);
    let (mut all, mut end): (Vec<Marked>, i64) = (vec![], start);
    for matter in order {
        let pause = (dice.between(PAUSE_SECONDS.0, PAUSE_SECONDS.1) * 1_000.0) as i64;
        let overlap = (dice.next() * OVERLAP_MS_MAX) as i64;
        let mut at = if dice.next() < OVERLAPPING { (end - 1_000 - overlap).max(start) } else { end + pause };
        let mut before = None;
        for marked in &matters[matter] {
            let inner = before.map_or(0.0, |b| (marked.recorded.ts_ms - b) as f64 * stretch).clamp(0.0, INNER_MS_MAX);
            before = Some(marked.recorded.ts_ms);
            at += inner as i64;
            let mut recorded = marked.recorded.clone();
            name.clone_into(&mut recorded.chat);
            (recorded.ts_ms, recorded.role, recorded.quotes) = (at, None, None);
            all.push(Marked { recorded, eval: true, sys: false });
        }
        end = end.max(at);
    }
    all.sort_by_key(|m| m.recorded.ts_ms);
    all
}

/// Numbers that look like chance and are the same every time (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    /// From 0 up to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }

    /// Each power between the two as often as another.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low * (self.next() * (high / low).ln()).exp()
    }
}
