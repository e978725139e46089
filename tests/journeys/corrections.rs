//! Corrections on top of corrections, by several people, taken back in any order.

use serde_json::{Value, json};
use threadline::channels::line::commands::Tap;
use threadline::domain::{LineChatId, LineUserId};
use threadline::simulator::Say;

use crate::support::mail::Letter;
use crate::support::pages::Browser;
use crate::support::{TestApp, bodies, eventually, journey, number, posts};

fn id_of(discussion: &Value, body: &str) -> String {
    let found = posts(discussion).iter().find(|p| p["body_text"] == body).unwrap_or_else(|| panic!("{body} is missing in {discussion}"));
    found["id"].as_str().expect("a post has an id").to_owned()
}

/// Two discussions: `#1` with three posts, `#2` with one.
async fn two(t: &TestApp) -> (LineChatId, LineUserId) {
    let (chat, lin) = t.project_with_group("alpha").await;
    t.said_before(&chat, &lin, "頂樓漏水").await;
    t.discussion_where("頂樓漏水").await;
    for text in ["#1 水塔旁邊", "#1 拍了照片"] {
        t.said_before(&chat, &lin, text).await;
        t.discussion_where(text).await;
    }
    t.say(&chat, &lin, "另外請問上個月的發票什麼時候寄？").await;
    assert_eq!(number(&t.discussion_where("另外請問上個月的發票什麼時候寄？").await), 2);
    (chat, lin)
}

/// Two groups of the project `alpha`, each with its client; there is a project `beta`, too.
async fn two_groups(t: &TestApp) -> (LineChatId, LineUserId, LineChatId, LineUserId) {
    t.project("alpha").await;
    t.project("beta").await;
    let (lin, he) = (t.line.person("林小姐"), t.line.person("何先生"));
    let (first, second) = (t.line.group("林宅", std::slice::from_ref(&lin)), t.line.group("何宅", std::slice::from_ref(&he)));
    t.bind("alpha", &first).await;
    t.bind("alpha", &second).await;
    (first, lin, second, he)
}

async fn undo(t: &TestApp, corrected: &Value) -> crate::support::api::Answer {
    t.api.post(&format!("/corrections/{}/undo", corrected["correction"]), &json!({})).await
}

#[test]
fn corrections_on_top_of_each_other_are_undone_in_any_order() {
    journey(async |t| {
        two(t).await;
        let whole = t.discussion(1).await;
        let (tower, photo) = (id_of(&whole, "#1 水塔旁邊"), id_of(&whole, "#1 拍了照片"));
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [tower, photo]})).await.expect(200);
        assert_eq!((number(&split), split["title"].as_str()), (3, Some("水塔旁邊")));
        let moved = t.api.post(&format!("/posts/{tower}/move"), &json!({"to": 2})).await.expect(200);
        // The lower one first: what has gone on stays there, until that is undone, too; then it is where it was before both.
        undo(t, &split).await.expect(200);
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水", "#1 拍了照片"]);
        assert_eq!(bodies(&t.discussion(2).await), ["#1 水塔旁邊", "另外請問上個月的發票什麼時候寄？"]);
        undo(t, &moved).await.expect(200);
        assert_eq!(bodies(&t.discussion(1).await), bodies(&whole));
        assert_eq!(number(&t.discussion(3).await), 1, "the number of the split leads back");
        // All of it has gone on: the one on top is undone first.
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [photo]})).await.expect(200);
        let merged = t.api.post(&format!("/discussions/{}/merge", number(&split)), &json!({"into": 2})).await.expect(200);
        undo(t, &split).await.expect_problem(422);
        undo(t, &merged).await.expect(200);
        undo(t, &split).await.expect(200);
        assert_eq!(bodies(&t.discussion(1).await), bodies(&whole));
    });
}

/// A discussion with these posts, opened on the page.
async fn opened(t: &TestApp, said: &[&str]) -> i64 {
    let new = json!({"project": "alpha", "title": said[0], "body": said[0]});
    let number = number(&t.api.post("/discussions", &new).await.expect(201));
    for body in &said[1..] {
        t.api.post(&format!("/discussions/{number}/posts"), &json!({"body": body})).await.expect(201);
    }
    number
}

