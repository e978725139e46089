//! Whether a program wrote a mail: bounces, vacation answers, lists, our own mail coming back.

use std::borrow::Cow;

use mail_parser::{Message, MimeHeaders, PartType};

use super::auto_words::{AUTO_REPLY_SUBJECTS, BOUNCE_LISTS, BOUNCE_PHRASES, BOUNCE_SUBJECTS, COMPLAINT_SUBJECTS, DAEMONS};
use super::{DELIVERY_HEADER, HeaderField, header, html};
use crate::domain::{AutoMail, Bounce, MailAddress, MessageId};

/// What [`classify`] looks at.
pub struct Facts<'a> {
    /// The outermost head.
    pub fields: &'a [HeaderField<'a>],
    /// The whole mail, for the parts of a delivery report.
    pub mail: &'a Message<'a>,
    pub from: Option<&'a MailAddress>,
    pub subject: &'a str,
    /// The text body.
    pub text: &'a str,
    /// Our own addresses, any case.
    pub own: &'a [String],
    /// The host in the Message-IDs that we make.
    pub own_host: Option<&'a str>,
}

/// How much of a bounce's text is searched, in bytes.
const SEARCHED_BYTES_MAX: usize = 64 * 1024;
/// `Action` values of a delivery report that tell of no failure (RFC 3464, 2.3.3).
const PENDING_ACTIONS: &[&str] = &["delayed", "delivered", "relayed", "expanded"];
/// How soon the colon comes in a subject like "Automatic reply from X: …", in characters.
const SUBJECT_COLON_CHARS: usize = 24;
/// The longest diagnostic that is kept, in characters.
const DIAGNOSTIC_CHARS_MAX: usize = 300;

/// A bounce, our own mail, a vacation answer, a list's mail or a person's: the first of these that it is.
pub fn classify(facts: &Facts<'_>) -> AutoMail {
    if let Some(bounce) = bounce(facts) {
        return AutoMail::Bounce(bounce);
    }
    if is_loop(facts) {
        return AutoMail::Loop;
    }
    let list = is_list(facts);
    if is_auto_reply(facts, list) {
        return AutoMail::AutoReply;
    }
    if list { AutoMail::List } else { AutoMail::None }
}

fn is_loop(facts: &Facts<'_>) -> bool {
    header::find(facts.fields, DELIVERY_HEADER).is_some()
        || facts.from.is_some_and(|f| facts.own.iter().any(|own| untagged(own).eq_ignore_ascii_case(&untagged(&f.address))))
        || facts.own_host.zip(header::find(facts.fields, "Message-ID")).is_some_and(|(host, id)| {
            let at = id.trim().trim_end_matches('>').rsplit_once('@');
            at.is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(host))
        })
}

/// The address without the part after `+` (RFC 5233).
fn untagged(address: &str) -> Cow<'_, str> {
    match address.split_once('+').and_then(|(local, rest)| Some((local, rest.rsplit_once('@')?.1))) {
        Some((local, domain)) => Cow::Owned(format!("{local}@{domain}")),
        None => Cow::Borrowed(address),
    }
}

fn is_list(facts: &Facts<'_>) -> bool {
    header::find(facts.fields, "List-Id").is_some()
        || header::find(facts.fields, "List-Post").is_some()
        || header::find(facts.fields, "List-Unsubscribe").is_some()
        || header::find(facts.fields, "Mailing-List").is_some()
        // fml, the Japanese list server, which also writes what it refuses.
        || header::find(facts.fields, "X-MLServer").is_some()
        || header::find(facts.fields, "X-ML-Name").is_some()
        || matches!(precedence(facts).as_str(), "list" | "bulk" | "junk")
}

fn precedence(facts: &Facts<'_>) -> String {
    header::find(facts.fields, "Precedence").unwrap_or("").trim().to_ascii_lowercase()
}

