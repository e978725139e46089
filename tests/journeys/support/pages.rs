//! The pages as a browser without a script sees them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT, CONTENT_SECURITY_POLICY, COOKIE, HeaderName, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::program::PROGRAM;
use super::{Staff, TestApp};

const PASSWORD: &str = "correct horse battery";
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Somebody who is logged in.
pub struct Browser {
    http: Client,
    base: String,
    cookie: String,
}

/// A page, or the redirect instead.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    /// Where it leads; empty where nowhere.
    pub location: String,
    /// Its Content-Security-Policy.
    pub policy: String,
    pub html: String,
}

impl Page {
    async fn read(answer: Response) -> Self {
        let status = answer.status().as_u16();
        let header = |name: HeaderName| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let (location, policy) = (header(LOCATION), header(CONTENT_SECURITY_POLICY));
        Self { status, location, policy, html: answer.text().await.expect("a page is text") }
    }

    /// Its text from `from` to the next `to`.
    pub fn part(&self, from: &str, to: &str) -> &str {
        let at = self.html.find(from).unwrap_or_else(|| panic!("{from:?} is not in {}", self.html));
        let rest = &self.html[at..];
        &rest[..rest.find(to).unwrap_or(rest.len())]
    }
}

impl Browser {
    /// A colleague.
    pub async fn log_in(t: &TestApp, staff: &Staff) -> Self {
        Self::of(t, &staff.email, &staff.name, false).await
    }

    /// A one-time code that this form makes.
    pub async fn code(&self, path: &str) -> String {
        let page = self.post(path, &[]).await.html;
        let shown = page.split("class=\"code-text\">").nth(1).unwrap_or_else(|| panic!("{path} shows no code: {page}"));
        shown.split('<').next().unwrap_or_default().to_owned()
    }

    /// Gives the account with this address a password and logs in with it.
    pub async fn of(t: &TestApp, email: &str, name: &str, admin: bool) -> Self {
        give_password(&t.config, email, name, admin).await;
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client can be built");
        let form = [("email", email), ("password", PASSWORD), ("next", "/discussions")];
        let answer = http.post(format!("{}/login", t.base)).form(&form).send().await.expect("the server answers");
        assert_eq!(answer.status().as_u16(), 303, "{email} may log in");
        let cookie = answer.headers().get(SET_COOKIE).and_then(|v| v.to_str().ok()).expect("a session begins");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Self { http, base: t.base.clone(), cookie }
    }

    /// Somebody without a session, or a mail program that follows a link.
    pub fn stranger(t: &TestApp) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client can be built");
        Self { http, base: t.base.clone(), cookie: String::new() }
    }

    /// The admin that every journey has.
    pub async fn boss(t: &TestApp) -> Self {
        Self::of(t, "boss@example.com", "老闆", true).await
    }

    async fn ask(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Response {
        let request = self.http.request(method, format!("{}{path}", self.base)).header(ACCEPT, "text/html").header(COOKIE, &self.cookie);
        let request = if form.is_empty() { request } else { request.form(form) };
        request.send().await.expect("the server answers")
    }

    pub async fn get(&self, path: &str) -> Page {
        Page::read(timeout(ANSWER_WITHIN, self.ask(Method::GET, path, &[])).await.expect("it answers in time")).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        Page::read(self.ask(Method::POST, path, form).await).await
    }

    /// The live updates of a discussion.
    pub async fn live(&self, number: i64) -> Live {
        let answer = self.ask(Method::GET, &format!("/d/{number}/live"), &[]).await;
        assert_eq!(answer.status().as_u16(), 200, "the page may be read");
        Live(Box::pin(answer.bytes_stream().map(|chunk| chunk.map(|b| String::from_utf8_lossy(&b).into_owned()))))
    }
}

/// Server-sent events.
pub struct Live(std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<String>> + Send>>);

impl Live {
    /// The next event, whatever stands in it; `None` where the stream ended.
    ///
    /// # Panics
    /// If nothing comes in time.
    pub async fn next(&mut self, within: Duration) -> Option<String> {
        let next = async {
            loop {
                match self.0.next().await {
                    // A sign of life.
                    Some(Ok(chunk)) if chunk.starts_with(':') => {}
                    Some(Ok(chunk)) => return Some(chunk),
                    Some(Err(_)) | None => return None,
                }
            }
        };
        timeout(within, next).await.expect("something comes in time, or the stream ends")
    }
}

async fn give_password(config: &Path, email: &str, name: &str, admin: bool) {
    let mut command = Command::new(PROGRAM);
    command.args(["user", "add", email, "--name", name, "--password-stdin"]);
    if admin {
        command.arg("--admin");
    }
    let mut child = command
        .arg("--config")
        .arg(config)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(PASSWORD.as_bytes()).await.expect("it reads");
    drop(input);
    let ended = timeout(ANSWER_WITHIN, child.wait()).await.expect("it ends in time").expect("it is our child");
    assert!(ended.success(), "the password is taken");
}