#[test]
fn two_corrections_undone_in_the_order_in_which_they_were_made_leave_nothing_behind() {
    journey(async |t| {
        t.project("alpha").await;
        let merge =
            async |from: i64, into: i64| t.api.post(&format!("/discussions/{from}/merge"), &json!({"into": into})).await.expect(200);
        let split = async |from: i64, body: &str| {
            let id = id_of(&t.discussion(from).await, body);
            t.api.post(&format!("/discussions/{from}/split"), &json!({"post_ids": [id]})).await.expect(200)
        };
        let a = opened(t, &["甲", "甲二", "甲三"]).await;
        let b = opened(t, &["乙", "乙二"]).await;
        let whole = async || (bodies(&t.discussion(a).await), bodies(&t.discussion(b).await));
        let before = whole().await;
        // A post that is moved away, and the rest that goes elsewhere.
        let third = id_of(&t.discussion(a).await, "甲三");
        let c = opened(t, &["丙"]).await;
        let moved = t.api.post(&format!("/posts/{third}/move"), &json!({"to": c})).await.expect(200);
        let merged = merge(a, b).await;
        undo(t, &moved).await.expect(200);
        assert_eq!(bodies(&t.discussion(b).await).len(), 5, "it follows the rest");
        undo(t, &merged).await.expect(200);
        assert_eq!(whole().await, before);
        // Something that is merged into what a split has made.
        let made = split(a, "甲三").await;
        let merged = merge(b, number(&made)).await;
        undo(t, &made).await.expect(200);
        undo(t, &merged).await.expect(200);
        assert_eq!(whole().await, before);
        assert_eq!(number(&t.discussion(number(&made)).await), a, "its number leads back");
        // The rest goes into what the split has made.
        let made = split(a, "甲三").await;
        let merged = merge(a, number(&made)).await;
        undo(t, &made).await.expect(200);
        assert_eq!(number(&t.discussion(a).await), number(&made), "all of it is there still");
        undo(t, &merged).await.expect(200);
        assert_eq!(whole().await, before);
        assert_eq!(number(&t.discussion(number(&made)).await), a);
        assert_eq!(t.discussions().await.len(), 3);
    });
}

#[test]
fn a_discussion_that_an_undone_move_left_empty_leads_on_and_comes_back() {
    journey(async |t| {
        t.project("alpha").await;
        let (a, b) = (opened(t, &["甲", "甲二"]).await, opened(t, &["乙", "乙二"]).await);
        let second = id_of(&t.discussion(b).await, "乙二");
        let moved = t.api.post(&format!("/posts/{second}/move"), &json!({"to": a})).await.expect(200);
        let whole = t.discussion(a).await;
        let chosen = json!({"post_ids": [id_of(&whole, "甲"), id_of(&whole, "甲二")]});
        let split = t.api.post(&format!("/discussions/{a}/split"), &chosen).await.expect(200);
        undo(t, &moved).await.expect(200);
        assert_eq!(number(&t.discussion(a).await), number(&split), "nothing is left there");
        undo(t, &split).await.expect(200);
        assert_eq!((bodies(&t.discussion(a).await), bodies(&t.discussion(b).await).len()), (vec!["甲".to_owned(), "甲二".to_owned()], 2));
    });
}

