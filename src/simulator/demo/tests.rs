use std::time::Duration;

use serde_json::Value;

use super::scene::scene_at;
use super::*;
use crate::simulator::{Platform, Settings};

struct Stage {
    demo: DemoState,
    url: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

async fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(Settings::default());
    let (mail_in, mail_out) = (folder.path().join("in"), folder.path().join("out"));
    let demo = DemoState::cast(platform, mail_in, mail_out, "wang@demo.example", "support@demo.example");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hook = Router::new().route("/webhooks/line/main", post(async || StatusCode::OK));
    let router = router(demo.clone()).merge(hook);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    demo.platform.set_webhook(&format!("http://{address}/webhooks/line/main"));
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    Stage { demo, url: format!("http://{address}"), http, _folder: folder }
}

impl Stage {
    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.http.post(format!("{}/demo/api/{path}", self.url)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn look(&self, since: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}/demo/api/state?since={since}", self.url)).send().await.unwrap();
        (answer.status() == 200).then_some(())?;
        Some(answer.json().await.unwrap())
    }

    fn client(&self) -> &str {
        self.demo.people[0].line_user.as_ref().unwrap().as_str()
    }
}

/// Every script of the pages.
fn scripts() -> String {
    ASSETS.iter().filter(|(name, _, _)| name.strip_suffix(".js").is_some()).map(|(_, _, text)| *text).collect()
}

