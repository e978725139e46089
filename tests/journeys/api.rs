//! The API as other people's programs rely on it.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::{TestApp, bodies, eventually, journey, number, posts};

/// Opens discussions of these titles in the project; their numbers.
async fn opened(api: &Api, project: &str, titles: &[&str]) -> Vec<i64> {
    let mut numbers = vec![];
    for title in titles {
        let asked = json!({"project": project, "title": title, "body": format!("關於{title}")});
        numbers.push(number(&api.post("/discussions", &asked).await.expect(201)));
    }
    numbers
}

async fn numbers(api: &Api, query: &str) -> Vec<i64> {
    api.items(&format!("/discussions{query}")).await.iter().map(number).collect()
}

fn post_id(discussion: &Value, body: &str) -> String {
    let post = posts(discussion).iter().find(|p| p["body_text"] == body).unwrap_or_else(|| panic!("{body} is missing in {discussion}"));
    post["id"].as_str().expect("a post has an id").to_owned()
}

#[test]
fn whoever_has_no_token_is_asked_for_one() {
    journey(async |t| {
        for token in ["", "tl_wrong", "nonsense"] {
            let nobody = t.api.with_token(token);
            for path in ["/projects", "/discussions", "/discussions/1", "/deliveries", "/inbound"] {
                let answer = nobody.get(path).await;
                assert!(answer.headers.contains_key("www-authenticate"));
                answer.expect_problem(401);
            }
            nobody.post("/projects", &json!({"key": "x", "name": "x"})).await.expect_problem(401);
        }
    });
}

#[test]
fn what_is_not_ones_own_cannot_be_told_from_what_is_not_there() {
    journey(async |t| {
        t.project("alpha").await;
        t.project("beta").await;
        let wang = t.staff("alpha", "Wang").await;
        let theirs = opened(&t.api, "beta", &["秘密"]).await[0];
        for path in [format!("/discussions/{theirs}"), "/discussions/99".into(), "/discussions/x".into(), "/projects/beta".into()] {
            wang.api.get(&path).await.expect_problem(404);
        }
        wang.api.post(&format!("/discussions/{theirs}/posts"), &json!({"body": "我也要說"})).await.expect_problem(404);
        wang.api.patch(&format!("/discussions/{theirs}"), &json!({"status": "closed"})).await.expect_problem(404);
        wang.api.post("/discussions", &json!({"project": "beta", "title": "一", "body": "二"})).await.expect_problem(404);
        wang.api.put("/projects/beta/email-senders", &json!({"pattern": "@x.example"})).await.expect_problem(404);
        t.api.ask(Method::GET, "/api/v1/nothing", None).await.expect_problem(404);
        assert!(numbers(&wang.api, "").await.is_empty());
        assert_eq!(wang.api.items("/projects").await.len(), 1);
        assert!(wang.api.items("/deliveries").await.is_empty());
        assert!(wang.api.items("/inbound").await.is_empty());
    });
}

