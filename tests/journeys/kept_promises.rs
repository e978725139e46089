//! What was promised is told once: a digest whatever kills the program, what is sent by hand at night, what moved; and the desk lists all of it.

use std::collections::BTreeSet;

use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use threadline::clock::Clock;
use threadline::domain::{LineChatId, Via};
use threadline::simulator::Say;

use crate::support::office::{Office, run};
use crate::support::pages::{Browser, Page};
use crate::support::program;
use crate::support::relay::Relay;
use crate::support::waiting::eventually_within;
use crate::support::{SUPPORT, Setup, TestApp, eventually, journey, journey_with, posts, stays};

const WANG: &str = "wang@example.com";
/// A killed process's lease has to run out on `PostgreSQL`.
const RECOVERS_WITHIN: Duration = Duration::from_mins(1);

#[test]
fn a_digest_arrives_once_whenever_the_program_is_killed() {
    let relay = Relay::start();
    run(async {
        let mut office = Office::open(&format!(
            "[smtp]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"客服 <{SUPPORT}>\"\n[notify]\nhold_seconds = 0\nsettle_seconds = 0\n",
            relay.port
        ))
        .await;
        let token = program::account(&office.config, WANG, "Wang", false).await;
        office.api.post("/projects", &json!({"key": "alpha", "name": "專案"})).await.expect(201);
        office.api.put("/projects/alpha/members", &json!({"email": WANG, "role": "staff"})).await.expect(200);
        office.api.with_token(&token).put("/me/listening", &json!({"ways": {"answered": "daily"}})).await.expect(200);
        for title in ["電梯", "大門"] {
            let asked = json!({"project": "alpha", "title": title, "body": format!("{title}要保養")});
            office.api.post("/discussions", &asked).await.expect(201);
        }
        // Killed while it gathers; its hour comes while nothing runs.
        office.kill().await;
        office.change_database("UPDATE notices SET due_at = created_at WHERE digest = 1").await;
        relay.refuse(WANG, &["451 4.3.0 try again later"; 3]);
        office.start().await;
        // Killed once it is frozen, and was tried in vain.
        eventually("it was tried", async || (relay.asked(WANG) > 0).then_some(())).await;
        office.kill().await;
        assert!(relay.taken(WANG).is_empty());
        office.start().await;
        let digest = eventually_within(RECOVERS_WITHIN, "it arrives", async || relay.taken(WANG).pop()).await;
        assert!(digest.text.contains("電梯要保養") && digest.text.contains("大門要保養"), "{}", digest.text);
        let of_wang =
            async || -> Vec<Value> { office.api.items("/deliveries").await.into_iter().filter(|d| d["target"] == WANG).collect() };
        eventually("both are told", async || of_wang().await.iter().all(|d| d["status"] == "sent").then_some(())).await;
        // Killed after it was sent.
        office.kill().await;
        office.start().await;
        stays("once", async || relay.taken(WANG).len() == 1).await;
        let told: Vec<Value> = office.api.items("/deliveries").await.into_iter().filter(|d| d["target"] == WANG).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        office.close().await;
    });
}

/// From two hours ago to three hours from now, where the server is.
fn hours_around_now() -> String {
    let here = Clock::wall().now().to_zoned(TimeZone::get("Asia/Taipei").expect("the zone is known"));
    let hour = |by: i64| here.checked_add(SignedDuration::from_hours(by)).expect("it is a time").strftime("%H:%M").to_string();
    format!("{}-{}", hour(-2), hour(3))
}

async fn of_chat(t: &TestApp, chat: &LineChatId) -> Option<Value> {
    t.notices(1).await.into_iter().find(|n| n["target"] == chat.as_str() && n["kind"] == "answered")
}

fn pushes(t: &TestApp, chat: &LineChatId) -> usize {
    t.line.sent_to(chat).into_iter().filter(|s| s.via == Via::LinePush).count()
}

#[test]
fn what_waits_for_the_morning_leaves_when_a_colleague_says_so() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        t.api.patch("/projects/alpha", &json!({"notify": {"quiet_hours": hours_around_now()}})).await.expect(200);
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let waits = eventually("it waits for the morning", async || of_chat(t, &chat).await.filter(|n| n["reason"] == "quiet_hours")).await;
        assert_eq!(pushes(t, &chat), 0);
        let desk = Browser::boss(t).await;
        let send = format!("/notices/{}/send-now", waits["id"].as_str().expect("an id"));
        assert!(desk.get("/notices").await.html.contains(&send), "the desk offers it");
        assert_eq!(desk.post(&send, &[("next", "/notices")]).await.status, 303);
        eventually("it is pushed", async || (pushes(t, &chat) == 1).then_some(())).await;
        t.until_all_is_told().await;
        // Only what was asked for passes: the next answer waits again.
        t.api.post("/discussions/1/posts", &json!({"body": "材料也會帶"})).await.expect(201);
        eventually("it waits for the morning", async || {
            of_chat(t, &chat).await.filter(|n| n["reason"] == "quiet_hours" && n["status"] == "pending")
        })
        .await;
        stays("once", async || pushes(t, &chat) == 1).await;
    });
}

