//! Which discussion: bursts, matters that interleave, what rests; and what people put right.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use threadline::clock::Clock;
use threadline::domain::{LineChatId, LineUserId};
use threadline::simulator::{Event, Say};

use crate::support::pages::Browser;
use crate::support::{Setup, TestApp, bodies, eventually, journey, journey_with, number, posts, stays};

/// A time of today's talk: so many seconds after it began half an hour ago.
fn at(second: i64) -> Timestamp {
    Clock::wall().now() - SignedDuration::from_mins(30) + SignedDuration::from_secs(second)
}

async fn says(t: &TestApp, chat: &LineChatId, who: &LineUserId, second: i64, text: &str) -> Event {
    let event = t.say_as(chat, Some(who), text, Say { at: Some(at(second)), ..Say::default() }).await;
    t.settled(&event.id).await;
    event
}

fn post<'a>(discussion: &'a Value, body: &str) -> &'a Value {
    posts(discussion).iter().find(|p| p["body_text"] == body).unwrap_or_else(|| panic!("{body} is missing in {discussion}"))
}

fn id_of(discussion: &Value, body: &str) -> String {
    post(discussion, body)["id"].as_str().expect("a post has an id").to_owned()
}

/// All of a discussion but its history.
fn without_events(mut discussion: Value) -> Value {
    discussion.as_object_mut().expect("it is an object").remove("events");
    discussion
}

#[test]
fn a_quote_of_a_card_that_tells_of_several_matters_belongs_to_one_of_them() {
    journey_with(Setup::stopped(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let chen = t.line.person("陳先生");
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&chen))).await;
        for (user, text) in [(&lin, "停車場的燈壞了，麻煩派人來換"), (&chen, "上個月的發票還沒有收到，會計在催")]
        {
            t.say(&chat, user, text).await;
            t.discussion_where(text).await;
        }
        t.pass(Duration::from_mins(1));
        let card =
            eventually("one card tells of both", async || t.line.sent_to(&chat).into_iter().find(|s| s.discussions().len() == 2)).await;
        t.pass(Duration::from_hours(5));
        let quote = Say { quote: card.ids.last().cloned(), ..Say::default() };
        t.say_as(&chat, Some(&chen), "請問這個要怎麼處理？", quote).await;
        let found = t.discussion_where("請問這個要怎麼處理？").await;
        assert!([1, 2].contains(&number(&found)), "{found}");
        assert_eq!(t.discussions().await.len(), 2);
        let post = posts(&found).iter().find(|p| p["body_text"] == "請問這個要怎麼處理？").expect("it is there");
        assert_eq!(post["why"]["class"], "likely", "{post}");
        assert_eq!(post["why"]["alternatives"].as_array().map(Vec::len), Some(1), "{post}");
        // What follows at once goes with it, and takes it nowhere.
        t.pass(Duration::from_secs(5));
        t.say(&chat, &chen, "另外冷氣也不冷了，麻煩派人").await;
        t.discussion_where("另外冷氣也不冷了，麻煩派人").await;
        assert_eq!(number(&t.discussion_where("請問這個要怎麼處理？").await), number(&found));
    });
}

#[test]
fn a_greeting_waits_for_what_it_introduces_and_a_burst_is_one_matter() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        says(t, &chat, &lin, 0, "早安").await;
        t.other_where("alpha", "早安").await;
        says(t, &chat, &lin, 20, "三樓冷氣壞了，可以派人來看嗎？").await;
        says(t, &chat, &lin, 35, "一直滴水").await;
        let sticker = t.line.sticker(&chat, Some(&lin), &["拜託"], None);
        t.deliver(&sticker).await;
        t.settled(&sticker.id).await;
        let found = t.discussion_where("一直滴水").await;
        assert_eq!(bodies(&found)[..3], ["早安", "三樓冷氣壞了，可以派人來看嗎？", "一直滴水"]);
        assert_eq!(t.discussions().await.len(), 1);
        let greeting = post(&found, "早安");
        assert_eq!((&greeting["why"]["rule"], &greeting["class"]), (&"introduces".into(), &"sure".into()));
        let opening = post(&found, "三樓冷氣壞了，可以派人來看嗎？");
        assert_eq!(opening["why"]["rule"], "nothing", "there was nothing that it could have joined");
        assert!(opening["class"] == "new" || opening["class"] == "likely", "{opening}");
        assert!(t.other_is_empty("alpha").await, "nothing is left there, and nothing is there twice");
    });
}

