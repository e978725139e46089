//! How fast LINE webhooks are taken in, and how long each waits for its 200.
//!
//! `cargo bench --bench intake [-- --quick | --rounds N | --seconds N | --only abcd]`
//!
//! Four servers, each alone on a fresh database, in turns (a b c d a b c d …), so that what else the machine does meets all alike:
//!
//! * a — reads the body and answers 200: what HTTP alone costs here;
//! * b — verifies, cuts, and commits each request in a transaction of its own, through the same [`threadline::store::Db`];
//! * c — the real webhook route and the real intake;
//! * d — the same with the placing loop beside it. LINE's API is a closed port, so that look-ups fail at once.
//!
//! First a closed loop (64 connections, each sends again once it is answered) gives events a second; then an open loop sends at half
//! of c's median whatever the answers do, and latency counts from when a request was due, not from when it could be sent.
//! Requests are real HTTP/1.1 over loopback TCP, signed, one event each; the generator has a thread of its own in this process and
//! shares the machine's cores. After every part the rows in the database must equal the 200s.
//!
//! `THREADLINE_BENCH_DATABASE` names another database to measure (`postgres://…`); a schema of its own is made in it for every part and
//! dropped afterwards.

mod support {
    pub mod cpu;
    pub mod generator;
    pub mod report;
    pub mod server;
}

use std::time::Duration;

use anyhow::{Context as _, ensure};

use support::cpu;
use support::generator::{self, Load, Measured, Pace};
use support::report::{self, Part};
use support::server::{Contender, Server};

const ROUNDS: usize = 3;
const SECONDS_PER_PART: f64 = 5.0;
const SECONDS_PER_PART_QUICK: f64 = 0.5;
/// Sent before anything is counted; its rows must be there too.
const WARM_UP: Duration = Duration::from_millis(500);

/// What to measure.
struct Plan {
    rounds: usize,
    part: Duration,
    contenders: Vec<Contender>,
}

fn main() -> anyhow::Result<()> {
    let plan = plan()?;
    threadline::web::start_metrics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    report::machine(plan.part, plan.rounds);

    let mut closed = Vec::new();
    for round in 0..plan.rounds {
        for &contender in &plan.contenders {
            let part =
                measure(&runtime, contender, Pace::Closed, plan.part).with_context(|| format!("{contender} closed, round {round}"))?;
            report::progress(&part);
            closed.push(part);
        }
    }
    let half = report::median_rate(&closed, Contender::Ours).unwrap_or_else(|| report::slowest_rate(&closed)) / 2.0;
    let mut open = Vec::new();
    for round in 0..plan.rounds {
        for &contender in &plan.contenders {
            let pace = Pace::Open { per_second: half };
            let part = measure(&runtime, contender, pace, plan.part).with_context(|| format!("{contender} open, round {round}"))?;
            report::progress(&part);
            open.push(part);
        }
    }
    report::closed(&closed);
    report::open(&open, half);
    Ok(())
}

/// One contender on a fresh database under one load; fails where an answer was no 200, or a row is missing or too many.
fn measure(runtime: &tokio::runtime::Runtime, contender: Contender, pace: Pace, part: Duration) -> anyhow::Result<Part> {
    let server = runtime.block_on(Server::start(contender))?;
    let load = Load { to: server.addr, pace, warm_up: WARM_UP, measure: part };
    let before = cpu::Spent::now();
    let measured: Measured = generator::run(load)?;
    let spent = cpu::Spent::now().since(before);
    let kept = runtime.block_on(server.stop())?;
    ensure!(measured.refused == 0, "{} requests were answered with something else than 200", measured.refused);
    if let Some(kept) = &kept {
        ensure!(kept.rows == measured.accepted, "{} were answered with 200, but {} rows are in the database", measured.accepted, kept.rows);
    }
    Ok(Part { contender, measured, placed: kept.and_then(|k| k.placed), spent })
}

fn plan() -> anyhow::Result<Plan> {
    let mut plan = Plan { rounds: ROUNDS, part: Duration::from_secs_f64(SECONDS_PER_PART), contenders: Contender::ALL.to_vec() };
    // `cargo test --benches` runs this without `--bench`: then it only shows that it works.
    let mut quick = true;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => quick = false,
            "--quick" => {
                (plan.rounds, plan.part) = (1, Duration::from_secs_f64(SECONDS_PER_PART_QUICK));
            }
            "--rounds" => plan.rounds = value()?.parse()?,
            "--seconds" => plan.part = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--only" => {
                let wanted = value()?;
                plan.contenders.retain(|c| wanted.contains(c.letter()));
            }
            // A filter or a flag of the built-in harness means nothing here.
            _ => {}
        }
    }
    if quick {
        (plan.rounds, plan.part) = (1, Duration::from_secs_f64(SECONDS_PER_PART_QUICK));
    }
    ensure!(plan.rounds > 0 && !plan.contenders.is_empty(), "nothing to measure");
    Ok(plan)
}