#[test]
fn an_owner_gives_away_what_is_theirs_and_nothing_else() {
    journey(async |t| {
        let (ours, lin) = t.project_with_group("alpha").await;
        t.project("beta").await;
        let he = t.line.person("何先生");
        let (theirs, unbound) = (t.line.group("何宅", std::slice::from_ref(&he)), t.line.group("新群組", std::slice::from_ref(&he)));
        t.bind("beta", &theirs).await;
        t.sender("beta", "@beta.example").await;
        for (chat, user) in [(&ours, &lin), (&theirs, &he), (&unbound, &he)] {
            t.say(chat, user, "請問什麼時候開工？").await;
        }
        eventually("all three are discussions", async || (t.discussions().await.len() == 3).then_some(())).await;
        let chen = t.staff("alpha", "Chen").await;
        t.api.put("/projects/alpha/members", &json!({"email": chen.email, "role": "owner"})).await.expect(200);
        let put = async |what: &str, asked: Value| chen.api.put(&format!("/projects/alpha/{what}"), &asked).await;

        // Whoever is known by a LINE account logs in with it: nobody hangs theirs onto an admin, a colleague or another project's client.
        let wang = t.staff("beta", "Wang").await;
        let own = t.line.person("Chen");
        t.api.put("/projects/beta/members", &json!({"email": "he@client.example", "role": "client"})).await.expect(200);
        for email in ["boss@example.com", &wang.email, "he@client.example"] {
            let member = json!({"email": email, "line_user_id": own.as_str(), "role": "client"});
            put("members", member).await.expect_problem(403);
        }
        put("members", json!({"email": "chens@own.example", "line_user_id": he.as_str(), "role": "client"})).await.expect_problem(403);
        let boss = put("members", json!({"email": "boss@example.com", "name": "傻瓜", "role": "staff"})).await.expect(200);
        assert_eq!(boss["name"], "老闆", "what an admin is called is not theirs to say");
        // Nor does an address that nobody has used yet get one: it may be a colleague's tomorrow.
        let nobody = json!({"email": "new@firm.example", "line_user_id": own.as_str(), "role": "client"});
        put("members", nobody).await.expect_problem(403);
        let client = json!({"line_user_id": lin.as_str(), "name": "林小美", "role": "client"});
        assert_eq!(put("members", client).await.expect(200)["name"], "林小美", "their own client's is");

        for pattern in ["@beta.example", "amy@beta.example", "he@client.example", "@client.example", &wang.email] {
            put("email-senders", json!({"pattern": pattern})).await.expect_problem(409);
        }
        put("email-senders", json!({"pattern": "@alpha.example"})).await.expect(200);
        for chat in [&theirs, &unbound] {
            put("line-groups", json!({"channel": "main", "group_id": chat.as_str()})).await.expect_problem(404);
        }
        put("line-groups", json!({"channel": "main", "group_id": ours.as_str()})).await.expect(200);
        assert_eq!(numbers(&chen.api, "").await.len(), 1, "they see what they saw");
    });
}

#[test]
fn somebody_who_was_seen_in_line_first_is_one_with_their_mail_address() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let his = t.line.person("小王");
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&his))).await;
        t.say(&chat, &lin, "請問什麼時候開工？").await;
        t.discussion_where("請問什麼時候開工？").await;
        t.say(&chat, &his, "#1 下週一開工").await;
        t.discussion_where("#1 下週一開工").await;
        for (email, user, role) in [(wang.email.as_str(), &his, "staff"), ("lin@client.example", &lin, "client")] {
            let both = json!({"email": email, "line_user_id": user.as_str(), "role": role});
            t.api.put("/projects/alpha/members", &both).await.expect(200);
            t.api.put("/projects/alpha/members", &both).await.expect(200);
        }
        let said: Vec<String> =
            posts(&t.discussion(1).await).iter().map(|p| p["author"]["name"].as_str().unwrap_or_default().to_owned()).collect();
        assert_eq!(said, ["林小姐", "Wang"]);
        t.api.put("/projects/alpha/members", &json!({"line_user_id": "wang", "role": "staff"})).await.expect_problem(422);
    });
}

#[test]
fn whoever_sends_far_too_much_or_asks_by_the_wrong_method_is_told() {
    journey(async |t| {
        let whole = "長".repeat(3_000_000);
        let asked = json!({"project": "alpha", "title": "長", "body": whole});
        t.api.post("/discussions", &asked).await.expect_problem(413);
        t.api.with_token("tl_wrong").post("/discussions", &asked).await.expect_problem(401);
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).no_proxy().build().expect("a client can be built");
        let webhook = http.post(t.webhook("main")).header("x-line-signature", "none").body(whole).send().await;
        assert_eq!(webhook.expect("it is answered").status(), 413);
        t.api.ask(Method::DELETE, "/api/v1/discussions/1", None).await.expect_problem(405);
    });
}

