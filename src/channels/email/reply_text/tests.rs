use super::*;
use crate::channels::email::hostile::takes_no_square_of_time;

#[track_caller]
fn becomes(mail: &str, new: &str) {
    assert_eq!(new_text(mail), new, "of:\n{mail}");
}

#[test]
fn a_mail_without_history_is_kept_whole() {
    becomes("您好，\n\n- 第一點\n- 第二點\n\n謝謝\n", "您好，\n\n- 第一點\n- 第二點\n\n謝謝");
    becomes("收件人：王先生\n地址：台北市\n", "收件人：王先生\n地址：台北市");
    becomes("從我的觀點來看，可以。", "從我的觀點來看，可以。");
}

#[test]
fn quotations_of_every_program_are_cut() {
    for history in [
        "客服 <s@example.com> 於 2026年11月21日 週六 下午8:13寫道：\n\n> 您好\n> 問題",
        "客服 <s@example.com> 於 2026年11月21日 週六\n下午8:13寫道：\n\n> 您好",
        "On Sat, Nov 21, 2026 at 8:13\u{202f}PM Support <s@example.com>\nwrote:\n\n> hello\n>\n> there",
        "> 客服 <s@example.com> 於 2026年11月21日 下午8:13 寫道：\n> \n> 您好",
        "________________________________\n寄件者: 客服 <s@example.com>\n寄件日期: 2026年11月21日 下午 08:13\n收件者: a@b.c\n主旨: 水管\n\n您好",
        "-----原始郵件-----\nFrom: s@example.com\nSent: 2026/11/21 20:13\nTo: a@b.c\nSubject: x\n\n您好",
        "------------------ 原始邮件 ------------------\n发件人: \"客服\" <s@example.com>;\n发送时间: 2026年11月21日(星期六) 20:13\n\n您好",
        "    客服 <s@example.com> 在 2026年11月21日 星期六 下午08:13:00 [GMT+8] 寫道：  \n \n 您好\n 問題",
        "2026年11月21日(土) 20:13 客服 <s@example.com>:\n\n> こんにちは",
        "2026/11/21 20:13、客服 <s@example.com>のメール:\n\n> こんにちは",
        "Am 21.11.2026 um 20:13 schrieb Support <s@example.com>:\n> hallo",
        "Le 21 nov. 2026 à 20:13, Support <s@example.com> a écrit :\n\n> salut",
        "從：客服 <s@example.com>\n寄件日期：2026年11月21日\n至：a@b.c\n主旨：水管\n\n您好",
        "##- 請在這行上方回覆 -##\n\n您好",
        // Outlook on the desktop and on the web, without a rule above
        "寄件者: 客服 <s@example.com>\n傳送時間: 2026年11月21日 下午 08:13\n收件者: 王大明 <w@c.test>\n副本: 'a' <a@c.test>;\n b <b@c.test>\n主旨: RE: 水管\n\n您好",
        "從: 客服 <s@example.com>\n已傳送: 2026年11月21日 20:13\n至: w@c.test <w@c.test>\n主旨: 水管\n\n您好",
        // Thunderbird, Proton, Yahoo on the phone
        "客服 於 2026/11/21 下午 08:13 寫道:\n> 您好",
        "於 2026/11/21 20:13, 客服 寫道：\n> 您好",
        "在 2026年11月21日 星期六 20:13，客服 <s@example.com> 寫道：\n\n> 您好",
        "On Saturday, November 21st, 2026 at 8:13 PM, Support <s@example.com> wrote:\n\n> hello",
        "於 2026年11月21日 週六 下午8:13， 客服<s@example.com> 寫道：\n\n  您好",
        // Samsung, NetEase, Foxmail
        "-------- 原始郵件 --------\n自: 客服 <s@example.com>\n日期: 2026/11/21 20:13 (GMT+08:00)\n收件人: w@c.test\n主題: 水管\n\n您好",
        "---- 回复的原邮件 ----\n| 发件人 | 客服<s@example.com> |\n| 日期 | 2026年11月21日 20:13 |\n\n您好",
        "在 2026-11-21 20:13:00，\"客服\" <s@example.com> 写道：\n\n您好",
        "发件人： 客服\n发送时间： 2026-11-21 20:13\n收件人： w@c.test\n主题： Re: 水管\n\n您好",
        // Apple Mail in Chinese and Japanese, Outlook in Japanese and Korean
        "2026年11月21日 20:13，客服 <s@example.com> 写道：\n\n您好",
        "> 2026/11/21 20:13、客服 <s@example.com>のメール:\n> \n> こんにちは",
        "差出人: 客服 <s@example.com>\n送信日時: 2026年11月21日 20:13\n宛先: w@c.test\n件名: 水道\n\nこんにちは",
        "보낸 사람: 客服 <s@example.com>\n보낸 날짜: 2026년 11월 21일\n받는 사람: w@c.test\n제목: 水管\n\n안녕하세요",
    ] {
        becomes(&format!("好的，謝謝。\n下午兩點見。\n\n{history}\n"), "好的，謝謝。\n下午兩點見。");
    }
}

