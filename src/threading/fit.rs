//! Fitting the weights: the log probability of the right places is climbed, with a pull towards given weights (L2). Deterministic.
#![expect(clippy::cast_possible_truncation, reason = "sums are kept in twice the precision of the weights")]

use std::collections::VecDeque;

use super::features::Feature;
use super::model::{Candidate, Table, To, shares};

/// So many earlier steps tell how the ground bends.
const MEMORY: usize = 12;
/// A step is halved no more often than this before the climb ends.
const HALVINGS_MAX: usize = 20;
/// The climb ends where no weight would change the loss by more than this.
const FLAT: f64 = 1e-6;

/// One message whose right place is known, with what could be seen when it came.
#[derive(Clone, Debug)]
pub struct Example {
    pub candidates: Vec<Candidate>,
    pub right: To,
    /// How much it counts.
    pub weight: f32,
}

/// How to fit.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// At most so many steps.
    pub steps: usize,
    /// The pull: it costs this much times the squared distance, against the mean loss of one example.
    pub pull: f32,
    /// These keep the weights that they begin with: recordings hold too few cases of what they see.
    pub still: &'static [Feature],
}

/// The mean of −ln(probability of the right place); examples whose right place is no candidate are left out.
pub fn loss(examples: &[Example], table: &Table) -> f32 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for example in examples {
        let right = right_share(example, &shares(&example.candidates, table));
        if right > 0.0 {
            sum -= example.weight * right.ln();
            weight += example.weight;
        }
    }
    if weight > 0.0 { sum / weight } else { 0.0 }
}

fn right_share(example: &Example, shares: &[f32]) -> f32 {
    example.candidates.iter().zip(shares).filter(|(c, _)| c.to == example.right).map(|(_, s)| s).sum()
}

/// Weights that fit the examples, beginning at `start` and pulled towards `from`: L-BFGS (Nocedal and Wright, Numerical Optimization,
/// chapter 7) over all examples at once, with a step that is halved until the loss falls.
pub fn fit(examples: &[Example], start: &Table, from: &Table, plan: Plan) -> Table {
    let mut at: Vec<f64> = start.of.iter().map(|w| f64::from(*w)).collect();
    let (mut height, mut slope) = height(examples, &at, from, plan);
    let mut past: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..plan.steps {
        if slope.iter().all(|s| s.abs() < FLAT) {
            break;
        }
        let mut way = downhill(&slope, &past);
        if dot(&way, &slope) >= 0.0 {
            past.clear();
            way = slope.iter().map(|s| -s).collect();
        }
        let mut length = if past.is_empty() { 1.0 / dot(&slope, &slope).sqrt().max(1.0) } else { 1.0 };
        let fall = dot(&way, &slope);
        let mut next = None;
        for _ in 0..HALVINGS_MAX {
            let there: Vec<f64> = at.iter().zip(&way).map(|(a, w)| a + length * w).collect();
            let (h, s) = self::height(examples, &there, from, plan);
            if h <= height + 1e-4 * length * fall {
                next = Some((there, h, s));
                break;
            }
            length /= 2.0;
        }
        let Some((there, h, s)) = next else { break };
        let moved: Vec<f64> = there.iter().zip(&at).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = s.iter().zip(&slope).map(|(a, b)| a - b).collect();
        if dot(&moved, &turned) > 1e-12 {
            past.push_back((moved, turned));
            if past.len() > MEMORY {
                past.pop_front();
            }
        }
        (at, height, slope) = (there, h, s);
    }
    Table { of: at.into_iter().map(|w| w as f32).collect(), ..start.clone() }
}

/// The way down, as far as the last steps tell how the slope changes.
fn downhill(slope: &[f64], past: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut way: Vec<f64> = slope.iter().map(|s| -s).collect();
    let mut shares = vec![];
    for (moved, turned) in past.iter().rev() {
        let share = dot(moved, &way) / dot(moved, turned);
        add(&mut way, turned, -share);
        shares.push(share);
    }
    if let Some((moved, turned)) = past.back() {
        let scale = dot(moved, turned) / dot(turned, turned);
        for one in &mut way {
            *one *= scale;
        }
    }
    for ((moved, turned), share) in past.iter().zip(shares.into_iter().rev()) {
        let back = dot(turned, &way) / dot(moved, turned);
        add(&mut way, moved, share - back);
    }
    way
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    to.iter_mut().zip(what).for_each(|(t, w)| *t += times * w);
}

/// The mean loss with the pull, and its gradient.
fn height(examples: &[Example], at: &[f64], from: &Table, plan: Plan) -> (f64, Vec<f64>) {
    let table = Table { of: at.iter().map(|w| *w as f32).collect(), ..from.clone() };
    let mut slope = vec![0.0_f64; Feature::ALL.len()];
    let (mut sum, mut weight) = (0.0_f64, 0.0_f64);
    for example in examples {
        let shares = shares(&example.candidates, &table);
        let right = right_share(example, &shares).max(1e-30);
        if !example.candidates.iter().any(|c| c.to == example.right) {
            continue;
        }
        sum -= f64::from(example.weight) * f64::from(right).ln();
        weight += f64::from(example.weight);
        for (candidate, share) in example.candidates.iter().zip(&shares) {
            let among_right = if candidate.to == example.right { share / right } else { 0.0 };
            let push = example.weight * (share - among_right);
            if push.abs() > 1e-7 {
                for (feature, value) in &candidate.terms.0 {
                    slope[*feature as usize] += f64::from(push * value);
                }
            }
        }
    }
    let weight = if weight > 0.0 { weight } else { 1.0 };
    let pull = f64::from(plan.pull);
    let mut height = sum / weight;
    for ((of, now), from) in slope.iter_mut().zip(at).zip(&from.of) {
        let off = now - f64::from(*from);
        height += pull * off * off;
        *of = *of / weight + 2.0 * pull * off;
    }
    for still in plan.still {
        slope[*still as usize] = 0.0;
    }
    (height, slope)
}