#[test]
fn what_is_said_by_a_number_goes_wherever_that_number_leads_whatever_is_undone() {
    journey(async |t| {
        let (chat, lin) = two(t).await;
        let third = opened(t, &["丙"]).await;
        let into = async |from: i64, to: i64| t.api.post(&format!("/discussions/{from}/merge"), &json!({"into": to})).await.expect(200);
        let (lower, upper) = (into(2, 1).await, into(1, third).await);
        for text in ["#2 抬頭要改", "#2 統編也要"] {
            t.say(&chat, &lin, text).await;
            assert_eq!(number(&t.discussion_where(text).await), third);
        }
        let title = id_of(&t.discussion(third).await, "#2 抬頭要改");
        let fourth = opened(t, &["丁"]).await;
        let moved = t.api.post(&format!("/posts/{title}/move"), &json!({"to": fourth})).await.expect(200);
        undo(t, &upper).await.expect(200);
        assert_eq!(bodies(&t.discussion(third).await), ["丙"]);
        assert_eq!(number(&t.discussion_where("#2 統編也要").await), 1, "2 leads to 1 still");
        undo(t, &lower).await.expect(200);
        undo(t, &moved).await.expect(200);
        assert_eq!(bodies(&t.discussion(2).await), ["另外請問上個月的發票什麼時候寄？", "#2 抬頭要改", "#2 統編也要"]);
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水", "#1 水塔旁邊", "#1 拍了照片"]);
    });
}

#[test]
fn a_group_that_goes_to_another_project_takes_along_its_own_words_alone() {
    journey(async |t| {
        let (first, lin, second, he) = two_groups(t).await;
        for (chat, who, text) in [(&first, &lin, "頂樓漏水"), (&second, &he, "廚房插座沒有電")] {
            t.say(chat, who, text).await;
            t.discussion_where(text).await;
        }
        let (leak, socket) = (number(&t.discussion_where("頂樓漏水").await), number(&t.discussion_where("廚房插座沒有電").await));
        // Each says something of the other's matter, by its number; one of them is put elsewhere since.
        let (of_socket, of_leak) = (format!("#{socket} 林宅也停電"), format!("#{leak} 何宅也漏水"));
        t.say(&first, &lin, &of_socket).await;
        t.say(&second, &he, &of_leak).await;
        assert_eq!(number(&t.discussion_where(&of_socket).await), socket);
        assert_eq!(number(&t.discussion_where(&of_leak).await), leak);
        let chosen = json!({"post_ids": [id_of(&t.discussion(socket).await, &of_socket)]});
        let put_apart = t.api.post(&format!("/discussions/{socket}/split"), &chosen).await.expect(200);
        t.api.post(&format!("/discussions/{leak}/merge"), &json!({"into": socket})).await.expect(200);
        t.bind("beta", &second).await;
        let (leak, socket) = (t.discussion(leak).await, t.discussion(socket).await);
        assert_eq!((leak["project"].as_str(), bodies(&leak)), (Some("alpha"), vec!["頂樓漏水".to_owned()]));
        assert_eq!((socket["project"].as_str(), bodies(&socket)), (Some("beta"), vec!["廚房插座沒有電".to_owned()]));
        for (said, project) in [(&of_socket, "alpha"), (&of_leak, "beta")] {
            let apart = t.discussion_where(said).await;
            assert_eq!((apart["project"].as_str(), bodies(&apart)), (Some(project), vec![said.clone()]), "{apart}");
        }
        // What is corrected from now on is undone to where it stands now.
        let apart = t.discussion_where(&of_leak).await;
        let moved = t.api.post(&format!("/posts/{}/move", id_of(&apart, &of_leak)), &json!({"to": number(&socket)})).await.expect(200);
        undo(t, &moved).await.expect(200);
        assert_eq!(number(&t.discussion_where(&of_leak).await), number(&apart));
        // What was corrected between them before was undone when they parted, and is not undone twice.
        undo(t, &put_apart).await.expect_problem(422);
        assert_eq!(bodies(&t.discussion(number(&socket)).await), ["廚房插座沒有電"]);
    });
}