fn is_auto_reply(facts: &Facts<'_>, list: bool) -> bool {
    // RFC 3834, section 5: `auto-replied (comment); parameters`.
    let submitted = header::find(facts.fields, "Auto-Submitted").unwrap_or("no").trim().to_ascii_lowercase();
    let submitted = submitted.split([' ', ';', '(']).next().unwrap_or("");
    let by_header = match submitted {
        "no" | "" | "auto-forwarded" => false,
        "auto-generated" => !list,
        _ => true,
    };
    let present =
        |name: &str| header::find(facts.fields, name).is_some_and(|v| !matches!(v.to_ascii_lowercase().as_str(), "no" | "false" | "0"));
    by_header
        || [
            "X-Autoreply",
            "X-Autorespond",
            "X-Autoresponder",
            "X-Auto-Reply",
            "X-Autoreply-From",
            "X-Mail-Autoreply",
            "X-MS-Exchange-Inbox-Rules-Loop",
            "X-FC-MachineGenerated",
            "X-Vacation",
            "X-AutoReply-Subject",
        ]
        .into_iter()
        .any(present)
        || matches!(precedence(facts).as_str(), "auto_reply" | "auto-reply")
        || header::find(facts.fields, "X-POST-MessageClass").is_some_and(|v| v.contains("Autoresponder"))
        || header::find(facts.fields, "Delivered-To").is_some_and(|v| v.eq_ignore_ascii_case("autoresponder"))
        || report_type(facts.mail).as_deref() == Some("disposition-notification")
        || is_auto_reply_subject(facts.subject)
        // Helpdesks (OTRS, Zammad) write "yes" here, lists their address.
        || header::find(facts.fields, "X-Loop").is_some_and(|v| v.eq_ignore_ascii_case("yes") || !list && is_daemon(facts))
        || has_report(facts.mail)
        || is_feedback(facts)
        || is_robot(facts)
}

/// A vacation answer's subject: its words, then a colon or nothing. A client may well write "自動回覆功能壞了".
fn is_auto_reply_subject(subject: &str) -> bool {
    let subject = subject.trim().to_lowercase();
    AUTO_REPLY_SUBJECTS.iter().filter_map(|words| Some((words, subject.strip_prefix(words)?.trim_start()))).any(|(words, rest)| {
        let ends =
            rest.is_empty() || rest.starts_with([':', '：', '-', ']', '】', ')', '）', '〕']) || words.ends_with([':', '：', ']', ')']);
        // "Out of Office AutoReply: …", "Out of the office until Monday"
        let goes_on = words.is_ascii() && rest.chars().take(SUBJECT_COLON_CHARS).any(|c| c == ':');
        ends || goes_on || words.starts_with("out of") || words.starts_with("out-of")
    })
}

/// A program that is never a person, with nothing that says what it wants.
fn is_robot(facts: &Facts<'_>) -> bool {
    let local = facts.from.map_or("", |f| f.address.split('@').next().unwrap_or(""));
    matches!(local, "mailer-daemon" | "mail-daemon" | "mailerdaemon" | "mdaemon" | "double-bounce")
}

/// An abuse report of a mail service (RFC 5965), or one of those that follow no rule: Amazon's notices, Hotmail's.
fn is_feedback(facts: &Facts<'_>) -> bool {
    let subject = facts.subject.trim().to_lowercase();
    if amazon_notice(facts).is_some() || COMPLAINT_SUBJECTS.iter().any(|c| subject.starts_with(c)) {
        return true;
    }
    report_type(facts.mail).as_deref() == Some("feedback-report")
        || facts.mail.parts.iter().any(|p| p.is_content_type("message", "feedback-report"))
}

fn report_type(mail: &Message<'_>) -> Option<String> {
    let ct = mail.parts.first()?.content_type()?;
    let is_report = ct.ctype().eq_ignore_ascii_case("multipart") && ct.subtype().is_some_and(|s| s.eq_ignore_ascii_case("report"));
    is_report.then(|| ct.attribute("report-type").unwrap_or("").trim().to_ascii_lowercase())
}

/// The kind of an Amazon SNS notice about a mail of ours (JSON: `"notificationType":"Bounce"`), lower case.
fn amazon_notice(facts: &Facts<'_>) -> Option<String> {
    let text = facts.text.trim_start();
    if !text.starts_with('{') && header::find(facts.fields, "x-amz-sns-message-id").is_none() {
        return None;
    }
    let text = &text[..text.floor_char_boundary(SEARCHED_BYTES_MAX)];
    let key = ["notificationType", "eventType"].into_iter().find_map(|k| text.split_once(k))?.1;
    let value = key.trim_start_matches(['\\', '"', ':', ' ']);
    let kind = value.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    matches!(kind.as_str(), "bounce" | "complaint" | "delivery" | "reject" | "deliverydelay").then_some(kind)
}

/// A delivery report's part.
fn has_report(mail: &Message<'_>) -> bool {
    mail.parts.iter().any(|p| p.is_content_type("message", "delivery-status") || p.is_content_type("message", "global-delivery-status"))
}

