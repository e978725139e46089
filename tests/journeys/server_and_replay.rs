//! The server files a chat as `threadline thread replay` does: what is measured there is what people get.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use threadline::domain::{Channel, ChatKind, Inbox, LineChatId, ProjectKind, Role};
use threadline::store::{chats, discussions, members, persons, projects};
use threadline::threading::Table;
use threadline::threading::recorded::{Decided, Recorded, Walk};

use crate::support::still::StillApp;
use crate::support::{ACCOUNT, database, office};

/// After all that is told.
const NOW: &str = "2026-12-31T01:00:00Z";
const CHATS: [&str; 2] = ["it-01", "erp-01"];

/// Where a line goes is no matter of the database, which takes its time over so many of them: one chat is enough on the other one.
fn chats() -> &'static [&'static str] {
    if database::is_on_a_server() { &CHATS[..1] } else { &CHATS }
}

/// LINE's id of something in the recording.
fn line_id(prefix: char, name: &str) -> String {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("{prefix}{hash:032x}")
}

fn key(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// A line of the recording as LINE would tell it.
fn event(r: &Recorded, chat: &LineChatId) -> Value {
    let message_id = |id: &Value| format!("{}-{}", r.chat, key(id));
    let kind = r.kind.as_deref().unwrap_or("text");
    let mut message = json!({"id": message_id(&r.id), "type": kind});
    match kind {
        "text" => message["text"] = json!(r.text),
        "sticker" => (message["packageId"], message["stickerId"], message["keywords"]) = (json!("1"), json!("2"), json!([r.text])),
        "file" => (message["fileName"], message["fileSize"]) = (json!(r.text), json!(10)),
        _ => message["contentProvider"] = json!({"type": "line"}),
    }
    if let Some(quoted) = r.quotes.as_ref().filter(|q| !q.is_null()) {
        message["quotedMessageId"] = json!(message_id(quoted));
    }
    let mentioned = r.mentions.iter().filter_map(|name| {
        let tag = format!("@{name}");
        let index = r.text[..r.text.find(&tag)?].encode_utf16().count();
        Some(json!({"index": index, "length": tag.encode_utf16().count(), "type": "user", "userId": line_id('U', name)}))
    });
    let mentionees: Vec<Value> = mentioned.collect();
    if kind == "text" && !mentionees.is_empty() {
        message["mention"] = json!({"mentionees": mentionees});
    }
    json!({
        "type": "message", "webhookEventId": format!("E{}", message_id(&r.id)), "timestamp": r.ts_ms, "mode": "active",
        "deliveryContext": {"isRedelivery": false}, "message": message,
        "source": {"type": "group", "groupId": chat.as_str(), "userId": line_id('U', &r.author)},
    })
}

/// Where the server puts a line, and how surely.
struct Filed {
    /// `None` = it is no matter's.
    discussion: Option<i64>,
    class: String,
    /// Where it was weighed.
    percent: Option<f64>,
}

/// Where the server puts each line.
async fn served(app: &StillApp, name: &str, all: &[Recorded]) -> BTreeMap<String, Filed> {
    let inbox = Inbox::line(ACCOUNT);
    let id = LineChatId(line_id('C', name));
    let now = app.app.clock.now();
    let mut tx = app.app.db.begin().await.expect("the database answers");
    let project = projects::find_or_add(&mut tx, name, name, ProjectKind::Client, now).await.expect("it is made");
    chats::add(&mut tx, &inbox, &id, ChatKind::Group, project).await.expect("it is made");
    for r in all {
        let person = persons::find_or_add(&mut tx, Channel::Line, &line_id('U', &r.author), &r.author, now).await.expect("it is made");
        let role = if r.role.as_deref() == Some("staff") { Role::Staff } else { Role::Client };
        members::put(&mut tx, project, person.id, role).await.expect("it is made");
    }
    tx.commit().await.expect("the database answers");
    for r in all {
        app.accept(&inbox, &serde_json::to_vec(&json!({"destination": "U", "events": [event(r, &id)]})).expect("it is JSON")).await;
        app.place_all().await;
    }
    let chat = app.chat(&inbox, &id).await.expect("the chat is there");
    let mut found = BTreeMap::new();
    for r in all {
        let post =
            app.post_of(&chat, &format!("{name}-{}", key(&r.id))).await.unwrap_or_else(|| panic!("{name} {} has no post", key(&r.id))).post;
        let mut c = app.app.db.read().await.expect("the database answers");
        let discussion = discussions::get(&mut c, post.discussion).await.expect("it is there");
        let evidence: Value = serde_json::from_str(&post.evidence).expect("it is JSON");
        let filed = Filed {
            discussion: (!discussion.other).then_some(discussion.number),
            class: post.class.unwrap_or_default(),
            percent: evidence["percent"].as_f64(),
        };
        found.insert(key(&r.id), filed);
    }
    found
}

fn replayed(name: &str, all: &[Recorded]) -> Vec<Decided> {
    let mut walk = Walk::new(name, false);
    let mut decided: Vec<Decided> = all.iter().flat_map(|r| walk.step(r, Table::shipped())).collect();
    decided.extend(walk.finish());
    decided
}

#[test]
fn the_server_puts_every_line_where_a_replay_puts_it_and_is_as_sure() {
    office::run(async {
        let app = StillApp::at(NOW).await;
        let mut differ = vec![];
        for name in chats() {
            let path = format!("{}/tests/fixtures/chats/tune/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).expect("the recording is there");
            let all: Vec<Recorded> = text.lines().map(|l| serde_json::from_str(l).expect("a recorded line")).collect();
            let (served, replayed) = (served(&app, name, &all).await, replayed(name, &all));
            assert_eq!(served.len(), replayed.len());
            let mut same: BTreeMap<&str, Option<i64>> = BTreeMap::new();
            for (r, said) in all.iter().zip(&replayed) {
                assert_eq!(r.id, said.id, "in their order");
                let Filed { discussion, class, percent } = &served[&key(&r.id)];
                // What waits has a place of its own in a replay, until nothing has come.
                let waits = said.class == "waits";
                let place = if waits || said.thread.ends_with(":other") { None } else { *same.entry(&said.thread).or_insert(*discussion) };
                // What is certain has no class: nothing was weighed. A greeting is sure as soon as it introduces something.
                let certain = class.is_empty() && said.class == "sure";
                let introduces = waits && class == "sure";
                let as_sure = percent.is_none_or(|p| (p - f64::from(said.confidence) * 100.0).abs() <= 1.0);
                let alike = certain || introduces || class == said.class && as_sure;
                if !alike || (*discussion != place && !introduces) {
                    let served = format!("{discussion:?} {class} {percent:?}");
                    let replayed = format!("{} {} {}", said.thread, said.class, said.confidence);
                    differ.push(format!("{name} {} {:?}: {served}; replayed {replayed}", key(&r.id), r.text));
                }
            }
            let numbers: std::collections::BTreeSet<i64> = same.values().flatten().copied().collect();
            assert_eq!(numbers.len(), same.len(), "{name}: no two of a replay's are one in the server");
        }
        app.end().await;
        assert!(differ.is_empty(), "{} lines differ\n{}", differ.len(), differ.join("\n"));
    });
}
