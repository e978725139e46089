//! The pages in a real browser, on the real program. Only with `THREADLINE_TEST_BROWSER=1`, since it takes Debian's `chromium` and
//! `chromium-driver`.

#[path = "browser/calls.rs"]
mod calls;
#[path = "browser/child.rs"]
mod child;
#[path = "browser/chromium.rs"]
mod chromium;
#[path = "browser/server.rs"]
mod server;

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use threadline::i18n::Locale;

use chromium::{Browser, Size};
use server::Server;

const DESK: Size = Size { width: 1280, height: 860 };
const PHONE: Size = Size { width: 390, height: 844 };

/// How long the demonstration takes to show the first card: its scene begins after 2 s, and a burst is quiet after 4 s.
const CARD_WITHIN: Duration = Duration::from_secs(40);
/// How long a mail takes to be read and become a post.
const MAIL_WITHIN: Duration = Duration::from_secs(20);
/// How long an answer takes from its mail to its card in the group, with the time for taking it back and for company.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// How long a message takes to be on an open page.
const LIVE_WITHIN: Duration = Duration::from_secs(20);

const PASSWORD: &str = "correct horse battery";

/// Whether a test is to do nothing, which it then says.
fn skipped() -> bool {
    let wanted = std::env::var("THREADLINE_TEST_BROWSER").is_ok_and(|v| v == "1");
    if !wanted {
        println!("skipped: THREADLINE_TEST_BROWSER is not 1");
    }
    !wanted
}

fn text(key: &str) -> &str {
    Locale::ZhTw.texts().get(key)
}

#[test]
fn the_whole_journey_happens_on_the_demonstration_page() {
    if skipped() {
        return;
    }
    let demo = Server::demo();
    let browser = Browser::open(DESK);
    browser.go(&demo.url("/"));
    browser.wait_path("/demo");
    browser.wait_js("the group's scene", CARD_WITHIN, SAID, &json!(["#log .said:not(:has(.tag)) .bubble", "發票"]));
    browser.wait_js("a card with a number", CARD_WITHIN, SAID, &json!(["#log .said:has(.tag) .cards", "#"]));
    let number = browser.wait_js("the colleague's mail", MAIL_WITHIN, MAIL_NUMBER, &json!([]));
    let number = number.as_str().expect("it is a string");
    browser.wait_js("the card of the mail's discussion", CARD_WITHIN, SAID, &json!(["#log .said:has(.tag) .cards", format!("#{number}")]));

    let answer = "陳小姐您好，發票今天下午寄出電子檔，濾紙週三到貨。";
    browser.type_in("#mail-view textarea[name=text]", answer);
    browser.click("#mail-view .mail-form button");
    browser.wait_js("the answer's card in the group", ANSWER_WITHIN, SAID, &json!([format!("{NEWEST} .cards"), "發票今天下午寄出電子檔"]));

    browser.choose("#numbers", number);
    browser.wait_js("the colleague's answer on the page", MAIL_WITHIN, POST_IN_FRAME, &json!([number, ".by-staff", answer, "王經理"]));

    // A page that is loaded anew would not have the mark.
    browser.js("document.getElementById('frame').contentWindow.openedOnce = true", &json!([]));
    let thanks = "好的，收到再跟您說，謝謝！";
    // Where nothing hovers, a touch of a line offers what can be done with it; quoting is the first.
    browser.click(&format!("{NEWEST} .cards .fx-text"));
    browser.click(&format!("{NEWEST} .acts button"));
    browser.type_in("#text", thanks);
    browser.click("#composer .send");
    browser.wait_js("the client's message on the page", LIVE_WITHIN, POST_IN_FRAME, &json!([number, ".by-client", thanks, "陳小姐"]));
    let kept = browser.js("return document.getElementById('frame').contentWindow.openedOnce === true", &json!([]));
    assert_eq!(kept, true, "the page was loaded anew");
    browser.assert_no_console_error(&[]);
}

/// The bot's line, if it is the last one in the group.
const NEWEST: &str = "#log .said:has(.tag):last-of-type";
/// Whether some element shows a text.
const SAID: &str = "return [...document.querySelectorAll(arguments[0])].some((e) => e.innerText.includes(arguments[1]))";
/// The discussion's number in the subject of the open mail.
const MAIL_NUMBER: &str = "return document.querySelector('#mail-view h3')?.innerText.match(/\\[#(\\d+)\\]/)?.[1]";
/// Whether the framed page is this discussion's and has a post of this side with these words of this author's.
const POST_IN_FRAME: &str = "
    const [number, side, words, author] = arguments, page = document.getElementById('frame').contentDocument;
    if (page.location.pathname !== `/d/${number}`) return false;
    const posts = [...page.querySelectorAll(`#posts .post${side}`)];
    return posts.some((p) => p.querySelector('.words')?.innerText.includes(words) && p.querySelector('.author').textContent === author);";

