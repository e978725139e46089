//! Times in which the record of a chat may lack something.

use jiff::Timestamp;

use super::words;

words! {
    /// Why something may be missing.
    GapKind {
        /// The account was not in the chat.
        Left = "left",
        /// The program did not run.
        Stopped = "stopped",
        /// What LINE sent could not be kept.
        Refused = "refused",
        /// LINE was told to send nothing, or to send it elsewhere.
        Inactive = "inactive",
        /// An event was given up: it could not be placed.
        Unplaced = "unplaced",
    }
}

/// A time in which a chat's record may lack something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub kind: GapKind,
    pub from: Timestamp,
    /// `None` = it lasts.
    pub to: Option<Timestamp>,
}

impl Gap {
    /// Whether it began before `at` and goes on after it, or lasts.
    fn covers(&self, from: Timestamp, to: Option<Timestamp>) -> bool {
        self.from <= from && self.to.is_none_or(|mine| to.is_some_and(|theirs| theirs <= mine))
    }
}

/// A chat's gaps in the order of their beginnings. `presence`: when the account came (true) and went, in any order and as often as LINE
/// said so; `outages`: what happened to its account as a whole. Nothing counts before `since`, when the record began.
pub fn gaps(presence: &[(Timestamp, bool)], outages: Vec<Gap>, since: Option<Timestamp>) -> Vec<Gap> {
    let mut presence = presence.to_vec();
    // Who comes and goes in one instant is there.
    presence.sort_unstable();
    let mut left: Vec<Gap> = vec![];
    let mut away_since = None;
    for (at, is_there) in presence {
        match (is_there, away_since) {
            (false, None) => away_since = Some(at),
            (true, Some(from)) => {
                if from < at {
                    left.push(Gap { kind: GapKind::Left, from, to: Some(at) });
                }
                away_since = None;
            }
            _ => {}
        }
    }
    left.extend(away_since.map(|from| Gap { kind: GapKind::Left, from, to: None }));
    let Some(since) = since else { return left };
    let in_record = |gap: &Gap| gap.to.is_none_or(|to| to >= since);
    // While the account is not in the chat, nothing else makes the record any poorer.
    let others = outages.into_iter().filter(in_record).filter(|o| !left.iter().any(|l| l.covers(o.from, o.to)));
    let others = others.map(|o| Gap { from: o.from.max(since), ..o }).collect::<Vec<_>>();
    left.extend(others);
    left.sort_by_key(|g| (g.from, g.to));
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + minute * 60).unwrap()
    }

    fn gap(kind: GapKind, from: i64, to: Option<i64>) -> Gap {
        Gap { kind, from: at(from), to: to.map(at) }
    }

    #[test]
    fn a_gap_lies_between_going_and_coming_back() {
        let log = [(at(0), true), (at(10), false), (at(20), true), (at(30), false)];
        let expected = vec![gap(GapKind::Left, 10, Some(20)), gap(GapKind::Left, 30, None)];
        assert_eq!(gaps(&log, vec![], Some(at(0))), expected);
        let reversed: Vec<_> = log.iter().rev().copied().chain(log).collect();
        assert_eq!(gaps(&reversed, vec![], Some(at(0))), expected, "any order, any number of times");
    }

    #[test]
    fn going_and_coming_in_one_instant_is_no_gap() {
        assert_eq!(gaps(&[(at(5), false), (at(5), true)], vec![], Some(at(0))), vec![]);
        assert_eq!(gaps(&[(at(5), false), (at(6), false), (at(7), true)], vec![], None), vec![gap(GapKind::Left, 5, Some(7))]);
    }

    #[test]
    fn an_outage_counts_from_the_records_beginning_and_not_while_the_account_is_away() {
        let log = [(at(10), false), (at(20), true)];
        let outages = vec![
            gap(GapKind::Stopped, 1, Some(2)),
            gap(GapKind::Stopped, 3, Some(6)),
            gap(GapKind::Refused, 12, Some(14)),
            gap(GapKind::Inactive, 15, Some(25)),
            gap(GapKind::Unplaced, 30, Some(30)),
        ];
        let expected = vec![
            gap(GapKind::Stopped, 4, Some(6)),
            gap(GapKind::Left, 10, Some(20)),
            gap(GapKind::Inactive, 15, Some(25)),
            gap(GapKind::Unplaced, 30, Some(30)),
        ];
        assert_eq!(gaps(&log, outages.clone(), Some(at(4))), expected);
        assert_eq!(gaps(&log, outages, None), vec![gap(GapKind::Left, 10, Some(20))], "nothing was recorded that could lack something");
    }
}
