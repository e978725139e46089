//! What it costs to tell LINE groups, and how soon they hear: a month of a firm through the real rule, with a simulated clock.
//!
//! `cargo bench --bench notify_cost [-- --seeds N]`
//!
//! Three ways of telling, on the same month (`support/firm.rs` says what is assumed of it):
//!
//! * a — a push for each notice, at once;
//! * b — by a reply token where one is fresh, else a push at once: what others do at best;
//! * c — ours: [`threadline::outbox::policy`] with [`threadline::domain::Patience`] and [`threadline::domain::Calendar`], all at their
//!   defaults (burst 8 s, hold 20 s, answers 5 min, statuses 30 min, the rest the digest at 17:00, quiet from 21:00 to 8:00).
//!
//! A delay counts from the fact (the answer was written) to the send. Prints each way's notices, sends, pushes and heads, and c's share.
//! The seeds are fixed; the first is the one to quote, the others show how much lies in the lots. Then other habits and other settings of
//! a project, on the first seed: what the figures depend on.
//!
//! With these deadlines nobody can do with fewer pushes for answers than c: each is paid at the first deadline among what waits and takes
//! all that waits, which is the least number of points that meets every span from a fact to its deadline.

mod support {
    pub mod firm;
    pub mod replay;
}

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use support::firm;
use support::replay::{self, Bill, Manner};
use threadline::domain::{Calendar, NoticeKind, Patience, Wait, parse_hours};

const SEEDS: u64 = 5;
const PLAIN: firm::Habits = firm::Habits { chatter: 1.0, all_statuses: false };
const WAYS: [(Manner, &str); 3] =
    [(Manner::Pushed, "a  a push for each notice"), (Manner::ReplyOrPush, "b  reply token, else push at once"), (Manner::Ours, "c  ours")];

fn main() -> anyhow::Result<()> {
    let mut seeds = SEEDS;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--seeds" {
            seeds = arguments.next().context("--seeds needs a number")?.parse()?;
        }
    }
    let zone = TimeZone::get("Asia/Taipei")?;
    let hours = parse_hours("21:00-08:00").map_err(anyhow::Error::msg)?;
    let rule = (Patience { answers: SignedDuration::from_mins(5), own: BTreeMap::new() }, Calendar::plain(zone.clone(), hours));
    let began = date(2026, 3, 1).to_zoned(zone)?.timestamp();
    for seed in 1..=seeds {
        let groups = firm::month(seed, PLAIN);
        let members: i64 = groups.iter().map(|g| g.members).sum();
        println!("seed {seed}: {} groups of {members} people in all", groups.len());
        let bills: Vec<Bill> = WAYS.iter().map(|(manner, _)| month(*manner, &groups, &rule, began)).collect();
        for ((_, name), bill) in WAYS.iter().zip(&bills) {
            line(name, bill);
        }
        println!("   c bills {}", savings(&bills));
        if seed == 1 {
            bills[1..].iter().zip(&WAYS[1..]).for_each(|(bill, (_, name))| details(name, bill));
        }
    }
    what_if(&rule, began);
    Ok(())
}

/// The same month otherwise.
fn what_if(rule: &(Patience, Calendar), began: Timestamp) {
    let with = |own: &[(NoticeKind, Wait)]| (Patience { own: own.iter().copied().collect(), ..rule.0.clone() }, rule.1.clone());
    let minutes = |n| Wait::For(SignedDuration::from_mins(n));
    let (answers, statuses) = (NoticeKind::Answered, NoticeKind::StatusChanged);
    let cases = [
        ("three times the chatter", firm::Habits { chatter: 3.0, ..PLAIN }, with(&[])),
        ("a third of the chatter", firm::Habits { chatter: 1.0 / 3.0, ..PLAIN }, with(&[])),
        ("every status used", firm::Habits { all_statuses: true, ..PLAIN }, with(&[])),
        ("statuses with the digest", PLAIN, with(&[(statuses, Wait::NextDigest)])),
        ("statuses only for free", PLAIN, with(&[(statuses, Wait::FreeOnly)])),
        ("answers 15 min, statuses 2 h", PLAIN, with(&[(answers, minutes(15)), (statuses, minutes(120))])),
        ("answers 1 h, statuses 2 h", PLAIN, with(&[(answers, minutes(60)), (statuses, minutes(120))])),
    ];
    println!("what if");
    for (name, habits, rule) in cases {
        let groups = firm::month(1, habits);
        let bills: Vec<Bill> = WAYS.iter().map(|(manner, _)| month(*manner, &groups, &rule, began)).collect();
        let (_, most, _) = spread(bills[2].answers_in_open_hours.clone());
        println!("   {name:<30} {}; answers in open hours 95 % {most}, free {}", savings(&bills), free_answers(&bills[2]));
    }
}

fn savings(bills: &[Bill]) -> String {
    let share = |of: &Bill| percent(of.heads - bills[2].heads, of.heads);
    format!("{} fewer heads than a, {} fewer than b", share(&bills[0]), share(&bills[1]))
}

fn free_answers(bill: &Bill) -> String {
    let all = bill.delays.get(NoticeKind::Answered.as_str()).map_or(0, Vec::len);
    percent(i64::try_from(bill.answers_free).unwrap_or(0), i64::try_from(all).unwrap_or(0))
}

fn month(manner: Manner, groups: &[firm::Group], rule: &(Patience, Calendar), began: Timestamp) -> Bill {
    let mut bill = Bill::default();
    for group in groups {
        replay::run(manner, group, rule, began, &mut bill);
    }
    bill
}

fn line(name: &str, bill: &Bill) {
    let (median, most, longest) = spread(bill.delays.values().flatten().copied().collect());
    let (_, open, _) = spread(bill.answers_in_open_hours.clone());
    println!("   {name:<34} notices {:>5}  free sends {:>5}  pushes {:>5}  heads {:>6}", bill.notices, bill.free, bill.pushes, bill.heads);
    println!("      delay: median {median}, 95 % {most}, max {longest}; answers in open hours 95 % {open}");
    println!(
        "      of {} messages; answers free {}, pushes without an answer {}, not told because pointless {}, left over {}",
        bill.events,
        free_answers(bill),
        bill.pushes_without_answer,
        bill.dropped,
        bill.left_over
    );
}

fn details(name: &str, bill: &Bill) {
    println!("   {name}");
    for (kind, delays) in &bill.delays {
        let (median, most, longest) = spread(delays.clone());
        println!("      {kind:<15} {:>5}  median {median}  95 % {most}  max {longest}", delays.len());
    }
}

/// Median, 95th percentile and maximum, for people.
fn spread(mut delays: Vec<i64>) -> (String, String, String) {
    delays.sort_unstable();
    let at = |percent: usize| delays.get((delays.len() * percent / 100).min(delays.len().saturating_sub(1))).copied().unwrap_or(0);
    (span(at(50)), span(at(95)), span(at(100)))
}

fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds % 3600 / 60),
    }
}

fn percent(part: i64, whole: i64) -> String {
    let tenths = if whole == 0 { 0 } else { part * 1000 / whole };
    format!("{}.{} %", tenths / 10, tenths % 10)
}
