//! A colleague answers from the mail program; the group hears of it.

use std::time::Duration;

use serde_json::json;
use threadline::domain::Via;
use threadline::simulator::{Endpoint, Say, Sent};
use uuid::Uuid;

use crate::support::mail::{Letter, Mail};
use crate::support::{SUPPORT, Setup, Staff, TestApp, bodies, eventually, journey, journey_with, number, posts, stays};

/// The colleague's mail about the discussion, as soon as there is one.
async fn mail_to(t: &TestApp, staff: &Staff) -> Mail {
    eventually("the colleague has mail", async || t.mail.sent_to(&staff.email).await.pop()).await
}

fn pushed(t: &TestApp) -> Vec<Sent> {
    t.line.sent().into_iter().filter(|s| s.via == Via::LinePush).collect()
}

#[test]
fn the_mail_to_staff_can_be_answered_and_is_marked_as_a_programs() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        // In one webhook: the second is there before the first has been quiet for long, on any machine.
        let burst = ["頂樓漏水", "昨天開始的"].map(|text| t.line.say(&chat, Some(&lin), text, Say::default()));
        assert_eq!(t.line.deliver(&burst).await.status, 200);
        let mail = mail_to(t, &wang).await;
        assert_eq!(mail.subject, "[#1] 頂樓漏水");
        assert!(mail.text.starts_with("##- "), "the line above which answers are written comes first: {}", mail.text);
        for part in ["頂樓漏水", "昨天開始的", "林小姐", "https://support.example.com/d/1"] {
            assert!(mail.text.contains(part), "{part} is missing in {}", mail.text);
            assert!(mail.html.contains(part), "{part} is missing in {}", mail.html);
        }
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert!(mail.from_name.contains("林小姐"));
        let reply_to = mail.reply_to.expect("it says where answers go");
        let (local, _) = SUPPORT.split_once('@').expect("it is an address");
        assert!(reply_to.starts_with(&format!("{local}+")) && reply_to.ends_with("@example.com"), "{reply_to}");
        stays("one mail for the burst", async || t.mail.sent().await.len() == 1).await;
    });
}

#[test]
fn the_answer_becomes_a_post_by_that_person_with_the_new_text_alone() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let mail = mail_to(t, &wang).await;
        let id = t.mail.arrives(&Letter::by_staff(&wang, &mail, "明天上午十點師傅過去。\n請留人在家。")).await;
        assert_eq!(t.settled(&id).await["discussion"], 1);
        let found = t.discussion(1).await;
        assert_eq!(bodies(&found), ["頂樓漏水", "明天上午十點師傅過去。\n請留人在家。"]);
        let post = &posts(&found)[1];
        assert_eq!(post["author"], json!({"name": "Wang", "role": "staff"}));
        assert_eq!(post["source"], "email");
        assert_eq!(post["internal"], false);
    });
}

#[test]
fn the_group_gets_one_push_under_the_deliverys_uuid() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        let mail = mail_to(t, &wang).await;
        t.until_all_is_told().await;
        t.mail.arrives(&Letter::by_staff(&wang, &mail, "明天上午十點師傅過去")).await;
        let push = eventually("the group is told", async || pushed(t).pop()).await;
        let key = push.retry_key.clone().expect("a push has a retry key");
        Uuid::parse_str(&key).expect("it is a UUID");
        let shown = push.strings().join("\n");
        for part in ["#1", "Wang", "明天上午十點師傅過去", "https://support.example.com/d/1"] {
            assert!(shown.contains(part), "{part} is missing in {shown}");
        }
        assert_eq!(push.billed, 1);
        // What was sent is seen a moment before its answer is under way: the program's word comes after both.
        t.until_all_is_told().await;
        stays("one push", async || pushed(t).len() == 1 && t.line.requests(Endpoint::Push).len() == 1).await;
    });
}

#[test]
fn a_mail_that_only_says_it_is_from_a_colleague_is_held() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let chen = t.staff("alpha", "Chen").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let mail = mail_to(t, &chen).await;
        let plain = t.mail.arrives(&Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "把錢匯到這個帳戶")).await;
        let on_anothers_token = t.mail.arrives(&Letter::answering(&mail, &wang.email, "用別人的回信地址")).await;
        let from_elsewhere = t.mail.arrives(&Letter::answering(&mail, "chen@private.example", "從別的信箱")).await;
        for id in [plain, on_anothers_token, from_elsewhere] {
            let row = t.settled(&id).await;
            assert_eq!(row["status"], "held", "{row}");
            assert!(row["note"].as_str().is_some_and(|n| !n.is_empty()), "it says why: {row}");
        }
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水"]);
        stays("nobody is told", async || pushed(t).is_empty()).await;
        let proven = t.mail.arrives(&Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "這封是真的").proven()).await;
        assert_eq!(t.settled(&proven).await["status"], "done");
        assert_eq!(posts(&t.discussion(1).await)[1]["author"]["role"], "staff");
    });
}

