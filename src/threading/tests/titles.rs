//! Titles.

use unicode_segmentation::UnicodeSegmentation;

use super::super::decide::title;
use super::super::title::{excerpt, one_line, possible_titles, title_of};
use super::*;
use crate::domain::TITLE_GRAPHEMES_MAX;

#[test]
fn a_title_says_what_it_is_about_without_greeting_and_politeness() {
    for (text, title) in [
        ("請問頂樓漏水什麼時候可以修？\n昨天雨很大", "頂樓漏水什麼時候可以修？"),
        ("您好\n三樓冷氣壞了。可以派人來嗎？", "三樓冷氣壞了"),
        ("您好，請問發票開了嗎", "發票開了嗎"),
        ("早 今天三樓要灌漿", "今天三樓要灌漿"),
        ("早安～各位，週三的會議改到週四", "週三的會議改到週四"),
        ("王經理您好 這期的請款單寄出了 再麻煩您", "這期的請款單寄出了"),
        ("@陳怡君 報價單可以再傳一次嗎", "報價單可以再傳一次嗎"),
        ("@弱電 小鄭 有三張門禁卡要註銷", "有三張門禁卡要註銷"),
        ("不好意思打擾了，想請問一下發票抬頭可以改嗎？謝謝", "發票抬頭可以改嗎？"),
        ("另外問一下 熱水器是電的還是瓦斯的", "熱水器是電的還是瓦斯的"),
        ("對了 下週三停電的事公告了嗎", "下週三停電的事公告了嗎"),
        ("還有 地標貼紙掉很多", "地標貼紙掉很多"),
        ("欸 網站首頁的圖跑掉了", "網站首頁的圖跑掉了"),
        ("麻煩幫我查一下訂單 20260914-03 到哪了 謝謝", "查一下訂單 20260914-03 到哪了"),
        ("請問一下～印表機一直卡紙怎麼辦", "印表機一直卡紙怎麼辦"),
        ("收到 那印刷的色差可以補印嗎", "那印刷的色差可以補印嗎"),
        ("老師好 小宇明天請假一天", "小宇明天請假一天"),
        ("各位家長大家好 校外教學回條請週五前交", "校外教學回條請週五前交"),
        ("阿輝 廚房要幾個插座", "廚房要幾個插座"),
        ("黃太太 浴室的門要往內開還是往外開", "浴室的門要往內開還是往外開"),
        ("跟您報告一下，倉庫盤點差三箱", "倉庫盤點差三箱"),
        ("提醒一下 國慶前那週的艙位快滿了", "國慶前那週的艙位快滿了"),
        ("想確認一下 8/15 的場地費含不含稅", "8/15 的場地費含不含稅"),
        ("公告：本週五機房停電", "本週五機房停電"),
        ("嗨嗨\n在嗎\nERP 登不進去", "ERP 登不進去"),
        ("請問\n我們的貨到港了嗎？", "我們的貨到港了嗎？"),
        ("抱歉 昨天那張圖檔解析度不夠", "昨天那張圖檔解析度不夠"),
        ("急！冰箱不冷了", "冰箱不冷了"),
        ("🙏🙏 監視器 3 號鏡頭沒畫面", "監視器 3 號鏡頭沒畫面"),
        ("合約第3.2條的付款日可以改嗎", "合約第3.2條的付款日可以改嗎"),
        ("報價單_v2.pdf 第二頁金額有誤", "報價單_v2.pdf 第二頁金額有誤"),
        ("早上送來的貨少一箱", "早上送來的貨少一箱"),
        ("早餐券什麼時候到期", "早餐券什麼時候到期"),
        ("請款單要寄到哪裡", "請款單要寄到哪裡"),
        ("可以幫忙看一下官網嗎 一直轉圈圈", "看一下官網嗎 一直轉圈圈"),
        ("謝謝！另外發票可以開三聯式嗎", "發票可以開三聯式嗎"),
        ("好的謝謝。報價什麼時候會給？", "報價什麼時候會給？"),
        ("(急)電梯卡在三樓", "(急)電梯卡在三樓"),
        ("「海邊民宿」的排名掉了", "「海邊民宿」的排名掉了"),
        ("林醫師早安，矽膠印模材缺貨到月底", "矽膠印模材缺貨到月底"),
        ("下週的菜單給我一下，感謝", "下週的菜單給我一下"),
        ("Hi, the invoice is wrong! Please check", "the invoice is wrong"),
        ("Hello everyone, can we move the demo to Friday?", "can we move the demo to Friday?"),
        ("順便問 兩間館可以分開頁面嗎", "兩間館可以分開頁面嗎"),
        ("老徐 車險證明過期了", "車險證明過期了"),
        ("history of orders", "history of orders"),
        ("The printer on the right side is not ok", "The printer on the right side is not ok"),
        ("報告書印好了嗎", "報告書印好了嗎"),
        ("收到的貨少一箱", "收到的貨少一箱"),
        ("裝好 記得測試水壓", "裝好 記得測試水壓"),
        ("大家好 領隊小馬報告 行前說明會想約下週三中午", "行前說明會想約下週三中午"),
        ("跟美玲說一下 回收車週三來", "回收車週三來"),
        ("各位住戶 頂樓曬衣場週五封閉", "頂樓曬衣場週五封閉"),
        ("主任這邊 轉學生的成績還沒進來", "轉學生的成績還沒進來"),
        ("Dear all, 漢堡那櫃延到週四", "漢堡那櫃延到週四"),
        ("明年的報價我月底送來 先跟各位講一聲", "明年的報價我月底送來"),
        ("工安報告 今天要交", "工安報告 今天要交"),
        ("月報告寄出了嗎 主管在問", "月報告寄出了嗎 主管在問"),
        ("お世話になっております。納品書を送ってください。", "納品書を送ってください"),
        ("#12 補充一張照片", "補充一張照片"),
        ("#客訴 便當有頭髮", "客訴 便當有頭髮"),
        ("Hi Mark, 購物車結帳會跳錯誤", "購物車結帳會跳錯誤"),
        ("感謝昨天的協助！另外想再請問印章要不要帶", "印章要不要帶"),
        ("1. 廁所漏水 2. 廚房燈不亮 3. 大門鎖壞", "1. 廁所漏水 2. 廚房燈不亮 3. 大門鎖壞"),
        ("Re: 報價單\n第二頁金額有誤", "報價單"),
        ("有件事想跟您說一下。帳單地址要改", "帳單地址要改"),
        ("> 之前說的交期\n要延到下週三可以嗎", "要延到下週三可以嗎"),
        ("感謝昨天的協助！印章要不要一起帶去", "印章要不要一起帶去"),
        ("上次說的\n招牌要換字", "招牌要換字"),
        ("拜託🙏 拜託🙏 薪資表今天要", "薪資表今天要"),
        ("https://example.com/admin/orders?id=1234567890123456789012345678901234567890 這頁打不開", "example.com 這頁打不開"),
        ("急！！！產線停了！", "產線停了"),
        ("蛤？怎麼又漲價", "怎麼又漲價"),
        ("Mr. Lin, the shipment is delayed again", "Mr. Lin, the shipment is delayed again"),
        ("請問下 11月的帳單何時寄", "11月的帳單何時寄"),
        ("抱歉這麼晚打擾 明天一早的車可以改9點嗎", "明天一早的車可以改9點嗎"),
        ("我是行政部小陳，想請問一下11月份的對帳單什麼時候會寄出？", "11月份的對帳單什麼時候會寄出？"),
        ("感謝昨天的幫忙 另外合約影本麻煩再寄一份", "合約影本麻煩再寄一份"),
        ("感謝狀要印幾張", "感謝狀要印幾張"),
        ("陳顧問早 9月新進5位 要加團保", "9月新進5位 要加團保"),
        ("林律 昨天收到法院的信", "昨天收到法院的信"),
        ("Sam 你好 櫃子什麼時候到", "櫃子什麼時候到"),
        ("客服 都不接電話", "客服 都不接電話"),
        ("房東 不修馬桶", "房東 不修馬桶"),
        ("音律 課改期", "音律 課改期"),
        ("請問下班後可以取貨嗎", "下班後可以取貨嗎"),
        ("Teams 您好像斷線了", "Teams 您好像斷線了"),
        ("不好意思這麼晚才付款 收據麻煩補", "這麼晚才付款 收據麻煩補"),
        ("是這樣子的 我要退貨", "是這樣子的 我要退貨"),
        ("國外部說第3頁 manufacturing capability 翻得很怪", "國外部說第3頁 manufacturing capability 翻得很怪"),
        ("(轉)各位鄰居 本週六垃圾車停收", "本週六垃圾車停收"),
        ("各位夥伴辛苦了，尾牙報名表單在此", "尾牙報名表單在此"),
        ("小陳啊 那個樣品寄了沒", "樣品寄了沒"),
    ] {
        assert_eq!(title_of(text, "圖片"), title, "{text}");
    }
}