#[test]
fn an_answer_under_its_quotation_is_kept() {
    becomes("On Sat, Nov 21, 2026 at 8:13 PM S <s@example.com> wrote:\n> ##- 請在這行上方回覆 -##\n> 問題\n\n答案在此。\n", "答案在此。");
}

#[test]
fn answers_between_the_lines_keep_their_questions() {
    let mail = "On Sat, Nov 21, 2026 at 8:13 PM S <s@example.com> wrote:\n> 幾點到？\n\n兩點。\n\n> 幾個人？\n\n三個。\n\n> 謝謝\n";
    becomes(mail, "> 幾點到？\n\n兩點。\n\n> 幾個人？\n\n三個。");
}

#[test]
fn a_long_question_is_kept_short() {
    let question: Vec<String> = (0..20).map(|n| format!("> 第{n}行\n")).collect();
    let question = question.concat();
    let new = new_text(&format!("見下。\n\n{question}\n回一\n\n> 問\n\n回二\n"));
    assert!(new.contains("> …\n> 第12行") && new.contains("> 第19行\n\n回一") && !new.contains("第11行"), "{new}");
}

#[test]
fn what_was_passed_on_stays() {
    let mail = "請看下面。\n\n---------- Forwarded message ---------\nFrom: A <a@b.c>\nDate: 2026\nSubject: x\n\n內容\n";
    assert!(read(mail, None, false).passed_on.ends_with("內容"));
    let mail = "________________________________\n寄件者: A <a@b.c>\n寄件日期: 2026年1月2日\n主旨: 報價\n\n內容\n";
    assert!(new_text(mail).contains("內容"), "nothing new above it: unsure");
}

#[test]
fn signatures_are_cut() {
    becomes("好的\n\n-- \n王大明\n幸福物業\n", "好的");
    becomes("好的\n\n-- \n王大明\n\nS <s@e.c> 於 2026年1月2日 寫道：\n> 問\n", "好的");
    for line in [
        "從我的 iPhone 傳送",
        "取得 iOS 版 Outlook<https://aka.ms/o0ukef>",
        "Sent from my iPhone",
        "Get Outlook for Android",
        "发自我的iPhone",
        "iPhoneから送信",
    ] {
        becomes(&format!("好的\n\n{line}\n"), "好的");
    }
    becomes("Sent from my desk, is much easier than a phone.", "Sent from my desk, is much easier than a phone.");
}

#[test]
fn every_locale_s_marker_is_known() {
    assert_eq!(MARKERS.len(), Locale::ALL.len());
    for marker in MARKERS.iter() {
        becomes(&format!("答\n\n{marker}\n舊\n"), "答");
        becomes(&format!("答\n\n  {marker}  \n舊\n"), "答");
    }
}

#[test]
fn the_html_body_tells_where_history_begins() {
    let html = "<div>好的</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">Xyz:</div><blockquote>舊</blockquote></div>";
    assert_eq!(read("好的\n\nXyz:\n舊文字\n", Some(html), false).own, "好的");
    assert_eq!(read("", Some(html), false).own, "好的");
    assert_eq!(read("另一段文字\n", Some(html), false).own, "另一段文字");
}

