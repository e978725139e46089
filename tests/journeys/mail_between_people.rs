//! What people do with mail beside writing it: orders in an answer, copies, passing on, turning it off, coming back after long.

use serde_json::{Value, json};
use threadline::simulator::Sent;

use crate::support::mail::{Letter, Mail};
use crate::support::pages::Browser;
use crate::support::{PUBLIC_URL, Staff, TestApp, bodies, eventually, journey, posts, stays};

const AMY: &str = "amy@client.example";
const BOB: &str = "bob@client.example";

/// A project that knows Amy's company, with a colleague, and a matter that Amy opened by mail.
async fn amy_asks(t: &TestApp, how: impl FnOnce(Letter) -> Letter) -> (Staff, Letter) {
    t.project("alpha").await;
    t.sender("alpha", "@client.example").await;
    let wang = t.staff("alpha", "Wang").await;
    let asks = how(Letter::new(AMY, "大門感應器壞了", "您好，大門的感應器沒有反應。").named("陳美珍"));
    let id = t.mail.arrives(&asks).await;
    assert_eq!(t.settled(&id).await["discussion"], 1);
    (wang, asks)
}

/// The newest mail to an address that says this.
async fn told(t: &TestApp, address: &str, text: &str) -> Mail {
    eventually("the mail is there", async || t.mail.sent_to(address).await.into_iter().rev().find(|m| m.text.contains(text))).await
}

async fn arrives(t: &TestApp, letter: &Letter) -> Value {
    let id = t.mail.arrives(letter).await;
    t.settled(&id).await
}

/// What was changed, without who and when.
fn changes(discussion: &Value) -> Vec<String> {
    discussion["events"]
        .as_array()
        .expect("a discussion has events")
        .iter()
        .map(|e| e["kind"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn words(sent: &[Sent]) -> String {
    sent.iter().flat_map(Sent::strings).collect::<Vec<_>>().join("\n")
}

#[test]
fn orders_at_the_top_of_a_colleagues_answer_are_carried_out_and_taken_out() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let wang = t.staff("alpha", "Wang").await;
        let chen = t.staff("alpha", "陳小明").await;
        t.said_before(&chat, &lin, "頂樓漏水").await;
        let mail = told(t, &wang.email, "頂樓漏水").await;
        let row = arrives(t, &Letter::by_staff(&wang, &mail, "/status 處理中\n/assign 小明\n\n師傅明天過去。")).await;
        assert_eq!(row["status"], "done", "{row}");
        let found = t.discussion(1).await;
        assert_eq!((&found["status"], &found["assignee"]), (&json!("in_progress"), &json!(chen.email)));
        assert_eq!(bodies(&found), ["頂樓漏水", "師傅明天過去。"]);
        assert_eq!(posts(&found)[1]["internal"], false);
        assert_eq!(changes(&found), ["status", "assignee"]);
        assert!(found["events"].as_array().is_some_and(|all| all.iter().all(|e| e["by"] == "Wang" && e["via"] == "email")), "{found}");
        eventually("the group is told", async || words(&t.line.sent()).contains("師傅明天過去。").then_some(())).await;
        assert!(!words(&t.line.sent()).contains("/assign"));
    });
}

#[test]
fn orders_without_words_change_the_discussion_and_are_no_post() {
    journey(async |t| {
        let (wang, _) = amy_asks(t, |l| l).await;
        let mail = told(t, &wang.email, "感應器沒有反應").await;
        let letter = Letter::by_staff(&wang, &mail, "/close\n/assign");
        let row = arrives(t, &letter).await;
        assert_eq!((&row["status"], &row["discussion"]), (&json!("done"), &json!(1)), "{row}");
        let found = t.discussion(1).await;
        assert_eq!((&found["status"], &found["assignee"]), (&json!("closed"), &json!(wang.email)));
        assert_eq!(bodies(&found).len(), 1);
        let mail = told(t, AMY, "目前狀態：已結案").await;
        assert!(!mail.text.contains("/close") && !mail.text.contains("/assign"), "{}", mail.text);
        stays("the client hears nothing else", async || t.mail.sent_to(AMY).await.len() == 1).await;
    });
}

