//! The real program, killed again and again in the middle of its work, with a LINE platform that refuses, delays and loses answers.
//! Then calm, and everything is found: nothing lost, nothing twice.
//!
//! For longer runs: `THREADLINE_TEST_KILLS`, `THREADLINE_TEST_EVENTS`, `THREADLINE_TEST_MAILS`; `THREADLINE_TEST_SEED` repeats one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use threadline::domain::{LineChatId, LineMessageId, LineUserId, Via};
use threadline::simulator::{Chaos, Event, Platform, Say, Sent, Settings, Upload};
use tokio::time::{Instant, sleep};

use crate::support::api::Api;
use crate::support::database::Database;
use crate::support::mail::{Letter, MailDrop};
use crate::support::program::{self, Server};
use crate::support::waiting::eventually_within;
use crate::support::{ACCOUNT, Setup, bodies, config_text, long_ago, number, posts};

const GROUPS: usize = 6;
/// The clients' projects; the last two groups belong to nobody.
const PROJECTS: usize = 2;
/// Groups, each of a project of its own, where nobody writes: what they are told costs a push.
const QUIET_GROUPS: usize = 2;
const STAFF: &str = "wang@example.com";
/// What is written about in the quiet groups.
const NEWS: &str = "停水公告";
/// The longest that LINE delays an answer.
const DELAY_MAX: Duration = Duration::from_millis(250);
/// From a start to the next kill.
const LIVES: std::ops::Range<u64> = 100..900;
/// What one kill and the start after it take, roughly, in milliseconds: the stream must last as long as the kills.
const ROUND_MS: u64 = 1_000;
/// How long it may take until all is quiet: on `PostgreSQL` a dead node's leases have to run out.
const CALM_WITHIN: Duration = Duration::from_secs(200);

/// How much, and which lots are drawn.
#[derive(Clone, Copy, Debug)]
struct Scale {
    kills: u64,
    events: u64,
    mails: u64,
    seed: u64,
}

impl Scale {
    fn of_environment() -> Self {
        let number = |name: &str, otherwise: u64| {
            let name = format!("THREADLINE_TEST_{name}");
            std::env::var(&name).map_or(otherwise, |n| n.parse().unwrap_or_else(|_| panic!("{name} is no number")))
        };
        Self {
            kills: number("KILLS", 20),
            events: number("EVENTS", 300),
            mails: number("MAILS", 100),
            seed: number("SEED", rand::random()),
        }
    }

    /// The pause between two of `count`, so that they last as long as the kills.
    fn pause(self, count: u64) -> Duration {
        Duration::from_millis(self.kills * ROUND_MS / count.max(1))
    }
}

/// The outside world, and where the program stands in it.
struct World {
    line: Platform,
    mail: MailDrop,
    config: PathBuf,
    folder: TempDir,
    database: Database,
    chats: Vec<(LineChatId, LineUserId)>,
    scale: Scale,
}

/// What was said, for the reckoning.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    /// Texts in LINE.
    words: Vec<String>,
    pictures: usize,
    /// Message-IDs and texts of clients' mails.
    letters: BTreeMap<String, String>,
    /// Message-IDs and texts of the colleague's.
    answers: BTreeMap<String, String>,
}

#[test]
fn a_program_that_is_killed_at_any_moment_loses_nothing_and_doubles_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let scale = Scale::of_environment();
        println!("{scale:?}");
        let began = Instant::now();
        let (world, server, api) = World::begin(scale).await;
        let ((said, written), (server, api)) = {
            let stream = async { tokio::join!(world.stream_events(), world.stream_mails()) };
            tokio::join!(stream, world.kill_again_and_again(server, &api))
        };
        let told = Told { letters: written.letters, answers: written.answers, ..said };
        world.line.clear_faults();
        world.wait_for_calm(&api).await;
        world.reckon(&api, &told, began).await;
        server.stop().await;
        world.database.drop().await;
    });
}

