use std::fmt::Write as _;

use super::files::NAME_CHARS_MAX;
use super::*;
use crate::channels::email::hostile::takes_no_square_of_time;
use crate::domain::{Authenticity, MessageId};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/email/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn read(raw: &[u8]) -> IncomingMail {
    parse(raw, &Own::default()).expect("it is a mail")
}

/// What matters of a mail, for one look.
fn summary(mail: &IncomingMail) -> String {
    let address = |a: &MailAddress| format!("{} <{}>", a.name, a.address);
    let mut out = String::new();
    writeln!(out, "from: {}", mail.from.as_ref().map(address).unwrap_or_default()).expect("a string grows");
    writeln!(out, "to: {}", mail.recipients.iter().map(address).collect::<Vec<_>>().join(", ")).expect("a string grows");
    writeln!(out, "subject: {}", mail.subject).expect("a string grows");
    writeln!(out, "auto: {:?}", mail.auto).expect("a string grows");
    for a in &mail.attachments {
        writeln!(out, "file: {} ({}, {} bytes)", a.name, a.content_type, a.bytes.len()).expect("a string grows");
    }
    writeln!(out, "reply: {}", mail.reply).expect("a string grows");
    if !mail.passed_on.is_empty() {
        writeln!(out, "passed on: {}", mail.passed_on).expect("a string grows");
    }
    out
}

#[test]
fn the_fixtures_are_read_as_a_person_reads_them() {
    let folder = format!("{}/tests/fixtures/email", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|n| std::path::Path::new(n).extension().is_some_and(|e| e == "eml"))
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        insta::assert_snapshot!(name.as_str(), summary(&read(&fixture(&name))));
    }
}

#[test]
fn every_header_that_threads_is_read() {
    let mail = read(
        b"\r\n\r\nMessage-ID: <a@x>\r\nIn-Reply-To: <b@x> <c@x>\r\nReferences: <r@x>\r\n\t<b@x>\r\nFrom: \"Wang\" <Wang@Client.TEST>\r\n\
          To: Support+ABC@Example.com\r\nCc: x@y.z\r\nDelivered-To: support@example.com\r\nX-Original-To: team@example.com\r\n\
          Date: Sat, 21 Nov 2026 20:13:00 +0800\r\nSubject: =?utf-8?B?5rC0566h?=\r\n\r\nhi\0 there  \r\n\r\n",
    );
    assert_eq!(mail.message_id, Some(MessageId::from("a@x")));
    assert_eq!(mail.in_reply_to, Some(MessageId::from("b@x")));
    assert_eq!(mail.references, [MessageId::from("r@x"), MessageId::from("b@x")]);
    assert_eq!(mail.from, Some(MailAddress { name: "Wang".to_owned(), address: "wang@client.test".to_owned() }));
    let recipients: Vec<&str> = mail.recipients.iter().map(|r| r.address.as_str()).collect();
    assert_eq!(recipients, ["support+abc@example.com", "x@y.z", "support@example.com", "team@example.com"]);
    assert_eq!(mail.cc.len(), 1);
    assert_eq!(mail.date.expect("a date").to_string(), "2026-11-21T12:13:00Z");
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("水管", "hi there"));
}