fn is_daemon(facts: &Facts<'_>) -> bool {
    let local = facts.from.map_or("", |f| f.address.split('@').next().unwrap_or(""));
    DAEMONS.contains(&local)
        || facts
            .from
            .is_some_and(|f| f.name.eq_ignore_ascii_case("mail delivery subsystem") || f.name.eq_ignore_ascii_case("mail delivery system"))
}

/// `Return-Path: <>` (RFC 5321, 4.5.5), or no sender at all.
fn has_null_sender(facts: &Facts<'_>) -> bool {
    header::find(facts.fields, "Return-Path").is_some_and(|v| matches!(v.trim(), "<>" | ""))
}

fn bounce(facts: &Facts<'_>) -> Option<Bounce> {
    let report = report_type(facts.mail);
    let is_report = has_report(facts.mail) || report.as_deref() == Some("delivery-status");
    let status = delivery_status(facts.mail);
    if is_report && status.as_deref().is_some_and(|s| actions(s).any(|_| true) && actions(s).all(|a| PENDING_ACTIONS.contains(&a.as_str())))
    {
        // Delayed, relayed or delivered: nothing has come back.
        return None;
    }
    let is_other_report = matches!(report.as_deref(), Some("disposition-notification" | "feedback-report"));
    if !is_report && (is_other_report || !looks_like_bounce(facts)) {
        return None;
    }
    let text = whole_text(facts);
    let status_text = status.as_deref().unwrap_or("");
    let recipient = ["Final-Recipient", "Original-Recipient", "X-Actual-Recipient"]
        .into_iter()
        .find_map(|name| line_value(status_text, name))
        .map(|v| v.rsplit(';').next().unwrap_or(v))
        .and_then(clean_address)
        .or_else(|| header::find(facts.fields, "X-Failed-Recipients").and_then(|v| v.split(',').next()).and_then(clean_address))
        .or_else(|| first_address(&text, facts));
    let status = line_value(status_text, "Status").and_then(enhanced_status).or_else(|| enhanced_status(&text));
    let diagnostic = line_value(status_text, "Diagnostic-Code")
        .map(|v| v.split_once(';').map_or(v, |(_, said)| said))
        .or_else(|| text.lines().find(|l| enhanced_status(l).is_some()))
        .map(|said| said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(DIAGNOSTIC_CHARS_MAX).collect::<String>())
        .filter(|said| !said.is_empty());
    Some(Bounce { original: original_id(facts, &text), recipient, status, diagnostic })
}

/// Bounces of servers that know no reports: a daemon's or nobody's mail with a bounce's subject or words.
fn looks_like_bounce(facts: &Facts<'_>) -> bool {
    if header::find(facts.fields, "X-Failed-Recipients").is_some() {
        return true;
    }
    let subject = facts.subject.to_lowercase();
    if is_auto_reply_subject(facts.subject) {
        return false;
    }
    let is_subject = BOUNCE_SUBJECTS.iter().any(|s| subject.contains(s));
    if amazon_notice(facts).as_deref() == Some("bounce") {
        return true;
    }
    let unsent = is_daemon(facts) || has_null_sender(facts) || facts.from.is_none();
    let auto = header::find(facts.fields, "Auto-Submitted").is_some_and(|v| v.to_ascii_lowercase().starts_with("auto-replied"));
    let speaks = || {
        let text = whole_text(facts).to_lowercase();
        BOUNCE_PHRASES.iter().any(|p| text.contains(p))
    };
    if is_daemon(facts) {
        return is_subject || speaks();
    }
    let is_first = header::find(facts.fields, "References").is_none() && header::find(facts.fields, "In-Reply-To").is_none();
    let lists = || BOUNCE_LISTS.iter().any(|p| whole_text(facts).to_lowercase().contains(p));
    is_subject && (unsent || auto || speaks() && (holds_smtp_answer(&whole_text(facts)) || is_first && lists())) && !is_answer(&subject)
        || has_null_sender(facts) && !auto && (facts.from.is_none_or(|f| f.address.is_empty()) || brings_mail_back(facts)) && speaks()
}

/// Whether a mail, or the head of one, is inside.
fn brings_mail_back(facts: &Facts<'_>) -> bool {
    facts.mail.parts.iter().any(|p| matches!(p.body, PartType::Message(_)) || p.is_content_type("text", "rfc822-headers"))
}

/// A person may answer a bounce, or write about one.
fn is_answer(subject: &str) -> bool {
    super::address::base_subject(subject) != subject.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of every delivery report in the mail.
fn delivery_status(mail: &Message<'_>) -> Option<String> {
    let part = mail
        .parts
        .iter()
        .find(|p| p.is_content_type("message", "delivery-status") || p.is_content_type("message", "global-delivery-status"))?;
    let text = String::from_utf8_lossy(part.contents());
    // Folded lines are joined.
    Some(text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " "))
}