impl World {
    async fn begin(scale: Scale) -> (Self, Server, Api) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let settings = Settings { redeliver: true, seed: scale.seed, ..Settings::default() };
        let (line, line_url) = Platform::start_with(settings.clone()).await;
        let database = Database::new(folder.path()).await;
        let mail = MailDrop::new(folder.path());
        let config = folder.path().join("bot-config.toml");
        fs::write(&config, config_text(&Setup::default(), database.url(), &line_url, &settings)).expect("the configuration can be written");
        let chats = (0..GROUPS)
            .map(|n| {
                let client = line.person(&format!("客戶 {n}"));
                (line.group(&format!("第 {n} 組"), std::slice::from_ref(&client)), client)
            })
            .collect();
        let world = Self { line, mail, config, folder, database, chats, scale };
        let server = world.start().await;
        let boss = program::account(&world.config, "boss@example.com", "老闆", true).await;
        program::account(&world.config, STAFF, "Wang", false).await;
        let api = Api::new(&server.base, &boss);
        for n in 0..PROJECTS {
            let at = format!("/projects/p{n}");
            api.post("/projects", &json!({"key": format!("p{n}"), "name": format!("專案 {n}")})).await.expect(201);
            api.put(&format!("{at}/members"), &json!({"email": STAFF, "role": "staff"})).await.expect(200);
            api.put(&format!("{at}/email-senders"), &json!({"pattern": format!("@client{n}.example")})).await.expect(200);
            for (chat, _) in world.chats.iter().skip(2 * n).take(2) {
                api.put(&format!("{at}/line-groups"), &json!({"channel": ACCOUNT, "group_id": chat.as_str()})).await.expect(200);
            }
        }
        for n in 0..QUIET_GROUPS {
            let at = format!("/projects/quiet{n}");
            let chat = world.line.group(&format!("安靜的第 {n} 組"), &[world.line.person("沉默的人")]);
            api.post("/projects", &json!({"key": format!("quiet{n}"), "name": format!("安靜 {n}")})).await.expect(201);
            api.put(&format!("{at}/members"), &json!({"email": STAFF, "role": "staff"})).await.expect(200);
            api.put(&format!("{at}/line-groups"), &json!({"channel": ACCOUNT, "group_id": chat.as_str()})).await.expect(200);
            let asked = json!({"project": format!("quiet{n}"), "title": NEWS, "body": format!("第 {n} 則公告")});
            api.post("/discussions", &asked).await.expect(201);
        }
        world.line.chaos(Chaos {
            seed: scale.seed,
            refused: 0.1,
            rate_limited: 0.05,
            delayed: 0.3,
            delay_max: DELAY_MAX,
            dropped_before: 0.1,
            dropped_after: 0.1,
        });
        (world, server, api)
    }

    async fn start(&self) -> Server {
        let server = Server::start(&self.config, &self.folder.path().join("serve.log")).await;
        self.line.set_webhook(&format!("{}/webhooks/line/{ACCOUNT}", server.base));
        server
    }

    /// Kills the program at moments that the seed draws; the last start is left running.
    async fn kill_again_and_again(&self, mut server: Server, api: &Api) -> (Server, Api) {
        let mut rng = StdRng::seed_from_u64(self.scale.seed);
        for _ in 0..self.scale.kills {
            sleep(Duration::from_millis(rng.random_range(LIVES))).await;
            server.kill().await;
            // What was on its way to LINE arrives there yet; only then is it known which tokens the dead one used.
            sleep(DELAY_MAX).await;
            self.line.client_was_killed();
            server = self.start().await;
        }
        let api = api.at(&server.base);
        (server, api)
    }

    /// People write in the groups: texts, pictures and quotes, alone and several in one webhook. The first half was said long ago, so
    /// that there are new matters in the second.
    async fn stream_events(&self) -> Told {
        let mut rng = StdRng::seed_from_u64(self.scale.seed.wrapping_add(1));
        let mut told = Told::default();
        let mut said: Vec<Vec<LineMessageId>> = vec![vec![]; GROUPS];
        let mut waiting = vec![];
        for n in 0..self.scale.events {
            let at = (n < self.scale.events / 2).then(long_ago);
            let which = rng.random_range(0..GROUPS);
            let (chat, client) = &self.chats[which];
            let event = if rng.random_bool(0.1) {
                told.pictures += 1;
                let not_ready = rng.random_range(0..2);
                self.line.image(chat, Some(client), Upload { not_ready, ..Upload::new("image/png", format!("picture {n}")) })
            } else {
                let text = format!("事件 {n:05} 說的話");
                told.words.push(text.clone());
                let old = &said[which];
                let quote = (!old.is_empty() && rng.random_bool(0.2)).then(|| old[rng.random_range(0..old.len())].clone());
                self.line.say(chat, Some(client), &text, Say { quote, at, ..Say::default() })
            };
            said[which].push(event.message_id().clone());
            told.events.push(event.clone());
            waiting.push(event);
            if rng.random_bool(0.7) {
                // Not answered with 200, it is delivered again and again.
                self.line.deliver(&std::mem::take(&mut waiting)).await;
            }
            sleep(self.scale.pause(self.scale.events)).await;
        }
        self.line.deliver(&waiting).await;
        told
    }

    /// Clients write mails, new and in answer; the colleague answers what there is.
    async fn stream_mails(&self) -> Told {
        let mut rng = StdRng::seed_from_u64(self.scale.seed.wrapping_add(2));
        let mut told = Told::default();
        for n in 0..self.scale.mails {
            let mut to_staff = self.mail.sent_to(STAFF).await;
            if rng.random_bool(0.6) {
                to_staff.retain(|m| m.subject.contains(NEWS));
            }
            if rng.random_bool(0.5) && !to_staff.is_empty() {
                let text = format!("回覆 {n:05} 給客戶");
                let letter = Letter::answering(&to_staff[rng.random_range(0..to_staff.len())], STAFF, &text);
                told.answers.insert(self.mail.arrives(&letter).await, text);
            } else {
                let from = format!("amy@client{}.example", rng.random_range(0..PROJECTS));
                let text = format!("來信 {n:05} 的內容");
                let mut letter = Letter::new(&from, &format!("事情 {n}"), &text);
                if rng.random_bool(0.4)
                    && let Some(before) = told.letters.keys().next()
                {
                    letter = letter.header("In-Reply-To", &format!("<{before}>"));
                }
                let id = self.mail.arrives(&letter).await;
                if rng.random_bool(0.1) {
                    self.mail.arrives(&letter).await;
                }
                told.letters.insert(id, text);
            }
            sleep(self.scale.pause(self.scale.mails)).await;
        }
        told
    }

    async fn wait_for_calm(&self, api: &Api) {
        eventually_within(CALM_WITHIN, "every event is acknowledged", async || (self.line.redeliveries_under_way() == 0).then_some(()))
            .await;
        eventually_within(CALM_WITHIN, "every mail is taken", async || (self.mail.waiting().await == 0).then_some(())).await;
        for list in ["/inbound?status=received", "/deliveries?status=pending"] {
            let mut quiet = 0;
            eventually_within(CALM_WITHIN, &format!("{list} is empty"), async || {
                let left = api.items(list).await;
                // What is told may still be coming for what was placed a moment ago.
                quiet = if left.is_empty() { quiet + 1 } else { 0 };
                sleep(Duration::from_millis(100)).await;
                (quiet > 10).then_some(())
            })
            .await;
        }
    }

    async fn reckon(&self, api: &Api, told: &Told, began: Instant) {
        let inbound = api.items("/inbound").await;
        let notices = api.items("/deliveries").await;
        let mut discussions = vec![];
        for item in api.items("/discussions").await {
            let at = format!("/discussions/{}", number(&item));
            discussions.push(
                eventually_within(CALM_WITHIN, "every file is fetched", async || {
                    let found = api.get(&at).await.expect(200);
                    posts(&found).iter().all(|p| p["attachments_waiting"] == 0).then_some(found)
                })
                .await,
            );
        }
        let sent = self.line.sent();
        let pushes = sent.iter().filter(|s| s.via == Via::LinePush).count();
        println!(
            "{} events in {} rows, {} mails, {} kills: {} discussions, {} posts, {} notices, {} replies, {pushes} pushes, {} mails out, {:.1} s",
            told.events.len(),
            inbound.len(),
            told.letters.len() + told.answers.len(),
            self.scale.kills,
            discussions.len(),
            discussions.iter().map(|d| posts(d).len()).sum::<usize>(),
            notices.len(),
            sent.len() - pushes,
            self.mail.sent().await.len(),
            began.elapsed().as_secs_f64(),
        );
        assert!(pushes > 0 || self.scale.mails < 20, "some things had to be pushed");
        assert_eq!(self.line.violations(), [], "what a well-behaved client never does");
        self.everything_arrived_once(told, &inbound, &discussions);
        everything_was_told_once(told, &notices, &sent);
        self.staff_had_one_mail_about_everything(told, &discussions).await;
    }

    /// Every event and mail is one row and one post.
    fn everything_arrived_once(&self, told: &Told, inbound: &[Value], discussions: &[Value]) {
        let rows = counted(inbound.iter().map(|row| row["external_id"].as_str().unwrap_or_default().to_owned()));
        for event in &told.events {
            assert!(self.line.is_acknowledged(event), "{} was answered with 200 in the end", event.id);
            assert_eq!(rows.get(&event.id), Some(&1), "{} is listed once", event.id);
        }
        for id in told.letters.keys().chain(told.answers.keys()) {
            assert_eq!(rows.get(id), Some(&1), "{id} is listed once");
        }
        for row in inbound {
            assert_eq!(row["status"], "done", "{row}");
        }
        let said = counted(discussions.iter().flat_map(bodies));
        for text in told.words.iter().chain(told.letters.values()).chain(told.answers.values()) {
            assert_eq!(said.get(text), Some(&1), "{text} is posted once");
        }
        let with_file = discussions.iter().flat_map(posts).filter(|p| p["attachments"].as_array().is_some_and(|a| a.len() == 1));
        assert_eq!(with_file.count(), told.pictures, "every picture is kept");
        let all: usize = discussions.iter().map(|d| posts(d).len()).sum();
        assert_eq!(all, said.values().sum::<usize>());
        assert_eq!(all, told.events.len() + told.letters.len() + told.answers.len() + QUIET_GROUPS, "and nothing else");
    }

    /// The colleague hears of everything that clients said in the projects, each thing in one mail, and of nothing twice.
    async fn staff_had_one_mail_about_everything(&self, told: &Told, discussions: &[Value]) {
        let mails = self.mail.sent().await;
        let ids: BTreeSet<&str> = mails.iter().map(|m| m.message_id.as_str()).collect();
        assert_eq!(ids.len(), mails.len(), "no Message-ID on two mails");
        let theirs: BTreeSet<String> =
            discussions.iter().filter(|d| d["project"].as_str().is_some_and(|p| p.starts_with('p'))).flat_map(bodies).collect();
        for text in told.words.iter().chain(told.letters.values()).filter(|t| theirs.contains(*t)) {
            let about = mails.iter().filter(|m| m.to == STAFF && m.text.lines().any(|l| l == text)).count();
            assert_eq!(about, 1, "{STAFF} was told {text}");
        }
    }
}