#[test]
fn what_says_nothing_is_its_own_title_and_what_is_empty_has_none() {
    for (text, title) in [
        ("早安", "早安"),
        ("", "圖片"),
        ("  \n ", "圖片"),
        ("🙏🙏", "🙏🙏"),
        ("謝謝\n收到", "謝謝 收到"),
        ("感謝協助", "感謝協助"),
        ("上次說的", "上次說的"),
        ("https://example.com/a", "https://example.com/a"),
    ] {
        assert_eq!(title_of(text, "圖片"), title, "{text}");
    }
}

#[test]
fn a_long_sentence_is_cut_after_a_clause() {
    let text = "三樓版完成灌漿這是第四期的請款，請款單和照片都放在雲端資料夾，麻煩確認金額之後這週五以前匯款";
    assert_eq!(title_of(text, ""), "三樓版完成灌漿這是第四期的請款，請款單和照片都放在雲端資料夾");
    let unbroken = "這次活動的報到動線和攤位配置以及志工分組還有停車場的出入口位置都需要重新確認一次比較好";
    let title = title_of(unbroken, "");
    assert_eq!(title.graphemes(true).count(), TITLE_GRAPHEMES_MAX);
    assert!(title.ends_with('…') && unbroken.starts_with(title.trim_end_matches('…')));
}

