use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap as Headers;
use axum::response::IntoResponse;
use futures_util::StreamExt as _;

use super::*;
use crate::config::{LineAccess, Secret};

/// One request as the stand-in saw it.
#[derive(Clone, Debug)]
struct Seen {
    call: String,
    headers: Headers,
    body: Value,
}

/// A LINE that gives one answer to everything and remembers what it was asked.
struct Stub {
    line: Line,
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

fn account_at(url: &str) -> LineAccount {
    LineAccount {
        name: "main".to_owned(),
        channel_secret: Secret::new("s"),
        channel_secret_next: None,
        access: LineAccess::Pasted(Secret::new("token-1")),
        api_url: url.to_owned(),
        data_api_url: url.to_owned(),
    }
}

fn line_at(url: &str) -> Line {
    Line::new(&account_at(url)).unwrap()
}

async fn stub<R: IntoResponse + 'static>(answer: impl Fn() -> R + Clone + std::marker::Send + Sync + 'static) -> Stub {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let noted = Arc::clone(&seen);
    let app = Router::new().fallback(move |request: Request| {
        let (noted, answer) = (Arc::clone(&noted), answer.clone());
        async move {
            let (head, body) = request.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let call = format!("{} {}", head.method, head.uri);
            noted.lock().unwrap().push(Seen { call, headers: head.headers, body: serde_json::from_slice(&bytes).unwrap_or_default() });
            answer()
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Stub { line: line_at(&url), url, seen }
}

async fn answering(status: u16, body: &'static str) -> Stub {
    stub(move || (StatusCode::from_u16(status).unwrap(), body)).await
}

fn text() -> Vec<Value> {
    vec![json!({"type": "text", "text": "好"})]
}

impl Stub {
    fn only(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

#[tokio::test]
async fn a_reply_carries_token_agent_and_messages() {
    let stub = answering(200, r#"{"sentMessages":[{"id":"461","quoteToken":"q"},{"id":462}]}"#).await;
    let outcome = stub.line.reply("t1", &text()).await;
    assert_eq!(outcome, SendOutcome::Sent { message_ids: vec!["461".to_owned(), "462".to_owned()] });
    let seen = stub.only();
    assert_eq!(seen.call, "POST /v2/bot/message/reply");
    assert_eq!(seen.body, json!({"replyToken": "t1", "messages": text()}));
    assert_eq!(seen.headers["authorization"], "Bearer token-1");
    assert_eq!(seen.headers["user-agent"], concat!("Threadline/", env!("CARGO_PKG_VERSION")));
    assert!(seen.headers.get("x-line-retry-key").is_none());
}

#[tokio::test]
async fn a_push_carries_its_retry_key_and_a_repeat_counts_as_sent() {
    let stub = answering(409, r#"{"message":"The retry key is already accepted","sentMessages":[{"id":"7"}]}"#).await;
    let key = Uuid::from_u128(0x1234);
    assert_eq!(stub.line.push("C1", &text(), key).await, SendOutcome::Sent { message_ids: vec!["7".to_owned()] });
    let seen = stub.only();
    assert_eq!(seen.call, "POST /v2/bot/message/push");
    assert_eq!(seen.body, json!({"to": "C1", "messages": text()}));
    assert_eq!(seen.headers["x-line-retry-key"], "00000000-0000-0000-0000-000000001234");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let push = async |status, body| answering(status, body).await.line.push("C1", &text(), Uuid::nil()).await;
    assert!(matches!(push(429, r#"{"message":"You have reached your monthly limit."}"#).await, SendOutcome::QuotaUsedUp(_)));
    assert!(matches!(
        push(429, r#"{"message":"The API rate limit has been exceeded. Try again later."}"#).await,
        SendOutcome::RateLimited(_)
    ));
    let details =
        r#"{"message":"The request body has 1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}"#;
    let said = "400: The request body has 1 error(s); messages[0].text: May not be empty".to_owned();
    assert_eq!(push(400, details).await, SendOutcome::Rejected(said));
    assert_eq!(push(401, "not\nJSON").await, SendOutcome::Rejected("401: not JSON".to_owned()));
    for (status, said) in [(400, r#"{"message":"Failed to send messages"}"#), (403, ""), (404, r#"{"message":"Not found"}"#)] {
        assert!(matches!(push(status, said).await, SendOutcome::Unreachable(_)), "{status}");
    }
    for status in [500, 503] {
        assert!(matches!(push(status, "").await, SendOutcome::ServerError(_)), "{status}");
    }
    assert!(matches!(push(302, "").await, SendOutcome::Unknown(_)));
    assert_eq!(push(200, "no JSON").await, SendOutcome::Sent { message_ids: vec![] });
}

#[tokio::test]
async fn a_used_reply_token_is_known_as_such() {
    let reply = async |body| answering(400, body).await.line.reply("t", &text()).await;
    assert_eq!(reply(r#"{"message":"Invalid reply token"}"#).await, SendOutcome::InvalidToken);
    assert!(matches!(reply(r#"{"message":"A message (messages[0]) in the request body is invalid"}"#).await, SendOutcome::Rejected(_)));
}

#[tokio::test]
async fn no_connection_means_certainly_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let line = line_at(&url);
    let outcome = line.push("C1", &text(), Uuid::nil()).await;
    let SendOutcome::NotSent(why) = outcome else { panic!("{outcome:?}") };
    assert!(!why.contains("127.0.0.1:") || !why.contains("/v2/"), "{why}");
    assert!(matches!(line.reply("t", &text()).await, SendOutcome::NotSent(_)));
    assert!(matches!(line.bot_info().await, Err(LineError::Network(_))));
    assert!(matches!(line.content("1").await, ContentOutcome::Retry(_)));
}

/// Reads a request and answers with these bytes and nothing more.
async fn cutting(answer: &'static str) -> Line {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(peer.read(&mut request).await.unwrap() > 0);
            peer.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    line_at(&url)
}

#[tokio::test]
async fn a_connection_cut_after_the_request_leaves_it_unknown() {
    let line = cutting("").await;
    assert!(matches!(line.push("C1", &text(), Uuid::nil()).await, SendOutcome::Unknown(_)));
    assert!(matches!(line.reply("t", &text()).await, SendOutcome::Unknown(_)));
}

#[tokio::test]
async fn an_answer_cut_after_200_settles_a_reply_but_a_push_can_ask_again() {
    let line = cutting("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"sentMess").await;
    assert_eq!(line.reply("t", &text()).await, SendOutcome::Sent { message_ids: vec![] });
    assert!(matches!(line.push("C1", &text(), Uuid::nil()).await, SendOutcome::Unknown(_)));
}

#[tokio::test]
async fn silence_ends_as_unknown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = account_at(&format!("http://{}", listener.local_addr().unwrap()));
    let line = Line::waiting(&account, Duration::from_millis(100), Duration::from_millis(100)).unwrap();
    let outcome = line.push("C1", &text(), Uuid::nil()).await;
    assert!(matches!(outcome, SendOutcome::Unknown(_)), "{outcome:?}");
    assert!(matches!(line.content("1").await, ContentOutcome::Retry(_)));
    assert!(matches!(line.bot_info().await, Err(LineError::Network(_))));
}

#[tokio::test]
async fn a_download_that_stalls_is_an_error() {
    let stub = stub(|| {
        Body::from_stream(
            futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"abc")) })
                .chain(futures_util::stream::pending()),
        )
    })
    .await;
    let line = Line::waiting(&account_at(&stub.url), Duration::from_secs(10), Duration::from_secs(1)).unwrap();
    let ContentOutcome::Ready(mut download) = line.content("612").await else { panic!() };
    assert_eq!(download.bytes.try_next().await, Ok(Some(Bytes::from_static(b"abc"))));
    assert!(matches!(download.bytes.try_next().await, Err(LineError::Network(_))));
}

#[tokio::test]
async fn the_token_follows_no_redirect() {
    let elsewhere = answering(200, r#"{"sentMessages":[]}"#).await;
    let to = elsewhere.url.clone();
    let stub = stub(move || (StatusCode::TEMPORARY_REDIRECT, [("location", to.clone())])).await;
    assert!(matches!(stub.line.push("C1", &text(), Uuid::nil()).await, SendOutcome::Unknown(_)));
    assert!(matches!(stub.line.content("1").await, ContentOutcome::Retry(_)));
    assert!(elsewhere.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn lookups_ask_the_documented_paths() {
    let stub = answering(404, r#"{"message":"Not found"}"#).await;
    let line = &stub.line;
    assert_eq!(line.group_summary("C1").await, Ok(None));
    assert_eq!(line.member_count(ChatKind::Group, "C1").await, Ok(None));
    assert_eq!(line.member_count(ChatKind::Room, "R1").await, Ok(None));
    assert_eq!(line.member_count(ChatKind::User, "U1").await, Ok(Some(1)));
    assert_eq!(line.member(ChatKind::Group, "C1", "U1").await, Ok(None));
    assert_eq!(line.member(ChatKind::Room, "R1", "U1").await, Ok(None));
    assert_eq!(line.member(ChatKind::User, "U1", "U1").await, Ok(None));
    assert_eq!(line.bot_info().await, Ok(None));
    assert_eq!(line.quota().await, Ok(None));
    assert_eq!(line.consumption().await, Ok(None));
    assert_eq!(line.webhook_endpoint().await, Ok(None));
    assert!(matches!(line.content("612").await, ContentOutcome::Missing));
    assert_eq!(line.group_summary("../x?y").await, Ok(None));
    assert_eq!(line.group_summary("..").await, Ok(None));
    let calls: Vec<String> = stub.seen.lock().unwrap().iter().map(|s| s.call.clone()).collect();
    let expected = [
        "GET /v2/bot/group/C1/summary",
        "GET /v2/bot/group/C1/members/count",
        "GET /v2/bot/room/R1/members/count",
        "GET /v2/bot/group/C1/member/U1",
        "GET /v2/bot/room/R1/member/U1",
        "GET /v2/bot/profile/U1",
        "GET /v2/bot/info",
        "GET /v2/bot/message/quota",
        "GET /v2/bot/message/quota/consumption",
        "GET /v2/bot/channel/webhook/endpoint",
        "GET /v2/bot/message/612/content",
        "GET /v2/bot/group/..%2Fx%3Fy/summary",
    ];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn lookups_read_what_line_tells() {
    let group = answering(200, r#"{"groupId":"C1","groupName":"客戶群","pictureUrl":"https://p/1","new":1}"#).await;
    assert_eq!(
        group.line.group_summary("C1").await,
        Ok(Some(GroupSummary { name: "客戶群".to_owned(), picture_url: Some("https://p/1".to_owned()) }))
    );
    let member = answering(200, r#"{"displayName":"小美","userId":"U1"}"#).await;
    let amy = member.line.member(ChatKind::Group, "C1", "U1").await.unwrap().unwrap();
    assert_eq!((amy.display_name.as_str(), amy.picture_url, amy.language), ("小美", None, None));
    assert_eq!(answering(200, r#"{"count":12}"#).await.line.member_count(ChatKind::Group, "C1").await, Ok(Some(12)));
    assert_eq!(answering(200, r#"{"type":"limited","value":200}"#).await.line.quota().await, Ok(Some(Quota { limited: Some(200) })));
    assert_eq!(answering(200, r#"{"type":"none"}"#).await.line.quota().await, Ok(Some(Quota { limited: None })));
    assert_eq!(answering(200, r#"{"totalUsage":57}"#).await.line.consumption().await, Ok(Some(57)));
    assert_eq!(answering(200, r#"{"type":"prepaid","value":"90"}"#).await.line.quota().await, Ok(Some(Quota { limited: Some(90) })));
    for odd in ["{}", r#"{"type":"limited"}"#, r#"{"type":"limited","value":-1}"#, "[]", "null"] {
        assert!(matches!(answering(200, odd).await.line.quota().await, Err(LineError::Unreadable(_))), "{odd}: no limit is no answer");
    }
    for odd in ["{}", r#"{"totalUsage":"many"}"#, r#"{"totalUsage":-3}"#] {
        assert!(matches!(answering(200, odd).await.line.consumption().await, Err(LineError::Unreadable(_))), "{odd}");
    }
    let hook = answering(200, r#"{"endpoint":"https://x/webhooks/line/main","active":false}"#).await.line.webhook_endpoint().await;
    assert_eq!(hook.unwrap().map(|h| h.active), Some(false));
    let bot = answering(200, r#"{"userId":"U9","basicId":"@x","displayName":"小牽","chatMode":"bot"}"#).await.line.bot_info().await;
    assert_eq!(bot.unwrap().map(|b| b.user_id), Some("U9".to_owned()));
    assert!(matches!(answering(200, "<html>").await.line.bot_info().await, Err(LineError::Unreadable(_))));
    assert_eq!(
        answering(401, r#"{"message":"Authentication failed"}"#).await.line.bot_info().await,
        Err(LineError::Status { status: 401, message: "Authentication failed".to_owned() })
    );
}

#[tokio::test]
async fn content_comes_as_a_stream_with_its_type() {
    let stub = stub(|| ([("content-type", "image/png")], vec![7_u8; 100_000])).await;
    let ContentOutcome::Ready(mut download) = stub.line.content("612").await else { panic!() };
    assert_eq!((download.content_type.as_str(), download.size), ("image/png", Some(100_000)));
    let mut got = 0;
    while let Some(chunk) = download.bytes.try_next().await.unwrap() {
        got += chunk.len();
    }
    assert_eq!(got, 100_000);
    assert_eq!(stub.only().headers["authorization"], "Bearer token-1");
}

#[tokio::test]
async fn content_that_breaks_off_is_an_error_not_an_end() {
    let line = cutting("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\nabc").await;
    let ContentOutcome::Ready(mut download) = line.content("612").await else { panic!() };
    assert_eq!((download.content_type.as_str(), download.size), ("application/octet-stream", Some(90)));
    let end = loop {
        match download.bytes.try_next().await {
            Ok(Some(_)) => {}
            end => break end.map(|_| ()),
        }
    };
    assert!(matches!(end, Err(LineError::Network(_))));
}

#[tokio::test]
async fn content_that_cannot_be_had_says_why() {
    let content = async |status| answering(status, r#"{"message":"m"}"#).await.line.content("612").await;
    assert!(matches!(content(202).await, ContentOutcome::NotYet));
    assert!(matches!(content(410).await, ContentOutcome::Gone));
    assert!(matches!(content(404).await, ContentOutcome::Missing));
    for status in [400, 429, 500] {
        assert!(matches!(content(status).await, ContentOutcome::Retry(why) if why == format!("{status}: m")), "{status}");
    }
}

#[test]
fn secrets_are_not_printed() {
    assert!(!format!("{:?}", line_at("http://127.0.0.1:1")).contains("token-1"));
}

#[test]
fn a_token_that_no_header_takes_is_refused() {
    let account = LineAccount { access: LineAccess::Pasted(Secret::new("two\nlines")), ..account_at("https://api.line.me") };
    let error = Line::new(&account).unwrap_err().to_string();
    assert!(error.contains("line.main.channel_access_token") && !error.contains("lines"), "{error}");
}