#[test]
fn a_discussion_of_which_only_others_words_are_left_stays_with_its_group() {
    journey(async |t| {
        let (first, lin, second, he) = two_groups(t).await;
        for (chat, who, text) in [(&first, &lin, "頂樓漏水"), (&second, &he, "廚房插座沒有電")] {
            t.said_before(chat, who, text).await;
            t.discussion_where(text).await;
        }
        let leak = t.discussion_where("頂樓漏水").await;
        let socket = number(&t.discussion_where("廚房插座沒有電").await);
        t.api.patch(&format!("/discussions/{}", number(&leak)), &json!({"title": "內部：林宅"})).await.expect(200);
        let of_leak = format!("#{} 何宅也漏水", number(&leak));
        t.say(&second, &he, &of_leak).await;
        t.discussion_where(&of_leak).await;
        let away = opened(t, &["林宅的事"]).await;
        let opening = id_of(&leak, "頂樓漏水");
        t.api.post(&format!("/posts/{opening}/move"), &json!({"to": away})).await.expect(200);
        t.deliver(&t.line.tap(&second, Some(&he), &Tap::Reply(number(&leak)).data())).await;
        t.say(&second, &he, "廚房也會滴水，麻煩一起看").await;
        assert_eq!(number(&t.discussion_where("廚房也會滴水，麻煩一起看").await), number(&leak));
        t.bind("beta", &second).await;
        let leak = t.discussion(number(&leak)).await;
        assert_eq!((leak["project"].as_str(), number(&leak)), (Some("alpha"), away), "it leads on to where its words are");
        let his = t.discussion_where("廚房也會滴水，麻煩一起看").await;
        assert_eq!((his["project"].as_str(), bodies(&his).len()), (Some("beta"), 2), "{his}");
        assert_ne!(number(&his), socket);
    });
}

#[test]
fn no_title_goes_along_that_was_drawn_from_another_groups_words() {
    journey(async |t| {
        let (first, lin, second, he) = two_groups(t).await;
        t.said_before(&first, &lin, "頂樓漏水").await;
        let leak = t.discussion_where("頂樓漏水").await;
        t.say(&first, &lin, &format!("#{} 水塔旁邊", number(&leak))).await;
        t.said_before(&second, &he, "廚房插座沒有電").await;
        let socket = t.discussion_where("廚房插座沒有電").await;
        let moved = json!({"to": number(&socket)});
        t.api.post(&format!("/posts/{}/move", id_of(&leak, "頂樓漏水")), &moved).await.expect(200);
        let own = json!({"post_ids": [id_of(&socket, "廚房插座沒有電")]});
        let split = t.api.post(&format!("/discussions/{}/split", number(&socket)), &own).await.expect(200);
        assert_eq!(t.discussion(number(&socket)).await["title"], "頂樓漏水", "nothing else is left there");
        t.bind("beta", &second).await;
        assert_eq!(number(&t.discussion(number(&socket)).await), number(&split));
        let all = t.discussions().await;
        let gone: Vec<&Value> = all.iter().filter(|d| d["project"] == "beta").collect();
        assert!(!gone.is_empty() && gone.iter().all(|d| d["title"] == "廚房插座沒有電"), "{gone:?}");
        assert_eq!(bodies(&t.discussion(number(&leak)).await).len(), 2);
    });
}

#[test]
fn a_discussion_that_is_left_without_a_post_leads_on_though_what_went_had_no_words() {
    journey(async |t| {
        let (first, lin, second, he) = two_groups(t).await;
        t.said_before(&first, &lin, "頂樓漏水").await;
        let leak = t.discussion_where("頂樓漏水").await;
        let tap = t.line.tap(&second, Some(&he), &Tap::Reply(number(&leak)).data());
        t.deliver(&tap).await;
        t.settled(&tap.id).await;
        t.deliver(&t.line.sticker(&second, Some(&he), &[], None)).await;
        let sticker = eventually("the sticker is filed", async || posts(&t.discussion(number(&leak)).await).get(1).cloned()).await;
        assert_eq!(sticker["body_text"], "");
        let away = opened(t, &["林宅的事"]).await;
        let moved = json!({"to": away});
        t.api.post(&format!("/posts/{}/move", id_of(&leak, "頂樓漏水")), &moved).await.expect(200);
        t.bind("beta", &second).await;
        let leak = t.discussion(number(&leak)).await;
        assert_eq!((number(&leak), bodies(&leak).len()), (away, 2), "{leak}");
    });
}