#[tokio::test]
async fn the_pages_come_in_every_language_without_inline_script_or_style() {
    for (locale, source) in Locale::ALL.into_iter().flat_map(|locale| [(locale, PAGE), (locale, CARDS_PAGE)]) {
        let page = page_in(source, locale);
        assert!(page.contains(&format!("<html lang=\"{}\"", locale.tag())));
        assert!(!page.contains("{{") && !page.contains(">demo.") && !page.contains("\"demo."), "a text is missing");
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" onclick") && !page.contains("http"));
    }
    let stage = stage().await;
    for (path, words) in [("/?lang=ja", "デモ環境"), ("/demo/cards?lang=ja", "カード一覧")] {
        let answer = stage.http.get(format!("{}{path}", stage.url)).send().await.unwrap();
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
        assert!(answer.text().await.unwrap().contains(words));
    }
    for (file, kind, _) in ASSETS {
        let answer = stage.http.get(format!("{}/demo/assets/{file}", stage.url)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (200, kind));
    }
    assert_eq!(stage.http.get(format!("{}/demo/assets/demo.html", stage.url)).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn the_scripts_ask_only_for_texts_that_exist() {
    let texts = Locale::ZhTw.texts();
    let scripts = scripts();
    let mut asked = 0;
    for (at, mark) in scripts.match_indices("t(\"") {
        let before = scripts[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            continue;
        }
        let key = format!("demo.{}", scripts[at + mark.len()..].split('"').next().unwrap());
        assert!(texts.keys().any(|k| k == key), "{key}");
        asked += 1;
    }
    assert!(asked > 30, "{asked}");
    let of_choices = ["kind_", "note_", "role_", "leave_", "rejoin_", "bot_"];
    for word in scripts.split('"').filter(|w| of_choices.iter().any(|b| w.starts_with(b)) && !matches!(*w, "bot_in")) {
        assert!(texts.keys().any(|k| k == format!("demo.{word}")), "{word}");
    }
    for sticker in ["ok", "thanks", "good", "laugh", "please", "wait"] {
        assert!(scripts.contains(&format!("[\"{sticker}\", ")) && texts.keys().any(|k| k == format!("demo.sticker_{sticker}")));
    }
}

#[tokio::test]
async fn every_card_is_shown_in_every_language_and_line_would_take_it() {
    let stage = stage().await;
    for locale in Locale::ALL {
        let told: Value =
            stage.http.get(format!("{}/demo/api/cards?lang={}", stage.url, locale.tag())).send().await.unwrap().json().await.unwrap();
        let cards = told.as_array().unwrap();
        assert!(cards.len() > 8);
        for card in cards {
            assert_eq!(card["violations"], json!([]), "{card}");
            assert!(locale.texts().keys().any(|k| k == format!("demo.card_{}", card["name"].as_str().unwrap())), "{}", card["name"]);
        }
    }
}

#[tokio::test]
async fn what_a_visitor_does_reaches_the_product_and_shows() {
    let stage = stage().await;
    let (status, told) = stage.post("say", json!({"who": stage.client(), "text": "@牽線小幫手 請問發票？"})).await;
    assert_eq!((status, told), (200, json!({"webhook": 200})));
    let seen = stage.look("").await.unwrap();
    let line = &seen["lines"][0];
    assert_eq!(line["content"]["text"], "@牽線小幫手 請問發票？");
    assert_eq!(line["content"]["mention"]["mentionees"][0]["isSelf"], true);
    assert!(stage.look(seen["version"].as_str().unwrap()).await.is_none(), "nothing changed");

    let id = line["id"].clone();
    assert_eq!(stage.post("sticker", json!({"who": stage.client(), "keyword": "ok", "quote": id})).await.0, 200);
    assert_eq!(stage.post("edit", json!({"message": id, "text": "請問十月的發票？"})).await.0, 200);
    let upload = format!("{}/demo/api/upload?who={}&kind=image&name=a.png", stage.url, stage.client());
    let sent = stage.http.post(upload).header("content-type", "image/png").body(DELIVERY_NOTE).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let seen = stage.look("").await.unwrap();
    assert_eq!((&seen["lines"][0]["edited"], &seen["lines"][1]["quotes"]), (&json!(true), &id));
    let file = format!("{}{}", stage.url, seen["lines"][2]["file"].as_str().unwrap());
    let picture = stage.http.get(&file).send().await.unwrap();
    assert_eq!(
        (picture.headers()["content-type"].to_str().unwrap(), picture.headers()["x-content-type-options"].to_str().unwrap()),
        ("image/png", "nosniff")
    );
    assert_eq!(stage.post("unsend", json!({"message": seen["lines"][2]["id"]})).await.0, 200);
    assert_eq!(stage.http.get(&file).send().await.unwrap().status(), 404);
    assert_eq!(stage.look("").await.unwrap()["lines"][2]["retracted"], true);
}

#[tokio::test]
async fn people_and_the_bot_come_and_go() {
    let stage = stage().await;
    assert_eq!(stage.post("member", json!({"who": stage.client(), "come": false})).await.0, 200);
    assert_eq!(stage.post("say", json!({"who": stage.client(), "text": "還在嗎"})).await.0, 403);
    let seen = stage.look("").await.unwrap();
    assert_eq!((&seen["people"][0]["in_group"], &seen["members"]), (&json!(false), &json!(2)));
    assert_eq!(stage.post("member", json!({"who": stage.client(), "come": true})).await, (200, json!({"webhook": 200})));
    assert_eq!(stage.post("bot", json!({"come": false})).await, (200, json!({"webhook": 200})));
    assert_eq!(stage.post("say", json!({"who": stage.client(), "text": "它聽不到"})).await, (200, json!({"unheard": true})));
    assert_eq!(stage.post("bot", json!({"come": true})).await, (200, json!({"webhook": 200})));
    let seen = stage.look("").await.unwrap();
    let notes: Vec<&Value> = seen["lines"].as_array().unwrap().iter().map(|l| &l["content"]["note"]).collect();
    assert_eq!(
        notes,
        ["memberLeft", "memberJoined", "leave", "", "join"]
            .map(|n| if n.is_empty() { json!(null) } else { json!(n) })
            .iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(seen["bot_in"], true);
}

#[tokio::test]
async fn a_button_of_the_bots_can_be_tapped_and_what_it_costs_is_told() {
    let stage = stage().await;
    let DemoState { platform, group, .. } = &stage.demo;
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let api = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2/bot/message/push", api.local_addr().unwrap());
    tokio::spawn(crate::simulator::serve(platform.clone(), api));
    let action = json!({"type": "postback", "label": "查進度", "data": "v=1&do=progress", "displayText": "查進度"});
    let message = json!({"type": "text", "text": "請選", "quickReply": {"items": [{"type": "action", "action": action}]}});
    let request =
        http.post(url).bearer_auth(platform.settings().access_token.expose()).header("X-Line-Retry-Key", uuid::Uuid::new_v4().to_string());
    let sent = request.json(&json!({"to": group.as_str(), "messages": [message]})).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let seen = stage.look("").await.unwrap();
    assert_eq!(seen["cost"], json!({"replies": 0, "pushes": 1, "billed": 3, "used": 3, "quota": null}));
    let tap = |action: &Value| json!({"who": stage.client(), "message": seen["lines"][0]["id"], "action": action});
    assert_eq!(stage.post("tap", tap(&action)).await, (200, json!({"webhook": 200})));
    assert_eq!(stage.look("").await.unwrap()["lines"][1]["content"]["text"], "查進度");
    let forged = json!({"type": "postback", "label": "查進度", "data": "v=1&do=everything"});
    assert_eq!(stage.post("tap", tap(&forged)).await.0, 404);
}

#[tokio::test]
async fn nonsense_from_outside_is_refused() {
    let stage = stage().await;
    assert_eq!(stage.post("say", json!({"who": "U0", "text": "x"})).await.0, 404);
    assert_eq!(stage.post("say", json!({"who": stage.client(), "text": ""})).await.0, 400);
    assert_eq!(stage.post("say", json!({"who": stage.client(), "text": "字".repeat(5_001)})).await.0, 400);
    assert_eq!(stage.post("unsend", json!({"message": "1"})).await.0, 404);
    let tap = json!({"who": stage.client(), "message": "1", "action": {"type": "postback", "data": "x"}});
    assert_eq!(stage.post("tap", tap).await.0, 404);
    assert_eq!(stage.post("member", json!({"who": "U0", "come": false})).await.0, 404);
    assert_eq!(stage.post("member", json!({"who": stage.client(), "come": true})).await.0, 409);
    assert_eq!(stage.post("bot", json!({"come": true})).await.0, 409);
    let upload = format!("{}/demo/api/upload?who={}&kind=image&name=a.png", stage.url, stage.client());
    for set in ["&set=a&index=3&total=2", "&set=a-b&index=1&total=2", "&set=a&index=1&total=21"] {
        let sent = stage.http.post(format!("{upload}{set}")).header("content-type", "image/png").body(DELIVERY_NOTE).send().await.unwrap();
        assert_eq!(sent.status(), 400, "{set}");
    }
    assert_eq!(stage.post("mail", json!({"from": "x@evil.example", "text": "x"})).await.0, 404);
    assert_eq!(stage.post("mail", json!({"from": "wang@demo.example", "text": "x", "answer_to": "../../etc"})).await.0, 404);
    let foreign = stage.http.post(format!("{}/demo/api/say", stage.url)).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.json(&json!({"who": stage.client(), "text": "x"})).send().await.unwrap().status(), 403);
    assert!(stage.look("").await.unwrap()["lines"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_notice_is_read_and_answered_by_mail() {
    let stage = stage().await;
    let notice = "From: Support <support@demo.example>\r\nTo: wang@demo.example\r\nReply-To: support+t1@demo.example\r\nMessage-ID: <n1@demo.example>\r\n\
                  Date: Sat, 21 Nov 2026 12:46:00 +0000\r\nSubject: [#1] x\r\nContent-Type: text/html\r\n\r\n<p>/d/1</p>\r\n";
    let at = stage.demo.platform.now();
    let id = mail::drop_into(&stage.demo.mail_out, notice.as_bytes(), at).await.unwrap();
    let seen = stage.look("").await.unwrap();
    assert_eq!((&seen["mails"][0]["to"], &seen["mails"][0]["html"]), (&json!(["wang@demo.example"]), &json!(true)));
    let html = stage.http.get(format!("{}/demo/api/mail/{id}/html", stage.url)).send().await.unwrap();
    assert!(html.headers()["content-security-policy"].to_str().unwrap().starts_with("sandbox;"));

    assert_eq!(stage.post("mail", json!({"from": "wang@demo.example", "answer_to": id, "text": "昨天寄出了"})).await.0, 200);
    let mut arrived = BTreeMap::new();
    mail::look(&stage.demo.mail_in, &mut arrived).await.unwrap();
    let answer = arrived.values().next().unwrap();
    assert_eq!((answer.to.as_slice(), answer.subject.as_str()), (["support+t1@demo.example".to_owned()].as_slice(), "Re: [#1] x"));
    assert!(answer.text.starts_with("昨天寄出了"));
    assert!(stage.look("").await.unwrap()["mails"].as_array().unwrap().iter().any(|m| m["sent"] == true));
}

#[tokio::test]
async fn the_opening_scene_is_taken_by_the_product() {
    let stage = stage().await;
    assert_eq!(scene_at(&stage.demo, Duration::ZERO).await, Scene { taken: 6, refused: 0 });
    let log = stage.demo.platform.chat_log(&stage.demo.group);
    let kinds: Vec<&str> = log.iter().filter_map(|l| l.content["type"].as_str()).collect();
    assert_eq!(kinds, ["note", "text", "text", "image", "text", "sticker"]);
    assert_eq!(log[4].quotes, log[1].id);
}

/// Serves the page with stand-ins for the product, for whoever wants to look at it:
/// `THREADLINE_DEMO_LOOK=127.0.0.1:9300 cargo test --lib look_at_the_demo -- --ignored`.
#[tokio::test]
#[ignore = "serves until it is stopped"]
async fn look_at_the_demo() {
    let Ok(address) = std::env::var("THREADLINE_DEMO_LOOK") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (platform, api_url) = Platform::start().await;
    let (mail_in, mail_out) = (folder.path().join("in"), folder.path().join("out"));
    let demo = DemoState::cast(platform.clone(), mail_in, mail_out, "wang@demo.example", "support@demo.example");
    let listener = tokio::net::TcpListener::bind(&address).await.unwrap();
    let discussion = async |Path(number): Path<String>| Html(format!("<h1>#{number}</h1><p>請問十月份的發票開好了嗎？</p>"));
    let product = Router::new().route("/webhooks/line/main", post(async || StatusCode::OK)).route("/d/{number}", get(discussion));
    let router = router(demo.clone()).merge(product).merge(platform.router());
    platform.set_webhook(&format!("http://{address}/webhooks/line/main"));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    scene_at(&demo, Duration::ZERO).await;
    say_as_the_bot(&demo, &api_url).await;
    let notice = "From: =?UTF-8?B?54m957ea5a6i5pyN?= <support@demo.example>\r\nTo: wang@demo.example\r\nReply-To: support+t1@demo.example\r\n\
                  Message-ID: <n1@demo.example>\r\nDate: Sat, 21 Nov 2026 12:46:00 +0000\r\nMIME-Version: 1.0\r\n\
                  Subject: =?UTF-8?B?WyMxMl0g5Y2B5pyI5Lu955qE55m856Wo?=\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
                  --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n陳小姐在「晨光咖啡 × 和順貿易」寫道：\r\n\r\n\
                  早安～想請問十月份的發票開好了嗎？\r\n\r\n直接回覆這封信，就會記錄在討論裡。\r\nhttp://127.0.0.1:8080/d/12\r\n\
                  --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p style=\"color:#0b7a75\"><b>陳小姐</b> 寫道</p>\r\n--b--\r\n";
    mail::drop_into(&demo.mail_out, notice.as_bytes(), platform.now()).await.unwrap();
    server.await.unwrap();
}

async fn say_as_the_bot(demo: &DemoState, api_url: &str) {
    let text = |text: &str, more: Value| {
        let mut part = json!({"type": "text", "text": text});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        part
    };
    let card = |number: u32, title: &str, status: &str, color: &str| {
        let link = json!({"type": "uri", "label": "查看討論", "uri": format!("http://127.0.0.1:8080/d/{number}")});
        let done = json!({"type": "postback", "label": "已解決", "data": format!("v=1&do=done&d={number}"), "displayText": "已解決"});
        let badge = text(status, json!({"size": "xs", "color": color, "weight": "bold", "flex": 0}));
        let head = json!({"type": "box", "layout": "baseline", "spacing": "sm", "contents": [text(&format!("#{number}"), json!({"size": "sm", "color": "#8c8c8c"})), badge]});
        json!({
            "type": "bubble", "size": "kilo",
            "body": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": [head, text(title, json!({"weight": "bold", "wrap": true, "maxLines": 2})), {"type": "separator", "margin": "md"}]},
            "footer": {"type": "box", "layout": "vertical", "contents": [{"type": "button", "style": "link", "height": "sm", "action": link}, {"type": "button", "style": "secondary", "height": "sm", "action": done}]},
        })
    };
    let cards = [
        card(12, "十月份的發票開好了嗎？會計月底要結帳", "待處理", "#d9822b"),
        card(13, "上週訂的 20 箱濾紙何時到貨", "處理中", "#2a6f97"),
    ];
    let quote = demo.platform.chat_log(&demo.group)[1].content["quoteToken"].clone();
    let chips = ["查進度", "這是另一件事"].map(|label| {
        json!({"type": "action", "action": {"type": "postback", "label": label, "data": format!("v=1&do={label}"), "displayText": label}})
    });
    let messages = json!([
        {"type": "text", "text": "收到，已建立討論，進度都會記在這裡。", "quoteToken": quote},
        {"type": "flex", "altText": "#12 十月份的發票", "contents": {"type": "carousel", "contents": cards}, "quickReply": {"items": chips}},
    ]);
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let token = demo.platform.settings().access_token.expose();
    let request =
        http.post(format!("{api_url}/v2/bot/message/push")).bearer_auth(token).header("X-Line-Retry-Key", uuid::Uuid::new_v4().to_string());
    let answer = request.json(&json!({"to": demo.group.as_str(), "messages": messages})).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
