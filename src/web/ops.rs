//! For those who keep it running: alive, ready, metrics.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::App;

/// A database or store that takes longer is not there.
const READY_WITHIN: Duration = Duration::from_secs(5);
const WEBHOOK_SECONDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0];

/// `GET /healthz`: the program runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database and the file store answer.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let look = async {
        app.db.ping().await.map_err(|e| format!("the database does not answer: {e}\n"))?;
        app.files.check().await.map_err(|e| format!("the file store does not answer: {e}\n"))
    };
    match tokio::time::timeout(READY_WITHIN, look).await {
        Ok(Ok(())) => "ready\n".into_response(),
        Ok(Err(why)) => {
            tracing::warn!(why, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database or the file store does not answer\n").into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database or the file store does not answer in time\n").into_response(),
    }
}

/// The process's one recorder, installed at the first call.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("threadline_webhook_seconds".into()), &WEBHOOK_SECONDS)
            .expect("the buckets are not empty")
            .install_recorder()
            .expect("it is installed once");
        describe();
        handle
    })
}

fn describe() {
    metrics::describe_counter!("threadline_webhook_requests_total", "LINE webhook requests by the status that they were answered with");
    metrics::describe_histogram!("threadline_webhook_seconds", "Time from a webhook's body to its answer");
    metrics::describe_counter!("threadline_inbound_accepted_total", "Events and mails made durable");
    metrics::describe_counter!("threadline_inbound_duplicates_total", "Events and mails that had arrived before");
    metrics::describe_counter!("threadline_inbound_placed_total", "Events and mails placed, by what became of them");
    metrics::describe_counter!("threadline_mails_taken_total", "Mails taken from mailboxes");
    metrics::describe_gauge!("threadline_mailbox_up", "Whether a mailbox can be read by this node");
    metrics::describe_gauge!("threadline_mailbox_waiting", "Mails of a mailbox that are still to be taken");
    metrics::describe_counter!("threadline_mailbox_failures_total", "Times that a mailbox could not be read");
    metrics::describe_counter!("threadline_media_fetched_total", "Files fetched from LINE");
    metrics::describe_counter!("threadline_deliveries_total", "Tries to deliver, by way and outcome");
    metrics::describe_gauge!("threadline_line_quota", "LINE messages that may be billed this month, as LINE says");
    metrics::describe_gauge!("threadline_line_limit", "The smaller of LINE's quota and the configured monthly budget");
    metrics::describe_gauge!("threadline_line_used", "LINE messages spent this month");
    metrics::describe_gauge!("threadline_line_ours", "LINE messages spent this month by our own pushes, in heads");
    metrics::describe_gauge!("threadline_line_left", "LINE messages that may still be billed this month");
    metrics::describe_gauge!("threadline_line_forecast", "LINE messages that will probably be spent at the month's end");
    metrics::describe_gauge!("threadline_build_info", "1, with the version as a label");
    // What never happened yet is shown as 0, so that a graph has a beginning.
    metrics::counter!("threadline_inbound_accepted_total").absolute(0);
    metrics::counter!("threadline_inbound_duplicates_total").absolute(0);
    metrics::counter!("threadline_mails_taken_total").absolute(0);
    metrics::counter!("threadline_mailbox_failures_total").absolute(0);
    metrics::counter!("threadline_media_fetched_total").absolute(0);
    metrics::gauge!("threadline_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Begins to count; done before anything is counted.
pub fn start_metrics() {
    recorder();
}

/// `GET /metrics`: Prometheus text. Nothing in it names people, chats or discussions.
pub(super) async fn metrics_text() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder().render()).into_response()
}