#[test]
fn what_ones_part_does_not_allow_is_refused() {
    journey(async |t| {
        t.project("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let client = t.client_with_token("alpha", "lin@client.example").await;
        let number = opened(&t.api, "alpha", &["頂樓漏水"]).await[0];
        wang.api.post("/projects", &json!({"key": "beta", "name": "乙"})).await.expect_problem(403);
        wang.api.put("/projects/alpha/email-senders", &json!({"pattern": "@x.example"})).await.expect_problem(403);
        client.post(&format!("/discussions/{number}/posts"), &json!({"body": "偷偷說", "internal": true})).await.expect_problem(403);
        client.patch(&format!("/discussions/{number}"), &json!({"status": "closed"})).await.expect_problem(403);
        client.post(&format!("/discussions/{number}/merge"), &json!({"into": number})).await.expect_problem(403);
        client.post(&format!("/discussions/{number}/posts"), &json!({"body": "好的"})).await.expect(201);
    });
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    journey(async |t| {
        let (_, lin) = t.project_with_group("alpha").await;
        let number = opened(&t.api, "alpha", &["頂樓漏水"]).await[0];
        let at = format!("/discussions/{number}");
        t.api.post("/projects", &json!({"key": "alpha", "name": "甲"})).await.expect_problem(409);
        t.api.put("/projects/alpha/members", &json!({"email": "a@x.example", "role": "client"})).await.expect(200);
        t.api.put("/projects/alpha/members", &json!({"line_user_id": lin.as_str(), "role": "client"})).await.expect(200);
        let both = json!({"email": "a@x.example", "line_user_id": lin.as_str(), "role": "client"});
        t.api.put("/projects/alpha/members", &both).await.expect_problem(409);
        t.api.post("/projects", &json!({"key": "Not A Key", "name": "甲"})).await.expect_problem(422);
        t.api.post("/projects", &json!({"key": "gamma", "name": ""})).await.expect_problem(422);
        t.api.post("/projects", &json!({"key": "gamma"})).await.expect_problem(422);
        t.api.patch(&at, &json!({"status": "lost"})).await.expect_problem(422);
        t.api.patch(&at, &json!({"assignee": "nobody@x.example"})).await.expect_problem(422);
        t.api.patch(&at, &json!({"colour": "red"})).await.expect_problem(422);
        t.api.post(&format!("{at}/posts"), &json!({"body": ""})).await.expect_problem(422);
        t.api.post(&format!("{at}/posts"), &json!({"body": "長".repeat(300_000 / 3)})).await.expect_problem(422);
        t.api.post(&format!("{at}/posts"), &json!({"body": "長".repeat(1_200_000 / 3)})).await.expect_problem(413);
        t.api.post(&format!("{at}/merge"), &json!({"into": number})).await.expect_problem(422);
        t.api.put("/projects/alpha/members", &json!({"email": "no address", "role": "staff"})).await.expect_problem(422);
        t.api.put("/projects/alpha/line-groups", &json!({"channel": "nobody", "group_id": "C1"})).await.expect_problem(422);
        t.api.ask(Method::POST, "/api/v1/projects", Some("{".into())).await.expect_problem(400);
        for query in ["?limit=0", "?limit=-1", "?cursor=nonsense", "?status=lost"] {
            t.api.get(&format!("/discussions{query}")).await.expect_problem(400);
        }
        t.api.get("/deliveries?status=lost").await.expect_problem(400);
        t.api.get("/inbound?cursor=nonsense").await.expect_problem(400);
    });
}

/// Follows the cursors of a list, two items a page.
async fn two_by_two(t: &TestApp, path: &str) -> Vec<Value> {
    let mut all = vec![];
    let mut cursor = String::new();
    loop {
        let page = t.api.get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
        let items = page["items"].as_array().expect("a page has items");
        assert!(items.len() <= 2);
        all.extend(items.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return all,
        }
        assert!(!items.is_empty(), "an empty page leads nowhere");
    }
}

#[test]
fn lists_are_read_page_by_page_each_item_once() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.project("beta").await;
        t.project("gamma").await;
        t.staff("alpha", "Wang").await;
        let made = opened(&t.api, "alpha", &["一", "二", "三", "四", "五"]).await;
        for n in 0..5 {
            t.say(&chat, &lin, &format!("第 {n} 句")).await;
        }
        t.discussion_where("第 4 句").await;
        t.until_all_is_told().await;
        let unpaged = numbers(&t.api, "").await;
        let paged: Vec<i64> = two_by_two(t, "/discussions").await.iter().map(number).collect();
        assert_eq!(paged, unpaged);
        assert!(made.iter().all(|n| paged.contains(n)));
        for path in ["/projects", "/deliveries", "/inbound"] {
            assert_eq!(two_by_two(t, path).await, t.api.items(path).await, "{path}");
        }
        assert_eq!(two_by_two(t, "/inbound").await.len(), 5);
    });
}

