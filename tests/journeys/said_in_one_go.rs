//! What one person sends within a minute is one: the next line may tell where the one before it belongs.

use jiff::{SignedDuration, Timestamp};
use threadline::clock::Clock;
use threadline::domain::{LineChatId, LineUserId};
use threadline::simulator::{Say, Upload};

use crate::support::{TestApp, bodies, journey, number};

/// A time of today's talk: so many seconds after it began half an hour ago.
fn at(second: i64) -> Timestamp {
    Clock::wall().now() - SignedDuration::from_mins(30) + SignedDuration::from_secs(second)
}

async fn says(t: &TestApp, chat: &LineChatId, who: &LineUserId, second: i64, text: &str) {
    let event = t.say_as(chat, Some(who), text, Say { at: Some(at(second)), ..Say::default() }).await;
    t.settled(&event.id).await;
}

#[test]
fn a_line_goes_where_the_next_of_its_author_shows_that_it_belongs() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        says(t, &chat, &lin, 0, "三樓冷氣壞了，可以派人來看嗎？").await;
        says(t, &chat, &lin, 900, "還沒收到耶").await;
        says(t, &chat, &lin, 910, "請問八月的發票跟對帳單什麼時候會寄？").await;
        let invoice = t.discussion_where("請問八月的發票跟對帳單什麼時候會寄？").await;
        assert_eq!(bodies(&invoice), ["還沒收到耶", "請問八月的發票跟對帳單什麼時候會寄？"]);
        let aircon = t.discussion_where("三樓冷氣壞了，可以派人來看嗎？").await;
        assert_eq!(bodies(&aircon), ["三樓冷氣壞了，可以派人來看嗎？"]);
        assert_eq!(t.discussions().await.len(), 2);
        assert_ne!(number(&invoice), number(&aircon));
    });
}

#[test]
fn a_discussion_that_a_line_opened_alone_ends_where_the_next_belongs() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        says(t, &chat, &lin, 0, "三樓冷氣壞了，可以派人來看嗎？").await;
        says(t, &chat, &lin, 900, "師傅走了以後又開始了").await;
        says(t, &chat, &lin, 920, "三樓冷氣還是一直滴水").await;
        let aircon = t.discussion_where("三樓冷氣壞了，可以派人來看嗎？").await;
        assert_eq!(bodies(&aircon), ["三樓冷氣壞了，可以派人來看嗎？", "師傅走了以後又開始了", "三樓冷氣還是一直滴水"]);
        assert_eq!(t.discussions().await.len(), 1);
    });
}

#[test]
fn a_picture_that_opens_a_discussion_takes_its_title_from_the_words_that_follow() {
    journey(async |t| {
        let (chat, lin) = t.project_with_group("alpha").await;
        let picture = t.line.image(&chat, Some(&lin), Upload::new("image/jpeg", vec![1, 2, 3]));
        t.deliver(&picture).await;
        t.settled(&picture.id).await;
        assert_eq!(t.discussion(1).await["title"], "圖片");
        let words = t.say(&chat, &lin, "這張打樣的顏色不對，可以重印嗎？").await;
        t.settled(&words.id).await;
        let found = t.discussion(1).await;
        assert_eq!((found["title"].as_str(), bodies(&found).len()), (Some("這張打樣的顏色不對，可以重印嗎？"), 2));
        let unsend = t.line.unsend(words.message_id());
        t.deliver(&unsend).await;
        t.settled(&unsend.id).await;
        assert_eq!(t.discussion(1).await["title"], "圖片", "what was taken back is in no title");
    });
}