fn actions(status: &str) -> impl Iterator<Item = String> {
    status.lines().filter_map(|l| value_of(l, "Action")).map(|v| v.split([' ', '(', ';']).next().unwrap_or("").to_ascii_lowercase())
}

fn line_value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|l| value_of(l, name))
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (n, value) = line.split_once(':')?;
    n.trim().eq_ignore_ascii_case(name).then(|| value.trim())
}

/// The text body and the text of every other part, bounded.
fn whole_text(facts: &Facts<'_>) -> String {
    let mut text = facts.text[..facts.text.floor_char_boundary(SEARCHED_BYTES_MAX)].to_owned();
    for part in facts.mail.parts.iter().skip(1) {
        if text.len() >= SEARCHED_BYTES_MAX {
            break;
        }
        match &part.body {
            PartType::Text(t) => push_line(&mut text, t),
            PartType::Html(t) if facts.text.is_empty() => push_line(&mut text, &html::text(t)),
            // Verizon's break the head of the part that holds their words.
            PartType::Binary(b) if facts.text.is_empty() => {
                push_line(&mut text, &String::from_utf8_lossy(&b[..b.len().min(SEARCHED_BYTES_MAX)]));
            }
            _ => {}
        }
    }
    text
}

fn push_line(text: &mut String, more: &str) {
    text.push('\n');
    text.push_str(&more[..more.floor_char_boundary(SEARCHED_BYTES_MAX)]);
}

/// The Message-ID of the mail that came back: of the returned mail or its head, or from its text.
fn original_id(facts: &Facts<'_>, text: &str) -> Option<MessageId> {
    let returned = facts.mail.parts.iter().find_map(|p| match &p.body {
        PartType::Message(inner) => inner.message_id().map(str::to_owned),
        _ if p.is_content_type("text", "rfc822-headers") => {
            line_value(&String::from_utf8_lossy(p.contents()), "Message-ID").map(str::to_owned)
        }
        _ => None,
    });
    let id = returned
        .or_else(|| line_value(text, "Message-ID").map(str::to_owned))
        .or_else(|| header::find(facts.fields, "In-Reply-To").map(str::to_owned))?;
    let id = id.split_whitespace().next()?.trim_matches(['<', '>']);
    id.contains('@').then(|| MessageId(id.to_owned()))
}

/// The first address in the text that is neither ours nor the daemon's.
fn first_address(text: &str, facts: &Facts<'_>) -> Option<String> {
    let sender = facts.from.map_or("", |f| f.address.as_str());
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | '[' | ']' | ',' | ';' | ':'))
        .filter(|w| w.contains('@'))
        .filter_map(clean_address)
        .find(|a| {
            a != sender && !facts.own.iter().any(|o| o.eq_ignore_ascii_case(a)) && !DAEMONS.contains(&a.split('@').next().unwrap_or(""))
        })
}

fn clean_address(text: &str) -> Option<String> {
    let address = text.trim().trim_matches(['<', '>', '"', '\'', '.', ' ']).to_lowercase();
    let (local, domain) = address.rsplit_once('@')?;
    let is_plain = !local.is_empty() && domain.contains('.') && !address.contains(char::is_whitespace);
    is_plain.then_some(address)
}

/// An enhanced status, or a word that is a permanent reply code of RFC 5321, 4.2.
fn holds_smtp_answer(text: &str) -> bool {
    let is_code = |word: &str| matches!(word, "550" | "551" | "552" | "553" | "554");
    enhanced_status(text).is_some() || text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_code)
}

/// The first `5.1.1` or `4.2.2` (RFC 3463) in the text.
fn enhanced_status(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('.') {
        if !at.checked_sub(1).is_some_and(|i| matches!(bytes[i], b'2' | b'4' | b'5')) {
            continue;
        }
        if at >= 2 && (bytes[at - 2].is_ascii_alphanumeric() || bytes[at - 2] == b'.') {
            continue;
        }
        let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
        let subject = digits(at + 1);
        if subject == 0 || bytes.get(at + 1 + subject) != Some(&b'.') {
            continue;
        }
        let detail = digits(at + 2 + subject);
        let end = at + 2 + subject + detail;
        if detail == 0
            || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
            || bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
        {
            continue;
        }
        return Some(text[at - 1..end].to_owned());
    }
    None
}

#[cfg(test)]
mod tests;
