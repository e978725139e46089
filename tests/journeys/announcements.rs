//! Staff tell the groups of several projects something, and see what it costs before it leaves.

use std::time::Duration;

use serde_json::{Value, json};
use threadline::domain::{LineChatId, LineUserId, Via};

use crate::support::pages::{Browser, Page};
use crate::support::{ACCOUNT, Setup, TestApp, eventually, journey, journey_with, stays};

const NEWS: &str = "週六全天停機維護";

/// Two clients' projects, each with a group; the second has two people in it.
async fn two_groups(t: &TestApp) -> [(LineChatId, LineUserId); 2] {
    let first = t.project_with_group("alpha").await;
    t.project("beta").await;
    let (he, chen) = (t.line.person("何先生"), t.line.person("陳小姐"));
    let chat = t.line.group("何宅", &[he.clone(), chen]);
    t.bind("beta", &chat).await;
    eventually("LINE has told how many are in the groups", async || {
        let cost = cost(t, &json!({"text": NEWS, "all": true, "preview": true})).await;
        (cost["uncounted"] == 0).then_some(())
    })
    .await;
    [first, (chat, he)]
}

async fn cost(t: &TestApp, asked: &Value) -> Value {
    t.api.post("/announcements", asked).await.expect(200)["cost"][0].clone()
}

fn texts(t: &TestApp, chat: &LineChatId) -> Vec<String> {
    t.line.sent_to(chat).iter().flat_map(|s| s.messages.clone()).filter_map(|m| m["text"].as_str().map(str::to_owned)).collect()
}

/// The name of the form on the page.
fn form_of(page: &Page) -> String {
    page.part("name=\"form\" value=\"", "\">").trim_start_matches("name=\"form\" value=\"").to_owned()
}

#[test]
fn an_announcement_is_previewed_with_its_cost_and_leaves_for_free_where_somebody_writes() {
    journey(async |t| {
        let [(first, lin), (second, he)] = two_groups(t).await;
        let wang = t.staff("alpha", "Wang").await;
        t.api.put("/projects/beta/members", &json!({"email": wang.email, "role": "staff"})).await.expect(200);
        let browser = Browser::log_in(t, &wang).await;
        let form = form_of(&browser.get("/announcements").await);
        let fields = [("form", form.as_str()), ("text", "<b>週六</b>停機"), ("project", "alpha"), ("project", "beta"), ("urgent", "0")];
        let preview = browser.post("/announcements/preview", &fields).await;
        assert_eq!(preview.status, 200);
        assert!(preview.html.contains("2 個群組・3 人・若全部推播計 3 則"), "{}", preview.html);
        assert!(preview.html.contains("&lt;b&gt;週六&lt;/b&gt;停機") && !preview.html.contains("<b>週六"));
        assert!(t.api.items("/announcements").await.is_empty(), "a preview announces nothing");
        let back = browser.post("/announcements", &[&fields[..], &[("back", "1")]].concat()).await;
        assert!(back.status == 200 && form_of(&back) == form, "it is still the same form");
        let sent = browser.post("/announcements", &fields).await;
        assert_eq!(sent.status, 303);
        let again = browser.post("/announcements", &fields).await;
        assert_eq!((again.status, &again.location), (303, &sent.location), "sent twice, it is one announcement");
        stays("no push is paid before the digest", async || t.line.sent().is_empty()).await;
        assert!(browser.get(&sent.location).await.html.contains("等免費的機會"));
        t.say(&first, &lin, "收到").await;
        eventually("the first group is told", async || Some(texts(t, &first)).filter(|s| !s.is_empty())).await;
        t.say(&second, &he, "收到").await;
        eventually("the second group is told", async || Some(texts(t, &second)).filter(|s| !s.is_empty())).await;
        t.until_all_is_told().await;
        for chat in [&first, &second] {
            assert_eq!(texts(t, chat), ["<b>週六</b>停機"]);
            assert!(t.line.sent_to(chat).iter().all(|s| s.via == Via::LineReply));
        }
        assert!(browser.get(&sent.location).await.html.contains("2 個免費送出"));
        assert!(t.discussions().await.is_empty(), "it is no discussion");
    });
}

