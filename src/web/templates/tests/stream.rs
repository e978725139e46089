//! What the posts of a discussion and the form below them show to whom.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{at, post, told};
use crate::discussions::Held;
use crate::domain::{DeliveryStatus, Details, Gap, GapKind, PostId, Role, Via, Why};
use crate::i18n::Locale;
use crate::store::posts::Post;
use crate::store::versions::Version;
use crate::web::templates::Look;
use crate::web::templates::cost::{Cost, line as cost_line};
use crate::web::templates::post::{Beside, PostView, stream};
use crate::web::templates::told::NoticeView;

#[test]
fn what_a_colleagues_mail_quotes_is_not_for_clients() {
    let zone = TimeZone::UTC;
    let look = Look { locale: Locale::En, zone: &zone, now: at(0), viewer: None, is_admin: false, is_staff: false, held: 0 };
    let seen = |viewer: Role, author: Role| {
        let view = PostView {
            post: Post { role: author, ..post(1, "mail", "{}") },
            files: vec![],
            told: vec![],
            versions: vec![],
            names: BTreeMap::new(),
            others: vec![],
            opens: true,
            may_move: false,
            may_rest: false,
            elsewhere: None,
        };
        stream(&look, &[view], &[], &Beside::default(), viewer).into_string().contains("整封")
    };
    assert!(seen(Role::Staff, Role::Staff) && seen(Role::Staff, Role::Client) && seen(Role::Client, Role::Client));
    assert!(!seen(Role::Client, Role::Staff));
}

#[test]
fn a_gap_stands_where_something_may_be_missing_and_its_reason_is_for_staff() {
    let zone = TimeZone::UTC;
    let look = Look { locale: Locale::ZhTw, zone: &zone, now: at(0), viewer: None, is_admin: false, is_staff: false, held: 0 };
    let view = |id: i64, minute: i64| {
        let post = Post { created_at: at(minute), body: format!("第{id}句"), ..post(id, "text", "{}") };
        PostView {
            post,
            files: vec![],
            told: vec![],
            versions: vec![],
            names: BTreeMap::new(),
            others: vec![],
            opens: false,
            may_move: true,
            may_rest: true,
            elsewhere: None,
        }
    };
    let posts = [view(1, -100), view(2, -50), view(3, -40)];
    let gap = |kind, from: i64, to: Option<i64>| Gap { kind, from: at(from), to: to.map(at) };
    let gaps = vec![
        gap(GapKind::Stopped, -200, Some(-150)),
        gap(GapKind::Left, -90, Some(-60)),
        gap(GapKind::Refused, -30, Some(-20)),
        gap(GapKind::Inactive, -10, None),
    ];
    let beside = Beside { gaps, ..Beside::default() };
    let drawn = |viewer: Role| stream(&look, &posts, &[], &beside, viewer).into_string();
    let staff = drawn(Role::Staff);
    let place = |part: &str| staff.find(part).unwrap_or_else(|| panic!("{part} is missing"));
    assert!(place("第1句") < place("機器人不在群組中") && place("機器人不在群組中") < place("第2句"));
    assert!(place("第3句") < place("LINE 沒有把訊息送過來"), "it goes on at the end");
    assert!(!staff.contains("系統沒有運作") && !staff.contains("系統無法存下訊息"), "before the first post, and over since the last one");
    let client = drawn(Role::Client);
    assert_eq!(client.matches("這段期間的訊息可能沒有記錄下來").count(), 2);
    assert!(!client.contains("機器人") && !client.contains("LINE 沒有"), "our troubles are ours");
}

#[test]
fn a_tombstone_tells_staff_alone_what_had_been_sent() {
    let zone = TimeZone::UTC;
    let look = Look { locale: Locale::En, zone: &zone, now: at(0), viewer: None, is_admin: false, is_staff: false, held: 0 };
    let seen = |viewer: Role, told: Vec<NoticeView>| {
        let gone = Post { retracted_at: Some(at(0)), body: String::new(), whole: None, ..post(1, "text", "{}") };
        let view = PostView {
            post: gone,
            files: vec![],
            told,
            versions: vec![],
            names: BTreeMap::new(),
            others: vec![],
            opens: false,
            may_move: true,
            may_rest: true,
            elsewhere: None,
        };
        stream(&look, &[view], &[], &Beside::default(), viewer).into_string()
    };
    let words = look.t("page.sent_before");
    let sent = |status, via| {
        told().into_iter().filter(|t| t.row.status == status && t.row.via() == via && t.row.chat.is_none()).collect::<Vec<_>>()
    };
    assert!(seen(Role::Staff, sent(DeliveryStatus::Sent, Some(Via::Email))).contains(words));
    assert!(seen(Role::Staff, sent(DeliveryStatus::Dropped, Some(Via::Email))).contains(words), "it may have arrived");
    assert!(!seen(Role::Staff, sent(DeliveryStatus::Dropped, None)).contains(words));
    assert!(!seen(Role::Client, sent(DeliveryStatus::Sent, Some(Via::Email))).contains(words));
}

#[test]
fn an_edited_post_shows_its_history_where_it_is_given() {
    let zone = TimeZone::UTC;
    let look = Look { locale: Locale::En, zone: &zone, now: at(0), viewer: None, is_admin: false, is_staff: false, held: 0 };
    let version = |body: &str| Version { post: PostId(1), at: at(-5), body: body.into(), details: Details::default() };
    let seen = |viewer: Role| {
        let view = PostView {
            post: post(1, "text", "{}"),
            files: vec![],
            told: vec![],
            versions: vec![version("第一版"), version("第二版")],
            names: BTreeMap::new(),
            others: vec![],
            opens: true,
            may_move: false,
            may_rest: false,
            elsewhere: None,
        };
        stream(&look, &[view], &[], &Beside::default(), viewer).into_string()
    };
    assert!(seen(Role::Staff).contains("第一版") && !seen(Role::Client).contains("第一版"));
}

#[test]
fn the_reply_form_says_what_an_answer_costs_and_what_is_left() {
    let zone = TimeZone::get("Asia/Taipei").unwrap();
    let said = |locale: Locale, cost: &Cost| {
        cost_line(&Look { locale, zone: &zone, now: at(0), viewer: None, is_staff: true, is_admin: false, held: 0 }, cost)
    };
    let cost = Cost { people: 8, left: Some(412), out_of_reach: false, unwanted: false, held_back: None };
    assert_eq!(said(Locale::ZhTw, &cost), "8 人・計 8 則（下一則訊息進來就免費）・本月還剩 412 則");
    assert_eq!(said(Locale::En, &cost), "8 people · 8 billed (free on their next message) · 412 left this month");
    let unwanted = Cost { unwanted: true, ..cost.clone() };
    assert!(said(Locale::ZhTw, &unwanted).contains("不在群組通知回覆"));
    let unlimited = Cost { left: None, ..cost.clone() };
    assert_eq!(said(Locale::ZhTw, &unlimited), "8 人・計 8 則（下一則訊息進來就免費）・本月則數不限");
    let held = Cost { held_back: Some(Held { why: Why::QuotaSpent, until: at(9) }), ..cost.clone() };
    assert!(said(Locale::ZhTw, &held).starts_with("8 人・本月的 LINE 則數不夠了；"), "{}", said(Locale::ZhTw, &held));
    for locale in Locale::ALL {
        for why in Why::ALL {
            let look = Look { locale, zone: &zone, now: at(0), viewer: None, is_staff: true, is_admin: false, held: 0 };
            let reason = look.reason(&why.quoting("x"));
            assert!(reason.contains('x') && !reason.contains("reason."), "{reason}");
        }
    }
}