#[test]
fn hostile_text_takes_linear_time() {
    for piece in
        [">", "> \n", "From:\n", "a:\n", "On 2026 x@y ", "-- \n", "寄件者: x\n日期: y\n", "\n", "Sent from my\n", "> a\n\n", "x wrote:\n"]
    {
        let text = piece.repeat(200_000 / piece.len());
        takes_no_square_of_time(piece, || drop(new_text(&text)));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_cutter(text in "(?s).{0,400}") {
        let new = new_text(&text);
        proptest::prop_assert!(new.len() <= text.len() + 64);
    }

    #[test]
    fn plain_words_are_never_cut(text in "[一-龥]{1,60}(\n[一-龥，。]{1,60}){0,8}") {
        proptest::prop_assert_eq!(new_text(&text), text);
    }
}

/// What Gmail and Apple Mail put above a quotation in the languages that reach us, with the history unquoted below, as
/// relays leave it.
#[test]
fn attributions_of_many_languages_begin_history() {
    for line in [
        "po 2. 1. 2023 v 10:00 odesílatel Jana Nová <j@example.com> napsal:",
        "Den man. 2. jan. 2023 kl. 10.00 skrev Jens <j@example.com>:",
        "Am Mo., 2. Jan. 2023 um 10:00 Uhr schrieb Jens <j@example.com>:",
        "Στις Δευ 2 Ιαν 2023 στις 10:00 π.μ., ο χρήστης X <j@example.com> έγραψε:",
        "El lun, 2 ene 2023 a las 10:00, Jens (<j@example.com>) escribió:",
        "Kontakt Jens (<j@example.com>) kirjutas kuupäeval E, 2. jaanuar 2023 kell 10:00:",
        "ma 2. tammik. 2023 klo 10.00 Jens (j@example.com) kirjoitti:",
        "Jens <j@example.com> kirjoitti 2.1.2023 kello 10.00:",
        "Le lun. 2 janv. 2023 à 10:00, Jens <j@example.com> a écrit :",
        "pon, 2. sij 2023. u 10:00 Jens <j@example.com> napisao je:",
        "Jens <j@example.com> ezt írta (időpont: 2023. jan. 2., H, 10:00):",
        "Pada tanggal Sen, 2 Jan 2023 pukul 10.00 Jens <j@example.com> menulis:",
        "Il giorno lun 2 gen 2023 alle ore 10:00 Jens <j@example.com> ha scritto:",
        "2023년 1월 2일 (월) 오전 10:00, Jens <j@example.com>님이 작성:",
        "2023-01-02, pr, 10:00 Jens <j@example.com> rašė:",
        "Op ma 2 jan 2023 om 10:00 schreef Jens <j@example.com>:",
        "Op 2 jan. 2023 om 10:00 heeft Jens het volgende geschreven:",
        "man. 2. jan. 2023 kl. 10:00 skrev Jens <j@example.com>:",
        "pon., 2 sty 2023 o 10:00 Jens <j@example.com> napisał(a):",
        "Wiadomość napisana przez Jens <j@example.com> w dniu 02.01.2023, o godz. 10:00:",
        "Em seg., 2 de jan. de 2023 às 10:00, Jens <j@example.com> escreveu:",
        "Jens <j@example.com> escreveu no dia segunda, 2/01/2023 à(s) 10:00:",
        "În lun., 2 ian. 2023 la 10:00, Jens <j@example.com> a scris:",
        "пн, 2 янв. 2023 г. в 10:00, Jens <j@example.com>:",
        "po 2. 1. 2023 o 10:00 Jens <j@example.com> napísal(a):",
        "V V pon., 2. jan. 2023 ob 10:00 je oseba Jens <j@example.com> napisala:",
        "Den mån 2 jan. 2023 kl 10:00 skrev Jens <j@example.com>:",
        "ในวันที่ จ. 2 ม.ค. 2023 เวลา 10:00 Jens <j@example.com> เขียนว่า:",
        "Jens <j@example.com>, 2 Oca 2023 Pzt, 10:00 tarihinde şunu yazdı:",
        "Vào Th 2, 2 thg 1, 2023 vào lúc 10:00 Jens <j@example.com> đã viết:",
        "Missatge de Jens <j@example.com> del dia dl., 2 de gen. 2023 a les 10:00:",
        "На пн, 2.01.2023 г. в 10:00 Jens <j@example.com> написа:",
        "2023-01-02 10:00 GMT+01:00 Jens",
        "Am 02.01.23 um 10:00 schrieb Jens - Firma",
        "On Mon, Jan 2, 2023, 10:00 Jens <j@example.com> wrote:",
    ] {
        becomes(&format!("Own words.\n\n{line}\n\nOld words.\n"), "Own words.");
    }
}

/// Header blocks of Outlook, Apple Mail and others.
#[test]
fn header_blocks_of_many_languages_begin_history() {
    for words in [
        ["Od", "Odesláno", "Komu", "Předmět"],
        ["Fra", "Sendt", "Til", "Emne"],
        ["Von", "Gesendet", "An", "Betreff"],
        ["Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"],
        ["De ", "Envoyé ", "À ", "Objet "],
        ["Feladó", "Elküldve", "Címzett", "Tárgy"],
        ["Da", "Inviato", "A", "Oggetto"],
        ["Van", "Verzonden", "Aan", "Onderwerp"],
        ["Od", "Wysłano", "Do", "Temat"],
        ["De", "Enviada em", "Para", "Assunto"],
        ["De la", "Trimis", "Către", "Subiect"],
        ["От", "Отправлено", "Кому", "Тема"],
        ["Od", "Odoslané", "Komu", "Predmet"],
        ["Från", "Skickat", "Till", "Ämne"],
        ["Kimden", "Gönderme Tarihi", "Kime", "Konu"],
        ["Від", "Надіслано", "Кому", "Тема"],
        ["Từ", "Đã gửi", "Đến", "Chủ đề"],
        ["من", "تم الإرسال", "إلى", "الموضوع"],
        ["מאת", "נשלח", "אל", "נושא"],
        ["Από", "Στάλθηκε", "Προς", "Θέμα"],
        ["От", "Изпратено", "До", "Относно"],
        ["Šalje", "Poslano", "Prima", "Predmet"],
        ["Saatja", "Saadetud", "Adressaat", "Teema"],
        ["Nuo", "Siųsta", "Kam", "Tema"],
        ["Dari", "Terkirim", "Kepada", "Perihal"],
        ["จาก", "วันที่", "ถึง", "เรื่อง"],
        ["寄信人", "寄信時間", "收信人", "標題"],
        ["寄件人", "日期", "收件人", "主旨"],
    ] {
        let [from, date, to, subject] = words;
        let block = format!("{from}: Jens <j@example.com>\n{date}: 2/1/2023 10:00\n{to}: a@example.com\n{subject}: x");
        becomes(&format!("Own words.\n\n{block}\n\nOld words.\n"), "Own words.");
        becomes(&format!("Own words.\n\n{}\n\nOld words.\n", block.replace('\n', " ")), "Own words.");
    }
}

/// Converters from HTML leave what was on lines of its own on one line with the answer.
#[test]
fn history_that_shares_a_line_with_the_answer_is_cut() {
    becomes("Yes On Wed, Apr 4, 2012 at 3:59 PM, b@example.com wrote:\n> Hi\n", "Yes");
    becomes("Danke -----Ursprüngliche Nachricht----- Von: X\nalt\n", "Danke");
    becomes("Danke\n-------- Original Message --------From: X Date: Y\nalt\n", "Danke");
    becomes("We met On Monday at 10:00 and he said:\nno", "We met On Monday at 10:00 and he said:\nno");
}

/// Discourse, and helpdesks that took its templates.
#[test]
fn old_posts_under_a_heading_are_cut() {
    becomes("答覆\n\n---\n*先前的回覆*\n\n舊文\n", "答覆");
    becomes("Answer\n\n---\n*Previous Replies*\n\nold\n", "Answer");
    becomes("Answer\n\nPrevious Replies\n\nold\n", "Answer\n\nPrevious Replies\n\nold");
}

#[test]
fn blocks_of_contact_lines_are_signatures() {
    for block in [
        "王小華\n測試股份有限公司 工務部\n電話：02-2555-0100\n傳真：02-2555-0101\n地址：台北市大同區安和路 1 號",
        "王小華 經理\n0912-000-100",
        "陳小美 Mei Chen\n測試科技\nTEL: 03-555-0100 #12",
        "Anna Example\nanna@example.com\n(555) 555-0100",
        "=====================\n測試有限公司\nTel:(03)555-0100 Ext:3\n=====================",
        "Anna Example | Designer\nPhone: +44 20 5550 0100\nwww.example.com\n\nThis e-mail is confidential. If you are not the intended recipient, delete it.",
    ] {
        becomes(&format!("好的，明天到。\n\n{block}\n"), "好的，明天到。");
    }
    becomes("好的\n\nRegards,\n王小華\n測試公司\nTEL: 02-2555-0100\n", "好的\n\nRegards,\n王小華");
}

#[test]
fn addresses_that_the_mail_is_about_are_kept() {
    for mail in [
        "請寄到：\n\n王小華\n台北市大同區安和路 1 號\n0912-000-100",
        "要報修冷氣。\n\n聯絡人：王小華\n電話：02-2555-0100\n地址：台北市大同區安和路 1 號",
        "要報修冷氣。\n\n電話：02-2555-0100\n地址：台北市大同區安和路 1 號",
        "料號如下\n\nA1023-55\nB2040-01",
        "王小華\n測試股份有限公司\n電話：02-2555-0100",
        "請保密，不要告訴別人，這件事是機密。",
        "您好。\n\n上一封寄錯了，請刪除此郵件，裡面有其他客戶的機密資料，不要揭露也不要散布，非常抱歉造成困擾。",
        "您好。\n\n我們誤收到別人的發票，請協助刪除並重新開立正確的發票，謝謝您的協助與配合。",
        "Hello.\n\nThe attached plan is confidential, please do not disclose it before the meeting on Monday afternoon.",
        "負責人如下\n\n王小華\n採購部",
    ] {
        becomes(mail, mail);
    }
}

#[test]
fn journeys_and_deliveries_are_no_header_blocks() {
    for mail in [
        "請安排貨車。\n\n日期：12/1\n從：台北\n至：高雄",
        "請安排貨車。\n\n日期：12/1 從：台北 至：高雄",
        "會議紀錄\n\n時間：14:00\n地點：三樓\n主題：預算",
    ] {
        becomes(mail, mail);
    }
}

#[test]
fn a_name_after_a_dash_is_a_signature() {
    becomes("Works now.\n\n-Anna Example\n", "Works now.");
    becomes("- one\n\n- Two\n", "- one\n\n- Two");
}

#[test]
fn what_is_passed_on_stands_apart_from_own_words() {
    let new = read("請處理。\n\n---------- Forwarded message ---------\n寄件者： A <a@b.c>\n\n內容\n", None, true);
    assert_eq!(new.own, "請處理。");
    assert_eq!(new.passed_on, "---------- Forwarded message ---------\n寄件者： A <a@b.c>\n\n內容");
    let new = read("Begin forwarded message:\n\n> From: A\n> text\n\nPS: mine\n", None, false);
    assert_eq!((new.own.as_str(), new.passed_on.as_str()), ("PS: mine", "Begin forwarded message:\n\n> From: A\n> text"));
    // Outlook puts no line between, only a header block; the subject says that it is passed on.
    let outlook = "請處理。\n\n寄件者: A <a@b.c>\n寄件日期: 2026年1月2日\n主旨: 報價\n\n內容\n";
    assert!(read(outlook, None, true).passed_on.ends_with("內容"));
    assert_eq!(read(outlook, None, false), NewText { own: "請處理。".to_owned(), passed_on: String::new() });
}
