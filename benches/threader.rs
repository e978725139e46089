//! How fast the threader decides, on one core.
//!
//! `cargo bench --bench threader`
//!
//! Groups with 10, 50 and 200 open discussions of two posts each, by 15 people; then messages of all sorts are decided one after the
//! other and not recorded, so that the group stays as it is. The second figure is what a server does that keeps nothing between two
//! messages: the group's lines are read in again each time.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts here are small and never negative"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use threadline::domain::{DiscussionId, Role};
use threadline::threading::{Heard, Place, Stream, Table, decide};

/// So long each figure is measured.
const ROUND: Duration = Duration::from_secs(2);
/// 2026-09-14T10:00:00+08:00
const START_SECOND: i64 = 1_789_351_200;
const PEOPLE: i64 = 15;

const MATTERS: [&str; 10] = [
    "請問 {} 樓的冷氣什麼時候可以修，昨天又滴水了",
    "{} 號訂單的報價單可以再傳一次嗎",
    "第 {} 期的請款單金額好像不對 麻煩再確認一下",
    "官網首頁第 {} 張圖片跑掉了，手機看特別明顯",
    "門禁卡第 {} 張感應不到，新進同事下週一要用",
    "The invoice {} has the wrong tax id, can you send a new one?",
    "監視器 {} 號鏡頭沒有畫面",
    "{} 月的菜單要改，有兩個小朋友對花生過敏",
    "ERP 匯出第 {} 張報表的時候會當掉",
    "展場第 {} 區的插座不夠 要再加四個",
];

const SAID: [&str; 8] = [
    "收到 我下午去看",
    "這個好了嗎",
    "報價單我看過了，金額可以，麻煩開發票",
    "早安",
    "請問倉庫盤點的表要用哪一版",
    "鏡頭換好了 畫面正常",
    "謝謝",
    "另外問一下 下週三可以提早送貨嗎，我們四點要關門",
];

/// One line of the group, as it would lie in the database.
struct Line {
    second: i64,
    name: String,
    text: String,
    discussion: i64,
}

fn main() {
    println!("{:>16} {:>14} {:>12} {:>26}", "open discussions", "decisions/s", "µs each", "µs with reading in again");
    for open in [10, 50, 200] {
        let group = group(open);
        let stream = read_in(&group);
        let alone = measured(|n| {
            black_box(decide(&stream, &said(n), "", Table::shipped()));
        });
        let again = measured(|n| {
            let stream = read_in(&group);
            black_box(decide(&stream, &said(n), "", Table::shipped()));
        });
        println!("{open:>16} {:>14.0} {:>12.1} {:>26.1}", 1e6 / alone, alone, again);
    }
}

fn group(open: i64) -> Vec<Line> {
    let line = |n: i64, text: String| Line { second: n * 1_200, name: format!("組員{}", n % PEOPLE), text, discussion: n % open };
    let asked = (0..open).map(|n| line(n, MATTERS[n as usize % MATTERS.len()].replace("{}", &n.to_string())));
    let answered = (open..2 * open).map(|n| line(n, format!("收到 第 {} 件我們看一下", n - open)));
    asked.chain(answered).collect()
}

fn read_in(group: &[Line]) -> Stream {
    let mut stream = Stream::new(TimeZone::get("Asia/Taipei").unwrap_or(TimeZone::UTC));
    for line in group {
        stream.record(&heard(line.second, &line.name, &line.text), Place::In(DiscussionId(line.discussion)));
    }
    stream
}

fn heard<'a>(second: i64, name: &'a str, text: &'a str) -> Heard<'a> {
    let at = Timestamp::from_second(START_SECOND + second).unwrap_or(Timestamp::UNIX_EPOCH);
    let role = Some(if name.ends_with('1') { Role::Staff } else { Role::Client });
    Heard { at, speaker: name, name, role, kind: "text", text, mentions: &[], quotes: None }
}

fn said(n: usize) -> Heard<'static> {
    heard(500_000 + n as i64 % 600, ["組員1", "組員2", "新來的"][n % 3], SAID[n % SAID.len()])
}

/// Microseconds a call.
fn measured(mut call: impl FnMut(usize)) -> f64 {
    let started = Instant::now();
    let mut calls = 0;
    while started.elapsed() < ROUND {
        call(calls);
        calls += 1;
    }
    started.elapsed().as_secs_f64() * 1e6 / calls as f64
}
