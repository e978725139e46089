//! Orders in the first lines of a colleague's mail: `/close`, `/status 處理中`, `/assign 小陳`, `/note`. Pure: who may give them, and
//! what comes of them, is decided elsewhere.

use crate::domain::Status;
use crate::i18n::Locale;

/// Orders of one mail; a line after them is text again.
const ORDERS_MAX: usize = 10;
/// The longest word of an order, in characters: what is longer is text (`/usr/local/bin`).
const WORD_CHARS_MAX: usize = 16;
/// The longest line that is told back to its author, in characters.
const LINE_CHARS_MAX: usize = 120;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    Status(Status),
    /// A name or a mail address as it was written; empty where none was.
    Assign(String),
    /// What follows is for staff alone.
    Note,
}

/// What the first lines of a mail order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// In the order in which they stand, each with its line as it was written.
    pub given: Vec<(Order, String)>,
    /// The first line that looks like an order and is none.
    pub unknown: Option<String>,
    /// The text without the lines of orders.
    pub rest: String,
}

/// The orders that `text` begins with; `None` where it begins with none.
pub fn read(text: &str) -> Option<Orders> {
    let mut orders = Orders::default();
    let mut rest: Vec<&str> = vec![];
    let mut lines = text.lines();
    for line in lines.by_ref() {
        if line.trim().is_empty() {
            continue;
        }
        let Some((word, argument)) = order_like(line).filter(|_| orders.given.len() < ORDERS_MAX) else {
            rest.push(line);
            break;
        };
        match known(&word, argument) {
            Some((order, after)) => {
                orders.given.push((order, shown(line)));
                if !after.is_empty() {
                    rest.push(after);
                    break;
                }
            }
            None => {
                orders.unknown.get_or_insert_with(|| shown(line));
            }
        }
    }
    if orders.given.is_empty() && orders.unknown.is_none() {
        return None;
    }
    rest.extend(lines);
    rest.join("\n").trim_end().clone_into(&mut orders.rest);
    Some(orders)
}

/// A line that begins like an order: its word in lower case, and what follows.
fn order_like(line: &str) -> Option<(String, &str)> {
    let after = line.trim().strip_prefix(['/', '／'])?;
    let end = after.find(|c: char| c.is_whitespace() || matches!(c, ':' | '：')).unwrap_or(after.len());
    let word = &after[..end];
    if word.is_empty() || word.chars().count() > WORD_CHARS_MAX || !word.chars().all(|c| c.is_alphabetic() || c == '_') {
        return None;
    }
    let argument = after[end..].trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '：')).trim_end();
    Some((word.to_lowercase(), argument))
}

/// The order, and what of the line is text.
fn known<'a>(word: &str, argument: &'a str) -> Option<(Order, &'a str)> {
    match word {
        "close" | "closed" | "結案" | "完了" => Some((Order::Status(Status::Closed), argument)),
        "status" | "狀態" | "状態" | "ステータス" => status(argument).map(|s| (Order::Status(s), "")),
        "assign" | "指派" | "担当" => Some((Order::Assign(argument.trim_start_matches(['@', '＠']).trim().to_owned()), "")),
        "note" | "備註" | "內部" | "內部備註" | "メモ" | "社内メモ" => Some((Order::Note, argument)),
        _ => None,
    }
}

/// The status by our word for it or by the name that people see, in any of our languages.
fn status(name: &str) -> Option<Status> {
    let plain = |text: &str| text.trim().to_lowercase().replace(['_', '-', ' ', '　'], "");
    let wanted = plain(name);
    let named = |s: &&Status| {
        let word = s.as_str();
        plain(word) == wanted || Locale::ALL.iter().any(|l| plain(l.texts().get(&format!("status.{word}"))) == wanted)
    };
    match wanted.as_str() {
        "done" | "solved" | "完成" | "已完成" => Some(Status::Resolved),
        "結案" => Some(Status::Closed),
        "" => None,
        _ => Status::ALL.iter().find(named).copied(),
    }
}

fn shown(line: &str) -> String {
    line.trim().chars().take(LINE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Vec<Order> {
        read(text).expect("it orders something").given.into_iter().map(|(order, _)| order).collect()
    }

    #[test]
    fn orders_are_taken_out_of_the_text() {
        let read = read("\n/close\n/assign 小陳\n\n師傅已經修好了。\n\n/close 是指令\n").expect("orders");
        assert_eq!(
            read.given.iter().map(|(o, _)| o.clone()).collect::<Vec<_>>(),
            [Order::Status(Status::Closed), Order::Assign("小陳".into())]
        );
        assert_eq!((read.rest.as_str(), read.unknown), ("師傅已經修好了。\n\n/close 是指令", None));
    }

    #[test]
    fn a_status_has_its_name_in_every_language() {
        for (name, status) in [
            ("處理中", Status::InProgress),
            ("in_progress", Status::InProgress),
            ("In progress", Status::InProgress),
            ("対応中", Status::InProgress),
            ("等待客戶", Status::Waiting),
            ("waiting", Status::Waiting),
            ("已處理", Status::Resolved),
            ("已結案", Status::Closed),
            ("未対応", Status::Open),
        ] {
            assert_eq!(given(&format!("/status {name}\n好")), [Order::Status(status)], "{name}");
        }
        assert_eq!(given("／狀態：處理中"), [Order::Status(Status::InProgress)]);
        assert_eq!(given("/STATUS: Open"), [Order::Status(Status::Open)]);
    }

    #[test]
    fn a_note_may_begin_on_its_own_line_or_under_it() {
        for text in ["/note 先別回\n他還沒付款", "/note\n先別回\n他還沒付款", "/備註 先別回\n他還沒付款"] {
            let read = read(text).expect("an order");
            assert_eq!(read.given[0].0, Order::Note);
            assert_eq!(read.rest, "先別回\n他還沒付款");
        }
        assert_eq!(read("/close 謝謝您").map(|o| o.rest), Some("謝謝您".into()));
    }

    #[test]
    fn what_is_no_order_is_said_back() {
        for line in ["/clsoe", "/status 隨便", "/status", "/關閉"] {
            let read = read(&format!("{line}\n好")).expect("it looks like one");
            assert_eq!((read.unknown.as_deref(), read.rest.as_str()), (Some(line), "好"));
        }
        assert_eq!(read("/close\n/nonsense").map(|o| o.unknown), Some(Some("/nonsense".into())));
    }

    #[test]
    fn text_that_only_begins_with_a_slash_is_text() {
        for text in
            ["", "好的", "好的\n/close", "/usr/local/bin 滿了", "/", "/ close", "//close", "/2 是一半", "/a_very_long_word_that_is_none"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn orders_have_an_end() {
        let many = "/note\n".repeat(50);
        let read = read(&many).expect("orders");
        assert_eq!(read.given.len(), ORDERS_MAX);
        assert_eq!(read.rest.lines().count(), 50 - ORDERS_MAX);
    }
}