#[test]
fn a_greeting_that_introduces_nothing_rests_and_a_later_matter_leaves_it_there() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        says(t, &chat, &lin, 0, "大家早安").await;
        says(t, &chat, &lin, 300, "三樓冷氣壞了，可以派人來看嗎？").await;
        assert_eq!(bodies(&t.discussion_where("三樓冷氣壞了，可以派人來看嗎？").await), ["三樓冷氣壞了，可以派人來看嗎？"]);
        let other = t.other_where("alpha", "大家早安").await;
        assert_eq!((&other["other"], bodies(&other)), (&true.into(), vec!["大家早安".to_owned()]));
        assert_eq!(t.discussions().await.len(), 1, "lists show matters alone");
        let found = t.api.items("/discussions?q=大家早安").await;
        assert_eq!(found.iter().map(number).collect::<Vec<_>>(), [number(&other)], "and it can be found");
        let page = Browser::boss(t).await.get("/projects/alpha").await;
        assert!(page.html.contains(&format!("/d/{}", number(&other))) && page.html.contains("其他訊息 1 則"));
        // It can be made a matter after all.
        let asked = json!({"post_ids": [id_of(&other, "大家早安")]});
        let made = t.api.post(&format!("/discussions/{}/split", number(&other)), &asked).await.expect(200);
        assert_eq!((number(&made), bodies(&made)), (2, vec!["大家早安".to_owned()]));
        t.api.post(&format!("/discussions/{}/posts", number(&other)), &json!({"body": "嗨"})).await.expect_problem(404);
    });
}

#[test]
fn two_matters_that_interleave_stay_apart() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.line.person("王先生");
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&wang))).await;
        says(t, &chat, &lin, 0, "您好，我們頂樓又漏水了，可以請師傅來看嗎？").await;
        says(t, &chat, &wang, 90, "請問上個月的發票什麼時候會寄？").await;
        says(t, &chat, &lin, 150, "頂樓漏水的地方在水塔旁邊").await;
        says(t, &chat, &wang, 240, "發票抬頭要改成新公司").await;
        says(t, &chat, &lin, 400, "頂樓漏水拍了照片，晚點傳給師傅").await;
        let roof = t.discussion_where("頂樓漏水的地方在水塔旁邊").await;
        assert_eq!(bodies(&roof).len(), 3, "{:?}", bodies(&roof));
        let invoice = t.discussion_where("發票抬頭要改成新公司").await;
        assert_eq!(bodies(&invoice), ["請問上個月的發票什麼時候會寄？", "發票抬頭要改成新公司"]);
        assert_eq!(t.discussions().await.len(), 2);
    });
}

#[test]
fn a_quote_takes_what_rested_into_the_matter() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let early = says(t, &chat, &lin, 0, "收到").await;
        t.other_where("alpha", "收到").await;
        let quote = Say { quote: early.message.clone(), at: Some(at(600)), ..Say::default() };
        t.say_as(&chat, Some(&lin), "這裡說收到，可是請問報價單在哪裡？", quote).await;
        let found = t.discussion_where("這裡說收到，可是請問報價單在哪裡？").await;
        assert_eq!(bodies(&found), ["收到", "這裡說收到，可是請問報價單在哪裡？"]);
        assert_eq!(post(&found, "收到")["why"]["rule"], "quoted_by");
        assert!(t.other_is_empty("alpha").await);
    });
}

