use std::path::PathBuf;

use super::*;
use crate::channels::line::wire;
use crate::domain::Mentioned;

const BOT: &str = "U00c0ffee00c0ffee00c0ffee00c0ffee";
const AMY: &str = "U11111111aaaa2222bbbb3333cccc4444";
const GROUP: &str = "C0a1b2c3d4e5f60718293a4b5c6d7e8f9";

fn incomings(name: &str) -> Vec<Incoming> {
    let path = format!("{}/tests/fixtures/line/{name}.json", env!("CARGO_MANIFEST_DIR"));
    of_body(&std::fs::read(path).unwrap())
}

fn of_body(body: &[u8]) -> Vec<Incoming> {
    let events = wire::events(body).unwrap();
    let incomings: Vec<_> = events.iter().map(|e| normalise(&e.raw, Some(BOT))).collect();
    for (event, incoming) in events.iter().zip(&incomings) {
        assert_eq!(event.external_id, incoming.external_id);
        assert_eq!(event.at_ms, incoming.at.as_millisecond());
        assert_eq!(event.chat_key, incoming.chat.as_ref().map_or("", |c| c.id.as_str()));
        assert_eq!(event.has_reply_token && !incoming.standby, incoming.reply_token.is_some());
    }
    incomings
}

fn saids(name: &str) -> Vec<Said> {
    let said = |i: Incoming| match i.act {
        Act::Say(said) => said,
        other => panic!("{other:?}"),
    };
    incomings(name).into_iter().map(said).collect()
}

#[test]
fn a_text_in_a_group_says_who_said_what_where() {
    let all = incomings("text_in_group");
    let [one] = &all[..] else { panic!("{all:?}") };
    assert_eq!(one.chat, Some(IncomingChat { kind: ChatKind::Group, id: GROUP.into() }));
    assert_eq!(one.author, Some(AMY.into()));
    assert_eq!(one.at.to_string(), "2026-11-18T11:06:41Z");
    assert_eq!(one.reply_token.as_deref(), Some("0000000000000000000000000abc0001"));
    let Act::Say(said) = &one.act else { panic!("{one:?}") };
    assert_eq!(said.message.as_str(), "7001");
    assert_eq!(said.text, "報價單的第二頁金額好像不對，\n可以幫忙確認嗎？");
    assert_eq!((said.kind.as_str(), said.mentions_bot, said.unsupported), ("text", false, false));
    assert_eq!((&said.quotes, &said.attachment), (&None, &None));
}

#[test]
fn only_the_bots_own_mention_counts() {
    assert!(saids("text_mentions_bot")[0].mentions_bot);
    assert!(!saids("text_mentions_others")[0].mentions_bot);
    let by_id = format!(
        r#"{{"type":"message","message":{{"id":"1","type":"text","text":"@x","mention":{{"mentionees":[1,{{"userId":"{BOT}"}}]}}}}}}"#
    );
    for (bot, expected) in [(Some(BOT), true), (None, false)] {
        assert!(matches!(normalise(&by_id, bot).act, Act::Say(said) if said.mentions_bot == expected));
    }
}

#[test]
fn a_quote_names_the_quoted_message() {
    assert_eq!(saids("text_quotes")[0].quotes, Some("7001".into()));
    assert_eq!(saids("stickers")[1].quotes, Some("7001".into()));
}

#[test]
fn an_author_may_be_absent() {
    assert_eq!(incomings("text_without_author")[0].author, None);
}

#[test]
fn half_a_surrogate_pair_does_not_lose_the_event() {
    assert_eq!(saids("text_half_surrogate")[0].text, "好的\u{fffd} 🤨\\ud83e \u{fffd}!");
}

#[test]
fn files_get_plain_names_and_say_where_they_lie() {
    let files: Vec<_> = saids("pictures_and_files").into_iter().map(|s| s.attachment.unwrap()).collect();
    let names: Vec<_> = files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["image-7010.jpg", "image-7011.jpg", "video-7012.mp4", "audio-7013.m4a", "第一版fdp.合約 (final).pdf", "file-7015"]);
    let types: Vec<_> = files.iter().map(|f| f.content_type.as_str()).collect();
    assert_eq!(types, ["image/jpeg", "image/jpeg", "video/mp4", "audio/mp4", "application/octet-stream", "application/octet-stream"]);
    assert_eq!(files[1].at, LineContent::External { url: "https://img.example.net/原圖.png".to_owned() });
    assert!(files.iter().enumerate().all(|(i, f)| i == 1 || f.at == LineContent::Line));
    assert_eq!((files[0].size, files[4].size), (None, Some(88_123)));
}