#[test]
fn discussions_are_found_by_project_status_assignee_channel_and_words() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.project("beta").await;
        let wang = t.staff("alpha", "Wang").await;
        let made = opened(&t.api, "alpha", &["頂樓漏水", "發票未到"]).await;
        let elsewhere = opened(&t.api, "beta", &["別家的漏水"]).await;
        t.say_as(&chat, Some(&lin), "冷氣壞了", threadline::simulator::Say { at: Some(crate::support::long_ago()), ..Default::default() })
            .await;
        let by_line = number(&t.discussion_where("冷氣壞了").await);
        t.api.patch(&format!("/discussions/{}", made[1]), &json!({"status": "in_progress", "assignee": wang.email})).await.expect(200);
        let found = async |query: &str| {
            let mut found = numbers(&t.api, query).await;
            found.sort_unstable();
            found
        };
        assert_eq!(found("?project=beta").await, elsewhere);
        assert_eq!(found("?status=in_progress").await, [made[1]]);
        assert_eq!(found(&format!("?assignee={}", wang.email)).await, [made[1]]);
        assert_eq!(found("?channel=line").await, [by_line]);
        assert_eq!(found("?channel=api").await, [made[0], made[1], elsewhere[0]]);
        assert_eq!(found("?q=漏水").await, [made[0], elsewhere[0]]);
        assert_eq!(found("?q=漏水&project=alpha").await, [made[0]]);
        assert_eq!(found("?q=關於發票").await, [made[1]]);
        assert_eq!(found("?project=nothing").await, [0_i64; 0]);
        let unassigned = t.api.patch(&format!("/discussions/{}", made[1]), &json!({"assignee": null})).await.expect(200);
        assert_eq!(unassigned["assignee"], Value::Null);
    });
}

#[test]
fn a_client_never_sees_what_is_internal() {
    journey(async |t| {
        t.project("alpha").await;
        let client = t.client_with_token("alpha", "lin@client.example").await;
        let number = opened(&t.api, "alpha", &["頂樓漏水"]).await[0];
        let at = format!("/discussions/{number}");
        let internal = t.api.post(&format!("{at}/posts"), &json!({"body": "這戶還沒付款", "internal": true})).await.expect(201);
        assert_eq!(internal["internal"], true);
        t.api.post(&format!("{at}/posts"), &json!({"body": "明天過去"})).await.expect(201);
        assert_eq!(bodies(&t.discussion(number).await), ["關於頂樓漏水", "這戶還沒付款", "明天過去"]);
        let seen = client.get(&at).await.expect(200);
        assert_eq!(bodies(&seen), ["關於頂樓漏水", "明天過去"]);
        assert!(numbers(&client, "?q=這戶還沒付款").await.is_empty(), "nor finds it");
        assert_eq!(numbers(&t.api, "?q=這戶還沒付款").await, [number]);
        assert!(client.items("/deliveries").await.is_empty(), "nor whom it was told");
    });
}

#[test]
fn a_merged_discussions_number_and_its_quotes_lead_on() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let old = t.said_before(&chat, &lin, "頂樓漏水").await;
        t.discussion_where("頂樓漏水").await;
        t.say(&chat, &lin, "廚房也漏").await;
        assert_eq!(number(&t.discussion_where("廚房也漏").await), 2);
        let merged = t.api.post("/discussions/1/merge", &json!({"into": 2})).await.expect(200);
        assert_eq!(number(&merged), 2);
        assert_eq!(bodies(&merged), ["頂樓漏水", "廚房也漏"]);
        assert_eq!(t.discussion(1).await, t.discussion(2).await);
        assert_eq!(numbers(&t.api, "").await, [2]);
        t.say_as(&chat, Some(&lin), "這個呢", threadline::simulator::Say { quote: old.message.clone(), ..Default::default() }).await;
        assert_eq!(number(&t.discussion_where("這個呢").await), 2);
        t.api.post("/discussions/1/posts", &json!({"body": "用舊號碼說"})).await.expect(201);
        assert!(bodies(&t.discussion(2).await).contains(&"用舊號碼說".to_owned()));
    });
}