/// Every promise was kept or given up with a reason; the groups saw each thing once.
fn everything_was_told_once(told: &Told, notices: &[Value], sent: &[Sent]) {
    for notice in notices {
        let ended = notice["status"] == "sent" || (notice["status"] != "pending" && notice["last_error"].is_string());
        assert!(ended, "{notice}");
    }
    let keys: Vec<&String> = sent.iter().filter_map(|s| s.retry_key.as_ref()).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "no retry key was used twice");
    let shown = counted(sent.iter().map(|s| format!("{} {}", s.chat, json!(s.messages))));
    for (what, times) in shown {
        assert_eq!(times, 1, "it was shown twice: {what}");
    }
    for answer in told.answers.values() {
        let times = sent.iter().filter(|s| s.strings().iter().any(|t| t.contains(answer.as_str()))).count();
        assert!(times <= 1, "{answer} was told {times} times");
    }
    let cards: Vec<(i64, String)> = sent.iter().flat_map(cards).collect();
    let about = |number: i64, heading: &str| cards.iter().filter(|(n, text)| *n == number && text.contains(heading)).count();
    for notice in notices.iter().filter(|n| n["status"] == "sent" && n["via"] != "email") {
        let number = notice["discussion"].as_i64().expect("it is about a discussion");
        if notice["kind"] == "opened" {
            assert_eq!(about(number, "已收到，並開立討論"), 1, "#{number} was acknowledged once");
        } else {
            let promised = notices.iter().filter(|n| n["kind"] == "answered" && n["discussion"] == number && n["via"] != "email").count();
            let times = about(number, "回覆了");
            assert!((1..=promised).contains(&times), "#{number}: {promised} answers, told {times} times");
        }
    }
}

/// The cards of one send: which discussion each is about, and its words.
fn cards(sent: &Sent) -> Vec<(i64, String)> {
    let mut found = vec![];
    for message in &sent.messages {
        let contents = &message["contents"];
        let bubbles =
            contents["contents"].as_array().filter(|_| contents["type"] == "carousel").cloned().unwrap_or_else(|| vec![contents.clone()]);
        for bubble in bubbles {
            let one = Sent { messages: vec![bubble], ..sent.clone() };
            for number in one.discussions() {
                found.push((number, one.strings().join("\n")));
            }
        }
    }
    found
}

fn counted(all: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    all.fold(BTreeMap::new(), |mut counts, one| {
        *counts.entry(one).or_default() += 1;
        counts
    })
}