#[test]
fn a_title_that_is_kept_for_an_undo_is_forgotten_with_the_other_groups_words() {
    journey(async |t| {
        let (first, lin, second, he) = two_groups(t).await;
        t.said_before(&second, &he, "廚房插座沒有電").await;
        let socket = t.discussion_where("廚房插座沒有電").await;
        let path = format!("/discussions/{}", number(&socket));
        for (chat, who, text) in [(&first, &lin, "林宅也停電"), (&second, &he, "浴室也沒有電")] {
            let text = format!("#{} {text}", number(&socket));
            t.say(chat, who, &text).await;
            t.discussion_where(&text).await;
        }
        let own = json!({"post_ids": [id_of(&socket, "廚房插座沒有電")]});
        t.api.post(&format!("{path}/split"), &own).await.expect(200);
        assert_eq!(t.discussion(number(&socket)).await["title"], "林宅也停電");
        // A colleague's title takes the place of that one, which is kept.
        t.api.patch(&path, &json!({"title": "何宅：停電"})).await.expect(200);
        t.bind("beta", &second).await;
        let boss = Browser::boss(t).await;
        let page = boss.get(&path.replace("/discussions/", "/d/")).await.html;
        let rename = page.split("action=\"/corrections/").nth(1).and_then(|rest| rest.split('"').next()).expect("it can be undone");
        assert_eq!(boss.post(&format!("/corrections/{rename}"), &[]).await.status, 303);
        let named = t.discussion(number(&socket)).await;
        assert_eq!((named["project"].as_str(), named["title"].as_str()), (Some("beta"), Some("浴室也沒有電")));
    });
}

#[test]
fn what_had_ended_in_another_groups_matter_lives_again_when_its_group_goes() {
    journey(async |t| {
        let (first, lin, second, he) = two_groups(t).await;
        t.said_before(&first, &lin, "頂樓漏水").await;
        let leak = number(&t.discussion_where("頂樓漏水").await);
        // The tap comes after the words, which have opened a discussion by then.
        let late = t.line.tap(&second, Some(&he), &Tap::Reply(leak).data());
        t.say(&second, &he, "何宅也漏水").await;
        let his = number(&t.discussion_where("何宅也漏水").await);
        assert_ne!(his, leak);
        t.deliver(&late).await;
        t.settled(&late.id).await;
        assert_eq!(number(&t.discussion(his).await), leak, "its number leads on");
        t.bind("beta", &second).await;
        let again = t.discussion(his).await;
        assert_eq!((number(&again), again["project"].as_str(), bodies(&again)), (his, Some("beta"), vec!["何宅也漏水".to_owned()]));
        assert_eq!(bodies(&t.discussion(leak).await), ["頂樓漏水"]);
    });
}

#[test]
fn a_title_that_a_person_gave_later_stands_whatever_is_undone_below_it() {
    journey(async |t| {
        two(t).await;
        let whole = t.discussion(1).await;
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [id_of(&whole, "頂樓漏水")]})).await.expect(200);
        assert_eq!(t.discussion(1).await["title"], "水塔旁邊", "drawn anew from what is left");
        let boss = Browser::boss(t).await;
        for title in ["屋頂", "屋頂漏水"] {
            t.api.patch("/discussions/1", &json!({"title": title})).await.expect(200);
        }
        let undone = undo(t, &split).await.expect(200);
        assert_eq!((undone["title"].as_str(), bodies(&undone)), (Some("屋頂漏水"), bodies(&whole)));
        // The two that gave the titles, the later at the front.
        for title in ["屋頂", "頂樓漏水"] {
            let page = boss.get("/d/1").await.html;
            let path = page.split("action=\"/corrections/").nth(1).and_then(|rest| rest.split('"').next()).expect("it can be undone");
            assert_eq!(boss.post(&format!("/corrections/{path}"), &[]).await.status, 303);
            assert_eq!(t.discussion(1).await["title"], title);
            // A second tap finds it as it should be.
            assert_eq!(boss.post(&format!("/corrections/{path}"), &[]).await.status, 303);
        }
    });
}