#[test]
fn split_and_move_put_posts_where_they_belong_and_quotes_follow() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        t.say(&chat, &lin, "頂樓漏水").await;
        let invoice = t.say(&chat, &lin, "發票還沒到").await;
        t.say(&chat, &lin, "統編是八個一").await;
        let whole = t.discussion_where("統編是八個一").await;
        let ids = [post_id(&whole, "發票還沒到"), post_id(&whole, "統編是八個一")];
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": ids, "title": "發票"})).await.expect(200);
        assert_eq!((number(&split), &split["title"]), (2, &"發票".into()));
        assert_eq!(bodies(&split), ["發票還沒到", "統編是八個一"]);
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水"]);
        t.say_as(&chat, Some(&lin), "收到了嗎", threadline::simulator::Say { quote: invoice.message.clone(), ..Default::default() }).await;
        let followed = t.discussion_where("收到了嗎").await;
        assert_eq!(number(&followed), 2, "the quote follows");
        let moved = t.api.post(&format!("/posts/{}/move", ids[1]), &json!({"to": 1})).await.expect(200);
        assert_eq!(bodies(&moved), ["頂樓漏水", "統編是八個一"]);
        assert_eq!(bodies(&t.discussion(2).await), ["發票還沒到", "收到了嗎"]);
        t.api.post("/discussions/1/split", &json!({"post_ids": [ids[0]]})).await.expect_problem(422);
        t.api.post("/posts/999999/move", &json!({"to": 1})).await.expect_problem(404);
        t.project("beta").await;
        let elsewhere = opened(&t.api, "beta", &["別家"]).await[0];
        t.api.post("/discussions/1/merge", &json!({"into": elsewhere})).await.expect_problem(422);
        t.api.post(&format!("/posts/{}/move", ids[0]), &json!({"to": elsewhere})).await.expect_problem(422);
    });
}

#[test]
fn what_staff_open_through_the_api_is_told_to_the_group() {
    journey(async |t| {
        let (chat, _) = t.project_with_group("alpha").await;
        let made = opened(&t.api, "alpha", &["下週停水"]).await[0];
        let told = eventually("the group is told", async || t.line.sent_to(&chat).pop()).await;
        assert_eq!(told.discussions(), [made]);
    });
}

/// What outside programs rely on.
const PROMISED: [(&str, &str); 16] = [
    ("post", "/api/v1/projects"),
    ("get", "/api/v1/projects"),
    ("get", "/api/v1/projects/{key}"),
    ("put", "/api/v1/projects/{key}/members"),
    ("put", "/api/v1/projects/{key}/line-groups"),
    ("put", "/api/v1/projects/{key}/email-senders"),
    ("get", "/api/v1/discussions"),
    ("post", "/api/v1/discussions"),
    ("get", "/api/v1/discussions/{number}"),
    ("patch", "/api/v1/discussions/{number}"),
    ("post", "/api/v1/discussions/{number}/posts"),
    ("post", "/api/v1/discussions/{number}/merge"),
    ("post", "/api/v1/discussions/{number}/split"),
    ("post", "/api/v1/posts/{id}/move"),
    ("get", "/api/v1/deliveries"),
    ("get", "/api/v1/inbound"),
];

#[test]
fn the_description_spells_words_and_refusals_as_they_are_answered() {
    journey(async |t| {
        let described = t.api.ask(Method::GET, "/api/openapi.json", None).await.expect(200);
        let schemas = &described["components"]["schemas"];
        assert_eq!(schemas["Status"]["enum"], json!(["open", "in_progress", "waiting", "resolved", "closed"]));
        assert_eq!(schemas["Source"]["enum"], json!(["line", "email", "web", "api"]));
        assert_eq!(schemas["Role"]["enum"], json!(["owner", "staff", "client"]));
        assert_eq!(schemas["Via"]["enum"], json!(["line-reply", "line-push", "email"]));
        for (path, calls) in described["paths"].as_object().expect("there are paths") {
            for (method, call) in calls.as_object().expect("a path has methods") {
                let refused = &call["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(refused, "#/components/schemas/Problem", "{method} {path}: {call}");
            }
        }
        assert!(schemas["Problem"]["properties"]["detail"].is_object());
    });
}

#[test]
fn the_description_names_every_route_and_no_other() {
    journey(async |t| {
        let described = t.api.with_token("").ask(Method::GET, "/api/openapi.json", None).await.expect(200);
        let mut named = BTreeSet::new();
        for (path, methods) in described["paths"].as_object().expect("it has paths") {
            for (method, operation) in methods.as_object().expect("a path has methods") {
                assert!(operation["responses"].as_object().is_some_and(|r| !r.is_empty()), "{method} {path} answers something");
                named.insert((method.clone(), path.clone()));
            }
        }
        for (method, path) in PROMISED {
            assert!(named.contains(&(method.to_owned(), path.to_owned())), "{method} {path} is missing");
        }
        let nobody = t.api.with_token("");
        for (method, path) in named {
            let path = path.replace("{key}", "x").replace("{number}", "1").replace("{id}", "1");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("it is a method");
            nobody.ask(method, &path, Some("{}".into())).await.expect_problem(401);
        }
    });
}
