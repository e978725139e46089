//! Whatever the order in which LINE's events arrive, and however often, the record says the same in the end.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;
use crate::config;
use crate::domain::{Gap, Inbox, LineChatId};
use crate::intake::place::place_some;
use crate::store::inbound::NewInbound;
use crate::store::rosters::Friendship;

const BEGAN_MS: i64 = 1_795_000_000_000;
/// Orders that are tried; each is a group of its own.
const ORDERS: u64 = 30;

struct House {
    app: Arc<App>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost:8080\"\n\
                    [database]\nurl = \"sqlite://t.db\"\n[storage]\nurl = \"file://files\"\n";
        let clock = Clock::stopped(Timestamp::from_millisecond(BEGAN_MS).unwrap());
        clock.advance(Duration::from_hours(1));
        let app = App::open(config::parse(text, folder.path()).unwrap(), clock).await.unwrap();
        Self { app, _folder: folder }
    }

    /// One event arrives and is placed before the next one does.
    async fn happens(&self, minute: i64, mut event: Value) {
        let at_ms = BEGAN_MS + minute * 60_000;
        event["timestamp"] = json!(at_ms);
        let row = NewInbound {
            inbox: Inbox::line("main"),
            external_id: uuid::Uuid::new_v4().to_string(),
            received_at: self.app.clock.now(),
            happened_at: Timestamp::from_millisecond(at_ms).unwrap(),
            body: event.to_string(),
        };
        self.app.intake.accept(vec![row]).await.unwrap();
        while place_some(&self.app).await.unwrap() > 0 {}
    }

    /// What the record says of a group.
    async fn record(&self, group: &str) -> Record {
        let mut c = self.app.db.read().await.unwrap();
        let inbox = Inbox::line("main");
        let chat = chats::find(&mut c, &inbox, &LineChatId::from(format!("C{group}").as_str())).await.unwrap().unwrap();
        let minute = |at: Timestamp| (at.as_millisecond() - BEGAN_MS) / 60_000;
        let gaps = presence::gaps_of(&mut c, &chat).await.unwrap();
        let mut people = vec![];
        for user in ["U1", "U2", "U3"] {
            let person = persons::find_by_identity(&mut c, Channel::Line, &format!("{user}{group}")).await.unwrap().unwrap();
            let all = rosters::of_chat(&mut c, chat.id, &inbox, 10).await.unwrap();
            people.push(all.into_iter().find(|p| p.person == person.id).map(|p| {
                let times = [Some(p.seen_at), p.joined_at, p.left_at];
                (times.map(|t| t.map(minute)), p.friendship)
            }));
        }
        Record {
            gaps: gaps.into_iter().map(|Gap { kind, from, to }| (kind, minute(from), to.map(minute))).collect(),
            left_at: chat.left_at.map(minute),
            people,
        }
    }
}

/// When somebody was seen, came and went, by the minute, and whether they are a friend.
type Seen = ([Option<i64>; 3], Option<Friendship>);

/// Gaps, since when the account is away, and of each person when they were seen, came and went, and whether they are a friend.
#[derive(Debug, PartialEq)]
struct Record {
    gaps: Vec<(crate::domain::GapKind, i64, Option<i64>)>,
    left_at: Option<i64>,
    people: Vec<Option<Seen>>,
}

fn event(group: &str, kind: &str, fields: Value) -> Value {
    let mut event = fields;
    event["type"] = json!(kind);
    event["mode"] = json!("active");
    event["source"] = match event["by"].take() {
        Value::String(user) => json!({"type": "group", "groupId": format!("C{group}"), "userId": format!("{user}{group}")}),
        _ => json!({"type": "group", "groupId": format!("C{group}")}),
    };
    event
}