/// The ids of the notices on a page, in its order, and where its next page is.
fn listed(page: &Page) -> (Vec<i64>, Option<String>) {
    let ids = page.html.split("id=\"notice-").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect();
    let link = page.html.split("<nav class=\"pager\">").nth(1).and_then(|nav| nav.split("</nav>").next());
    let next = link.and_then(|nav| nav.split("class=\"button plain\" href=\"").nth(1)?.split('"').next().map(|a| a.replace("&amp;", "&")));
    (ids, next)
}

/// Every notice that the desk lists from there on, page by page.
async fn leaf_through(desk: &Browser, first: &str) -> Vec<i64> {
    let mut all = vec![];
    let mut path = Some(first.to_owned());
    while let Some(at) = path {
        assert!(all.len() < 1000, "it has no end");
        let (ids, next) = listed(&desk.get(&at).await);
        assert!(!ids.is_empty() && ids.len() <= 100, "{at}: {}", ids.len());
        all.extend(ids);
        path = next;
    }
    all
}

#[test]
fn the_desk_lists_everything_once_page_by_page() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        eventually("the group is to be told", async || of_chat(t, &chat).await).await;
        // Many of them to be pushed in the same minute, none of them soon.
        t.change_database(
            "INSERT INTO notices (kind, discussion_id, post_id, chat_id, status, due_at, deadline_at, created_at) \
             WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 240) \
             SELECT o.kind, o.discussion_id, o.post_id, o.chat_id, 'pending', o.due_at + 3600000000, o.deadline_at + 3600000000 + (k.n % 7) * 60000000, \
             o.created_at FROM notices o CROSS JOIN k WHERE o.kind = 'answered' AND o.chat_id IS NOT NULL",
        )
        .await;
        let desk = Browser::boss(t).await;
        let pending = leaf_through(&desk, "/notices?kind=answered").await;
        assert_eq!(pending.len(), 241);
        assert_eq!(pending.iter().collect::<BTreeSet<_>>().len(), 241, "each once");
        let deadlines = t.notices(1).await;
        let deadline = |id: i64| {
            let written = id.to_string();
            let found = deadlines.iter().find(|n| n["id"] == written.as_str()).unwrap_or_else(|| panic!("{id} is not listed"));
            (found["deadline_at"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time"), id)
        };
        assert_eq!(pending.first(), pending.iter().min_by_key(|id| deadline(**id)), "what leaves first comes first");
        t.change_database("UPDATE notices SET status = 'dropped', reason = 'cancelled' WHERE kind = 'answered' AND status = 'pending'")
            .await;
        let dropped = leaf_through(&desk, "/notices?status=dropped&kind=answered").await;
        assert!(dropped.is_sorted_by(|a, b| a > b), "the newest first, each once");
        assert!(dropped.len() >= 240, "{}", dropped.len());
        assert!(desk.get("/notices?cursor=nonsense").await.status == 200);
    });
}

#[test]
fn a_group_is_told_once_and_for_free_of_what_moved() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        let roof = t.discussion_where("頂樓漏水").await;
        t.until_all_is_told().await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        t.deliver(&t.line.say(&chat, None, "請問師傅幾點到", Say::default())).await;
        eventually("the group is told", async || t.line.sent_to(&chat).into_iter().find(|s| s.strings().join("\n").contains("師傅明天到")))
            .await;
        t.until_all_is_told().await;
        let first = posts(&t.discussion(1).await).iter().find(|p| p["body_text"] == "頂樓漏水").expect("it is there")["id"].clone();
        assert_eq!(roof["number"], 1);
        let before = t.line.sent_to(&chat).len();
        let apart = t.api.post("/discussions/1/split", &json!({"post_ids": [first], "title": "屋頂"})).await.expect(200);
        let said = "#1 裡的內容已移到這個討論";
        let told =
            async || t.line.sent_to(&chat).into_iter().skip(before).filter(|s| s.strings().join("\n").contains(said)).collect::<Vec<_>>();
        stays("nothing is paid for it", async || t.line.sent_to(&chat).len() == before).await;
        t.deliver(&t.line.say(&chat, None, "收到", Say::default())).await;
        let ride = eventually("the group is told for free", async || told().await.pop()).await;
        assert!(ride.via == Via::LineReply && ride.strings().join("\n").contains(&format!("#{}", apart["number"])), "{ride:?}");
        for words in ["好的", "謝謝"] {
            t.deliver(&t.line.say(&chat, None, words, Say::default())).await;
        }
        t.until_all_is_told().await;
        stays("once", async || told().await.len() == 1).await;
        assert_eq!(t.line.billed(), 0);
    });
}
