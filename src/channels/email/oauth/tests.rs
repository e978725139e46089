use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;

use super::*;
use crate::channels::email::tokens::TokenServer;

/// Keeps the newest refresh token in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Option<Secret>>>);

impl Keeper for Memory {
    fn find(&self) -> BoxFuture<'_, anyhow::Result<Option<Secret>>> {
        async { Ok(self.0.lock().unwrap().clone()) }.boxed()
    }

    fn keep<'a>(&'a self, refresh_token: &'a Secret) -> BoxFuture<'a, anyhow::Result<()>> {
        async {
            *self.0.lock().unwrap() = Some(refresh_token.clone());
            Ok(())
        }
        .boxed()
    }
}

/// Tokens whose newest refresh token is forgotten with them.
pub(in crate::channels::email) fn forgetful(oauth: OAuth) -> AccessTokens {
    tokens(oauth, Memory::default())
}

fn tokens(oauth: OAuth, memory: Memory) -> AccessTokens {
    // Losing a race with another test that installs the same provider changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    AccessTokens::new(oauth, Box::new(memory)).unwrap()
}

fn oauth(server: &TokenServer) -> OAuth {
    OAuth {
        name: "mailbox/support".into(),
        token_url: server.token_url(),
        client_id: "client & id".into(),
        client_secret: Some(Secret::new("s+ecret")),
        refresh_token: Secret::new("refresh-1"),
        scope: Some("https://mail.example/IMAP offline_access".into()),
    }
}

fn asked(server: &TokenServer) -> usize {
    server.with(|p| p.asked.len())
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used_until_shortly_before_its_end() {
    let server = TokenServer::start("user", "refresh-1");
    let ours = tokens(oauth(&server), Memory::default());
    for _ in 0..3 {
        assert_eq!(ours.get().await.unwrap().expose(), "access-1");
    }
    let form = server.with(|p| p.asked.clone());
    let expected = "grant_type=refresh_token&refresh_token=refresh-1&client_id=client+%26+id&client_secret=s%2Becret\
                    &scope=https%3A%2F%2Fmail.example%2FIMAP+offline_access";
    assert_eq!(form, [expected]);

    // One that lives for a second is good for half of it.
    server.with(|p| p.life = Some(1));
    let brief = tokens(oauth(&server), Memory::default());
    assert_eq!(brief.get().await.unwrap().expose(), "access-2");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(brief.get().await.unwrap().expose(), "access-3");
    server.with(|p| p.life = None);
    let untold = tokens(oauth(&server), Memory::default());
    assert_eq!(untold.get().await.unwrap(), untold.get().await.unwrap());
    assert_eq!(asked(&server), 4);
}

#[tokio::test]
async fn many_that_ask_at_once_cost_one_request() {
    let server = TokenServer::start("user", "refresh-1");
    server.with(|p| p.delay = Duration::from_millis(200));
    let tokens = Arc::new(tokens(oauth(&server), Memory::default()));
    let asking: Vec<_> = (0..10).map(|_| Arc::clone(&tokens)).map(|t| tokio::spawn(async move { t.get().await.unwrap() })).collect();
    for one in asking {
        assert_eq!(one.await.unwrap().expose(), "access-1");
    }
    let refused = tokens.get().await.unwrap();
    let renewing: Vec<_> = (0..10)
        .map(|_| (Arc::clone(&tokens), refused.clone()))
        .map(|(t, r)| tokio::spawn(async move { t.instead_of(&r).await.unwrap() }))
        .collect();
    for one in renewing {
        assert_eq!(one.await.unwrap().expose(), "access-2");
    }
    assert_eq!(asked(&server), 2);
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_is_kept_and_used_from_then_on() {
    let server = TokenServer::start("user", "refresh-1");
    server.with(|p| p.rotates = true);
    let memory = Memory::default();
    let ours = tokens(oauth(&server), memory.clone());
    let first = ours.get().await.unwrap();
    assert_eq!(memory.0.lock().unwrap().as_ref().map(|s| s.expose().to_owned()).as_deref(), Some("refresh-2"));
    assert_eq!(ours.instead_of(&first).await.unwrap().expose(), "access-2");
    // Another process begins with what was kept.
    assert_eq!(tokens(oauth(&server), memory).get().await.unwrap().expose(), "access-3");
    let refused = tokens(oauth(&server), Memory::default()).get().await.unwrap_err();
    assert!(refused.to_string().contains("invalid_grant"), "{refused}");
}

#[tokio::test]
async fn a_provider_s_refusal_is_one_line_without_secrets() {
    let server = TokenServer::start("user", "another");
    let tokens = tokens(oauth(&server), Memory::default());
    let refused = tokens.get().await.unwrap_err().to_string();
    assert!(refused.contains("400") && refused.contains("invalid_grant The refresh token is no good."), "{refused}");
    assert!(!refused.contains("refresh-1") && !refused.contains("s+ecret") && !refused.contains('\n'), "{refused}");
    for (status, body, part) in [
        ("500 Sorry", "<html>", "500"),
        ("200 OK", "{}", "no access token"),
        ("200 OK", r#"{"access_token": "a\r\nb"}"#, "no access token"),
        ("302 Found", "", "302"),
        ("200 OK", &"x".repeat(ANSWER_BYTES_MAX + 1), "larger than allowed"),
    ] {
        server.with(|p| p.instead = Some((status.to_owned(), body.to_owned())));
        let refused = tokens.get().await.unwrap_err().to_string();
        assert!(refused.contains(part), "{status}: {refused}");
    }
    let nobody = OAuth { token_url: "http://127.0.0.1:1/token".into(), ..oauth(&server) };
    let refused = forgetful(nobody).get().await.unwrap_err();
    assert!(matches!(&refused, MailError::NoToken { .. }), "{refused}");
}

#[test]
fn a_refusal_before_the_refusal_gives_its_status() {
    assert_eq!(refusal(b"eyJzdGF0dXMiOiI0MDEifQ==", true), "the token was refused with status 401");
    assert_eq!(refusal(br#"{"status": 400}"#, false), "the token was refused with status 400");
    assert_eq!(refusal(b"?", true), "");
}
