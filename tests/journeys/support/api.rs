//! The API as a program of somebody else's sees it.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method};
use serde_json::Value;

use super::PUBLIC_URL;

/// Pages of one list that are read; a list that goes on is a mistake.
const PAGES_MAX: usize = 50;
const ANSWER_WITHIN: Duration = Duration::from_mins(2);

/// The API with one bearer token.
#[derive(Clone)]
pub struct Api {
    http: Client,
    base: String,
    token: String,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Null where it is no JSON.
    pub body: Value,
    /// What was asked.
    asked: String,
}

impl Answer {
    /// The body, if it was answered with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        self.body
    }

    /// Sees that it is a problem with this status, in the form of RFC 9457.
    #[track_caller]
    pub fn expect_problem(self, status: u16) {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        assert_eq!(self.content_type(), "application/problem+json", "{}", self.asked);
        assert_eq!(self.body["status"], status, "{}: {}", self.asked, self.body);
        for field in ["title", "detail"] {
            assert!(self.body[field].as_str().is_some_and(|t| !t.is_empty()), "{} has no {field}: {}", self.asked, self.body);
        }
    }

    /// Its `Content-Type`; empty where there is none.
    pub fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

/// A file as it was given out.
#[derive(Debug)]
pub struct File {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl File {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

impl Api {
    /// The API of the server at `base` (`http://127.0.0.1:8080`).
    pub fn new(base: &str, token: &str) -> Self {
        let http = Client::builder().timeout(ANSWER_WITHIN).no_proxy().build().expect("a client can be built");
        Self { http, base: base.to_owned(), token: token.to_owned() }
    }

    /// The same API for somebody else.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The same API of another server, with the same token.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, &format!("/api/v1{path}"), None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, &format!("/api/v1{path}"), Some(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, &format!("/api/v1{path}"), Some(body.to_string())).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, &format!("/api/v1{path}"), Some(body.to_string())).await
    }

    /// Any request, with any JSON or what only looks like it.
    pub async fn ask(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let asked = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let answer = request.send().await.unwrap_or_else(|e| panic!("{asked}: {e}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap_or_else(|e| panic!("{asked}: {e}"));
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default(), asked }
    }

    /// Everything in a list, page by page.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let page = self.get(&format!("{path}{joint}limit=200&cursor={cursor}")).await.expect(200);
            items.extend(page["items"].as_array().expect("a page has items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return items,
            }
        }
        panic!("{path} has more than {PAGES_MAX} pages");
    }

    /// A file by its link.
    pub async fn file(&self, url: &str) -> File {
        self.file_with(Method::GET, url, &[]).await
    }

    /// A file by its link, asked for with these headers.
    pub async fn file_with(&self, method: Method, url: &str, headers: &[(&str, &str)]) -> File {
        let path = url.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("{url} is no link of ours"));
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let answer = request.send().await.expect("the server answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        File { status, headers, bytes: answer.bytes().await.expect("the file comes to its end").to_vec() }
    }
}