#[test]
fn a_long_file_name_keeps_its_extension() {
    let name = plain_name(&format!("{}.tar.gz", "報".repeat(100)));
    assert!(name.len() <= NAME_BYTES_MAX && name.ends_with("報.gz"), "{name}");
    assert_eq!(plain_name("C:\\Users\\amy\\a\u{0}b\r\n.txt "), "ab.txt");
    for nothing in ["", ".", "..", "a/", " \u{202e} ", "..."] {
        assert_eq!(plain_name(nothing), "", "{nothing:?}");
    }
}

#[test]
fn an_external_file_without_a_link_is_shown_as_unsupported() {
    for url in ["", "javascript:alert(1)", "ftp://example.net/x"] {
        let event = format!(
            r#"{{"type":"message","message":{{"id":"1","type":"image","contentProvider":{{"type":"external","originalContentUrl":"{url}"}}}}}}"#
        );
        assert!(matches!(normalise(&event, None).act, Act::Say(said) if said.unsupported && said.attachment.is_none()), "{url}");
    }
}

#[test]
fn a_sticker_reads_as_its_text_or_first_keyword() {
    let texts: Vec<_> = saids("stickers").into_iter().map(|s| (s.text, s.unsupported)).collect();
    assert_eq!(texts, [("辛苦了！".to_owned(), false), ("OK".to_owned(), false), (String::new(), false)]);
}

#[test]
fn a_place_reads_as_its_lines_and_a_link() {
    let texts: Vec<_> = saids("locations").into_iter().map(|s| s.text).collect();
    assert_eq!(texts[0], "倉庫\n桃園市觀音區經建四路 9 號\n25.0345,121.1327\nhttps://www.google.com/maps?q=25.0345,121.1327");
    assert_eq!(texts[1], "高雄港\n22.6,120.25\nhttps://www.google.com/maps?q=22.6,120.25");
}

#[test]
fn taking_back_and_editing_name_their_message() {
    let acts: Vec<_> = incomings("unsend_and_edit").into_iter().map(|i| i.act).collect();
    let [Act::Unsend { message }, Act::Edit(said)] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!((message.as_str(), said.message.as_str(), said.text.as_str()), ("7001", "7004", "更正：是上一份"));
}

#[test]
fn comings_and_goings_are_told_apart() {
    let all = incomings("comings_and_goings");
    let acts: Vec<_> = all.iter().map(|i| i.act.clone()).collect();
    let ben = "U55555555dddd6666eeee7777ffff8888";
    assert_eq!(
        acts,
        [
            Act::BotJoined,
            Act::MembersJoined(vec![AMY.into(), ben.into()]),
            Act::MembersLeft(vec![ben.into()]),
            Act::BotLeft,
            Act::BotJoined
        ]
    );
    assert_eq!(all[4].chat.as_ref().map(|c| c.kind), Some(ChatKind::Room));
}

#[test]
fn a_users_own_chat_is_a_chat_too() {
    let all = incomings("one_to_one");
    assert!(all.iter().all(|i| i.chat == Some(IncomingChat { kind: ChatKind::User, id: AMY.into() }) && i.author == Some(AMY.into())));
    assert_eq!(all[0].act, Act::Followed);
    assert_eq!(all[2].act, Act::Tapped { data: "d=12&a=resolved".to_owned() });
    assert_eq!(all[3].act, Act::Unfollowed);
}

#[test]
fn on_standby_nothing_can_be_answered() {
    let all = incomings("standby");
    assert!(all[0].standby && all[0].reply_token.is_none());
}

#[test]
fn the_old_consoles_dummy_tokens_answer_nothing() {
    assert!(incomings("old_console_dummies").iter().all(|i| i.reply_token.is_none() && i.external_id.starts_with("sha256:")));
}

