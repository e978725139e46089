//! What the month's LINE messages have cost, what they would have, and what they will: four figures, a drawing and its numbers.

use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};

use super::Look;
use crate::domain::Forecast;

/// One month until now.
#[derive(Clone, Debug)]
pub struct Bill {
    /// A moment of today.
    pub now: Timestamp,
    pub today: Date,
    /// Heads billed until the end of each day, from the month's first to today.
    pub ours: Vec<i64>,
    /// Likewise, had each notice been a push of its own.
    pub each: Vec<i64>,
    pub forecast: Option<Forecast>,
    /// What may be billed this month, where there is a limit.
    pub ceiling: Option<i64>,
    /// By account and project, the dearest first.
    pub shares: Vec<Share>,
}

/// What one project's chats on one account were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub account: String,
    pub project: String,
    pub notices: i64,
    /// Replies, which cost nothing.
    pub free: i64,
    pub pushes: i64,
    pub heads: i64,
    pub heads_if_pushed: i64,
}

impl Bill {
    fn billed(&self) -> i64 {
        self.ours.last().copied().unwrap_or_default()
    }

    fn if_pushed(&self) -> i64 {
        self.each.last().copied().unwrap_or_default()
    }
}

/// The figures, the drawing and the tables behind it.
pub fn bill(look: &Look<'_>, bill: &Bill) -> Markup {
    let (billed, if_pushed) = (bill.billed(), bill.if_pushed());
    let saved = (if_pushed - billed).max(0);
    let month = look.word("page", &format!("month_{}", bill.today.month()));
    html! {
        section.bill aria-labelledby="bill" {
          div.bill-figures {
            h2 #bill { (look.fill("told.bill", &[("month", &month)])) }
            dl.figures {
                div { dt { (look.t("told.billed")) } dd { strong { (thousands(billed)) } @if let Some(ceiling) = bill.ceiling { span.faint { " / " (thousands(ceiling)) } } } }
                div { dt { (look.t("told.if_pushed")) } dd { (thousands(if_pushed)) } }
                div {
                    dt { (look.t("told.saved")) }
                    dd.saved { (thousands(saved)) @if if_pushed > 0 { span.faint { " (" (saved * 100 / if_pushed) "%)" } } }
                }
                div {
                    dt { (look.t("told.forecast")) }
                    dd {
                        @match &bill.forecast {
                            Some(f) => {
                                (thousands(f.expected))
                                @if f.low < f.high { span.faint { " (" (thousands(f.low)) "–" (thousands(f.high)) ")" } }
                            },
                            None => span.faint { (look.t("told.no_forecast")) },
                        }
                    }
                }
            }
            @if let Some(over) = over(look, bill) { p.trouble { (over) } }
            @if if_pushed == 0 { p.hint { (look.t("told.nothing_billed")) } }
          }
          @if if_pushed > 0 {
            div.bill-more {
                (chart(look, bill))
                (numbers(look, bill))
            }
          }
        }
    }
}

/// A sentence where the month is expected to come to more than it may.
fn over(look: &Look<'_>, bill: &Bill) -> Option<String> {
    let ceiling = bill.ceiling?;
    if bill.billed() >= ceiling {
        return Some(look.t("told.spent").to_owned());
    }
    let day = bill.forecast.as_ref()?.path.iter().find(|(_, heads)| *heads > ceiling)?.0;
    let month = look.word("page", &format!("month_{}", day.month()));
    let day = look.fill("page.day_short", &[("month", &month), ("day", &day.day().to_string())]);
    Some(look.fill("told.will_be_spent", &[("day", &day)]))
}