#[test]
fn an_urgent_announcement_is_pushed_into_each_group_once() {
    journey_with(Setup { monthly_budget: 100, ..Setup::default() }, async |t| {
        let [(first, _), (second, _)] = two_groups(t).await;
        let asked = json!({"text": NEWS, "all": true, "urgent": true, "once": "2026-11-28"});
        let told = cost(t, &json!({"text": NEWS, "all": true, "preview": true})).await;
        assert_eq!(told, json!({"channel": ACCOUNT, "groups": 2, "heads": 3, "uncounted": 0, "left": 100}));
        let made = t.api.post("/announcements", &asked).await.expect(201);
        let same = t.api.post("/announcements", &asked).await.expect(200);
        assert_eq!(made["id"], same["id"]);
        let id = made["id"].as_str().unwrap().to_owned();
        let whole = eventually("both groups are told", async || {
            let whole = t.api.get(&format!("/announcements/{id}")).await.expect(200);
            (whole["pushed"] == 2).then_some(whole)
        })
        .await;
        assert_eq!((&whole["heads"], &whole["waiting"], &whole["by"]), (&json!(3), &json!(0), &json!("老闆")));
        let billed: Vec<i64> = whole["groups"].as_array().unwrap().iter().filter_map(|g| g["heads"].as_i64()).collect();
        assert_eq!(billed, [1, 2]);
        for chat in [&first, &second] {
            assert_eq!(texts(t, chat), [NEWS]);
        }
        assert_eq!(cost(t, &json!({"text": NEWS, "all": true, "preview": true})).await["left"], 97);
        stays("once", async || t.line.sent().len() == 2).await;
    });
}

#[test]
fn a_preview_counts_those_alone_whom_line_reaches() {
    journey(async |t| {
        let [_, (second, _)] = two_groups(t).await;
        // Its `leave` is lost on the way.
        drop(t.line.leave(&second));
        t.api.post("/discussions", &json!({"project": "beta", "title": "開工", "body": "下週開工"})).await.expect(201);
        eventually("LINE does not take it", async || {
            t.api.items("/deliveries?status=failed").await.into_iter().find(|n| n["reason"] == "target_gone")
        })
        .await;
        let told = cost(t, &json!({"text": NEWS, "all": true, "preview": true})).await;
        assert_eq!((&told["groups"], &told["heads"]), (&json!(1), &json!(1)));
        let page = Browser::boss(t).await.get("/announcements").await.html;
        let sums: Vec<&str> = page.matches("1 個群組・1 人").collect();
        assert_eq!(sums.len(), 2, "of all projects, and of the one that is reached: {page}");
        assert!(page.contains("0 個群組・0 人"), "{page}");
    });
}

#[test]
fn what_was_cancelled_of_an_announcement_that_is_withdrawn_does_not_come_back() {
    journey(async |t| {
        let [(_, _), (second, _)] = two_groups(t).await;
        let made = t.api.post("/announcements", &json!({"text": NEWS, "projects": ["alpha", "beta"]})).await.expect(201);
        let waiting = t.api.items(&format!("/deliveries?status=pending&target={}", second.as_str())).await;
        let id = waiting[0]["id"].as_str().expect("a notice has an id").to_owned();
        t.api.post(&format!("/deliveries/{id}/cancel"), &json!({})).await.expect(200);
        let announcement = format!("/announcements/{}", made["id"].as_str().expect("it has an id"));
        t.api.post(&format!("{announcement}/withdraw"), &json!({})).await.expect(200);
        t.api.post(&format!("/deliveries/{id}/restore"), &json!({})).await.expect_problem(409);
        let all = t.api.items(&format!("/deliveries?status=dropped&target={}", second.as_str())).await;
        assert!(all.iter().all(|n| n["reason"] == "withdrawn"), "{all:?}");
        assert_eq!(t.api.get(&announcement).await.expect(200)["waiting"], 0);
    });
}

