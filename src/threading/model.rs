//! The model: a softmax over the chat's recent lines, "new" and "rest", summed per discussion.
//!
//! Each possible place of a message is a handful of [`Feature`]s with values; a place's score is the sum of value times weight. A line's
//! place stands for its discussion, so that a discussion's probability is the sum over its lines.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::features::Feature;
use crate::domain::DiscussionId;

/// Bounds of the power that probabilities are raised to.
const SHARPNESS_MIN: f32 = 0.5;
const SHARPNESS_MAX: f32 = 3.0;

/// A weight for each feature, and how the probabilities are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Where they come from: shown to who opens the file.
    #[serde(default)]
    pub source: String,
    /// Probabilities are raised to this power before they are shown, so that of ten things said with 0.9 nine are right.
    pub sharpness: f32,
    /// What is added to it times how mixed the chat is: where discussions interleave, mistakes lead to mistakes.
    #[serde(default)]
    pub sharpness_when_mixed: f32,
    /// By [`Feature::name`]; a missing one is 0.
    pub weights: BTreeMap<String, f32>,
}

impl Weights {
    /// In the form that is fast to look up.
    pub fn table(&self) -> Table {
        let mut of = vec![0.0; Feature::ALL.len()];
        for (at, feature) in Feature::ALL.iter().enumerate() {
            of[at] = self.weights.get(feature.name()).copied().unwrap_or(0.0);
        }
        Table { sharpness: self.sharpness, sharpness_when_mixed: self.sharpness_when_mixed, of }
    }
}

/// The weights by the features' order.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub sharpness: f32,
    pub sharpness_when_mixed: f32,
    pub of: Vec<f32>,
}

impl Table {
    /// The weights that come with the program.
    pub fn shipped() -> &'static Table {
        static SHIPPED: OnceLock<Table> = OnceLock::new();
        SHIPPED.get_or_init(|| {
            let weights: Weights = toml::from_str(include_str!("weights.toml")).expect("the weights file is checked by a test");
            weights.table()
        })
    }

    /// No weight at all: what fitting begins with.
    pub fn zero() -> Self {
        Self { sharpness: 1.0, sharpness_when_mixed: 0.0, of: vec![0.0; Feature::ALL.len()] }
    }

    /// In the form that is kept.
    pub fn weights(&self, source: &str) -> Weights {
        Weights {
            source: source.to_owned(),
            sharpness: self.sharpness,
            sharpness_when_mixed: self.sharpness_when_mixed,
            weights: Feature::ALL.iter().map(|f| (f.name().to_owned(), self.of[*f as usize])).collect(),
        }
    }

    fn sharpness(&self, mixed: f32) -> f32 {
        (self.sharpness + self.sharpness_when_mixed * mixed).clamp(SHARPNESS_MIN, SHARPNESS_MAX)
    }
}

/// Where a message could go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum To {
    /// Into this discussion.
    Discussion(DiscussionId),
    /// Into one of its own.
    New,
    /// Into the stream of other messages.
    Rest,
}

/// One possible place, seen from one line: what speaks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub to: To,
    pub terms: Terms,
}

/// Features with their values; those of value 0 are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms(pub Vec<(Feature, f32)>);

impl Terms {
    pub fn put(&mut self, feature: Feature, value: f32) {
        if value != 0.0 {
            self.0.push((feature, value));
        }
    }

    /// Puts 1 if it is so.
    pub fn mark(&mut self, feature: Feature, is_so: bool) {
        self.put(feature, f32::from(u8::from(is_so)));
    }

    pub fn score(&self, table: &Table) -> f32 {
        self.0.iter().map(|(f, v)| table.of[*f as usize] * v).sum()
    }
}

/// A place with how probable it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    pub to: To,
    /// Between 0 and 1; all of one message's sum to 1.
    pub probability: f32,
}

/// Each candidate's share, in the candidates' order: they sum to 1.
pub fn shares(candidates: &[Candidate], table: &Table) -> Vec<f32> {
    let scores: Vec<f32> = candidates.iter().map(|c| c.terms.score(table)).collect();
    softmax(&scores)
}

pub fn softmax(scores: &[f32]) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raised: Vec<f32> = scores.iter().map(|s| (s - top).exp()).collect();
    let sum: f32 = raised.iter().sum();
    raised.iter().map(|r| r / sum).collect()
}

/// The places with their probabilities, the most probable first; equal ones in the order of [`To`]. `mixed` is how mixed the chat is
/// (see [`super::features::mixed`]).
pub fn chances(candidates: &[Candidate], table: &Table, mixed: f32) -> Vec<Chance> {
    let mut of: BTreeMap<To, f32> = BTreeMap::new();
    for (candidate, share) in candidates.iter().zip(shares(candidates, table)) {
        *of.entry(candidate.to).or_default() += share;
    }
    sharpened(of, table.sharpness(mixed))
}

fn sharpened(of: BTreeMap<To, f32>, sharpness: f32) -> Vec<Chance> {
    let raised: Vec<(To, f32)> = of.into_iter().map(|(to, p)| (to, p.max(f32::MIN_POSITIVE).powf(sharpness))).collect();
    let sum: f32 = raised.iter().map(|(_, p)| p).sum();
    let mut chances: Vec<Chance> = raised.into_iter().map(|(to, p)| Chance { to, probability: p / sum }).collect();
    chances.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.to.cmp(&b.to)));
    chances
}