#[test]
fn an_order_that_makes_no_sense_reaches_nobody_but_its_author() {
    journey(async |t| {
        let (wang, _) = amy_asks(t, |l| l).await;
        let mail = told(t, &wang.email, "感應器沒有反應").await;
        arrives(t, &Letter::by_staff(&wang, &mail, "/close\n/asign 小明\n這戶先不要修")).await;
        let found = t.discussion(1).await;
        assert_eq!((&found["status"], changes(&found).len()), (&json!("open"), 0), "nothing is done by halves");
        let post = &posts(&found)[1];
        assert_eq!((&post["internal"], &post["body_text"]), (&json!(true), &json!("/close\n/asign 小明\n這戶先不要修")));
        let answer = told(t, &wang.email, "/asign 小明").await;
        for order in ["/close", "/status", "/assign", "/note"] {
            assert!(answer.text.contains(&format!("\n{order}")), "{order} is not in the list: {}", answer.text);
        }
        assert!(answer.references.contains(&mail.message_id), "it hangs in the discussion's thread");
        t.until_all_is_told().await;
        stays("once, and the client hears nothing", async || {
            t.mail.sent_to(&wang.email).await.len() == 2 && t.mail.sent_to(AMY).await.is_empty()
        })
        .await;
        // What answers that mail is for the client again.
        arrives(t, &Letter::by_staff(&wang, &answer, "/assign nobody-we-know\n好")).await;
        told(t, &wang.email, "/assign nobody-we-know").await;
        arrives(t, &Letter::by_staff(&wang, &answer, "師傅明天到")).await;
        told(t, AMY, "師傅明天到").await;
    });
}

#[test]
fn a_clients_slash_is_text() {
    journey(async |t| {
        let (_, asks) = amy_asks(t, |l| l).await;
        let again = Letter::new(AMY, "補充", "/close\n已經好了").header("In-Reply-To", &format!("<{}>", asks.message_id));
        arrives(t, &again).await;
        let found = t.discussion(1).await;
        assert_eq!((&found["status"], bodies(&found)[1].as_str()), (&json!("open"), "/close\n已經好了"));
    });
}

#[test]
fn a_note_stays_inside_and_so_does_what_answers_it() {
    journey(async |t| {
        let (wang, _) = amy_asks(t, |l| l).await;
        let chen = t.staff("alpha", "Chen").await;
        let mail = told(t, &wang.email, "感應器沒有反應").await;
        arrives(t, &Letter::by_staff(&wang, &mail, "/note 這戶還沒付款\n先別修")).await;
        let note = told(t, &chen.email, "這戶還沒付款").await;
        let top = note.text.lines().find(|l| !l.trim().is_empty() && !l.starts_with("##")).expect("it has a first line").to_owned();
        assert!(top.contains("內部備註"), "it says so before all else: {}", note.text);
        assert!(note.html.find("客戶不會收到") < note.html.find("這戶還沒付款"));
        arrives(t, &Letter::by_staff(&chen, &note, "那我打電話問他")).await;
        let found = t.discussion(1).await;
        let inside: Vec<_> = posts(&found).iter().map(|p| p["internal"].clone()).collect();
        assert_eq!(inside, [false, true, true]);
        assert_eq!(bodies(&found)[1], "這戶還沒付款\n先別修");
        t.until_all_is_told().await;
        stays("the client hears nothing", async || t.mail.sent_to(AMY).await.is_empty()).await;
    });
}

#[test]
fn one_click_turns_a_discussions_mails_off_and_its_page_on_again() {
    journey(async |t| {
        let (wang, _) = amy_asks(t, |l| l).await;
        let mail = told(t, &wang.email, "感應器沒有反應").await;
        assert_eq!(mail.header("List-Id"), "<discussion-1.example.com>");
        assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        let link = mail.header("List-Unsubscribe");
        let path = link.trim_matches(['<', '>']).strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("it leads to us: {link}")).to_owned();
        let stranger = Browser::stranger(t);
        assert_eq!(stranger.get(&path).await.status, 200);
        t.api.post("/discussions/1/posts", &json!({"body": "看了一眼"})).await.expect(201);
        told(t, &wang.email, "看了一眼").await;
        // A mail program does it by itself: no session, no redirect.
        let off = stranger.post(&path, &[("List-Unsubscribe", "One-Click")]).await;
        assert_eq!(off.status, 200);
        assert!(!off.html.contains("大門") && !off.html.contains("Wang"), "whoever has the link learns no more than the number");
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        told(t, AMY, "師傅明天到").await;
        t.until_all_is_told().await;
        stays("he hears no more", async || !t.mail.sent_to(&wang.email).await.iter().any(|m| m.text.contains("師傅明天到"))).await;
        let dropped = t.notices(1).await.into_iter().find(|n| n["target"] == wang.email.as_str() && n["status"] == "dropped");
        assert!(dropped.is_some_and(|n| n["last_error"].as_str().is_some_and(|e| e.contains("turned"))), "the list says why");
        assert_eq!(stranger.post(&path, &[("mail", "on")]).await.status, 200);
        t.api.post("/discussions/1/posts", &json!({"body": "後天才到"})).await.expect(201);
        told(t, &wang.email, "後天才到").await;
        assert_eq!(stranger.post("/mail/aaaaaaaaaaaaaaaaaaaaaaaa", &[("mail", "off")]).await.status, 404);
    });
}