/// A day of a group, by the minute.
fn day(group: &str) -> Vec<(i64, Value)> {
    let e = |kind: &str, fields: Value| event(group, kind, fields);
    let says =
        |user: &str, id: i64| e("message", json!({"by": user, "message": {"type": "text", "id": format!("{group}{id}"), "text": "好"}}));
    let members = |user: &str| json!({"members": [{"type": "user", "userId": format!("{user}{group}")}]});
    let friendship = |kind: &str| {
        let user = format!("U3{group}");
        json!({"type": kind, "mode": "active", "source": {"type": "user", "userId": user}})
    };
    vec![
        (1, e("join", json!({}))),
        (2, says("U1", 1)),
        (3, says("U3", 2)),
        (4, e("leave", json!({}))),
        (6, e("join", json!({}))),
        (7, says("U1", 3)),
        (8, e("memberLeft", json!({"left": members("U1")}))),
        (9, e("memberJoined", json!({"joined": members("U2")}))),
        (10, e("memberLeft", json!({"left": members("U2")}))),
        (11, e("memberJoined", json!({"joined": members("U1")}))),
        // The account was removed, and LINE never told that it came back: what is said tells it.
        (12, e("leave", json!({}))),
        (14, says("U1", 4)),
        (15, says("U3", 5)),
        (16, friendship("follow")),
        (17, friendship("unfollow")),
        (18, e("leave", json!({}))),
    ]
}

#[tokio::test]
async fn comings_and_goings_lead_to_the_same_record_in_any_order() {
    use crate::domain::GapKind::Left;
    let h = House::new().await;
    let expected = Record {
        gaps: vec![(Left, 4, Some(6)), (Left, 12, Some(14)), (Left, 18, None)],
        left_at: Some(18),
        people: vec![
            Some(([Some(14), Some(11), None], None)),
            Some(([Some(10), Some(9), Some(10)], None)),
            Some(([Some(15), None, None], Some(Friendship::Blocked))),
        ],
    };
    for seed in 0..ORDERS {
        let group = format!("g{seed}");
        let mut events = day(&group);
        let mut lots = StdRng::seed_from_u64(seed);
        if seed > 0 {
            let twice: Vec<_> = events.iter().filter(|(minute, _)| (*minute + i64::try_from(seed).unwrap()) % 3 == 0).cloned().collect();
            events.extend(twice);
            events.shuffle(&mut lots);
        }
        let order: Vec<i64> = events.iter().map(|(minute, _)| *minute).collect();
        for (minute, event) in events {
            h.happens(minute, event).await;
        }
        assert_eq!(h.record(&group).await, expected, "in the order {order:?}");
    }
}

#[tokio::test]
async fn a_friend_who_blocks_and_unblocks_is_one_again_and_makes_no_chat() {
    let h = House::new().await;
    let says = |kind: &str| json!({"type": kind, "mode": "active", "source": {"type": "user", "userId": "U9"}});
    for (minute, kind) in [(5, "follow"), (3, "unfollow"), (1, "follow"), (5, "follow")] {
        h.happens(minute, says(kind)).await;
    }
    let mut c = h.app.db.read().await.unwrap();
    assert!(chats::page(&mut c, None, 0, 10).await.unwrap().is_empty(), "nobody has said anything");
    assert!(persons::find_by_identity(&mut c, Channel::Line, "U9").await.unwrap().is_some());
    drop(c);
    h.happens(
        6,
        json!({"type": "message", "source": {"type": "user", "userId": "U9"}, "message": {"type": "text", "id": "1", "text": "您好"}}),
    )
    .await;
    let mut c = h.app.db.read().await.unwrap();
    let inbox = Inbox::line("main");
    let chat = chats::find(&mut c, &inbox, &LineChatId::from("U9")).await.unwrap().unwrap();
    let roster = rosters::of_chat(&mut c, chat.id, &inbox, 10).await.unwrap();
    assert_eq!(roster[0].friendship, Some(Friendship::Friend));
}

#[tokio::test]
async fn the_account_itself_is_no_newcomer() {
    let h = House::new().await;
    let mut tx = h.app.db.begin().await.unwrap();
    settings::put(&mut tx, &watch::bot_key(&Inbox::line("main")), "Ubot").await.unwrap();
    tx.commit().await.unwrap();
    let members = json!({"members": [{"type": "user", "userId": "Ubot"}, {"type": "user", "userId": "U1"}]});
    h.happens(1, event("x", "memberJoined", json!({"joined": members}))).await;
    let mut c = h.app.db.read().await.unwrap();
    assert!(persons::find_by_identity(&mut c, Channel::Line, "Ubot").await.unwrap().is_none());
    assert!(persons::find_by_identity(&mut c, Channel::Line, "U1").await.unwrap().is_some());
}