#[test]
fn undeclared_eight_bit_heads_are_read_by_the_body_s_charset() {
    let (subject, ..) = encoding_rs::BIG5.encode("Subject: 水管漏水\r\nFrom: 王大明 <w@c.test>\r\n");
    let mut raw = subject.into_owned();
    raw.extend_from_slice(b"Content-Type: text/plain; charset=big5\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    raw.extend_from_slice(&encoding_rs::BIG5.encode("請派人來").0);
    let mail = read(&raw);
    assert_eq!(mail.subject, "水管漏水");
    assert_eq!(mail.from.expect("a sender").name, "王大明");
    assert_eq!(mail.text, "請派人來");
}

#[test]
fn text_attachments_keep_their_bytes() {
    let bytes = encoding_rs::BIG5.encode("姓名,電話\r\n王,02\r\n").0.into_owned();
    let mut raw =
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: text/csv; charset=big5; name=a.csv\r\n\
                    Content-Disposition: attachment; filename=a.csv\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            .to_vec();
    raw.extend_from_slice(&bytes);
    raw.extend_from_slice(b"\r\n--b--\r\n");
    let mail = read(&raw);
    assert_eq!(mail.attachments.len(), 1);
    assert_eq!(mail.attachments[0].bytes, bytes);
}

#[test]
fn attachment_names_are_plain_file_names() {
    for (given, name) in [
        ("évil/../../x.png", Some("x.png")),
        ("C:\\docs\\報價 單.pdf", Some("報價 單.pdf")),
        ("a\u{0}b\u{202e}gpj.exe", Some("abgpj.exe")),
        ("=?utf-8?B?5aCx5YO5LnBkZg==?=", Some("報價.pdf")),
        ("..", None),
        ("  ", None),
        ("dir/", None),
    ] {
        assert_eq!(file_name(given).as_deref(), name, "{given}");
    }
    let long = file_name(&format!("{}.pdf", "長".repeat(500))).expect("a name");
    assert!(long.ends_with("長.pdf") && long.chars().count() <= NAME_CHARS_MAX);
}

#[test]
fn empty_unnamed_inline_and_nested_parts_are_attachments() {
    let raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: inline\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b\r\nContent-Type: application/pdf; name=empty.pdf\r\nContent-Disposition: attachment\r\n\r\n\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner / mail\r\n\r\ninner text\r\n--b--\r\n";
    let mail = read(raw);
    let files: Vec<(&str, &[u8])> = mail.attachments.iter().map(|a| (a.name.as_str(), a.bytes.as_slice())).collect();
    assert_eq!(
        files,
        [("image-1.png", &b"\x00\x01\x02"[..]), ("empty.pdf", b""), ("inner _ mail.eml", b"Subject: inner / mail\r\n\r\ninner text")]
    );
    assert_eq!(mail.text, "hi");
}

#[test]
fn flowed_lines_are_joined() {
    let mail = read(b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\none \r\ntwo\r\n> q1 \r\n> q2\r\n-- \r\nsig\r\n");
    assert_eq!(mail.text, "onetwo\n> q1q2\n-- \nsig");
    assert_eq!(mail.reply, "onetwo");
}

#[test]
fn broken_mail_is_still_read() {
    assert_eq!(parse(b"", &Own::default()), None);
    assert_eq!(parse(b" \r\n\r\n", &Own::default()), None);
    assert_eq!(read("只有文字".as_bytes()).text, "只有文字");
    assert_eq!(read(b"Subject: x").subject, "x");
    let unclosed = read(b"Content-Type: multipart/mixed; boundary=b\r\nSubject: x\r\n\r\ntext without any boundary\r\n");
    assert_eq!((unclosed.text.as_str(), unclosed.attachments.len()), ("text without any boundary", 0));
}

#[test]
fn the_trusted_server_s_verdict_is_passed_on() {
    let raw = b"Authentication-Results: mx.example.test; dmarc=pass header.from=c.test\r\nReceived: from x\r\nFrom: a@c.test\r\n\r\nhi";
    let own = Own { authserv_id: Some("mx.example.test"), ..Own::default() };
    assert_eq!(parse(raw, &own).expect("a mail").authenticity, Authenticity::Pass);
    assert_eq!(read(raw).authenticity, Authenticity::Unknown);
}

#[test]
fn our_own_address_is_a_loop() {
    let addresses = ["Support@Example.com".to_owned()];
    let mail = parse(b"From: support@example.com\r\n\r\nhi", &Own { addresses: &addresses, ..Own::default() }).expect("a mail");
    assert_eq!(mail.auto, AutoMail::Loop);
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_the_parser(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        parse(&raw, &Own::default());
    }

    #[test]
    fn no_damaged_mail_breaks_the_parser(at in 0_usize..4000, byte in proptest::num::u8::ANY, cut in 0_usize..4000) {
        for name in ["outlook-zh.eml", "bounce-postfix.eml", "gmail-zh.eml"] {
            let mut raw = fixture(name);
            let len = raw.len();
            raw[at % len] = byte;
            raw.truncate(len - cut % len);
            parse(&raw, &Own::default());
        }
    }
}

/// Words for a mail of parts, with CRLF.
fn mixed(parts: &[&str]) -> Vec<u8> {
    let mut raw = "From: a@c.test\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n".to_owned();
    for part in parts {
        raw.push_str("--b\n");
        raw.push_str(part);
        raw.push('\n');
    }
    (raw + "--b--\n").replace('\n', "\r\n").into_bytes()
}

#[test]
fn what_is_inside_winmail_dat_takes_its_place() {
    use base64::Engine as _;
    let packed = base64::engine::general_purpose::STANDARD.encode(tnef::tests::sample());
    let part = format!("Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n{packed}");
    let mail = read(&mixed(&[&part]));
    assert_eq!(mail.text, "內文");
    assert_eq!(mail.attachments.iter().map(|a| (a.name.as_str(), a.bytes.as_slice())).collect::<Vec<_>>(), [("報價單.pdf", &b"%PDF"[..])]);
    // What only bears the name stays a file.
    let mail = read(&mixed(&["\nhi", "Content-Type: application/ms-tnef; name=winmail.dat\n\nno such thing"]));
    assert_eq!((mail.text.as_str(), mail.attachments[0].name.as_str()), ("hi", "winmail.dat"));
}

#[test]
fn a_mail_inside_a_mail_is_passed_on_and_kept_as_a_file() {
    let inner =
        "Content-Type: message/rfc822\n\nFrom: Client <c@c.test>\nDate: Sat, 21 Nov 2026 20:13:00 +0800\nSubject: leak\n\nIt drips.";
    let mail = read(&mixed(&["\nPlease see.", inner]));
    assert_eq!(mail.reply, "Please see.");
    assert_eq!(mail.passed_on, "From: Client <c@c.test>\nDate: 2026-11-21T20:13:00+08:00\nSubject: leak\n\nIt drips.");
    assert_eq!(mail.said(), format!("Please see.\n\n{}", mail.passed_on));
    assert_eq!(mail.attachments[0].name, "leak.eml");
    let alone = read(&mixed(&[inner]));
    assert!(alone.reply.ends_with("It drips.") && alone.passed_on.is_empty());
}

#[test]
fn an_invitation_is_readable() {
    let calendar = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:會議\nDTSTART:20261121T140000\nEND:VEVENT\nEND:VCALENDAR";
    let mail = read(&mixed(&["Content-Type: text/plain; charset=utf-8\n\n請參加", calendar]));
    assert_eq!(mail.reply, "請參加\n\n📅 會議\n🕑 2026-11-21 14:00");
    assert_eq!(mail.attachments.len(), 1);
    let alone = read(calendar.replace('\n', "\r\n").as_bytes());
    assert_eq!((alone.text.as_str(), alone.reply.as_str()), ("📅 會議\n🕑 2026-11-21 14:00", "📅 會議\n🕑 2026-11-21 14:00"));
    assert_eq!(alone.attachments.len(), 1);
}

#[test]
fn pictures_stand_in_the_text_by_their_names() {
    let picture = "Content-Type: image/png; name=leak.png\nContent-ID: <p1@x>\nContent-Transfer-Encoding: base64\n\nAAEC";
    let mail = read(&mixed(&["Content-Type: text/html\n\n<p>Here:<img src=\"cid:p1@x\" alt=\"?\"></p><p>Thanks</p>", picture]));
    assert_eq!(mail.text, "Here:[leak.png]\n\nThanks");
    let mail = read(&mixed(&["\nHere: [cid:p1@x] and [cid:other] [cid:", picture]));
    assert_eq!(mail.text, "Here: [leak.png] and [cid:other] [cid:");
}

#[test]
fn a_mail_that_was_cut_off_keeps_its_text() {
    let head = "From: a@c.test\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=BB\r\n\r\n";
    let text = "--BB\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n請見附件\r\n";
    for end in ["", "--", "\r\n--BB"] {
        let mail = read(format!("{head}{text}{end}").as_bytes());
        assert!(mail.reply.starts_with("請見附件") && mail.attachments.is_empty(), "{end:?}: {mail:?}");
    }
    let file = "--BB\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n1,2\r\n3";
    let mail = read(format!("{head}{text}{file}").as_bytes());
    assert_eq!((mail.reply.as_str(), mail.attachments[0].name.as_str()), ("請見附件", "a.csv"));
    assert!(mail.attachments[0].bytes.starts_with(b"1,2\r\n3"));
    let both = head.replace("mixed", "alternative") + text + "--BB\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>請見附件</p>";
    let mail = read(both.as_bytes());
    assert_eq!((mail.reply.as_str(), mail.attachments.len()), ("請見附件", 0));
}

#[test]
fn an_inner_multipart_without_its_end_does_not_swallow_what_follows() {
    let raw = "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/alternative; boundary=in\n\n--in\n\ntext\n\n\
               --out\nContent-Type: text/csv; name=a.csv\nContent-Disposition: attachment\n\n1,2\n--out--\n";
    let mail = read(raw.replace('\n', "\r\n").as_bytes());
    assert_eq!((mail.text.as_str(), mail.attachments.len()), ("text", 1));
    assert_eq!(mail.attachments[0].bytes, b"1,2");
}

#[test]
fn uuencoded_files_and_cut_base64_are_read_whole() {
    let mail = read(b"From: a@c.test\r\n\r\nhi\r\nbegin 644 a.txt\r\n%:&5L;&\\\r\n`\r\nend\r\n");
    assert_eq!(
        (mail.text.as_str(), mail.attachments[0].name.as_str(), mail.attachments[0].bytes.as_slice()),
        ("hi", "a.txt", &b"hello"[..])
    );
    let mail = read(&mixed(&["\nhi", "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\naGVsbG8"]));
    assert_eq!(mail.attachments[0].bytes, b"hello");
}

#[test]
fn signed_and_encrypted_parts_are_kept_as_files() {
    let mail = read(&mixed(&[
        "\nhi",
        "Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nAAEC",
        "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----",
    ]));
    let names: Vec<&str> = mail.attachments.iter().map(|a| a.name.as_str()).collect();
    assert_eq!((mail.reply.as_str(), names.as_slice()), ("hi", &["smime.p7s", "attachment-2.asc"][..]));
}

#[test]
fn hostile_mails_take_little_time() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(20_000);
    let multiparts: Vec<String> = (0..2_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let multiparts = multiparts.concat();
    let words = format!("Subject: {}\r\n\r\nx", "=?utf-7?Q?a?b".repeat(100_000));
    let marks = String::from_utf8(mixed(&[&"\n[cid:".repeat(100_000), "Content-Type: image/png\nContent-ID: <x>\n\ny"])).expect("UTF-8");
    let begins = format!("Subject: x\r\n\r\n{}", "begin 644 x\r\n".repeat(100_000));
    let fields = "From: a@b\r\n".repeat(100_000);
    for raw in [nested, multiparts, words, marks, begins, fields] {
        takes_no_square_of_time(&raw[..20], || drop(parse(raw.as_bytes(), &Own::default())));
    }
}