/// A matter of two bursts: `(chat, client, the discussion)`.
async fn two_in_one(t: &TestApp) -> (LineChatId, LineUserId, Value) {
    let (chat, lin) = t.project_with_group("alpha").await;
    t.say(&chat, &lin, "頂樓漏水").await;
    t.discussion_where("頂樓漏水").await;
    t.say(&chat, &lin, "發票還沒到").await;
    let whole = t.discussion_where("發票還沒到").await;
    assert_eq!(bodies(&whole), ["頂樓漏水", "發票還沒到"]);
    t.until_all_is_told().await;
    (chat, lin, t.discussion(1).await)
}

#[test]
fn the_group_is_told_once_and_for_free_what_was_split_off() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin, whole) = two_in_one(t).await;
        let sent = t.line.sent_to(&chat).len();
        let first = id_of(&whole, "頂樓漏水");
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [first], "title": "頂樓"})).await.expect(200);
        assert_eq!((number(&split), t.discussion(1).await["title"].as_str()), (2, Some("發票還沒到")));
        let told = eventually("the group is told", async || t.line.sent_to(&chat).into_iter().nth(sent)).await;
        assert_eq!(told.discussions(), [2]);
        assert!(told.strings().iter().any(|s| s.contains("#1 裡的內容已移到這個討論")), "{:?}", told.strings());
        assert_eq!(t.line.billed(), 0);
        // Old numbers lead on, the split can be taken back, and is then gone.
        let undone = t.api.post(&format!("/corrections/{}/undo", split["correction"]), &json!({})).await.expect(200);
        assert_eq!((number(&undone), bodies(&undone), undone["title"].as_str()), (1, bodies(&whole), Some("頂樓漏水")));
        assert_eq!(number(&t.discussion(2).await), 1);
        t.api.post(&format!("/corrections/{}/undo", split["correction"]), &json!({})).await.expect_problem(422);
        t.say(&chat, &lin, "#2 還在漏").await;
        assert_eq!(number(&t.discussion_where("#2 還在漏").await), 1);
    });
}

#[test]
fn a_merge_undone_leaves_both_as_they_were() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "發票還沒收到").await;
        t.discussion_where("發票還沒收到").await;
        t.until_all_is_told().await;
        t.api.patch("/discussions/1", &json!({"status": "waiting", "title": "屋頂"})).await.expect(200);
        t.api.post("/discussions/1/posts", &json!({"body": "內部說", "internal": true})).await.expect(201);
        t.until_all_is_told().await;
        let before = (without_events(t.discussion(1).await), without_events(t.discussion(2).await));
        let history = t.discussion(1).await["events"].clone();
        let merged = t.api.post("/discussions/1/merge", &json!({"into": 2})).await.expect(200);
        assert_eq!(bodies(&merged).len(), 3);
        assert_eq!(number(&t.discussion(1).await), 2);
        let undone = t.api.post(&format!("/corrections/{}/undo", merged["correction"]), &json!({})).await.expect(200);
        assert_eq!(number(&undone), 1);
        assert_eq!((without_events(t.discussion(1).await), without_events(t.discussion(2).await)), before);
        let after = t.discussion(1).await["events"].clone();
        assert_eq!(after.as_array().map(|e| &e[..e.len() - 1]), history.as_array().map(Vec::as_slice));
        assert_eq!(after.as_array().and_then(|e| e.last()).map(|e| e["kind"].clone()), Some("undone".into()));
        let client = t.client_with_token("alpha", "amy@client.example").await;
        client.post(&format!("/corrections/{}/undo", merged["correction"]), &json!({})).await.expect_problem(403);
    });
}

