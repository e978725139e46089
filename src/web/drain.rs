//! Reading a request to its end, whatever was answered before that: who is still writing when the connection closes is never told why.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};

/// So much of what nobody wanted is read; whoever sends more is cut off.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// And for so long.
const WITHIN: Duration = Duration::from_secs(5);

/// Answers once the body was read, or enough of it.
pub(super) async fn read_to_the_end(request: Request, next: Next) -> Response {
    // Who waits to be told to go on is told the answer instead.
    if matches!(*request.method(), Method::GET | Method::HEAD) || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body.into_data_stream()));
    let response = next.run(Request::from_parts(head, Body::from_stream(shared(body.clone())))).await;
    let rest = async {
        let (mut rest, mut bytes) = (shared(body), 0);
        while let Some(Ok(some)) = rest.next().await {
            bytes += some.len();
            if bytes > BYTES_MAX {
                break;
            }
        }
    };
    if tokio::time::timeout(WITHIN, rest).await.is_err() {
        tracing::debug!("a request's body did not end in time after it was answered");
    }
    response
}

/// What of the body was not read yet.
fn shared(body: Arc<Mutex<BodyDataStream>>) -> impl Stream<Item = <BodyDataStream as Stream>::Item> + Send + Unpin {
    let mut ended = false;
    stream::poll_fn(move |cx| {
        if ended {
            return std::task::Poll::Ready(None);
        }
        let polled = body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx);
        ended = matches!(polled, std::task::Poll::Ready(None | Some(Err(_))));
        polled
    })
}