#[test]
fn what_we_do_not_know_is_kept_under_its_name() {
    let all = incomings("strange_events");
    let kinds: Vec<String> = all
        .iter()
        .map(|i| match &i.act {
            Act::Unsupported { kind } => kind.clone(),
            Act::Signal(signal) => signal.kind().to_owned(),
            Act::Say(said) => format!("{}:{}:{}", said.kind, said.unsupported, said.text),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "message",
        "unknown",
        "unknown",
        "unknown",
        "unknown",
        "unknown",
        "brandNewThing",
        "hologram:true:",
        "text:true:",
        "message",
        "accountLink",
        "unknown",
        "text:false:最後這則仍要讀得到",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(all[12].chat, None);
}

#[test]
fn depth_and_length_are_no_obstacle() {
    let deep = format!("{}{}", "{\"a\":".repeat(3_000), format_args!("1{}", "}".repeat(3_000)));
    let event = format!(r#"{{"type":"message","x":{deep},"message":{{"id":7,"type":"text","text":"在","y":{deep}}}}}"#);
    assert!(matches!(normalise(&event, None).act, Act::Say(said) if said.text == "在" && said.message.as_str() == "7"));
    let long = format!(r#"{{"type":"{}"}}"#, "長".repeat(10_000));
    assert_eq!(normalise(&long, None).act, Act::Unsupported { kind: "長".repeat(KIND_CHARS_MAX) });
}

/// Bodies in LINE's documented shapes, kept outside this repository; their names begin with a number and tell what they show.
#[test]
fn the_documented_bodies_all_become_incomings() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/line-events");
    let folder = std::env::var("THREADLINE_LINE_EVENTS").map_or_else(|_| PathBuf::from(beside), PathBuf::from);
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: there are no LINE events in {}", folder.display());
        return;
    };
    let mut seen = Vec::new();
    for path in files.map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "json")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let words: Vec<String> = of_body(&std::fs::read(&path).unwrap()).iter().map(|i| word(&i.act)).collect();
        seen.push(format!("{} {}", &name[..2], words.join(" ")));
    }
    seen.sort();
    let said = |from: u32, to: u32, word: &'static str| (from..=to).map(move |n| format!("{n:02} {word}"));
    let line = |s: &str| [s.to_owned()].into_iter();
    let expected: Vec<String> = line("01 ")
        .chain(line("02 text sticker"))
        .chain(said(3, 10, "text"))
        .chain(said(11, 14, "image"))
        .chain(
            [
                "15 video",
                "16 audio",
                "17 file",
                "18 location",
                "19 sticker",
                "20 sticker",
                "21 unsend",
                "22 unsend text",
                "23 edit",
                "24 edit edit",
            ]
            .map(String::from),
        )
        .chain(
            ["25 joined", "26 left", "27 came2", "28 went1", "29 tapped", "30 tapped", "31 tapped", "32 followed followed unfollowed"]
                .map(String::from),
        )
        .chain(
            ["33 text", "34 text text came1 text", "35 text", "36 greatNewFeature? unknownunknownuknown? sticker text", "37 joined text"]
                .map(String::from),
        )
        .chain(["38 accountLink accountLink", "39 videoPlayComplete beacon membership delivery"].map(String::from))
        .chain(line("40 module module activated deactivated botSuspended botResumed"))
        .collect();
    assert_eq!(seen, expected);
}

fn word(act: &Act) -> String {
    match act {
        Act::Say(said) => format!("{}{}", said.kind, if said.unsupported { "?" } else { "" }),
        Act::Edit { .. } => "edit".to_owned(),
        Act::Unsend { .. } => "unsend".to_owned(),
        Act::BotJoined => "joined".to_owned(),
        Act::BotLeft => "left".to_owned(),
        Act::MembersJoined(people) => format!("came{}", people.len()),
        Act::MembersLeft(people) => format!("went{}", people.len()),
        Act::Followed => "followed".to_owned(),
        Act::Unfollowed => "unfollowed".to_owned(),
        Act::Tapped { .. } => "tapped".to_owned(),
        Act::Signal(signal) => signal.kind().to_owned(),
        Act::Unsupported { kind } => format!("{kind}?"),
    }
}

