//! JSON over HTTP, one call at a time.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// The longest time for one call; a page that loads counts as one.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that waits for each answer, so that it can also be used while a failed test is being left.
pub struct Calls {
    runtime: Runtime,
    http: reqwest::Client,
}

impl Calls {
    pub fn new() -> Self {
        // Another test may have put it there before.
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime needs nothing from outside");
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).timeout(CALL_TIMEOUT).build();
        Self { runtime, http: http.expect("the client needs nothing from outside") }
    }

    /// The status and the JSON of the answer; `null` stands for a body that is none.
    pub fn call(&self, method: Method, url: &str, token: Option<&str>, body: Option<&Value>) -> Result<(u16, Value), reqwest::Error> {
        self.runtime.block_on(async {
            let mut request = self.http.request(method, url);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or_default()))
        })
    }
}
