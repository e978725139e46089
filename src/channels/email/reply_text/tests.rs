use super::*;

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
    assert!(new.contains("> …\n> 第14行") && new.contains("> 第19行\n\n回一") && !new.contains("第13行"), "{new}");
}

#[test]
fn what_was_passed_on_stays() {
    let mail = "請看下面。\n\n---------- Forwarded message ---------\nFrom: A <a@b.c>\nDate: 2026\nSubject: x\n\n內容\n";
    assert!(new_text(mail).ends_with("內容"));
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
    assert_eq!(new_text_of("好的\n\nXyz:\n舊文字\n", Some(html)), "好的");
    assert_eq!(new_text_of("", Some(html)), "好的");
    assert_eq!(new_text_of("另一段文字\n", Some(html)), "另一段文字");
}

#[test]
fn hostile_text_takes_linear_time() {
    for piece in
        [">", "> \n", "From:\n", "a:\n", "On 2026 x@y ", "-- \n", "寄件者: x\n日期: y\n", "\n", "Sent from my\n", "> a\n\n", "x wrote:\n"]
    {
        let text = piece.repeat(200_000 / piece.len());
        let begun = std::time::Instant::now();
        new_text(&text);
        assert!(begun.elapsed().as_secs() < 5, "{piece:?} took {:?}", begun.elapsed());
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