#[test]
fn what_has_not_left_can_be_withdrawn() {
    journey(async |t| {
        let [(first, lin), (second, he)] = two_groups(t).await;
        let made = t.api.post("/announcements", &json!({"text": NEWS, "projects": ["alpha", "beta"]})).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        t.say(&first, &lin, "收到").await;
        eventually("the first group is told", async || Some(texts(t, &first)).filter(|s| !s.is_empty())).await;
        eventually("so is the page", async || (t.api.get(&format!("/announcements/{id}")).await.expect(200)["free"] == 1).then_some(()))
            .await;
        let boss = Browser::boss(t).await;
        assert!(boss.get(&format!("/announcements/{id}")).await.html.contains("撤回還沒送出的"));
        assert_eq!(boss.post(&format!("/announcements/{id}/withdraw"), &[]).await.status, 303);
        let whole = t.api.get(&format!("/announcements/{id}")).await.expect(200);
        assert_eq!((&whole["free"], &whole["dropped"], &whole["waiting"]), (&json!(1), &json!(1), &json!(0)));
        assert!(whole["withdrawn_at"].is_string());
        t.say(&second, &he, "收到").await;
        stays("the second group hears nothing of it", async || texts(t, &second).is_empty()).await;
        let page = boss.get(&format!("/announcements/{id}")).await.html;
        assert!(page.contains("已撤回") && !page.contains("撤回還沒送出的"), "{page}");
    });
}

#[test]
fn an_announcement_that_makes_no_sense_is_refused_with_a_reason() {
    journey(async |t| {
        two_groups(t).await;
        t.project("empty").await;
        let (wang, client) = (t.staff("beta", "Wang").await, t.client_with_token("alpha", "lin@client.example").await);
        for (asked, status) in [
            (json!({"text": " ", "all": true}), 422),
            (json!({"text": "水".repeat(5001), "all": true}), 422),
            (json!({"text": NEWS}), 422),
            (json!({"text": NEWS, "all": true, "projects": ["alpha"]}), 422),
            (json!({"text": NEWS, "projects": []}), 422),
            (json!({"text": NEWS, "projects": ["empty"]}), 422),
            (json!({"text": NEWS, "projects": ["nowhere"]}), 404),
        ] {
            t.api.post("/announcements", &asked).await.expect_problem(status);
        }
        for api in [&wang.api, &client] {
            api.post("/announcements", &json!({"text": NEWS, "projects": ["alpha"]})).await.expect_problem(404);
        }
        client.post("/announcements", &json!({"text": NEWS, "all": true})).await.expect_problem(422);
        assert!(t.api.items("/announcements").await.is_empty());
        // Their own is theirs and the admins' to see.
        let own = wang.api.post("/announcements", &json!({"text": NEWS, "all": true})).await.expect(201);
        assert_eq!(own["groups"].as_array().unwrap().len(), 1);
        let path = format!("/announcements/{}", own["id"].as_str().unwrap());
        client.get(&path).await.expect_problem(404);
        t.api.get(&path).await.expect(200);
        let browser = Browser::log_in(t, &wang).await;
        let form = form_of(&browser.get("/announcements").await);
        let refused = browser.post("/announcements/preview", &[("form", &form), ("text", "a"), ("urgent", "0")]).await;
        assert_eq!(refused.status, 422);
        assert!(refused.html.contains("請選擇至少一個"), "{}", refused.html);
        assert_eq!(browser.post("/announcements", &[("form", &form), ("text", "a"), ("project", "alpha")]).await.status, 404);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(t.line.sent().is_empty());
    });
}

#[test]
fn clients_of_a_project_whose_only_group_the_account_has_left_are_told_by_mail() {
    journey(async |t| {
        let [_, (second, _)] = two_groups(t).await;
        t.api.put("/projects/beta/members", &json!({"email": "gail@client.example", "role": "client"})).await.expect(200);
        t.deliver(&t.line.leave(&second)).await;
        eventually("it is known", async || {
            (!t.api.get("/projects/beta").await.expect(200)["line_groups"][0]["left_at"].is_null()).then_some(())
        })
        .await;
        let asked = json!({"text": NEWS, "projects": ["alpha", "beta"], "preview": true});
        assert_eq!(cost(t, &asked).await["groups"], 1, "nothing is pushed where the account is not");
        t.api.post("/announcements", &json!({"text": NEWS, "projects": ["alpha", "beta"], "urgent": true})).await.expect(201);
        eventually("she is told", async || t.mail.sent_to("gail@client.example").await.into_iter().find(|m| m.text.contains(NEWS))).await;
        let failed = t.api.items(&format!("/deliveries?status=failed&target={}", second.as_str())).await;
        assert_eq!(failed.iter().map(|n| n["reason"].as_str()).collect::<Vec<_>>(), [Some("left_chat")]);
    });
}