#[test]
fn a_merge_undone_gives_back_who_follows_what_waits_and_what_was_meant_for_it() {
    journey(async |t| {
        let (chat, lin) = two(t).await;
        let wang = t.staff("alpha", "Wang").await;
        let boss = Browser::boss(t).await;
        assert_eq!(boss.post("/d/2/watch", &[("watch", "1")]).await.status, 303);
        t.mail.arrives(&Letter::new(&wang.email, "Re: [#2] 發票", "已寄出")).await;
        let held = eventually("the mail waits", async || t.api.items("/inbound?status=held").await.into_iter().next()).await;
        assert_eq!(held["discussion"], 2);
        let merged = t.api.post("/discussions/2/merge", &json!({"into": 1})).await.expect(200);
        assert_eq!(t.api.items("/inbound?status=held").await[0]["discussion"], 1);
        assert_eq!(t.discussion(1).await["watchers"].as_array().map(Vec::len), Some(1));
        let asked = t.say(&chat, &lin, "#2 抬頭要改").await;
        assert_eq!(number(&t.discussion_where("#2 抬頭要改").await), 1);
        t.mail.arrives(&Letter::new(&wang.email, "Re: [#2] 發票", "月底前寄").proven()).await;
        assert_eq!(number(&t.discussion_where("月底前寄").await), 1);
        t.say(&chat, &lin, "還有 #2 的金額也請再算一次").await;
        assert_eq!(number(&t.discussion_where("還有 #2 的金額也請再算一次").await), 1);
        let quote = Say { quote: asked.message.clone(), ..Say::default() };
        t.say_as(&chat, Some(&lin), "統編也要", quote).await;
        assert_eq!(number(&t.discussion_where("統編也要").await), 1);
        undo(t, &merged).await.expect(200);
        let mut meant = bodies(&t.discussion(2).await);
        // A mail's own clock says when it was written.
        meant.sort_unstable();
        assert_eq!(meant, ["#2 抬頭要改", "另外請問上個月的發票什麼時候寄？", "月底前寄", "統編也要", "還有 #2 的金額也請再算一次"]);
        assert_eq!(bodies(&t.discussion(1).await), ["頂樓漏水", "#1 水塔旁邊", "#1 拍了照片"]);
        assert_eq!(t.api.items("/inbound?status=held").await[0]["discussion"], 2);
        let follow = async |n| t.discussion(n).await["watchers"].as_array().map_or(0, Vec::len);
        assert_eq!((follow(1).await, follow(2).await), (0, 1));
    });
}

#[test]
fn of_two_colleagues_who_answer_the_same_the_first_is_heard_and_the_other_is_told() {
    journey(async |t| {
        two(t).await;
        t.change_database(
            "UPDATE posts SET class = 'likely', evidence = '{\"rule\":\"threader\",\"class\":\"likely\",\"percent\":60,\
             \"why\":[{\"why\":\"latest\"}],\"alternatives\":[2]}' WHERE body = '#1 拍了照片'",
        )
        .await;
        let photo = id_of(&t.discussion(1).await, "#1 拍了照片");
        let (wang, chen) = (t.staff("alpha", "Wang").await, t.staff("alpha", "Chen").await);
        let (wang, chen) = (t.browser(&wang).await, t.browser(&chen).await);
        assert!(chen.get("/unsure").await.html.contains("name=\"was\" value=\"1\""));
        let place = format!("/posts/{photo}/place");
        let answer = |to: &'static str| vec![("number", to), ("with", "burst"), ("back", "unsure"), ("was", "1")];
        let done = wang.post(&place, &answer("2")).await;
        assert!(done.location.starts_with(&format!("/unsure?done={photo}&undo=")), "{}", done.location);
        let page = wang.get(&done.location).await.html;
        assert!(page.contains("拍了照片") && page.contains("/d/2#post-") && page.contains("?back=unsure"), "{page}");
        // The same again, by whomever, is no trouble; another answer is not taken, and says so.
        assert_eq!(chen.post(&place, &answer("2")).await.location, format!("/unsure?done={photo}"));
        let late = chen.post(&place, &[("to", "new"), ("with", "burst"), ("back", "unsure"), ("was", "1")]).await;
        assert_eq!(late.location, format!("/unsure?late={photo}"));
        assert!(chen.get(&late.location).await.html.contains("已經有人先回答了"));
        assert_eq!(bodies(&t.discussion(2).await).len(), 2);
        assert_eq!(t.discussions().await.len(), 2, "nothing was opened");
        // What the first did is theirs to undo, and then it is asked again.
        let undo = page.split("action=\"").find(|a| a.starts_with("/corrections/")).and_then(|a| a.split('"').next()).expect("a way back");
        assert_eq!(wang.post(undo, &[]).await.location, "/unsure");
        assert!(wang.get("/unsure").await.html.contains("拍了照片"));
        t.change_database("UPDATE corrections SET at = at - 2678400000000, undone_at = NULL").await;
        let old = wang.post(undo, &[]).await;
        assert!(old.status == 422 && old.html.contains("超過 30 天"), "{} {}", old.status, old.html);
    });
}