fn small_picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(vec![]);
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut bytes, image::ImageFormat::Png).expect("it can be written");
    bytes.into_inner()
}

#[test]
fn small_pictures_travel_in_the_mail_and_come_back_only_once() {
    journey(async |t| {
        let picture = small_picture();
        let (wang, _) = amy_asks(t, |l| l.attach("門.png", "image/png", &picture).attach("單據.pdf", "application/pdf", b"%PDF-1.4")).await;
        let mail = told(t, &wang.email, "感應器沒有反應").await;
        let parsed = mail_parser::MessageParser::default().parse(&mail.raw).expect("it is a mail");
        let inside: Vec<_> = parsed.parts.iter().filter(|p| p.contents() == picture.as_slice()).collect();
        assert_eq!(inside.len(), 1);
        assert!(mail.html.contains("src=\"cid:picture-") && mail.html.contains("單據.pdf"), "{}", mail.html);
        assert!(!String::from_utf8_lossy(&mail.raw).contains("application/pdf"), "other files are links");
        // Outlook sends the pictures of what it quotes along.
        let answer = Letter::by_staff(&wang, &mail, "看起來是電池").attach("image001.png", "image/png", &picture);
        arrives(t, &answer.attach("報價.pdf", "application/pdf", b"%PDF-1.5")).await;
        let found = t.discussion(1).await;
        let files: Vec<_> = posts(&found)[1]["attachments"].as_array().expect("files").iter().map(|f| f["name"].clone()).collect();
        assert_eq!(files, ["報價.pdf"]);
        let order = Letter::by_staff(&wang, &mail, "/close").attach("image001.png", "image/png", &picture);
        assert_eq!(arrives(t, &order).await["status"], "done");
        let found = t.discussion(1).await;
        assert_eq!((&found["status"], posts(&found).len()), (&json!("closed"), 2));
    });
}

#[test]
fn people_of_the_project_in_copy_follow_the_discussion() {
    journey(async |t| {
        let copies = format!("鮑伯 <{BOB}>, eve@elsewhere.example, wang@example.com");
        let (wang, asks) = amy_asks(t, |l| l.header("Cc", &copies)).await;
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        for address in [AMY, BOB] {
            told(t, address, "師傅明天到").await;
        }
        t.until_all_is_told().await;
        assert!(t.mail.sent_to("eve@elsewhere.example").await.is_empty(), "who belongs to no project hears nothing");
        let watchers = t.discussion(1).await["watchers"].clone();
        assert_eq!(watchers.as_array().map(|all| all.iter().map(|w| w["name"].clone()).collect::<Vec<_>>()), Some(vec![json!("鮑伯")]));
        t.api.post("/discussions/1/posts", &json!({"body": "客人很急", "internal": true})).await.expect(201);
        told(t, &wang.email, "客人很急").await;
        stays("notes are not for them", async || t.mail.sent_to(BOB).await.len() == 1).await;
        let page = Browser::log_in(t, &wang).await;
        let shown = page.get("/d/1").await;
        let person = shown.part("name=\"person\" value=\"", "\">").rsplit('"').next().expect("a value").to_owned();
        assert_eq!(page.post("/d/1/watch", &[("person", &person)]).await.status, 303);
        // The next mail names him in copy again; he was taken off by a person.
        let again = Letter::new(AMY, "補充", "還有後門").header("In-Reply-To", &format!("<{}>", asks.message_id)).header("Cc", BOB);
        arrives(t, &again).await;
        t.api.post("/discussions/1/posts", &json!({"body": "後門也看"})).await.expect(201);
        told(t, AMY, "後門也看").await;
        t.until_all_is_told().await;
        assert_eq!(t.mail.sent_to(BOB).await.len(), 1);
    });
}

