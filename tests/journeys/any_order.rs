//! A day of a group, told in any order, with repetitions and pauses, becomes the same record.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use threadline::domain::{Channel, Inbox, LineChatId, PersonId};
use threadline::store::{dump, persons};

use crate::support::database;
use crate::support::still::{StillApp, Whole};

/// Orders that are tried: what is placed when is no matter of the database, which takes several times as long for it on a server.
const CASES: u32 = 96;
const CASES_ON_A_SERVER: u32 = 24;
/// The day begins at 2026-11-20 01:00 UTC.
const BEGINS_MS: i64 = 1_795_136_400_000;
/// After the day, so that nothing is told before it happened.
const TOLD_AT: &str = "2026-11-21T01:00:00Z";
/// What was taken back says this; nothing may hold it in the end.
const SECRET: &str = "不該留下";

const AMY: &str = "Uaaaa0000aaaa0000aaaa0000aaaa0000";
const BEN: &str = "Ubbbb0000bbbb0000bbbb0000bbbb0000";
const CHEN: &str = "Ucccc0000cccc0000cccc0000cccc0000";
const DORA: &str = "Udddd0000dddd0000dddd0000dddd0000";

/// One event of the day; ids of messages and events get the telling's number, so that each is a group of its own.
struct Day {
    chat: String,
    telling: u32,
    events: Vec<Value>,
}

impl Day {
    fn add(&mut self, second: i64, user: Option<&str>, kind: &str, fields: Value) {
        let mut event = fields;
        event["type"] = json!(kind);
        event["webhookEventId"] = json!(format!("01KDAY{:05}{:015}", self.telling, self.events.len()));
        event["timestamp"] = json!(BEGINS_MS + second * 1000);
        event["mode"] = json!("active");
        event["deliveryContext"] = json!({"isRedelivery": false});
        event["source"] = json!({"type": "group", "groupId": self.chat});
        if let Some(user) = user {
            event["source"]["userId"] = json!(user);
        }
        self.events.push(event);
    }

    fn id(&self, message: u32) -> String {
        format!("{:05}{message:06}", self.telling)
    }

    fn text(&mut self, second: i64, user: &str, message: u32, text: &str, quotes: Option<u32>) {
        let mut said = json!({"id": self.id(message), "type": "text", "text": text});
        if let Some(quoted) = quotes {
            said["quotedMessageId"] = json!(self.id(quoted));
        }
        if text.starts_with('@') {
            said["mention"] = json!({"mentionees": [{"index": 0, "length": 3, "type": "user", "userId": BEN}]});
        }
        self.add(second, Some(user), "message", json!({"message": said}));
    }

    fn edit(&mut self, second: i64, user: &str, message: u32, text: &str) {
        let said = json!({"id": self.id(message), "type": "text", "text": text});
        self.add(second, Some(user), "messageEdited", json!({"message": said}));
    }

    fn unsend(&mut self, second: i64, user: &str, message: u32) {
        self.add(second, Some(user), "unsend", json!({"unsend": {"messageId": self.id(message)}}));
    }

    fn picture(&mut self, second: i64, user: &str, message: u32, set: &str, place: Option<(u32, u32)>) {
        let mut image_set = json!({"id": format!("{set}{}", self.telling)});
        if let Some((index, total)) = place {
            image_set["index"] = json!(index);
            image_set["total"] = json!(total);
        }
        let said = json!({"id": self.id(message), "type": "image", "contentProvider": {"type": "line"}, "imageSet": image_set});
        self.add(second, Some(user), "message", json!({"message": said}));
    }

    fn file(&mut self, second: i64, user: &str, message: u32, name: &str) {
        let said = json!({"id": self.id(message), "type": "file", "fileName": name, "fileSize": 5});
        self.add(second, Some(user), "message", json!({"message": said}));
    }

    fn came(&mut self, second: i64, user: &str) {
        self.add(second, None, "memberJoined", json!({"joined": {"members": [{"type": "user", "userId": user}]}}));
    }

    fn went(&mut self, second: i64, user: &str) {
        self.add(second, None, "memberLeft", json!({"left": {"members": [{"type": "user", "userId": user}]}}));
    }

