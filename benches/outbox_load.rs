//! How fast waiting notices are bundled and claimed, and what waiting costs.
//!
//! `cargo bench --bench outbox_load [-- --notices N | --chats N]`
//!
//! N notices (100,000) about one discussion in five wait for as many chats (2,000) on SQLite. The clock stands still and is moved by hand:
//!
//! * idle — nothing may leave yet: what one look of the notifier costs while they all wait;
//! * rides — a fresh reply token in every twentieth chat: all that waits there is bundled, free;
//! * pushes — everything's deadline has passed: rounds of bundling, each followed by claiming and settling all that was frozen, as the
//!   notifier does but for the call to LINE.
//!
//! Every delivery must be there and every notice in one; resident memory (`VmRSS` of proc(5)) is read before and after.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp};
use threadline::App;
use threadline::clock::Clock;
use threadline::config;
use threadline::domain::{Channel, ChatId, ChatKind, DeliveryStatus, Inbox, LineChatId, NoticeKind, PersonId, ProjectKind, Role, Source};
use threadline::outbox;
use threadline::store::discussions::Opening;
use threadline::store::notice_lists::{self, Filter};
use threadline::store::notices::{NewNotice, Target};
use threadline::store::posts::NewPost;
use threadline::store::{self, Tx, chats, deliveries, discussions, notices, persons, posts, projects, reply_tokens};

const NOTICES: usize = 100_000;
const CHATS: usize = 2_000;
/// `cargo test --benches` runs this without `--bench`: then it only shows that it works.
const QUICK: (usize, usize) = (2_000, 100);
const NOTICES_PER_DISCUSSION: usize = 5;
const RIDES_EVERY: usize = 20;
/// Deliveries claimed at once, as the notifier does.
const CLAIMED: i64 = 16;
const LEASE: SignedDuration = SignedDuration::from_secs(25);
const WAITS: SignedDuration = SignedDuration::from_mins(5);
/// Looks that the price of one is taken from.
const LOOKS: u32 = 20;

fn main() -> anyhow::Result<()> {
    let (mut count, mut groups) = if std::env::args().any(|a| a == "--bench") { (NOTICES, CHATS) } else { QUICK };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--notices" => count = arguments.next().context("--notices needs a number")?.parse()?,
            "--chats" => groups = arguments.next().context("--chats needs a number")?.parse()?,
            _ => {}
        }
    }
    ensure!(groups > 0 && count >= groups, "there must be a notice for each chat");
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(count, groups))
}

async fn measure(count: usize, groups: usize) -> anyhow::Result<()> {
    // Beside the build, since a temporary folder may be memory, where a sync costs nothing.
    let folder = tempfile::Builder::new().prefix("bench").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let text = "[server]\npublic_url = \"https://support.example.com\"\n[database]\nurl = \"sqlite://bench.db\"\n\
                [storage]\nurl = \"file://files\"\n[notify]\nquiet_hours = \"\"\n";
    let noon: Timestamp = "2026-03-04T04:00:00Z".parse()?;
    let clock = Clock::stopped(noon);
    let app = App::open(config::parse(text, folder.path())?, clock.clone()).await?;
    let began = Instant::now();
    let chats = fill(&app, count, groups).await?;
    println!("{count} notices for {groups} chats were put in within {:.1} s", began.elapsed().as_secs_f64());

    let before = resident_kib()?;
    let began = Instant::now();
    for _ in 0..LOOKS {
        ensure!(outbox::bundle_due(&app).await? == 0, "nothing may leave yet");
    }
    println!("idle    a look takes {:.2} ms", began.elapsed().as_secs_f64() * 1000.0 / f64::from(LOOKS));

    let lucky: Vec<ChatId> = chats.iter().copied().step_by(RIDES_EVERY).collect();
    let mut tx = app.db.begin().await?;
    for chat in &lucky {
        reply_tokens::add(&mut tx, &format!("token-{chat}"), *chat, noon).await?;
    }
    tx.commit().await?;
    let began = Instant::now();
    let rides = drain(&app).await?;
    ensure!(rides == lucky.len(), "{rides} rides for {} tokens", lucky.len());
    report("rides", count * lucky.len() / groups, rides, began);

    clock.advance(std::time::Duration::try_from(WAITS)?);
    let began = Instant::now();
    let pushes = drain(&app).await?;
    ensure!(pushes == groups - lucky.len(), "{pushes} pushes for {} chats", groups - lucky.len());
    report("pushes", count - count * lucky.len() / groups, pushes, began);
    let after = resident_kib()?;
    println!("memory  {before} KiB before, {after} KiB after");

    let mut c = app.db.read().await?;
    let waiting = Filter { status: Some(DeliveryStatus::Pending), ..Filter::default() };
    ensure!(notice_lists::count(&mut c, &waiting, 1).await? == 0, "a notice was left behind");
    drop(c);
    app.db.close().await;
    Ok(())
}