#[test]
fn a_note_that_is_split_off_gives_no_title_that_clients_read() {
    journey(async |t| {
        two(t).await;
        t.api.post("/discussions/1/posts", &json!({"body": "這個客戶很急，報價先加三成", "internal": true})).await.expect(201);
        let note = id_of(&t.discussion(1).await, "這個客戶很急，報價先加三成");
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [note]})).await.expect(200);
        assert_eq!(split["title"], "未命名的討論");
        undo(t, &split).await.expect(200);
        // Nor does one that is left alone.
        t.api.post("/discussions", &json!({"project": "alpha", "title": "", "body": "x"})).await.expect_problem(422);
        let all: Vec<String> = bodies(&t.discussion(1).await).into_iter().filter(|b| !b.contains("很急")).collect();
        for said in &all {
            let id = id_of(&t.discussion(1).await, said);
            t.api.post(&format!("/posts/{id}/move"), &json!({"to": 2})).await.expect(200);
        }
        let left = t.discussion(1).await;
        assert_eq!((left["title"].as_str(), bodies(&left).len()), (Some("未命名的討論"), 1));
    });
}

#[test]
fn a_burst_that_is_split_off_is_called_by_what_it_says_and_who_was_told_goes_along() {
    journey(async |t| {
        let (chat, lin) = two(t).await;
        let wang = t.staff("alpha", "Wang").await;
        for text in ["#1 您好", "#1 想請問發票開了沒，會計在催"] {
            t.say(&chat, &lin, text).await;
            t.discussion_where(text).await;
        }
        t.until_all_is_told().await;
        let whole = t.discussion(1).await;
        let (hello, invoice) = (id_of(&whole, "#1 您好"), id_of(&whole, "#1 想請問發票開了沒，會計在催"));
        let split = t.api.post("/discussions/1/split", &json!({"post_ids": [hello, invoice]})).await.expect(200);
        assert_eq!(split["title"], "發票開了沒，會計在催");
        let number = number(&split);
        let told = t.api.items(&format!("/deliveries?discussion={number}&target={}", wang.email)).await;
        assert!(told.iter().any(|n| n["status"] == "sent"), "{told:?}");
        let page = Browser::boss(t).await.get(&format!("/d/{number}")).await;
        assert!(page.part(&format!("post-{invoice}"), "</li>").contains("Wang"), "{}", page.html);
    });
}

#[test]
fn what_quotes_a_moved_post_goes_back_with_it() {
    journey(async |t| {
        let (chat, lin) = two(t).await;
        let said = t.say(&chat, &lin, "#1 水塔蓋子也破了").await;
        let post = id_of(&t.discussion_where("#1 水塔蓋子也破了").await, "#1 水塔蓋子也破了");
        let moved = t.api.post(&format!("/posts/{post}/move"), &json!({"to": 2})).await.expect(200);
        let quote = t.say_as(&chat, Some(&lin), "這個什麼時候修？", Say { quote: said.message.clone(), ..Say::default() }).await;
        assert_eq!(number(&t.discussion_where("這個什麼時候修？").await), 2);
        t.say_as(&chat, Some(&lin), "越快越好", Say { quote: quote.message.clone(), ..Say::default() }).await;
        assert_eq!(number(&t.discussion_where("越快越好").await), 2);
        undo(t, &moved).await.expect(200);
        let back = bodies(&t.discussion(1).await);
        assert!(["#1 水塔蓋子也破了", "這個什麼時候修？", "越快越好"].iter().all(|b| back.contains(&(*b).to_owned())), "{back:?}");
        assert_eq!(bodies(&t.discussion(2).await).len(), 1);
    });
}