#[test]
fn a_colleague_follows_and_leaves_a_discussion_on_its_page() {
    journey(async |t| {
        amy_asks(t, |l| l).await;
        t.until_all_is_told().await;
        let before = t.mail.sent_to("boss@example.com").await.len();
        let boss = Browser::boss(t).await;
        assert_eq!(boss.post("/d/1/watch", &[("watch", "1")]).await.status, 303);
        let amy_says = async |text: &str| arrives(t, &Letter::new(AMY, "RE: [#1] 大門感應器壞了", text)).await;
        amy_says("電池換過了").await;
        told(t, "boss@example.com", "電池換過了").await;
        assert_eq!(boss.post("/d/1/watch", &[("watch", "0")]).await.status, 303);
        amy_says("還是不行").await;
        told(t, "wang@example.com", "還是不行").await;
        t.until_all_is_told().await;
        assert_eq!(t.mail.sent_to("boss@example.com").await.len(), before + 1);
        let amy = Browser::stranger(t);
        assert_eq!(amy.post("/d/1/watch", &[("watch", "1")]).await.status, 303, "nobody without a session: to the login page");
    });
}

const PASSED_ON: &str = "/assign\n這位客人很急，請優先\n\n---------- Forwarded message ---------\n寄件者： 陳美珍 <amy@client.example>\n\
                         Date: 2026年11月20日 週五 下午3:12\nSubject: 大門壞了\nTo: Wang <wang@example.com>\n\n\n您好，大門打不開。\n";

#[test]
fn a_clients_mail_that_a_colleague_passes_on_is_the_clients_discussion() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", "@client.example").await;
        let wang = t.staff("alpha", "Wang").await;
        let row = arrives(t, &Letter::new(&wang.email, "Fwd: 大門壞了", PASSED_ON).named("Wang").proven()).await;
        assert_eq!((&row["status"], &row["discussion"]), (&json!("done"), &json!(1)), "{row}");
        let found = t.discussion(1).await;
        assert_eq!((&found["title"], &found["project"], &found["assignee"]), (&json!("大門壞了"), &json!("alpha"), &json!(wang.email)));
        let all = posts(&found);
        assert_eq!((&all[0]["author"], &all[0]["body_text"]), (&json!({"name": "陳美珍", "role": "client"}), &json!("您好，大門打不開。")));
        assert_eq!((&all[1]["author"]["name"], &all[1]["internal"]), (&json!("Wang"), &json!(true)));
        assert_eq!(all[1]["body_text"], "這位客人很急，請優先");
        let opened = found["events"].as_array().expect("events").iter().find(|e| e["kind"] == "passed_on").cloned();
        assert_eq!(opened.map(|e| e["by"].clone()), Some(json!("Wang")), "{found}");
        assert!(Browser::log_in(t, &wang).await.get("/d/1").await.html.contains("Wang 轉寄了客戶的來信"));
        let amy = t.client_with_token("alpha", AMY).await;
        let seen = amy.get("/discussions/1").await.expect(200).to_string();
        assert!(seen.contains("大門打不開") && !seen.contains("很急"), "the colleague's own words are not hers to read: {seen}");
        t.api.post("/discussions/1/posts", &json!({"body": "師傅明天到"})).await.expect(201);
        let answer = told(t, AMY, "師傅明天到").await;
        assert!(!answer.text.contains("很急"));
        assert_eq!(arrives(t, &Letter::answering(&answer, AMY, "謝謝")).await["discussion"], 1);
    });
}

#[test]
fn what_is_passed_on_from_elsewhere_or_by_anybody_stays_its_senders() {
    journey(async |t| {
        t.project("alpha").await;
        t.sender("alpha", "@client.example").await;
        t.project("beta").await;
        let other = t.staff("beta", "Other").await;
        // Not a colleague of that client's project.
        let row = arrives(t, &Letter::new(&other.email, "Fwd: 大門壞了", PASSED_ON).proven()).await;
        let found = t.discussion(row["discussion"].as_i64().expect("a number")).await;
        assert_eq!((&found["project"], &posts(&found)[0]["author"]["name"]), (&json!("triage"), &json!("Other")));
        // A client who passes a colleague's or another's mail on is its author.
        let row = arrives(t, &Letter::new("carol@client.example", "Fwd: 大門壞了", PASSED_ON).named("Carol").proven()).await;
        let found = t.discussion(row["discussion"].as_i64().expect("a number")).await;
        assert_eq!((&found["project"], &posts(&found)[0]["author"]["name"]), (&json!("alpha"), &json!("Carol")));
        // Without proof it is held, whatever it holds.
        let row = arrives(t, &Letter::new(&other.email, "Fwd: 大門壞了", PASSED_ON)).await;
        assert_eq!(row["status"], "held");
    });
}