/// The whole waiting crowd.
async fn fill(app: &Arc<App>, count: usize, groups: usize) -> anyhow::Result<Vec<ChatId>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let project = projects::find_or_add(&mut tx, "bench", "Bench", ProjectKind::Client, now).await?;
    let wang = persons::find_or_add(&mut tx, Channel::Email, "wang@example.com", "Wang", now).await?.id;
    let mut made = vec![];
    for n in 0..groups {
        let id = LineChatId(format!("C{n:032x}"));
        let chat = chats::add(&mut tx, &Inbox::line("bench"), &id, ChatKind::Group, project).await?.context("the chat is new")?;
        made.push(chat);
    }
    tx.commit().await?;
    let each = count / groups;
    for (n, chat) in made.iter().enumerate() {
        let mut tx = app.db.begin().await?;
        // The first chats take what does not divide.
        let here = each + usize::from(n < count % groups);
        for first in (0..here).step_by(NOTICES_PER_DISCUSSION) {
            let opening = Opening { project, title: "三樓冷氣壞了", chat: Some(*chat), source: Source::Line, at: now };
            let discussion = discussions::open(&mut tx, &opening).await?;
            for _ in first..here.min(first + NOTICES_PER_DISCUSSION) {
                answer(&mut tx, *chat, &discussion, (wang, now)).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(made)
}

async fn answer(tx: &mut Tx, chat: ChatId, discussion: &discussions::Discussion, (by, now): (PersonId, Timestamp)) -> anyhow::Result<()> {
    let words = NewPost::words(by, Role::Staff, Source::Api, "師傅明天上午十點過去，請留人在家。", "{}", now);
    let post = posts::add(tx, discussion.id, &words, now).await?.context("the post is new")?;
    let new = NewNotice {
        kind: NoticeKind::Answered,
        discussion: Some(discussion.id),
        post: Some(post),
        target: Target::Chat(chat),
        due_at: now,
        deadline_at: now + WAITS,
        now,
        detail: None,
        expires_at: None,
    };
    notices::add(tx, &new).await?;
    Ok(())
}

/// Bundles, claims and settles until nothing is left. How many deliveries there were.
async fn drain(app: &App) -> anyhow::Result<usize> {
    let mut settled = 0;
    loop {
        let bundled = outbox::bundle_due(app).await?;
        let claimed = claim_all(app).await?;
        settled += claimed;
        if bundled + claimed == 0 {
            return Ok(settled);
        }
    }
}

async fn claim_all(app: &App) -> store::Result<usize> {
    let mut all = 0;
    loop {
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let claimed = deliveries::claim(&mut tx, app.db.dialect, false, now, now + LEASE, CLAIMED).await?;
        tx.commit().await?;
        if claimed.is_empty() {
            return Ok(all);
        }
        for delivery in &claimed {
            let mut tx = app.db.begin().await?;
            deliveries::end(&mut tx, delivery.id, DeliveryStatus::Sent, None, now).await?;
            notices::settle(&mut tx, delivery.id, DeliveryStatus::Sent).await?;
            tx.commit().await?;
        }
        all += claimed.len();
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn report(what: &str, notices: usize, sends: usize, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what:<7} {notices} notices in {sends} sends within {seconds:.2} s: {:.0} notices/s", notices as f64 / seconds);
}

fn resident_kib() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("Linux tells of every process")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
