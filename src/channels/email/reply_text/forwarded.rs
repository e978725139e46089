//! Whose mail was passed on: the header block that mail programs put above it.

use super::history::{is_forward_line, label};
use super::line::{Line, is_rule, lines};
use super::words::Label;
use crate::domain::MailAddress;

/// Lines above the header block: the forward line, rules, blanks.
const LINES_BEFORE_MAX: usize = 6;
/// Lines of a header block, with those of long lists of recipients.
const HEADER_LINES_MAX: usize = 40;
/// The longest address (RFC 5321, 4.5.3.1.3), in bytes.
const ADDRESS_BYTES_MAX: usize = 254;

/// A mail that was passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    pub from: MailAddress,
    /// Empty where the block has none.
    pub subject: String,
    /// What stands under the header block.
    pub text: String,
}

/// The mail in what was passed on; `None` where no header block with an author's address begins it.
pub fn forwarded(passed_on: &str) -> Option<Forwarded> {
    let first = passed_on.lines().find(|l| !l.trim().is_empty() && !is_forward_line(l.trim()))?;
    let unquoted: String;
    let text = if first.trim_start().starts_with('>') {
        let without =
            |l: &str| l.trim_start().strip_prefix('>').map_or_else(|| l.to_owned(), |l| l.strip_prefix(' ').unwrap_or(l).to_owned());
        unquoted = passed_on.lines().map(without).collect::<Vec<_>>().join("\n");
        unquoted.as_str()
    } else {
        passed_on
    };
    let all = lines(text);
    let begin = all.iter().take(LINES_BEFORE_MAX).position(|l| l.label.is_some())?;
    if all[..begin].iter().any(|l| !l.is_blank() && !is_forward_line(l.bare) && !is_rule(l.bare)) {
        return None;
    }
    let end = block_end(&all, begin);
    let value = |wanted: Label| all[begin..end].iter().find(|l| label(l.bare) == Some(wanted)).map(|l| value_of(l.bare));
    let from = author(value(Label::From)?)?;
    // A line alone that names somebody is no header block.
    value(Label::Subject).or_else(|| value(Label::Date)).or_else(|| value(Label::To))?;
    let body: Vec<&str> = all[end..].iter().map(|l| l.text).collect();
    Some(Forwarded { from, subject: value(Label::Subject).unwrap_or_default().to_owned(), text: body.join("\n").trim().to_owned() })
}

/// The line after the block that begins at `begin`. One blank line may stand within it.
fn block_end(all: &[Line<'_>], begin: usize) -> usize {
    let mut end = begin + 1;
    let mut saw_blank = false;
    for (n, line) in all.iter().enumerate().skip(begin + 1).take(HEADER_LINES_MAX) {
        if line.is_blank() {
            if saw_blank {
                break;
            }
            saw_blank = true;
        } else if line.label.is_some() {
            (end, saw_blank) = (n + 1, false);
        } else if saw_blank {
            break;
        } else {
            end = n + 1;
        }
    }
    end
}

fn value_of(bare: &str) -> &str {
    let after = bare.split_once([':', '：', '﹕']).map_or("", |(_, value)| value);
    after.trim_matches(|c: char| c.is_whitespace() || c == '*' || c == '_')
}

/// `陳美珍 <amy@client.example>`, `Amy [mailto:amy@client.example]`, `amy@client.example`.
fn author(value: &str) -> Option<MailAddress> {
    let is_edge =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '[' | ']' | '(' | ')' | '"' | '\'' | ',' | ';' | '，' | '；' | '“' | '”');
    let written = value.split(is_edge).find(|w| w.contains('@'))?;
    let address = written.trim_start_matches("mailto:").trim_end_matches('.').to_lowercase();
    let (local, domain) = address.split_once('@')?;
    if local.is_empty() || !domain.contains('.') || domain.contains('@') || address.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    let name = value[..value.find(written)?].trim_matches(is_edge).to_owned();
    Some(MailAddress { name, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amy(name: &str) -> MailAddress {
        MailAddress { name: name.to_owned(), address: "amy@client.example".to_owned() }
    }

    #[test]
    fn the_author_is_found_in_what_mail_programs_write() {
        let gmail = "---------- Forwarded message ---------\n寄件者： 陳美珍 <amy@client.example>\nDate: 2026年11月20日 週五 下午3:12\n\
                     Subject: 大門壞了\nTo: <wang@example.com>\n\n\n您好，\n大門打不開。\n";
        let outlook = "________________________________\n寄件者: 陳美珍 <Amy@Client.example>\n寄件日期: 2026年11月20日 下午 03:12\n\
                       收件者: Wang <wang@example.com>\n主旨: 大門壞了\n\n您好，\n大門打不開。";
        let apple = "開始轉寄訊息：\n\n> 寄件者: 陳美珍 <amy@client.example>\n> 主旨: 大門壞了\n> 日期: 2026年11月20日 下午3:12\n> \n> 您好，\n> 大門打不開。";
        let attached = "From: 陳美珍 <amy@client.example>\nDate: 2026-11-20T07:12:00Z\nSubject: 大門壞了\n\n您好，\n大門打不開。";
        let starred = "*From:* 陳美珍 [mailto:amy@client.example]\n*Sent:* Friday, November 20, 2026 3:12 PM\n*To:* Wang\n*Subject:* 大門壞了\n\n您好，\n大門打不開。";
        for block in [gmail, outlook, apple, attached, starred] {
            let found = forwarded(block).unwrap_or_else(|| panic!("{block}"));
            assert_eq!(
                found,
                Forwarded { from: amy("陳美珍"), subject: "大門壞了".into(), text: "您好，\n大門打不開。".into() },
                "{block}"
            );
        }
    }

    #[test]
    fn what_names_no_author_is_nobodys() {
        for text in
            ["", "您好", "寄件者: 陳美珍\n主旨: x\n\n您好", "From: amy@client.example\n您好", "您好\n\nFrom: a@b.example\nSubject: x\n\ny"]
        {
            assert_eq!(forwarded(text), None, "{text}");
        }
    }
}
