//! Every card that the bot makes, from samples, in one language: to be looked at, and for whoever draws them anew.

use axum::Json;
use axum::extract::Query;
use serde_json::{Value, json};

use super::PageQuery;
use crate::channels::line::limits;
use crate::channels::line::render::{self, Card};
use crate::domain::Status;
use crate::i18n::Locale;

/// The page that the samples' links lead to.
const URL: &str = "https://support.example.com/d/";

/// `GET /demo/api/cards?lang=en`: `[{name, message, violations}]`, where `violations` is what LINE would refuse of it (nothing).
pub(super) async fn cards(Query(query): Query<PageQuery>) -> Json<Value> {
    Json(all(query.locale()))
}

pub(super) fn all(locale: Locale) -> Value {
    let told = |(name, message): (&str, Value)| {
        let violations = limits::check_messages(&json!([message]));
        json!({"name": name, "message": message, "violations": violations})
    };
    samples(locale).into_iter().map(told).collect()
}

/// What a client might ask in their own language: titles, an author and what they answered, and a title far too long for a card.
struct Sample {
    titles: [&'static str; 4],
    author: &'static str,
    excerpt: &'static str,
    long: &'static str,
}

fn sample(locale: Locale) -> Sample {
    match locale {
        Locale::ZhTw => Sample {
            titles: ["十月份的發票開好了嗎？", "上週訂的 20 箱濾紙何時到貨", "報價單版本", "二樓廁所漏水，請師傅來看"],
            author: "王經理",
            excerpt: "陳小姐您好，發票今天下午寄出電子檔，正本明天隨貨寄到店裡。",
            long: "早安～想請問十月份的發票開好了嗎？會計月底要結帳，可以的話請先寄電子檔給我，正本再跟下次的貨一起寄來就好，另外抬頭請幫忙改成新公司的名稱，謝謝您 🙏🙏🙏",
        },
        Locale::En => Sample {
            titles: [
                "Is the October invoice ready?",
                "When do the 20 boxes of filters arrive",
                "Which version of the quote",
                "Water leak on the second floor",
            ],
            author: "Wang (sales)",
            excerpt: "Hello, the invoice leaves by mail this afternoon, the paper copy comes with tomorrow's delivery.",
            long: "Good morning! Could you tell me whether the October invoice is ready? Our bookkeeper closes the month on Friday and would like to have the file before that, the paper copy can come later",
        },
        Locale::Ja => Sample {
            titles: ["十月分の請求書はできましたか", "先週注文したフィルター20箱の納期", "見積書の版について", "二階の水漏れを見てほしい"],
            author: "王（営業）",
            excerpt: "お世話になっております。請求書は本日午後にお送りします。原本は明日の便でお届けします。",
            long: "おはようございます。十月分の請求書はもうできていますでしょうか。経理が月末に締めますので、可能でしたら先に電子ファイルでお送りください。原本は次回の納品と一緒で構いません。",
        },
    }
}

fn samples(locale: Locale) -> Vec<(&'static str, Value)> {
    let sample = sample(locale);
    let urls: Vec<String> = (0..=15).map(|number| format!("{URL}{}", 120 + number)).collect();
    let card = |place: usize, status| Card {
        number: 120 + i64::try_from(place).unwrap_or_default(),
        title: sample.titles[place % sample.titles.len()],
        status,
        url: &urls[place],
        said_by: None,
        excerpt: None,
    };
    let answered = |place, status| Card { said_by: Some(sample.author), excerpt: Some(sample.excerpt), ..card(place, status) };
    let many = |count: usize| -> Vec<Card> { (1..=count).map(|place| card(place, Status::Open)).collect() };
    let all: Vec<Card> = Status::ALL.iter().enumerate().map(|(place, status)| card(place, *status)).collect();
    let (opened, answer) = (render::opened(locale, &many(1)), render::answered(locale, &[answered(2, Status::Waiting)]));
    let mut samples = vec![
        ("joined", render::joined(locale, URL, None)),
        ("opened", opened.clone()),
        ("opened_with_words", render::opened(locale, &[answered(1, Status::Open)])),
        ("opened_three", render::opened(locale, &many(3))),
        ("opened_fourteen", render::opened(locale, &many(14))),
        ("opened_long", render::opened(locale, &[Card { title: sample.long, excerpt: Some(sample.long), ..card(1, Status::Open) }])),
        ("answered", answer.clone()),
        ("answered_two", render::answered(locale, &[answered(1, Status::InProgress), answered(3, Status::Waiting)])),
        ("answered_quietly", render::answered(locale, &[card(2, Status::InProgress)])),
        ("status", render::status_changed(locale, &all)),
    ];
    samples.extend(render::combine(vec![opened, answer]).into_iter().map(|message| ("together", message)));
    samples
}