/// A server with a project of which wang@ is a member and lin@ is not, and discussion 1 in it.
fn server_with_a_discussion() -> Server {
    let server = Server::serve();
    let password = format!("{PASSWORD}\n");
    server.command(&["user", "add", "boss@company.example", "--name", "老闆", "--admin"], "");
    for (email, name) in [("wang@company.example", "王小明"), ("lin@company.example", "林小華")] {
        server.command(&["user", "add", email, "--name", name, "--password-stdin"], &password);
    }
    let token = server.command(&["token", "add", "boss@company.example", "--name", "tests"], "");
    server.api(Method::POST, "/projects", &token, &json!({"key": "acme", "name": "晨光咖啡"}));
    server.api(Method::PUT, "/projects/acme/members", &token, &json!({"email": "wang@company.example", "role": "staff"}));
    let words =
        "十月份的發票開好了嗎？\nhttps://example.com/a-long-address-without-any-place-to-break-it/0123456789012345678901234567890123456789";
    let matter = json!({"project": "acme", "title": "十月份發票", "body": words});
    assert_eq!(server.api(Method::POST, "/discussions", &token, &matter)["number"], 1);
    server
}

fn log_in(browser: &Browser, email: &str, password: &str) {
    browser.retype("#email", email);
    browser.type_in("#password", password);
    browser.click(".door form button");
}

#[test]
fn staff_log_in_and_answer_on_the_page() {
    if skipped() {
        return;
    }
    let server = server_with_a_discussion();
    let browser = Browser::open(DESK);
    browser.go(&server.url("/d/1"));
    assert_eq!(browser.path(), "/login?next=%2Fd%2F1");
    log_in(&browser, "wang@company.example", "not the password");
    browser.wait_text(".door .trouble", text("login.wrong"));
    log_in(&browser, "wang@company.example", PASSWORD);
    browser.wait_path("/d/1");
    browser.wait_text("#posts .post .words", "十月份的發票開好了嗎？");

    browser.type_in("#body", "昨天已經寄出了。\n請查收。");
    browser.click("#reply .send");
    browser.wait_text("#posts .post.by-staff:target .words", "昨天已經寄出了。\n請查收。");
    browser.wait_text("#posts .post:target .author", "王小明");
    assert_eq!(browser.js("return document.getElementById('body').value", &json!([])), "", "the box still has what was sent");

    browser.choose("#set-status", "in_progress");
    browser.wait_text("#head .pill.st-in_progress", text("status.in_progress"));
    browser.go(&server.url("/discussions"));
    browser.wait_text(".row .pill", "處理中");

    browser.click("form[action='/logout'] button");
    browser.wait_path("/login");
    browser.go(&server.url("/d/1"));
    assert_eq!(browser.path(), "/login?next=%2Fd%2F1");
    browser.assert_no_console_error(&["status of 401"]);

    log_in(&browser, "lin@company.example", PASSWORD);
    browser.wait_path("/d/1");
    browser.wait_text(".message h1", text("error.not_found_title"));
    browser.wait_text(".message-code", "404");
    let shown = browser.js("return document.body.innerText.includes('發票')", &json!([]));
    assert_eq!(shown, false, "the page tells what the discussion is about");
    browser.assert_no_console_error(&["status of 401", "status of 404"]);
}

#[test]
fn pages_fit_a_phone() {
    if skipped() {
        return;
    }
    let demo = Server::demo();
    let server = server_with_a_discussion();
    let browser = Browser::open(PHONE);
    browser.go(&demo.url("/"));
    browser.wait_js("a card with a number", CARD_WITHIN, SAID, &json!(["#log .said:has(.tag) .cards", "#"]));
    browser.assert_fits("the demonstration's group");
    browser.click("[data-tab-of=mail]");
    browser.wait_js("the colleague's mail", MAIL_WITHIN, MAIL_NUMBER, &json!([]));
    browser.assert_fits("the demonstration's mailbox");
    browser.click("[data-tab-of=page]");
    browser.wait_js("the framed page", MAIL_WITHIN, "return frames[0]?.document.querySelector('#posts .post') != null", &json!([]));
    browser.assert_fits("the demonstration's page");
    let fits = "const page = frames[0].document.documentElement; return page.scrollWidth <= page.clientWidth";
    assert_eq!(browser.js(fits, &json!([])), true, "the framed page does not fit");

    // Ports of one host share their cookies: this login would be the demonstration's too.
    browser.go(&server.url("/d/1"));
    browser.wait_path("/login?next=%2Fd%2F1");
    browser.assert_fits("/login");
    log_in(&browser, "wang@company.example", PASSWORD);
    browser.wait_path("/d/1");
    browser.wait_text("#posts .post .words", "十月份的發票開好了嗎？");
    browser.assert_fits("/d/1");
    browser.go(&server.url("/discussions"));
    browser.wait_text(".row .r-title", "十月份發票");
    browser.assert_fits("/discussions");
    browser.assert_no_console_error(&[]);
}