#[test]
fn a_mail_reopens_what_was_done_lately_and_goes_on_after_long() {
    journey(async |t| {
        let (wang, asks) = amy_asks(t, |l| l).await;
        let again = |text: &str| Letter::new(AMY, "Re: [#1] 大門感應器壞了", text).header("In-Reply-To", &format!("<{}>", asks.message_id));
        let close = async |number: i64| {
            t.api.patch(&format!("/discussions/{number}"), &json!({"status": "closed"})).await.expect(200);
        };
        close(1).await;
        assert_eq!(arrives(t, &again("又壞了")).await["discussion"], 1);
        assert_eq!(t.discussion(1).await["status"], "open");
        close(1).await;
        let mail = told(t, &wang.email, "又壞了").await;
        t.change_database("UPDATE discussions SET last_post_at = last_post_at - 3456000000000").await;
        t.change_database("UPDATE discussion_events SET at = at - 3456000000000").await;
        // A colleague may still add to it.
        assert_eq!(arrives(t, &Letter::by_staff(&wang, &mail, "/note 補記：換了電池")).await["discussion"], 1);
        t.change_database("UPDATE discussions SET last_post_at = last_post_at - 3456000000000").await;
        assert_eq!(arrives(t, &again("一個月後又壞了")).await["discussion"], 2);
        let (old, new) = (t.discussion(1).await, t.discussion(2).await);
        assert_eq!(
            (&old["status"], &new["status"], &new["title"], &new["project"]),
            (&json!("closed"), &json!("open"), &old["title"], &json!("alpha"))
        );
        assert_eq!(bodies(&new), ["一個月後又壞了"]);
        let link = |of: &Value, kind: &str| {
            of["events"].as_array().expect("events").iter().find(|e| e["kind"] == kind).cloned().unwrap_or_default()
        };
        assert_eq!((&link(&new, "continues")["from"], &link(&old, "continued_in")["to"]), (&json!(1), &json!(2)));
        let page = Browser::log_in(t, &wang).await;
        assert!(page.get("/d/2").await.html.contains("<a href=\"/d/1\">#1</a>"));
        assert!(page.get("/d/1").await.html.contains("<a href=\"/d/2\">#2</a>"));
        // What answers the old one once more goes on where it went on.
        assert_eq!(arrives(t, &again("還是一樣")).await["discussion"], 2);
    });
}

#[test]
fn a_project_says_how_long_it_reopens() {
    journey(async |t| {
        let (_, asks) = amy_asks(t, |l| l).await;
        assert_eq!(t.api.get("/projects/alpha").await.expect(200)["reopen_days"], 30);
        t.api.patch("/projects/alpha", &json!({"reopen_days": -1})).await.expect_problem(422);
        t.api.patch("/projects/alpha", &json!({"reopen_days": 3651})).await.expect_problem(422);
        assert_eq!(t.api.patch("/projects/alpha", &json!({"reopen_days": 60})).await.expect(200)["reopen_days"], 60);
        t.api.patch("/discussions/1", &json!({"status": "resolved"})).await.expect(200);
        t.change_database("UPDATE discussions SET last_post_at = last_post_at - 3456000000000").await;
        t.change_database("UPDATE discussion_events SET at = at - 3456000000000").await;
        let again = Letter::new(AMY, "大門", "又壞了").header("In-Reply-To", &format!("<{}>", asks.message_id));
        assert_eq!(arrives(t, &again).await["discussion"], 1);
        let boss = Browser::boss(t).await;
        assert_eq!(boss.post("/projects/alpha/reopen", &[("days", "7")]).await.status, 303);
        assert_eq!(t.api.get("/projects/alpha").await.expect(200)["reopen_days"], 7);
        assert_eq!(boss.post("/projects/alpha/reopen", &[("days", "x")]).await.status, 400);
    });
}

#[test]
fn who_follows_a_discussion_follows_what_it_is_merged_into() {
    journey(async |t| {
        amy_asks(t, |l| l.header("Cc", BOB)).await;
        assert_eq!(arrives(t, &Letter::new(AMY, "電梯", "電梯也壞了")).await["discussion"], 2);
        t.api.post("/discussions/1/merge", &json!({"into": 2})).await.expect(200);
        t.api.post("/discussions/2/posts", &json!({"body": "兩件一起修"})).await.expect(201);
        for address in [AMY, BOB] {
            told(t, address, "兩件一起修").await;
        }
    });
}
