//! Examples as an installation keeps them, and weights fitted to them: what could be seen of a post, and where a person says it belongs.

use serde::{Deserialize, Serialize};

use super::features::Feature;
use super::fit::{Example, Plan, fit, loss};
use super::model::{Candidate, Table, Terms, To};
use crate::domain::DiscussionId;

/// With fewer examples nothing is fitted: chance would decide.
pub const EXAMPLES_MIN: usize = 50;
/// The newest of so many parts tests what the older ones taught.
const TESTED_PART: usize = 5;
/// The most steps of a fit.
const STEPS: usize = 60;
/// How strongly weights are held to the shipped ones, the loosest last: an installation has hundreds of examples, those were fitted to
/// thousands. What the newest examples bear out best is taken.
const PULLS: [f32; 2] = [2.0, 0.5];
/// Values are kept to so many parts of one.
const PARTS: f32 = 10_000.0;

#[derive(Serialize, Deserialize)]
struct Kept {
    to: String,
    terms: Vec<(String, f32)>,
}

/// A place as a word: `new`, `rest`, or a discussion's id.
pub fn word_of(to: To) -> String {
    match to {
        To::New => "new".to_owned(),
        To::Rest => "rest".to_owned(),
        To::Discussion(id) => id.to_string(),
    }
}

fn place_of(word: &str) -> Option<To> {
    match word {
        "new" => Some(To::New),
        "rest" => Some(To::Rest),
        id => id.parse().ok().map(|id| To::Discussion(DiscussionId(id))),
    }
}

/// What could be seen, as it is kept: names and numbers, no words of anybody's.
pub fn to_json(seen: &[Candidate]) -> String {
    let terms = |c: &Candidate| c.terms.0.iter().map(|(f, v)| (f.name().to_owned(), (v * PARTS).round() / PARTS)).collect();
    let kept: Vec<Kept> = seen.iter().map(|c| Kept { to: word_of(c.to), terms: terms(c) }).collect();
    serde_json::to_string(&kept).expect("names and numbers can be written")
}

/// The example as it was kept; `None` where it cannot be read. A feature that there is no more is left out.
pub fn example(seen: &str, place: &str) -> Option<Example> {
    let kept: Vec<Kept> = serde_json::from_str(seen).ok()?;
    let feature = |name: &str| Feature::ALL.iter().copied().find(|f| f.name() == name);
    let candidate = |k: Kept| {
        let terms = k.terms.into_iter().filter_map(|(name, value)| Some((feature(&name)?, value))).collect();
        Some(Candidate { to: place_of(&k.to)?, terms: Terms(terms) })
    };
    let candidates: Vec<Candidate> = kept.into_iter().filter_map(candidate).collect();
    let right = place_of(place)?;
    candidates.iter().any(|c| c.to == right).then_some(Example { candidates, right, weight: 1.0 })
}

/// What came of fitting.
#[derive(Clone, Debug, PartialEq)]
pub struct Refitted {
    pub table: Table,
    /// How many examples there were.
    pub examples: usize,
    /// The mean loss of the newest fifth with the weights in use, and with the fitted ones.
    pub before: f32,
    pub after: f32,
}

impl Refitted {
    /// Whether they are no worse on what they were not fitted to.
    pub fn is_no_worse(&self) -> bool {
        self.after <= self.before
    }
}

/// Fits weights to the installation's examples, the oldest first, and tests them on the newest fifth; `None` where there are too few.
pub fn refit(examples: &[Example], in_use: &Table, shipped: &Table) -> Option<Refitted> {
    if examples.len() < EXAMPLES_MIN {
        return None;
    }
    let (older, newest) = examples.split_at(examples.len() - examples.len() / TESTED_PART);
    let fitted = PULLS.map(|pull| {
        let table = fit(older, shipped, shipped, Plan { steps: STEPS, pull, still: &[] });
        (loss(newest, &table), table)
    });
    let (after, table) = fitted.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(Refitted { examples: examples.len(), before: loss(newest, in_use), after, table })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(feature: Feature, other: Feature) -> Vec<Candidate> {
        let one = |to, feature| Candidate { to, terms: Terms(vec![(feature, 0.5)]) };
        vec![one(To::Discussion(DiscussionId(7)), feature), one(To::New, other)]
    }

    #[test]
    fn an_example_is_read_as_it_was_kept() {
        let all = seen(Feature::ALL[0], Feature::ALL[1]);
        let read = example(&to_json(&all), "7").unwrap();
        assert_eq!((read.candidates, read.right), (all.clone(), To::Discussion(DiscussionId(7))));
        assert!(example(&to_json(&all), "rest").is_none(), "what was no candidate teaches nothing");
        assert!(example("[]", "new").is_none() && example("{", "new").is_none());
        let strange = r#"[{"to":"new","terms":[["no_such_feature",1.0]]}]"#;
        assert_eq!(example(strange, "new").unwrap().candidates[0].terms, Terms::default());
    }

    #[test]
    fn weights_learn_what_people_correct_and_few_examples_teach_nothing() {
        let all = seen(Feature::ALL[0], Feature::ALL[1]);
        let examples: Vec<Example> = (0..100).filter_map(|_| example(&to_json(&all), "new")).collect();
        let fitted = refit(&examples, &Table::zero(), &Table::zero()).unwrap();
        assert!(fitted.after < fitted.before && fitted.is_no_worse());
        assert!(refit(&examples[..EXAMPLES_MIN - 1], &Table::zero(), &Table::zero()).is_none());
    }
}