#[test]
fn an_open_matter_that_a_client_joins_to_one_that_is_done_opens_it_and_undoing_closes_it() {
    journey(async |t| {
        let (chat, lin) = two(t).await;
        t.api.patch("/discussions/1", &json!({"status": "closed"})).await.expect(200);
        let tap = t.line.tap(&chat, Some(&lin), &Tap::Join(2).data());
        t.deliver(&tap).await;
        t.settled(&tap.id).await;
        let joined = t.discussion(2).await;
        assert_eq!((number(&joined), joined["status"].as_str()), (1, Some("open")));
        let page = Browser::boss(t).await;
        let html = page.get("/d/1").await.html;
        let undo = html.split("action=\"/corrections/").nth(1).and_then(|rest| rest.split('"').next()).expect("it can be undone");
        assert_eq!(page.post(&format!("/corrections/{undo}"), &[]).await.status, 303);
        assert_eq!((&t.discussion(1).await["status"], &t.discussion(2).await["status"]), (&"closed".into(), &"open".into()));
        // Where another has been joined since, its question stands.
        let chen = t.line.person("陳先生");
        t.deliver(&t.line.member_joined(&chat, std::slice::from_ref(&chen))).await;
        t.say(&chat, &chen, "大家好，會議室的冷氣不冷，麻煩派人來修").await;
        let third = number(&t.discussion_where("大家好，會議室的冷氣不冷，麻煩派人來修").await);
        assert_eq!(third, 3);
        for joined in [2, third] {
            let tap = t.line.tap(&chat, Some(&lin), &Tap::Join(joined).data());
            t.deliver(&tap).await;
            t.settled(&tap.id).await;
            assert_eq!((number(&t.discussion(joined).await), &t.discussion(1).await["status"]), (1, &"open".into()));
        }
        let corrections = page.get("/d/1").await.html;
        let ids: Vec<&str> = corrections.split("action=\"/corrections/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let first = ids.iter().min_by_key(|id| id.split('/').next().and_then(|n| n.parse::<i64>().ok())).expect("both can be undone");
        assert_eq!(page.post(&format!("/corrections/{first}"), &[]).await.status, 303);
        assert_eq!(t.discussion(1).await["status"], "open", "{first} of {ids:?}: {}", t.discussion(1).await["events"]);
    });
}

#[test]
fn two_colleagues_who_move_posts_between_two_groups_at_once_do_not_hinder_each_other() {
    const ROUNDS: usize = 8;
    journey(async |t| {
        two(t).await;
        let he = t.line.person("何先生");
        let chat = t.line.group("何宅", std::slice::from_ref(&he));
        t.bind("alpha", &chat).await;
        for text in ["廚房插座沒有電", "#3 冰箱那一邊"] {
            t.said_before(&chat, &he, text).await;
            t.discussion_where(text).await;
        }
        let whole = [t.discussion(1).await, t.discussion(3).await];
        let (tower, fridge) = (id_of(&whole[0], "#1 水塔旁邊"), id_of(&whole[1], "#3 冰箱那一邊"));
        for _ in 0..ROUNDS {
            let there = async |post: &str, to: i64| t.api.post(&format!("/posts/{post}/move"), &json!({"to": to})).await.expect(200);
            let moved = tokio::join!(there(&tower, 3), there(&fridge, 1));
            assert!(bodies(&t.discussion(3).await).contains(&"#1 水塔旁邊".to_owned()));
            let back = tokio::join!(undo(t, &moved.0), undo(t, &moved.1));
            assert_eq!((back.0.status, back.1.status), (200, 200), "{} {}", back.0.body, back.1.body);
        }
        assert_eq!([bodies(&t.discussion(1).await), bodies(&t.discussion(3).await)], whole.map(|d| bodies(&d)));
    });
}
