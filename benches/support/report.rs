//! What is printed: medians with the least and the most, and what the machine did meanwhile.

use super::cpu::{self, Spent};
use super::generator::{CONNECTIONS, Measured};
use super::server::Contender;

/// One contender under one load.
#[derive(Debug)]
pub struct Part {
    pub contender: Contender,
    pub measured: Measured,
    pub placed: Option<u64>,
    pub spent: Spent,
}

impl Part {
    /// CPU microseconds of the server an event, the warm-up's included: (process − generator) / 200s.
    fn server_cpu_us(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer requests than 2^52")]
        let events = self.measured.accepted.max(1) as f64;
        (self.spent.own - self.measured.cpu) * 1e6 / events
    }
}

/// What is measured where.
pub fn machine(part: std::time::Duration, rounds: usize) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let database = if std::env::var_os("THREADLINE_BENCH_DATABASE").is_some() { "PostgreSQL" } else { "SQLite, WAL, synchronous=FULL" };
    println!(
        "{database}; {cores} cores; {CONNECTIONS} connections; {rounds} rounds of {part:?} a part; load average {}",
        cpu::load_average()
    );
}

/// One line as soon as a part is measured.
pub fn progress(part: &Part) {
    let placed = part.placed.map_or_else(String::new, |n| format!(", {n} placed"));
    println!(
        "  {:<23} {:>7.0}/s  p50 {:>7.2}  p99 {:>7.2}  p99.9 {:>7.2} ms  server CPU {:>5.0} µs an event, others had {:>2.0} %{placed}",
        part.contender,
        part.measured.per_second,
        part.measured.latency_ms(0.5),
        part.measured.latency_ms(0.99),
        part.measured.latency_ms(0.999),
        part.server_cpu_us(),
        part.spent.others() * 100.0,
    );
}

/// Median, least and most.
struct Spread(f64, f64, f64);

impl Spread {
    fn of(parts: &[Part], contender: Contender, value: impl Fn(&Part) -> f64) -> Option<Self> {
        let mut values: Vec<f64> = parts.iter().filter(|p| p.contender == contender).map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] };
        Some(Self(median, least, most))
    }

    fn show(&self, digits: usize) -> String {
        let Self(median, least, most) = self;
        format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}

/// The median of a contender's rates, in events a second.
pub fn median_rate(parts: &[Part], contender: Contender) -> Option<f64> {
    Spread::of(parts, contender, |p| p.measured.per_second).map(|s| s.0)
}

/// The least rate of any.
pub fn slowest_rate(parts: &[Part]) -> f64 {
    parts.iter().map(|p| p.measured.per_second).fold(f64::INFINITY, f64::min)
}

/// The closed loop's table and ratios.
pub fn closed(parts: &[Part]) {
    println!("\nClosed loop, median (least–most)\n");
    println!("| | accepted events/s | p99 ms | server CPU µs an event | placed/s | others' CPU % |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for contender in Contender::ALL {
        let spread = |value: &dyn Fn(&Part) -> f64| Spread::of(parts, contender, value);
        let Some(rate) = spread(&|p| p.measured.per_second) else { continue };
        println!(
            "| {contender} | {} | {} | {} | {} | {} |",
            rate.show(0),
            spread(&|p| p.measured.latency_ms(0.99)).map_or_else(String::new, |s| s.show(1)),
            spread(&Part::server_cpu_us).map_or_else(String::new, |s| s.show(0)),
            placed(parts, contender),
            spread(&|p| p.spent.others() * 100.0).map_or_else(String::new, |s| s.show(0)),
        );
    }
    let Some(ours) = median_rate(parts, Contender::Ours) else { return };
    for other in [Contender::Empty, Contender::CommitEach] {
        if let Some(theirs) = median_rate(parts, other) {
            println!("\nc/{} = {:.2}", other.letter(), ours / theirs);
        }
    }
}

/// The open loop's table.
pub fn open(parts: &[Part], per_second: f64) {
    println!("\nOpen loop at {per_second:.0} events/s, latency from the due time, median (least–most)\n");
    println!("| | answered/s | p50 ms | p99 ms | p99.9 ms | placed/s | others' CPU % |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for contender in Contender::ALL {
        let spread =
            |value: &dyn Fn(&Part) -> f64, digits| Spread::of(parts, contender, value).map_or_else(String::new, |s| s.show(digits));
        if !parts.iter().any(|p| p.contender == contender) {
            continue;
        }
        println!(
            "| {contender} | {} | {} | {} | {} | {} | {} |",
            spread(&|p| p.measured.per_second, 0),
            spread(&|p| p.measured.latency_ms(0.5), 2),
            spread(&|p| p.measured.latency_ms(0.99), 2),
            spread(&|p| p.measured.latency_ms(0.999), 2),
            placed(parts, contender),
            spread(&|p| p.spent.others() * 100.0, 0),
        );
    }
    println!("\nIn every part the rows in the database were as many as the 200s. Load average now {}.", cpu::load_average());
}

fn placed(parts: &[Part], contender: Contender) -> String {
    let seconds =
        |p: &Part| p.spent.available / std::thread::available_parallelism().map_or(1.0, |n| f64::from(u32::try_from(n.get()).unwrap_or(1)));
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer rows than 2^52")]
    let rate = |p: &Part| p.placed.unwrap_or_default() as f64 / seconds(p).max(f64::EPSILON);
    if parts.iter().all(|p| p.contender != contender || p.placed.is_none()) {
        return "–".to_owned();
    }
    Spread::of(parts, contender, rate).map_or_else(String::new, |s| s.show(0))
}