#[test]
fn a_verdict_below_our_servers_own_lines_counts_for_nothing() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        let forged = Letter::new(&wang.email, "Re: [#1] 頂樓漏水", "把錢匯到這個帳戶")
            .header("Authentication-Results", "mx.example.com; dmarc=pass header.from=example.com");
        let id = t.mail.arrives(&forged).await;
        assert_eq!(t.settled(&id).await["status"], "held");
    });
}

#[test]
fn two_answers_within_the_time_travel_in_one_push() {
    journey_with(Setup { coalesce: Duration::from_secs(3), ..Setup::stopped() }, async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.pass(Duration::from_secs(1));
        let mail = mail_to(t, &wang).await;
        t.until_all_is_told().await;
        let first = t.mail.arrives(&Letter::by_staff(&wang, &mail, "明天上午十點")).await;
        t.settled(&first).await;
        t.pass(Duration::from_secs(2));
        let second = t.mail.arrives(&Letter::by_staff(&wang, &mail, "改成下午兩點")).await;
        t.settled(&second).await;
        t.pass(Duration::from_secs(2));
        let push = eventually("the group is told", async || pushed(t).pop()).await;
        assert_eq!(push.discussions(), [1]);
        assert!(push.strings().join("\n").contains("改成下午兩點"));
        t.until_all_is_told().await;
        stays("one push", async || pushed(t).len() == 1).await;
        let answered = t.notices(1).await.into_iter().filter(|n| n["kind"] == "answered" && n["target"] == chat.as_str());
        assert!(answered.into_iter().all(|n| n["status"] == "sent" && n["via"] == "line-push"));
    });
}

#[test]
fn an_answer_that_meets_a_fresh_event_leaves_for_free() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        let mail = mail_to(t, &wang).await;
        eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        let id = t.mail.arrives(&Letter::by_staff(&wang, &mail, "明天上午十點師傅過去")).await;
        t.settled(&id).await;
        stays("it waits", async || t.line.sent().len() == 1).await;
        t.say(&chat, &lin, "還有廚房也是").await;
        let ride =
            eventually("it rides", async || t.line.sent().into_iter().find(|s| s.strings().join("\n").contains("明天上午十點師傅過去")))
                .await;
        assert_eq!(ride.via, Via::LineReply);
        t.until_all_is_told().await;
        assert_eq!(t.line.billed(), 0);
        assert_eq!(ride.discussions(), [1]);
    });
}

#[test]
fn urgent_answers_do_not_wait() {
    journey_with(Setup::patient(), async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.said_before(&chat, &lin, "瓦斯漏氣").await;
        t.discussion_where("瓦斯漏氣").await;
        t.until_all_is_told().await;
        t.api.patch("/discussions/1", &json!({"urgent": true})).await.expect(200);
        t.api.post("/discussions/1/posts", &json!({"body": "請先關總開關"})).await.expect(201);
        eventually("the group is told", async || pushed(t).pop()).await;
    });
}

#[test]
fn an_internal_post_is_told_to_colleagues_alone() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        mail_to(t, &wang).await;
        t.until_all_is_told().await;
        let line_before = t.line.sent().len();
        t.api.post("/discussions/1/posts", &json!({"body": "這戶還沒付款", "internal": true})).await.expect(201);
        eventually("the colleague has a second mail", async || {
            t.mail.sent_to(&wang.email).await.into_iter().find(|m| m.text.contains("這戶還沒付款"))
        })
        .await;
        stays("the group hears nothing", async || t.line.sent().len() == line_before).await;
    });
}

#[test]
fn what_is_told_of_one_matter_hangs_in_one_thread() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        let first = mail_to(t, &wang).await;
        let asked = t.said_before(&chat, &lin, "好了嗎").await;
        t.settled(&asked.id).await;
        let second =
            eventually("a second mail", async || t.mail.sent_to(&wang.email).await.into_iter().find(|m| m.text.contains("好了嗎"))).await;
        assert_ne!(first.message_id, second.message_id);
        assert!(second.references.contains(&first.message_id), "{:?}", second.references);
        assert_eq!(second.subject, "Re: [#1] 頂樓漏水");
        assert_eq!(first.references.first(), second.references.first(), "one root holds the thread together");
    });
}

#[test]
fn a_colleague_can_answer_a_merged_discussions_old_mail() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        let mail = mail_to(t, &wang).await;
        t.say(&chat, &lin, "電燈壞了").await;
        assert_eq!(number(&t.discussion_where("電燈壞了").await), 2);
        t.api.post("/discussions/1/merge", &json!({"into": 2})).await.expect(200);
        let id = t.mail.arrives(&Letter::by_staff(&wang, &mail, "一起修")).await;
        assert_eq!(t.settled(&id).await["discussion"], 2);
        assert!(bodies(&t.discussion(2).await).contains(&"一起修".to_owned()));
    });
}
