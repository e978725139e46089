//! A mail over many discussions: what has gathered for a digest, or a week's figures.

use maud::{Markup, html};

use super::{FONT, MailPost, OutgoingMail, TABLE, framed_page, framed_text, lines, one_line, post_block, post_text, written};

/// What is told of one project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The project's name.
    pub heading: String,
    /// What is said of it as a whole, a line each.
    pub lines: Vec<String>,
    pub entries: Vec<Entry>,
    /// That there are more; empty where all are here.
    pub more: String,
}

/// What is told of one discussion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Its number and title.
    pub title: String,
    pub link: String,
    /// Where it stands, who looks after it, what happened: a line each.
    pub notes: Vec<String>,
    /// What was said, shortened.
    pub posts: Vec<MailPost>,
    /// That more was said; empty where all of it is here.
    pub more: String,
}

/// The raw mail, with the sections where another has its posts. Its [`OutgoingMail::switch`] is a page that asks who one is.
pub fn digest(m: &OutgoingMail, sections: &[Section]) -> Vec<u8> {
    written(m, &framed_text(m, &middle_text(m, sections)), framed_page(m, &middle(m, sections)), false)
}

fn middle_text(m: &OutgoingMail, sections: &[Section]) -> String {
    let mut out = String::new();
    for section in sections {
        let mut line = |text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        line(&format!("■ {}", one_line(&section.heading)));
        section.lines.iter().for_each(|l| line(l));
        line("");
        for entry in &section.entries {
            let mut head = vec![one_line(&entry.title)];
            head.extend(entry.notes.iter().cloned());
            head.push(entry.link.clone());
            out.push_str(&head.join("\n"));
            out.push_str("\n\n");
            for post in &entry.posts {
                post_text(m.locale.texts(), post, &mut out);
            }
            if !entry.more.is_empty() {
                out.push_str(&entry.more);
                out.push_str("\n\n");
            }
        }
        if !section.more.is_empty() {
            out.push_str(&section.more);
            out.push_str("\n\n");
        }
    }
    out
}

fn middle(m: &OutgoingMail, sections: &[Section]) -> Markup {
    html! {
        @for section in sections {
            table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style={ (TABLE) "width:100%;margin:0 0 20px 0;" } {
                tr { td style={ "padding:0;" (FONT) } {
                    p style="margin:8px 0 6px 0;padding:0 0 4px 0;border-bottom:2px solid #06c755;color:#1f2328;font-size:16px;line-height:1.5;font-weight:bold;" { (section.heading) }
                    @for line in &section.lines { p style=(LINE) { (line) } }
                    @for entry in &section.entries { (entry_block(m, entry)) }
                    @if !section.more.is_empty() { p style=(MORE) { (section.more) } }
                } }
            }
        }
    }
}

const LINE: &str = "margin:0 0 2px 0;color:#424a53;font-size:14px;line-height:1.6;";
const MORE: &str = "margin:0 0 12px 0;color:#6e7781;font-size:13px;line-height:1.5;";

fn entry_block(m: &OutgoingMail, entry: &Entry) -> Markup {
    html! {
        p style="margin:14px 0 2px 0;font-size:15px;line-height:1.5;font-weight:bold;" {
            a href=(entry.link) style="color:#0969da;text-decoration:none;" { (entry.title) }
        }
        @for note in &entry.notes { p style=(LINE) { (lines(note)) } }
        p style="margin:0;font-size:4px;line-height:8px;" { (maud::PreEscaped("&nbsp;")) }
        @for post in &entry.posts { (post_block(m.locale, post)) }
        @if !entry.more.is_empty() { p style=(MORE) { (entry.more) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::email::parse;
    use crate::domain::{MailAddress, MessageId};
    use crate::i18n::Locale;

    fn sample() -> (OutgoingMail, Vec<Section>) {
        let mail = OutgoingMail {
            locale: Locale::ZhTw,
            from_name: "客服中心".to_owned(),
            from_address: "support@example.com".to_owned(),
            to: MailAddress { name: "王大明".to_owned(), address: "wang@example.com".to_owned() },
            reply_to: None,
            subject: "每日摘要：2 個討論".to_owned(),
            message_id: MessageId::from("d.1@example.com"),
            in_reply_to: None,
            references: vec![],
            date: "2026-11-22T01:00:00Z".parse().expect("a time"),
            list_id: Some("digest.example.com".to_owned()),
            switch: Some("https://support.example.com/me#listening".to_owned()),
            delivery: "0b6f1c1e-0000-4000-8000-000000000000".to_owned(),
            alert: None,
            intro: "2 個討論有新的動態".to_owned(),
            posts: vec![],
            link: "https://support.example.com/discussions".to_owned(),
            link_label: "查看所有討論".to_owned(),
            with_marker: false,
            footer: vec![],
            switch_label: "變更通知方式".to_owned(),
        };
        let post = |author: &str, body: &str| MailPost {
            author: author.to_owned(),
            when: "09:10".to_owned(),
            body: body.to_owned(),
            files: vec![],
            internal: false,
            unsure: None,
        };
        let section = Section {
            heading: "專案 <甲>".to_owned(),
            lines: vec!["新開 3 件".to_owned()],
            entries: vec![Entry {
                title: "#12 大門 <壞了>".to_owned(),
                link: "https://support.example.com/d/12".to_owned(),
                notes: vec!["處理中".to_owned()],
                posts: vec![post("林小姐", "又壞了 <b>"), post("小陳", "明天到")],
                more: "還有 3 則".to_owned(),
            }],
            more: "還有 2 個討論".to_owned(),
        };
        (mail, vec![section])
    }

    #[test]
    fn a_digest_tells_everything_in_text_and_in_html() {
        let (mail, sections) = sample();
        let (text, html) =
            (framed_text(&mail, &middle_text(&mail, &sections)), framed_page(&mail, &middle(&mail, &sections)).into_string());
        for part in ["#12", "處理中", "林小姐", "明天到", "還有 3 則", "還有 2 個討論", "/d/12", "變更通知方式", "/me#listening"]
        {
            assert!(text.contains(part) && html.contains(part), "{part}");
        }
        assert!(html.contains("大門 &lt;壞了&gt;") && html.contains("又壞了 &lt;b&gt;") && !html.contains("<壞了>"));
    }

    #[test]
    fn a_digest_is_a_sound_mail_that_no_program_turns_off_by_itself() {
        let (mail, sections) = sample();
        let raw = digest(&mail, &sections);
        let head = String::from_utf8_lossy(&raw).split("\r\n\r\n").next().unwrap_or_default().to_owned();
        assert!(head.contains("List-Unsubscribe: <https://support.example.com/me#listening>"), "{head}");
        assert!(!head.contains("List-Unsubscribe-Post") && !head.contains("Reply-To"), "{head}");
        let back = parse::parse(&raw, &parse::Own::default()).expect("it is a mail");
        assert_eq!(back.subject, mail.subject);
        assert!(back.text.contains("又壞了 <b>"), "{}", back.text);
    }
}
