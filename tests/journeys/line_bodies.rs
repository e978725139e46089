//! Every kind of webhook body that LINE documents, and some that it does not: what each event leads to.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use threadline::channels::line::normalise::normalise;
use threadline::channels::line::wire;
use threadline::domain::{Act, Inbox, LineMessageId};
use threadline::store::inbound::InboundStatus;

use crate::support::ACCOUNT;
use crate::support::still::{StillApp, Whole};

/// Something is kept of it and nothing is posted; how it is worded is another test's matter.
const RECORD: &str = "record";

fn run(test: impl AsyncFnOnce()) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be built").block_on(test());
}

/// Posts each body in turn, each placed before the next comes, and compares what every event of it led to.
async fn compare(folder: &Path, table: &[(&str, &[&str])]) {
    let app = StillApp::at("2026-11-21T06:00:00Z").await;
    let mut wrong = String::new();
    for (name, expected) in table {
        let body = fs::read(folder.join(format!("{name}.json"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(app.webhook(&body).await, 200, "{name} is not taken in");
        app.place_all().await;
        let mut led_to = vec![];
        for event in wire::events(&body).expect("a webhook") {
            led_to.push(outcome(&app, &event.raw).await);
        }
        let fits = |(line, expected): (&String, &&str)| match *expected {
            RECORD => line.starts_with("done:") || line.starts_with("ignored:"),
            other => line == other,
        };
        if led_to.len() != expected.len() || !led_to.iter().zip(*expected).all(fits) {
            writeln!(wrong, "(\"{name}\", &{led_to:?}),").expect("a string takes everything");
        }
    }
    app.end().await;
    assert!(wrong.is_empty(), "these lead to something else:\n{wrong}");
}

/// The post that an event is about as it stands now, or what was recorded of the event.
async fn outcome(app: &StillApp, event: &str) -> String {
    let incoming = normalise(event, None);
    let row = app.listed(&incoming.external_id).await;
    assert!(!matches!(row.status, InboundStatus::Received | InboundStatus::Failed), "{row:?}");
    let message = match &incoming.act {
        Act::Unsend { message } => Some(message),
        _ => incoming.message(),
    };
    let chat = match &incoming.chat {
        Some(of) => app.chat(&Inbox::line(ACCOUNT), &of.id).await,
        None => None,
    };
    let post = match (&chat, message) {
        (Some(chat), Some(message)) => app.post_of(chat, LineMessageId::as_str(message)).await,
        _ => None,
    };
    let recorded = || format!("{}: {}", row.status, row.note.clone().unwrap_or_default());
    post.map_or_else(recorded, |p| in_words(&p))
}

/// `image +3 edited: TEXT`
fn in_words(whole: &Whole) -> String {
    let post = &whole.post;
    let mut words = post.kind.clone();
    let files: Vec<&str> = whole.files.iter().map(|(_, status, _)| status.as_str()).collect();
    if !files.is_empty() {
        write!(words, " [{}]", files.join(" ")).expect("a string takes everything");
    }
    for (mark, is) in [(" edited", post.edited_at.is_some()), (" edit-only", post.edit_only), (" taken back", post.retracted_at.is_some())]
    {
        if is {
            words.push_str(mark);
        }
    }
    write!(words, ": {}", post.body.replace('\n', "⏎")).expect("a string takes everything");
    words
}

#[test]
fn every_body_of_ours_leads_to_its_post_or_its_record() {
    run(async || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/line");
        let mut there: Vec<String> = fs::read_dir(&folder)
            .expect("the bodies are there")
            .map(|f| f.expect("it can be read").path().file_stem().expect("it has a name").to_string_lossy().into_owned())
            .collect();
        let mut listed: Vec<String> = OURS.iter().map(|(name, _)| (*name).to_owned()).collect();
        there.sort();
        listed.sort();
        assert_eq!(there, listed, "the table and the folder differ");
        compare(&folder, OURS).await;
    });
}

/// Bodies in LINE's documented shapes, kept outside this repository; their names begin with a number and tell what they show.
#[test]
fn every_documented_body_leads_to_its_post_or_its_record() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/line-events");
    let folder = std::env::var("THREADLINE_LINE_EVENTS").map_or_else(|_| PathBuf::from(beside), PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: there are no LINE events in {}", folder.display());
        return;
    }
    // Its secret is not ours: it is signed anew.
    run(async || compare(&folder, DOCUMENTED).await);
}

/// In the order in which they arrive.
const OURS: &[(&str, &[&str])] = &[
    ("empty_verify", &[]),
    ("text_in_group", &["text: 報價單的第二頁金額好像不對，⏎可以幫忙確認嗎？"]),
    ("text_mentions_bot", &["text: @客服小牽 請問週五前能出貨嗎"]),
    ("text_mentions_others", &["text: @阿德 你看一下"]),
    ("text_quotes", &["text: 對，就是這一份"]),
    ("text_without_author", &["text: 我是用電腦登入的"]),
    ("text_half_surrogate", &["text: 好的� 🤨\\ud83e �!"]),
    (
        "pictures_and_files",
        &["image [waiting]: ", "image [external]: ", "video [waiting]: ", "audio [waiting]: ", "file [waiting]: ", "file [waiting]: "],
    ),
    ("stickers", &["sticker: 辛苦了！", "sticker: OK", "sticker: "]),
    (
        "locations",
        &[
            "location: 倉庫⏎桃園市觀音區經建四路 9 號⏎25.0345,121.1327⏎https://www.google.com/maps?q=25.0345,121.1327",
            "location: 高雄港⏎22.6,120.25⏎https://www.google.com/maps?q=22.6,120.25",
        ],
    ),
    ("unsend_and_edit", &["text taken back: ", "text edited: 更正：是上一份"]),
    ("comings_and_goings", &[RECORD, RECORD, RECORD, RECORD, RECORD]),
    ("one_to_one", &[RECORD, "text: 想請問保固多久", RECORD, RECORD]),
    ("standby", &["text: 這時由別的模組回覆"]),
    ("old_console_dummies", &["text: 舊版主控台的測試", "text: 舊版主控台的測試"]),
    (
        "strange_events",
        &[
            "ignored: message: it lacks what makes it one; its bytes are kept",
            "ignored: unknown: an event of a kind that we do not know; its bytes are kept",
            "ignored: unknown: an event of a kind that we do not know; its bytes are kept",
            "ignored: unknown: an event of a kind that we do not know; its bytes are kept",
            "ignored: unknown: an event of a kind that we do not know; its bytes are kept",
            "ignored: unknown: an event of a kind that we do not know; its bytes are kept",
            "ignored: brandNewThing: an event of a kind that we do not know; its bytes are kept",
            "unsupported:hologram: ",
            "unsupported:text: ",
            "ignored: message: it lacks what makes it one; its bytes are kept",
            "ignored: accountLink: a user could not link their account; no part of the record",
            "ignored: unknown: an event of a kind that we do not know; its bytes are kept",
            "ignored: message: it belongs to no chat of a kind that we know",
        ],
    ),
    ("mention_all_and_emoji", &["text: @All @阿德 早安！ (love)"]),
    ("mention_after_astral_escapes", &["text: 🤨🏢 @客服小牽 @電腦版 這個 {a} 怎麼辦 <b>&amp;\"\\"]),
    ("mention_positions_wild", &["text: @誰 在嗎"]),
    ("quote_of_what_was_before_us", &["text: 這是之前說的那件"]),
    ("sticker_quotes", &["sticker: OK"]),
    ("image_set_third", &["image [waiting]: "]),
    ("image_set_first", &["image [waiting waiting]: "]),
    ("image_set_second", &["image [waiting waiting waiting]: "]),
    ("image_set_without_index", &["image [waiting waiting]: ", "image [waiting waiting]: "]),
    ("image_set_picture_unsent", &["image [waiting withdrawn waiting]: "]),
    ("image_external", &["image [external]: "]),
    ("image_external_without_link", &["unsupported:image: "]),
    ("video", &["video [waiting]: "]),
    ("audio", &["audio [waiting]: "]),
    ("file", &["file [waiting]: "]),
    ("file_without_name", &["file [waiting]: "]),
    ("location_without_title", &["location: 台北市信義區市府路 1 號⏎25.03746,121.56446⏎https://www.google.com/maps?q=25.03746,121.56446"]),
    ("location_off_the_map", &["location: 火星"]),
    ("sticker_message", &["sticker: 週末⏎一起去吧"]),
    ("sticker_of_tomorrow", &["sticker: "]),
    ("unsend", &["text taken back: ", "text taken back: "]),
    ("unsend_first", &["text taken back: ", "text taken back: "]),
    ("unsend_twice", &["text taken back: ", "text taken back: ", "text taken back: "]),
    ("unsend_of_the_unknown", &["done: what was taken back is not in the record (yet): it will be a tombstone there"]),
    ("edit", &["text edited: 我星期四可以", "text edited: 我星期四可以"]),
    ("edits_newest_first", &["text edited: 三版", "text edited: 三版", "text edited: 三版"]),
    ("edit_without_its_message", &["text edited edit-only: 只有這次編輯送到了"]),
    ("edit_with_mention", &["text edited: @阿德 我星期五可以"]),
    ("edit_of_what_was_unsent", &["text taken back: "]),
    ("edit_without_text", &["ignored: messageEdited: it lacks what makes it one; its bytes are kept"]),
    ("join", &[RECORD]),
    ("members_joined", &[RECORD]),
    ("member_left", &[RECORD]),
    ("leave", &[RECORD]),
    ("tap", &[RECORD]),
    ("tap_without_author", &[RECORD]),
    ("tap_with_date", &[RECORD]),
    ("tap_without_words", &["ignored: postback: it lacks what makes it one; its bytes are kept"]),
    ("follow_and_unfollow", &[RECORD, RECORD, RECORD]),
    ("redelivery", &["text edited: @阿德 我星期五可以"]),
    ("several_chats", &["text: 甲群的話", "text: 乙群早一點的話", "text: 私訊"]),
    ("room", &[RECORD, "text: 多人聊天室的話"]),
    ("standby_picture", &["image [waiting]: "]),
    (
        "account_link",
        &[
            "ignored: accountLink: a user linked their account; no part of the record",
            "ignored: accountLink: a user could not link their account; no part of the record",
        ],
    ),
    (
        "told_of_users",
        &[
            "ignored: videoPlayComplete: a user saw the video \"clip-1\" to its end; no part of the record",
            "ignored: beacon: a user met the beacon \"d41d8cd98f\" (enter); no part of the record",
            "ignored: membership: a user's membership changed (joined); no part of the record",
            "ignored: delivery: a notification message was delivered; no part of the record",
        ],
    ),
    (
        "told_of_modules",
        &[
            "ignored: module: a module channel was attached to the account",
            "ignored: module: a module channel was detached from the account",
            "ignored: activated: a module channel answers in this chat from now on",
            "ignored: deactivated: the module channel no longer answers in this chat",
            "ignored: botSuspended: LINE has suspended the account",
            "ignored: botResumed: LINE lets the account work again",
        ],
    ),
    (
        "unknown_kinds",
        &[
            "ignored: greatNewFeature: an event of a kind that we do not know; its bytes are kept",
            "unsupported:hologram: ",
            "ignored: message: it belongs to no chat of a kind that we know",
            "text: 最後這則仍要讀得到",
        ],
    ),
];

/// Likewise.
const DOCUMENTED: &[(&str, &[&str])] = &[
    ("01-verify-empty-events", &[]),
    ("02-legacy-verify-dummy-tokens", &["text: Hello, world", "sticker: "]),
    ("03-user-text", &["text: 請問下週的管委會幾點開始？"]),
    ("04-group-text", &["text: 頂樓漏水又開始了，昨天雨很大⏎誰可以聯絡廠商？"]),
    ("05-group-text-mention-bot", &["text: @社區小幫手 幫我開一個討論：頂樓漏水"]),
    ("06-group-text-mention-all-user-emoji", &["text: @All @Ben 早安！ (love)"]),
    ("07-group-text-escaped-astral-mention", &["text: 🤨🏢 @社區小幫手 @PC使用者 這個 {a} 怎麼辦 <b>&amp;\"\\"]),
    ("08-group-text-quote-user-message", &["text: 我星期三可以陪同廠商上去看"]),
    ("09-group-text-quote-bot-and-mention", &["text: @社區小幫手 結案"]),
    ("10-group-text-no-userid", &["text: 我用電腦版發的"]),
    ("11-group-image-set-2-of-2", &["image [waiting]: "]),
    ("12-group-image-set-1-of-2", &["image [waiting waiting]: "]),
    ("13-group-image-set-id-only", &["image [waiting]: "]),
    ("14-group-image-external", &["image [external]: "]),
    ("15-group-video", &["video [waiting]: "]),
    ("16-group-audio", &["audio [waiting]: "]),
    ("17-group-file", &["file [waiting]: "]),
    (
        "18-group-location-no-title",
        &["location: 110 台北市信義區市府路1號⏎25.03746,121.56446⏎https://www.google.com/maps?q=25.03746,121.56446"],
    ),
    ("19-group-sticker-quote", &["sticker: cony"]),
    ("20-group-sticker-message-text", &["sticker: Let's⏎hang out⏎this weekend!"]),
    ("21-group-unsend", &["text taken back: "]),
    ("22-group-unsend-before-message", &["text taken back: ", "text taken back: "]),
    ("23-group-message-edited", &["text edited: 我星期四可以陪同廠商上去看"]),
    ("24-group-message-edited-out-of-order", &["text edited: 最後決定：星期五下午", "text edited: 最後決定：星期五下午"]),
    ("25-group-join", &[RECORD]),
    ("26-group-leave", &[RECORD]),
    ("27-group-member-joined", &[RECORD]),
    ("28-group-member-left", &[RECORD]),
    ("29-group-postback", &[RECORD]),
    ("30-group-postback-no-userid", &[RECORD]),
    ("31-user-postback-datetime", &[RECORD]),
    ("32-follow-unfollow", &[RECORD, RECORD, RECORD]),
    ("33-redelivery-of-04", &["text taken back: "]),
    ("34-multi-event-mixed-sources", &["text: A 群的訊息", "text: B 群的訊息（較早）", RECORD, "text: 私訊"]),
    ("35-standby-mode", &["text: 模組正在回覆時的訊息"]),
    (
        "36-unknown-event-and-types",
        &[
            "ignored: greatNewFeature: an event of a kind that we do not know; its bytes are kept",
            "ignored: message: it belongs to no chat of a kind that we know",
            "sticker: ",
            "text: 未知屬性仍要能讀",
        ],
    ),
    ("37-room-text-and-join", &[RECORD, "text: 多人聊天室"]),
    (
        "38-accountlink-ok-and-failed",
        &[
            "ignored: accountLink: a user linked their account; no part of the record",
            "ignored: accountLink: a user could not link their account; no part of the record",
        ],
    ),
    (
        "39-other-user-events",
        &[
            "ignored: videoPlayComplete: a user saw the video \"track-id\" to its end; no part of the record",
            "ignored: beacon: a user met the beacon \"d41d8cd98f\" (enter); no part of the record",
            "ignored: membership: a user's membership changed (joined); no part of the record",
            "ignored: delivery: a notification message was delivered; no part of the record",
        ],
    ),
    (
        "40-module-events",
        &[
            "ignored: module: a module channel was attached to the account",
            "ignored: module: a module channel was detached from the account",
            "ignored: activated: a module channel answers in this chat from now on",
            "ignored: deactivated: the module channel no longer answers in this chat",
            "ignored: botSuspended: LINE has suspended the account",
            "ignored: botResumed: LINE lets the account work again",
        ],
    ),
];