#[test]
fn what_is_told_beside_words_is_named_in_words() {
    let told = |event: &str| match normalise(event, None).act {
        Act::Signal(signal) => signal.in_words(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        told(r#"{"type":"accountLink","link":{"result":"ok","nonce":"n"}}"#),
        "accountLink: a user linked their account; no part of the record"
    );
    assert!(told(r#"{"type":"accountLink","link":7}"#).contains("could not"));
    assert!(told(r#"{"type":"beacon","beacon":{"hwid":"d41d8cd98f","type":"enter"}}"#).contains("d41d8cd98f\" (enter)"));
    assert!(told(r#"{"type":"module","module":{"type":"detached"}}"#).contains("detached"));
    for kind in ["videoPlayComplete", "membership", "delivery", "module", "activated", "deactivated", "botSuspended", "botResumed"] {
        assert!(told(&format!(r#"{{"type":"{kind}"}}"#)).starts_with(&format!("{kind}: ")));
    }
}

#[test]
fn an_edit_reads_as_the_message_does_and_only_of_a_text() {
    let event = |kind: &str| {
        format!(
            r#"{{"type":"messageEdited","message":{{"id":"7","type":"{kind}","text":"@a 好","mention":{{"mentionees":[{{"index":0,"length":2,"type":"all"}}]}}}}}}"#
        )
    };
    let Act::Edit(said) = normalise(&event("text"), None).act else { panic!("no edit") };
    assert_eq!((said.text.as_str(), said.details.mentions.len()), ("@a 好", 1));
    assert_eq!(normalise(&event("image"), None).act, Act::Unsupported { kind: "messageEdited".into() });
}

#[test]
fn details_tell_mentions_emoji_sticker_place_and_set() {
    let of = |message: &str| match normalise(&format!(r#"{{"type":"message","message":{message}}}"#), Some(BOT)).act {
        Act::Say(said) => said,
        other => panic!("{other:?}"),
    };
    let text = of(&format!(
        r#"{{"id":"1","type":"text","text":"\ud83e\udd28 @小牽 @班 (love)","mention":{{"mentionees":[{{"index":3,"length":3,"type":"user","userId":"{BOT}"}},
        {{"index":7,"length":2,"type":"user"}},{{"index":7,"length":2,"type":"all"}},{{"index":99,"length":2,"type":"all"}},{{"index":-1,"length":2}}]}},
        "emojis":[{{"index":10,"length":6,"productId":"p","emojiId":"001"}}]}}"#
    ));
    let part = |span: crate::domain::Span| span.of(&text.text).map(|r| &text.text[r]);
    let marked: Vec<_> = text.details.mentions.iter().map(|m| (part(m.at), m.whom.clone())).collect();
    assert_eq!(marked, [(Some("@小牽"), Mentioned::Bot), (Some("@班"), Mentioned::Somebody), (Some("@班"), Mentioned::All)]);
    assert_eq!(text.details.emoji.iter().map(|e| (part(e.at), e.emoji.as_str())).collect::<Vec<_>>(), [(Some("(love)"), "001")]);
    let sticker =
        of(r#"{"id":"1","type":"sticker","packageId":1,"stickerId":"2","stickerResourceType":"HOLOGRAM","keywords":["hi","yo"]}"#);
    let kept = sticker.details.sticker.unwrap();
    assert_eq!((kept.package.as_str(), kept.resource.as_str(), kept.keywords.len()), ("1", "HOLOGRAM", 2));
    let place = of(r#"{"id":"1","type":"location","address":"台北","latitude":25.5,"longitude":121.5}"#).details.place.unwrap();
    assert_eq!((place.title, place.degrees), (None, Some((25.5, 121.5))));
    let set = of(r#"{"id":"1","type":"image","imageSet":{"id":"S","index":2,"total":0}}"#).details.image_set.unwrap();
    assert_eq!((set.id.as_str(), set.index, set.total), ("S", Some(2), None));
    assert_eq!(of(r#"{"id":"1","type":"video","duration":60000}"#).details.duration_ms, Some(60_000));
}

proptest::proptest! {
    #[test]
    fn any_text_becomes_an_incoming(text in "(?s).*", kind in "message|unsend|memberJoined|messageEdited|postback", of in "text|image|location|sticker|file", value in r#"null|1|-1e999|"x"|\[1,\{\}\]|\{"type":"external"\}"#) {
        normalise(&text, None);
        let fields = ["id", "text", "fileName", "fileSize", "contentProvider", "mention", "keywords", "latitude", "longitude", "quotedMessageId"];
        let fields: String = fields.map(|f| format!(r#""{f}":{value},"#)).concat();
        for event in [format!(r#"{{"type":"{kind}","message":{{{fields}"type":"{of}"}},"source":{value},"joined":{value},"unsend":{value}}}"#), format!(r#"{{"type":"{kind}","message":{value}}}"#)] {
            normalise(&event, Some("U1"));
        }
    }
}