#[test]
fn a_long_title_is_cut_at_a_grapheme() {
    let family = "👨‍👩‍👧‍👦".repeat(60);
    let title = title_of(&family, "圖片");
    assert_eq!(title.graphemes(true).count(), TITLE_GRAPHEMES_MAX);
    assert!(title.ends_with("👨‍👩‍👧‍👦…"));
}

#[test]
fn an_excerpt_is_one_line() {
    assert_eq!(one_line(" a\n\tb  c "), "a b c");
    assert_eq!(excerpt("一二三四五", 3), "一二…");
    assert_eq!(excerpt("一二三", 3), "一二三");
}

#[test]
fn who_is_called_by_name_is_not_in_the_title() {
    let chat = Chat::new().in_discussion(0, "客服 佩珍", "大家好", 1).in_discussion(5, "Rita", "早", 1).in_discussion(9, "美金", "早", 1);
    for (text, is) in [
        ("佩珍 一樓裝訂的釘沒了", "一樓裝訂的釘沒了"),
        ("早安Rita 地板要選了", "地板要選了"),
        ("佩珍，您好，發票抬頭少一個字", "發票抬頭少一個字"),
        ("佩珍你們有認識印海報的嗎", "你們有認識印海報的嗎"),
        ("Rita's order is late", "Rita's order is late"),
        ("美金報價可以改台幣嗎", "美金報價可以改台幣嗎"),
        ("Rita", "Rita"),
    ] {
        assert_eq!(title(&chat.stream, &heard(60, "王大明", text), "圖片"), is, "{text}");
        assert!(possible_titles(text).iter().any(|t| t == is), "{text}: it is found again when the text is taken back");
    }
    let mentions = ["業務 昱翔".to_owned()];
    let heard = Heard { mentions: &mentions, ..heard(60, "王大明", "@業務 昱翔 停車場想加兩支") };
    assert_eq!(title(&chat.stream, &heard, "圖片"), "停車場想加兩支");
    assert!(possible_titles(heard.text).contains(&"停車場想加兩支".to_owned()));
}