    /// The day, in a group of its own for each telling.
    fn of(telling: u32) -> Self {
        let mut d = Self { chat: format!("C{telling:032}"), telling, events: vec![] };
        // Said, quoted and edited.
        d.text(0, AMY, 1, "頂樓漏水", None);
        d.text(20, BEN, 2, "星期三可以", Some(1));
        d.edit(40, BEN, 2, "星期四可以");
        d.edit(50, BEN, 2, "@班班 星期五可以");
        // A set of three of which one is taken back, and one of two without places.
        d.picture(60, AMY, 11, "S", Some((1, 3)));
        d.picture(61, AMY, 12, "S", Some((2, 3)));
        d.picture(62, AMY, 13, "S", Some((3, 3)));
        d.picture(70, BEN, 21, "T", None);
        d.picture(71, BEN, 22, "T", None);
        d.unsend(90, AMY, 12);
        // Taken back: a file, a text that was edited, a whole set.
        d.file(100, CHEN, 31, &format!("{SECRET}.pdf"));
        d.unsend(110, CHEN, 31);
        d.text(3600, CHEN, 32, &format!("{SECRET}一"), Some(1));
        d.edit(3605, CHEN, 32, &format!("{SECRET}二"));
        d.unsend(3610, CHEN, 32);
        d.unsend(3612, CHEN, 32);
        d.picture(3700, AMY, 41, "R", Some((1, 2)));
        d.picture(3701, AMY, 42, "R", Some((2, 2)));
        d.unsend(3710, AMY, 41);
        d.unsend(3720, AMY, 42);
        // A chain of quotes across hours, with a picture of a set, a message that was taken back, and one from before the record.
        d.text(7200, AMY, 51, "@班班 這件呢", Some(32));
        d.text(11_000, BEN, 52, "引用引用", Some(51));
        d.text(15_000, CHEN, 53, "再引用", Some(52));
        d.text(19_000, AMY, 54, "第三張照片", Some(13));
        d.text(23_000, BEN, 55, "以前說過的", Some(999));
        d.text(23_100, BEN, 56, "接著說", Some(55));
        d.text(27_000, AMY, 57, "都引用同一則", Some(53));
        // Edits whose message never comes; one is taken back, as is a message that never comes.
        d.edit(30_000, CHEN, 61, "只有編輯一");
        d.edit(30_100, CHEN, 61, "只有編輯二");
        d.edit(30_200, CHEN, 62, &format!("{SECRET}三"));
        d.unsend(30_300, CHEN, 62);
        d.unsend(30_400, CHEN, 63);
        d.text(30_500, AMY, 64, "引用只有編輯的", Some(61));
        // People and what we do not know.
        d.came(-100, CHEN);
        d.came(31_000, DORA);
        d.went(32_000, CHEN);
        d.came(33_000, CHEN);
        d.went(34_000, BEN);
        d.went(35_000, DORA);
        d.add(36_000, Some(AMY), "somethingNew", json!({"x": 1}));
        d
    }
}

/// How a day is told: in which order, what twice, in portions of which size, and with how long a pause after each.
#[derive(Clone, Debug)]
struct Telling {
    order: Vec<usize>,
    again: Vec<(Index, Index)>,
    portions: Vec<(usize, u64)>,
}

fn telling(events: usize) -> impl Strategy<Value = Telling> {
    let order = Just((0..events).collect::<Vec<_>>()).prop_shuffle();
    let again = prop::collection::vec((any::<Index>(), any::<Index>()), 0..12);
    let portions = prop::collection::vec((1_usize..8, 0_u64..9), 1..12);
    (order, again, portions).prop_map(|(order, again, portions)| Telling { order, again, portions })
}

/// Tells the day; what the record of it is then.
async fn tell(app: &StillApp, day: &Day, how: &Telling) -> Record {
    let inbox = Inbox::line("elsewhere");
    let mut order: Vec<(usize, bool)> = how.order.iter().map(|n| (*n, false)).collect();
    for (which, at) in &how.again {
        order.insert(at.index(order.len() + 1), (which.index(day.events.len()), true));
    }
    let mut portions = how.portions.iter().cycle();
    let mut rest = &order[..];
    while !rest.is_empty() {
        let (size, pause) = portions.next().expect("there is one at least");
        let (now, later) = rest.split_at((*size).min(rest.len()));
        rest = later;
        let events: Vec<Value> = now
            .iter()
            .map(|(n, again)| {
                let mut event = day.events[*n].clone();
                event["deliveryContext"]["isRedelivery"] = json!(again);
                event
            })
            .collect();
        app.accept(&inbox, json!({"destination": "U0", "events": events}).to_string().as_bytes()).await;
        app.place().await;
        app.app.clock.advance(Duration::from_secs(*pause));
    }
    app.place_all().await;
    record(app, &inbox, day).await
}

/// What must not depend on the order: every post with what belongs to it, and who is in the group.
#[derive(Debug, PartialEq)]
struct Record {
    posts: BTreeMap<String, String>,
    roster: BTreeMap<String, bool>,
}

async fn record(app: &StillApp, inbox: &Inbox, day: &Day) -> Record {
    let chat = app.chat(inbox, &LineChatId(day.chat.clone())).await.expect("the chat is there");
    let mut people: BTreeMap<PersonId, &str> = BTreeMap::new();
    let mut c = app.app.db.read().await.expect("the database answers");
    for user in [AMY, BEN, CHEN, DORA] {
        if let Some(person) = persons::find_by_identity(&mut c, Channel::Line, user).await.expect("the database answers") {
            people.insert(person.id, user);
        }
    }
    drop(c);
    let mut posts = BTreeMap::new();
    for whole in app.posts(&chat).await {
        quotes_stand_together(app, &chat, &whole).await;
        let (id, line) = line(&whole, &people);
        assert!(posts.insert(id, line).is_none(), "one message, two posts: {whole:?}");
    }
    let mut roster = BTreeMap::new();
    for member in app.table("chat_members").await {
        if member["chat_id"] == chat.id.0 {
            let user = people[&PersonId(member["person_id"].as_i64().expect("an id"))];
            roster.insert(user.to_owned(), member["left_at"].is_null());
        }
    }
    Record { posts, roster }
}