/// `12,345`.
pub(super) fn thousands(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::from(if n < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

// The drawing's field, in tenths of a pixel where the page shows it 360 wide.
const WIDTH: i64 = 3600;
const HEIGHT: i64 = 1900;
const LEFT: i64 = 440;
const RIGHT: i64 = 3540;
const TOP: i64 = 120;
const BOTTOM: i64 = 1620;
/// A limit that lies higher than so many times everything else would press it flat: it is told in figures alone.
const CEILING_TIMES_MAX: i64 = 2;

/// Where days and heads lie on the field.
struct Field {
    days: i64,
    top: i64,
}

impl Field {
    fn x(&self, day: i64) -> i64 {
        LEFT + (RIGHT - LEFT) * day / self.days
    }

    fn y(&self, heads: i64) -> i64 {
        BOTTOM - (BOTTOM - TOP) * heads / self.top
    }

    /// A line through these days with the heads at their end.
    fn line(&self, points: impl IntoIterator<Item = (i64, i64)>) -> String {
        let points: Vec<String> = points.into_iter().map(|(day, heads)| format!("{} {}", self.x(day), self.y(heads))).collect();
        format!("M{}", points.join("L"))
    }
}

/// The smallest of 2, 4, 6, 8, 10, 20, 40 … that is no less: half of it is whole.
fn round_up(n: i64) -> i64 {
    let mut unit = 1;
    loop {
        if let Some(found) = [2, 4, 6, 8, 10].map(|k| k * unit).into_iter().find(|k| *k >= n) {
            return found;
        }
        unit *= 10;
    }
}

fn chart(look: &Look<'_>, bill: &Bill) -> Markup {
    let days = i64::from(bill.today.days_in_month());
    let today = i64::from(bill.today.day());
    let path = bill.forecast.as_ref().map(|f| f.path.as_slice()).unwrap_or_default();
    let highest = bill.if_pushed().max(path.last().map_or(0, |(_, heads)| *heads)).max(1);
    let ceiling = bill.ceiling.filter(|c| *c <= highest * CEILING_TIMES_MAX);
    let field = Field { days, top: round_up(highest.max(ceiling.unwrap_or(0))) };
    let points = |heads: &[i64]| -> Vec<(i64, i64)> { std::iter::once((0, 0)).chain((1..).zip(heads.iter().copied())).collect() };
    let (ours, each) = (points(&bill.ours), points(&bill.each));
    let between = field.line(each.iter().chain(ours.iter().rev()).copied());
    let ahead = field.line([(today, bill.billed())].into_iter().chain(path.iter().skip(1).map(|(d, heads)| (i64::from(d.day()), *heads))));
    let figures = [("billed", bill.billed()), ("each", bill.if_pushed())].map(|(name, heads)| (name, thousands(heads)));
    let label = look.fill("told.chart", &figures.iter().map(|(n, v)| (*n, v.as_str())).collect::<Vec<_>>());
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(label) {
                @for heads in [0, field.top / 2, field.top] {
                    @let y = field.y(heads);
                    path.grid d={ "M" (LEFT) " " (y) "H" (RIGHT) } {}
                    text.tick x=(LEFT - 60) y=(y + 40) text-anchor="end" { (thousands(heads)) }
                }
                @for day in [1, 8, 15, 22, days] {
                    text.tick x=(field.x(day)) y=(BOTTOM + 170) text-anchor=(if day == days { "end" } else { "middle" }) { (day) }
                }
                path.between d=(between) {}
                @if let Some(ceiling) = ceiling { path.ceiling d={ "M" (LEFT) " " (field.y(ceiling)) "H" (RIGHT) } {} }
                path.each d=(field.line(each)) {}
                @if path.len() > 1 { path.ahead d=(ahead) {} }
                path.ours d=(field.line(ours)) {}
                circle.ours-now cx=(field.x(today)) cy=(field.y(bill.billed())) r="45" {}
            }
            figcaption {
                ul.legend {
                    li.l-ours { (look.t("told.billed")) }
                    li.l-each { (look.t("told.if_pushed")) }
                    @if path.len() > 1 { li.l-ahead { (look.t("told.forecast")) } }
                    @if ceiling.is_some() { li.l-ceiling { (look.t("told.ceiling")) } }
                }
            }
        }
    }
}

/// What the drawing shows, in numbers: by account and project, and by day.
fn numbers(look: &Look<'_>, bill: &Bill) -> Markup {
    html! {
        details.bill-numbers id="bill-numbers" {
            summary { (look.t("told.numbers")) }
            div.wide-table {
                table {
                    thead { tr {
                        th scope="col" { (look.t("told.account")) }
                        th scope="col" { (look.t("page.project")) }
                        th scope="col" { (look.t("told.title")) }
                        th scope="col" { (look.t("told.free")) }
                        th scope="col" { (look.t("told.pushes")) }
                        th scope="col" { (look.t("told.billed")) }
                        th scope="col" { (look.t("told.if_pushed")) }
                    } }
                    tbody { @for share in &bill.shares {
                        tr {
                            td { (share.account) } td { (share.project) }
                            @for n in [share.notices, share.free, share.pushes, share.heads, share.heads_if_pushed] { td.n { (thousands(n)) } }
                        }
                    } }
                }
            }
            div.wide-table {
                table {
                    thead { tr {
                        th scope="col" { (look.t("told.until_day")) }
                        th scope="col" { (look.t("told.billed")) }
                        th scope="col" { (look.t("told.if_pushed")) }
                    } }
                    tbody { @for (day, (ours, each)) in (1..).zip(bill.ours.iter().zip(&bill.each)) {
                        tr { th scope="row" { (bill.today.month()) "/" (day) } td.n { (thousands(*ours)) } td.n { (thousands(*each)) } }
                    } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_the_scale_has_a_middle() {
        assert_eq!([0, 999, 1000, 1_234_567, -1000].map(thousands), ["0", "999", "1,000", "1,234,567", "-1,000"]);
        assert_eq!([1, 2, 3, 11, 81, 100, 101, 1999].map(round_up), [2, 2, 4, 20, 100, 100, 200, 2000]);
    }

    #[test]
    fn the_drawing_stays_within_its_field() {
        let field = Field { days: 30, top: round_up(712) };
        assert_eq!((field.x(0), field.x(30)), (LEFT, RIGHT));
        assert_eq!((field.y(0), field.y(800)), (BOTTOM, TOP));
        assert_eq!(field.line([(0, 0), (1, 400)]), "M440 1620L543 870");
    }
}
