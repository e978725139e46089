use crate::channels::email::parse::{Own, parse};
use crate::domain::{AutoMail, Bounce, MessageId};

fn kind(head: &str, text: &str) -> AutoMail {
    parse(format!("{head}\r\n\r\n{text}").as_bytes(), &Own::default()).expect("a mail").auto
}

#[test]
fn what_a_person_wrote_is_not_automatic() {
    for head in [
        "From: a@b.test\r\nSubject: hello",
        "From: a@b.test\r\nAuto-Submitted: no\r\nSubject: hello",
        "From: a@b.test\r\nAuto-Submitted: auto-forwarded\r\nSubject: hello",
        "From: a@b.test\r\nSubject: Re: Undelivered Mail Returned to Sender",
        "From: a@b.test\r\nSubject: 關於自動回覆的設定",
        "From: a@b.test\r\nSubject: 自動回覆功能壞了",
        "From: a@b.test\r\nSubject: 包裹寄送失敗，無法送達",
        "From: bounce@b.test\r\nSubject: 下週活動",
    ] {
        assert_eq!(kind(head, "您好"), AutoMail::None, "{head}");
    }
}

#[test]
fn vacation_answers_are_known_by_header_or_subject() {
    for head in [
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: auto-generated",
        "Auto-Submitted: auto-notified; owner-email=x@y.z",
        "X-Autoreply: yes",
        "X-Autorespond: x",
        "Precedence: auto_reply",
        "X-MS-Exchange-Inbox-Rules-Loop: a@b.test",
        "Subject: 自動回覆: 水管漏水",
        "Subject: Automatic reply: x",
        "Subject: 外出中",
        "Subject: 自动回复：x",
        "Subject: Automatische Antwort: x",
    ] {
        assert_eq!(kind(&format!("From: a@b.test\r\n{head}"), "我目前休假中"), AutoMail::AutoReply, "{head}");
    }
}

#[test]
fn lists_are_lists_even_when_a_program_sends_them() {
    for head in ["List-Id: <a.b>", "Precedence: bulk", "Precedence: list", "List-Id: <a.b>\r\nAuto-Submitted: auto-generated"] {
        assert_eq!(kind(&format!("From: a@b.test\r\n{head}"), "news"), AutoMail::List, "{head}");
    }
}

#[test]
fn our_own_mail_is_a_loop_before_anything_else() {
    assert_eq!(kind("From: a@b.test\r\nX-Threadline-Delivery: 1\r\nAuto-Submitted: auto-generated", "x"), AutoMail::Loop);
}

#[test]
fn a_report_tells_what_came_back() {
    let raw = include_bytes!("../../../../tests/fixtures/email/bounce-postfix.eml");
    let mail = parse(raw, &Own::default()).expect("a mail");
    assert_eq!(
        mail.auto,
        AutoMail::Bounce(Bounce {
            original: Some(MessageId::from("delivery.77@example.com")),
            recipient: Some("nobody@client.test".to_owned()),
            status: Some("5.1.1".to_owned()),
            diagnostic: Some("550 5.1.1 <nobody@client.test>: Recipient address rejected: User unknown".to_owned()),
        })
    );
}

#[test]
fn a_delay_is_no_failure() {
    let raw = String::from_utf8(include_bytes!("../../../../tests/fixtures/email/bounce-postfix.eml").to_vec()).expect("ASCII");
    let mail = parse(raw.replace("Action: failed", "Action: delayed").as_bytes(), &Own::default()).expect("a mail");
    assert_eq!(mail.auto, AutoMail::AutoReply);
}

#[test]
fn simple_bounces_are_read_from_their_text() {
    let text = "Sorry, I couldn't deliver it.\r\n\r\n<nobody@client.test>:\r\n550 5.7.1 mailbox unavailable\r\n\r\nMessage-ID: <d.1@example.com>\r\n";
    let AutoMail::Bounce(bounce) = kind("From: MAILER-DAEMON@mx.test\r\nReturn-Path: <>\r\nSubject: failure notice", text) else {
        panic!("a bounce");
    };
    assert_eq!(bounce.recipient.as_deref(), Some("nobody@client.test"));
    assert_eq!(bounce.status.as_deref(), Some("5.7.1"));
    assert_eq!(bounce.original, Some(MessageId::from("d.1@example.com")));
    assert!(matches!(kind("From: postmaster@mx.test\r\nSubject: 無法傳遞: 水管", "使用者不存在"), AutoMail::Bounce(_)));
}

#[test]
fn a_status_is_not_an_address_or_a_version() {
    for (text, status) in [
        ("550 5.1.1 x", Some("5.1.1")),
        ("#5.2.2#", Some("5.2.2")),
        ("10.5.1.1", None),
        ("5.1.1.1", None),
        ("v5.1", None),
        ("15.1.1", None),
        ("(4.4.7)", Some("4.4.7")),
    ] {
        assert_eq!(super::enhanced_status(text).as_deref(), status, "{text}");
    }
}

fn auto(raw: &str) -> AutoMail {
    parse(raw.replace('\n', "\r\n").as_bytes(), &Own::default()).expect("a mail").auto
}

#[test]
fn programs_that_follow_no_rule_are_known() {
    // Amazon's notices, as JSON.
    let sns = "From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\n\n{\"notificationType\":\"KIND\",\"mail\":{}}\n";
    assert!(matches!(auto(&sns.replace("KIND", "Bounce")), AutoMail::Bounce(_)));
    assert_eq!(auto(&sns.replace("KIND", "Complaint")), AutoMail::AutoReply);
    // A gateway that names no code, from an address of its own.
    let gateway = "From: gateway@example.com\nSubject: Delivery failure notification\n\nYour message\ncould not be delivered to the following recipients:\n\nu@example.org\n";
    assert!(matches!(auto(gateway), AutoMail::Bounce(_)));
    // A person who asks about one has a thread or says more.
    assert_eq!(auto(&gateway.replace("Subject: ", "References: <a@b>\nSubject: Re: ")), AutoMail::None);
    // A telephone company's, with the mail inside.
    let company = "Return-Path: <>\nFrom: no-reply@example.jp\nSubject: Mail\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nCould not be delivered to: <u@example.jp>\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--b--\n";
    assert!(matches!(auto(company), AutoMail::Bounce(_)));
    assert_eq!(auto("From: ml-admin@example.jp\nX-MLServer: fml\nSubject: Loop Alert\n\nx\n"), AutoMail::List);
    assert_eq!(auto("From: desk@example.com\nX-Loop: yes\nSubject: x\n\nx\n"), AutoMail::AutoReply);
    assert_eq!(auto("From: a@example.com\nX-Loop: list@example.com\nSubject: x\n\nx\n"), AutoMail::None);
    assert_eq!(auto("From: staff@example.com\nSubject: complaint about message from 192.0.2.1\n\nx\n"), AutoMail::AutoReply);
}

#[test]
fn our_own_mail_is_known_by_tag_and_host() {
    let addresses = ["help+token@example.com".to_owned()];
    let own = Own { addresses: &addresses, host: Some("desk.example.com"), ..Own::default() };
    for raw in ["From: HELP@example.com\n\nx", "From: a@b.c\nMessage-ID: <1@Desk.Example.com>\n\nx"] {
        assert_eq!(parse(raw.as_bytes(), &own).expect("a mail").auto, AutoMail::Loop, "{raw}");
    }
    assert_eq!(parse(b"From: a@b.c\nMessage-ID: <1@example.com>\n\nx", &own).expect("a mail").auto, AutoMail::None);
}