/// What quotes something in the record is in its discussion.
async fn quotes_stand_together(app: &StillApp, chat: &threadline::store::chats::Chat, whole: &Whole) {
    let Some(quoted) = &whole.post.quotes else { return };
    if let Some(there) = app.post_of(chat, quoted).await {
        assert_eq!(whole.post.discussion, there.post.discussion, "{whole:?} quotes {there:?}");
    }
}

fn line(whole: &Whole, people: &BTreeMap<PersonId, &str>) -> (String, String) {
    let post = &whole.post;
    let of_set: Vec<&str> = whole.files.iter().map(|(message, _, _)| message.as_str()).collect();
    let id = post.external_id.clone().unwrap_or_else(|| of_set.join("+"));
    let author = post.person.map(|p| people[&p]);
    let line = format!(
        "{} {:?} by {author:?} at {} edited {:?} gone {:?} alone {} {:?} {:?} quotes {:?}",
        post.kind, post.body, post.created_at, post.edited_at, post.retracted_at, post.edit_only, whole.versions, whole.files, post.quotes
    );
    (id, format!("{line} {:?}", post.details))
}

/// Nothing that was taken back is anywhere in the database.
async fn holds_no_secret(app: &StillApp) {
    for table in dump::TABLES {
        for row in app.table(table).await {
            assert!(!row.to_string().contains(SECRET), "{table} holds what was taken back: {row}");
        }
    }
}

fn without_telling(record: Record, telling: u32) -> Record {
    let (plain, zero) = (format!("{telling:05}"), format!("{:05}", 0));
    let tidy = |s: String| s.replace(&format!("S{telling}\""), "S\"").replace(&format!("T{telling}\""), "T\"").replace(&plain, &zero);
    Record { posts: record.posts.into_iter().map(|(id, line)| (tidy(id), tidy(line))).collect(), ..record }
}

#[test]
fn a_day_in_any_order_with_repetitions_becomes_the_same_record() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built");
    let app = runtime.block_on(StillApp::at(TOLD_AT));
    let first = Day::of(10_000);
    let in_order = Telling { order: (0..first.events.len()).collect(), again: vec![], portions: vec![(1, 0)] };
    let expected = without_telling(runtime.block_on(tell(&app, &first, &in_order)), 10_000);
    runtime.block_on(holds_no_secret(&app));
    as_it_was(&expected);
    let told = std::cell::Cell::new(10_000);
    let mut runner = TestRunner::new(Config {
        cases: if database::is_on_a_server() { CASES_ON_A_SERVER } else { CASES },
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&telling(first.events.len()), |how| {
        told.set(told.get() + 1);
        let got = without_telling(runtime.block_on(tell(&app, &Day::of(told.get()), &how)), told.get());
        for (id, line) in &expected.posts {
            prop_assert_eq!(got.posts.get(id), Some(line), "message {}", id);
        }
        if got != expected {
            return Err(TestCaseError::fail(format!("{got:#?}\ninstead of\n{expected:#?}")));
        }
        Ok(())
    });
    runtime.block_on(holds_no_secret(&app));
    runtime.block_on(app.end());
    outcome.unwrap_or_else(|e| panic!("{e}"));
}

/// The record is not the same only by being empty.
fn as_it_was(record: &Record) {
    let post = |message: u32| record.posts.get(&format!("00000{message:06}")).map_or("", String::as_str);
    assert!(post(1).starts_with("text \"頂樓漏水\" by"), "{}", post(1));
    assert!(post(2).starts_with("text \"@班班 星期五可以\"") && post(2).contains("星期三可以\"), ("), "{}", post(2));
    assert!(post(61).contains("alone true") && post(61).contains("只有編輯一"), "{}", post(61));
    for gone in [31, 32, 62] {
        assert!(post(gone).contains("\"\" by") && post(gone).contains("gone Some"), "{}", post(gone));
    }
    let set = record.posts.get("00000000011+00000000012+00000000013").expect("the set is one post");
    assert!(set.contains("waiting") && set.contains("withdrawn") && set.contains("gone None"), "{set}");
    let taken_back = record.posts.get("00000000041+00000000042").expect("the set is one post");
    assert!(taken_back.contains("gone Some"), "{taken_back}");
    assert_eq!(record.posts.len(), 17, "{:#?}", record.posts.keys());
    let here: Vec<&str> = record.roster.iter().filter(|(_, here)| **here).map(|(user, _)| user.as_str()).collect();
    assert_eq!(here, [AMY, CHEN]);
}
