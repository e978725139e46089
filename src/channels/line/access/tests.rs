use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::super::client::{ContentOutcome, Line, SendOutcome};
use super::*;

/// A LINE that issues `token-1`, `token-2`, … and lets only the newest of them in.
struct Issuer {
    line: Line,
    issued: Arc<AtomicU32>,
    forms: Arc<Mutex<Vec<String>>>,
    /// What a request for a token is answered with instead, while it is set.
    refusal: Arc<Mutex<Option<(u16, &'static str)>>>,
}

fn account(url: &str, next: Option<&str>) -> LineAccount {
    LineAccount {
        name: "main".to_owned(),
        channel_secret: Secret::new("sesame-1"),
        channel_secret_next: next.map(Secret::new),
        access: LineAccess::Stateless { channel_id: "1650000001".to_owned() },
        api_url: url.to_owned(),
        data_api_url: url.to_owned(),
    }
}

async fn issuer(life_seconds: u64, good_secret: &'static str, next: Option<&str>) -> Issuer {
    let (issued, forms, refusal) = (Arc::<AtomicU32>::default(), Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<_>>::default());
    let kept = (Arc::clone(&issued), Arc::clone(&forms), Arc::clone(&refusal));
    let app = Router::new().fallback(move |request: Request| {
        let (issued, forms, refusal) = kept.clone();
        async move { answer(request, &issued, &forms, &refusal, (life_seconds, good_secret)).await }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Issuer { line: Line::new(&account(&url, next)).unwrap(), issued, forms, refusal }
}

async fn answer(
    request: Request,
    issued: &AtomicU32,
    forms: &Mutex<Vec<String>>,
    refusal: &Mutex<Option<(u16, &'static str)>>,
    (life_seconds, good_secret): (u64, &str),
) -> Response {
    let (head, body) = request.into_parts();
    if head.uri.path() != "/oauth2/v3/token" {
        let newest = format!("Bearer token-{}", issued.load(Ordering::SeqCst));
        let known = head.headers.get("authorization").is_some_and(|h| h.as_bytes() == newest.as_bytes());
        let status = if known { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        return (status, r#"{"sentMessages":[{"id":"1"}],"userId":"U1","displayName":"小牽"}"#).into_response();
    }
    let form = String::from_utf8(axum::body::to_bytes(body, 10_000).await.unwrap().to_vec()).unwrap();
    forms.lock().unwrap().push(form.clone());
    // So long that those who ask at the same time meet.
    tokio::time::sleep(Duration::from_millis(30)).await;
    if let Some((status, body)) = *refusal.lock().unwrap() {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    if !form.ends_with(&format!("client_secret={good_secret}")) {
        let told = r#"{"error":"invalid_request","error_description":"Invalid 'client_credentials'."}"#;
        return (StatusCode::BAD_REQUEST, told).into_response();
    }
    let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
    axum::Json(json!({"token_type": "Bearer", "access_token": format!("token-{number}"), "expires_in": life_seconds})).into_response()
}

impl Issuer {
    async fn push(&self) -> SendOutcome {
        self.line.push("C1", &[json!({"type": "text", "text": "好"})], Uuid::nil()).await
    }

    fn issued(&self) -> u32 {
        self.issued.load(Ordering::SeqCst)
    }
}

fn is_sent(outcome: &SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Sent { .. })
}

/// Reference, "Issue stateless channel access token": the form and its three fields.
#[tokio::test]
async fn one_token_is_had_for_all_who_ask_at_once() {
    let line = issuer(900, "sesame-1", None).await;
    let outcomes = join_all((0..16).map(|_| line.push())).await;
    assert!(outcomes.iter().all(is_sent), "{outcomes:?}");
    assert_eq!(line.issued(), 1);
    assert_eq!(*line.forms.lock().unwrap(), ["grant_type=client_credentials&client_id=1650000001&client_secret=sesame-1"]);
    assert!(matches!(line.line.content("1").await, ContentOutcome::Ready(_)), "downloads carry it too");
    assert_eq!(line.issued(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_nobody_waits_for_it() {
    let line = issuer(2, "sesame-1", None).await;
    assert!(is_sent(&line.push().await));
    assert_eq!(line.issued(), 1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    // Half its life is over: one of them renews it, and LINE knows the old one no longer.
    let outcomes = join_all((0..8).map(|_| line.push())).await;
    assert!(outcomes.iter().all(is_sent), "{outcomes:?}");
    assert_eq!(line.issued(), 2);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_the_call_made_again() {
    let line = issuer(900, "sesame-1", None).await;
    assert!(is_sent(&line.push().await));
    line.issued.store(7, Ordering::SeqCst);
    assert!(is_sent(&line.push().await), "LINE answered 401 to token-1");
    assert_eq!((line.issued(), line.forms.lock().unwrap().len()), (8, 2));
    assert_eq!(line.line.reply("t", &[]).await, SendOutcome::Sent { message_ids: vec!["1".to_owned()] });
}

#[tokio::test]
async fn without_a_token_nothing_was_sent_and_it_can_be_tried_again() {
    let line = issuer(900, "sesame-1", None).await;
    *line.refusal.lock().unwrap() = Some((503, "busy sesame-1"));
    let SendOutcome::NotSent(why) = line.push().await else { panic!("it was sent") };
    assert!(why.starts_with("no token: 503") && !why.contains("sesame"), "{why}");
    assert!(matches!(line.line.bot_info().await, Err(LineError::Network(_))));
    assert!(matches!(line.line.content("1").await, ContentOutcome::Retry(_)));
    assert_eq!(line.forms.lock().unwrap().len(), 1, "LINE is not asked again at once");
    *line.refusal.lock().unwrap() = None;
    tokio::time::sleep(ASK_AGAIN_AFTER).await;
    assert!(is_sent(&line.push().await));
}

#[tokio::test]
async fn while_the_secret_is_reissued_the_next_one_is_tried() {
    let line = issuer(900, "sesame-2", Some("sesame-2")).await;
    assert!(is_sent(&line.push().await));
    assert_eq!((line.issued(), line.forms.lock().unwrap().len()), (1, 2));
    let alone = issuer(900, "sesame-2", None).await;
    let SendOutcome::NotSent(why) = alone.push().await else { panic!("it was sent") };
    assert_eq!(why, "no token: 400 invalid_request: Invalid 'client_credentials'.");
}

#[tokio::test]
async fn an_answer_without_a_token_is_no_token() {
    for body in ["<html>", r#"{"access_token":"two\nlines","expires_in":900}"#, r#"{"expires_in":900}"#] {
        let line = issuer(900, "sesame-1", None).await;
        *line.refusal.lock().unwrap() = Some((200, body));
        let SendOutcome::NotSent(why) = line.push().await else { panic!("it was sent") };
        assert_eq!(why, "no token: LINE's answer cannot be read");
        assert!(!format!("{:?}", line.line).contains("sesame"));
    }
}

#[tokio::test]
async fn the_account_knows_itself_and_tells_once_of_a_strange_destination() {
    let line = issuer(900, "sesame-1", None).await.line;
    assert_eq!((line.known_user_id(), line.heard_destination("U2")), (None, None));
    assert_eq!(line.known_user_id().as_deref(), Some("U2"), "an authentic webhook tells as well");
    line.learn_itself().await.unwrap();
    assert_eq!(line.known_itself().map(|bot| bot.display_name).as_deref(), Some("小牽"));
    assert_eq!(line.heard_destination("U2").as_deref(), Some("U1"));
    assert_eq!((line.heard_destination("U2"), line.heard_destination("U1"), line.heard_destination("")), (None, None, None));
    assert_eq!(line.heard_destination("U3").as_deref(), Some("U1"));
}