#[test]
fn what_is_unsent_after_it_was_moved_is_nowhere_any_more() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let first = t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "統編是八個一").await;
        let whole = t.discussion_where("統編是八個一").await;
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [id_of(&whole, "頂樓漏水")]})).await.expect(200);
        assert_eq!(split["title"], "頂樓漏水");
        let unsend = t.line.unsend(first.message_id());
        t.deliver(&unsend).await;
        t.settled(&unsend.id).await;
        let after = t.discussion(2).await;
        assert_eq!((posts(&after)[0]["retracted"].clone(), bodies(&after)), (true.into(), vec![String::new()]));
        let undone = t.api.post(&format!("/corrections/{}/undo", split["correction"]), &json!({})).await.expect(200);
        assert_eq!(bodies(&undone), ["", "統編是八個一"]);
        assert!(!undone.to_string().contains("頂樓漏水"), "{undone}");
    });
}

#[test]
fn what_the_threader_was_not_sure_of_is_answered_with_one_tap() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "電梯有怪聲").await;
        t.discussion_where("電梯有怪聲").await;
        // However sure it was: the next weights may be surer.
        t.change_database(
            "UPDATE posts SET class = 'likely', evidence = '{\"rule\":\"threader\",\"class\":\"likely\",\"percent\":60,\
             \"why\":[{\"why\":\"latest\"}],\"alternatives\":[1]}' WHERE body = '電梯有怪聲'",
        )
        .await;
        let found = t.discussion_where("電梯有怪聲").await;
        assert_eq!((number(&found), &post(&found, "電梯有怪聲")["class"]), (2, &"likely".into()));
        assert_eq!(post(&found, "電梯有怪聲")["why"]["alternatives"], json!([1]));
        let wang = t.staff("alpha", "Wang").await;
        let listed = wang.api.items("/unsure").await;
        assert_eq!((listed.len(), &listed[0]["post"]["body_text"], &listed[0]["discussion"]), (1, &"電梯有怪聲".into(), &2.into()));
        let client = t.client_with_token("alpha", "amy@client.example").await;
        assert!(client.items("/unsure").await.is_empty() && client.get("/discussions/2").await.expect(200)["posts"][0]["why"].is_null());
        let browser = t.browser(&wang).await;
        assert!(browser.get("/discussions").await.html.contains("/unsure"));
        let list = browser.get("/unsure").await.html;
        assert!(list.contains("電梯有怪聲") && list.contains("#1 頂樓漏水") && list.contains("data-key=\"1\""), "{list}");
        assert!(browser.get("/d/2").await.html.contains("不太確定放對了沒有"));
        let id = id_of(&found, "電梯有怪聲");
        let answer = browser.post(&format!("/posts/{id}/place"), &[("number", "1"), ("with", "burst"), ("back", "unsure")]).await;
        assert_eq!(answer.status, 303);
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水", "電梯有怪聲"]);
        assert_eq!(number(&t.discussion(2).await), 1, "the number that has nothing left leads on");
        assert!(!browser.get("/unsure").await.html.contains("電梯有怪聲"));
        let page = browser.get("/d/1").await.html;
        let undo = page.split("action=\"/corrections/").nth(1).and_then(|rest| rest.split('"').next()).expect("it can be undone");
        browser.post(&format!("/corrections/{undo}"), &[("x", "")]).await;
        assert_eq!(bodies(&t.discussion(2).await), ["電梯有怪聲"]);
        let place = format!("/posts/{id}/place");
        let here = [("to", "here"), ("with", "burst"), ("back", "unsure"), ("was", "2")];
        let done = browser.post(&place, &here).await.location;
        assert_eq!(post(&t.discussion(2).await, "電梯有怪聲")["class"], "confirmed");
        assert!(browser.get(&done).await.html.contains("value=\"unsaid\" data-key=\"u\""), "it can be taken back at once");
        assert_eq!(browser.post(&place, &[("to", "unsaid"), ("with", "burst"), ("back", "unsure")]).await.location, "/unsure");
        assert_eq!(post(&t.discussion(2).await, "電梯有怪聲")["class"], "likely");
        assert!(browser.get("/unsure").await.html.contains("電梯有怪聲"));
        browser.post(&place, &here).await;
        assert_eq!(post(&t.discussion(2).await, "電梯有怪聲")["class"], "confirmed");
        stays("nothing was paid for it", async || t.line.billed() == 0).await;
    });
}
