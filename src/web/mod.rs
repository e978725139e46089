//! Pages, webhooks and the API. It records and renders; it never sends.

pub mod api;
pub mod assets;
mod drain;
pub mod error;
mod files;
pub mod live;
mod notify;
mod notify_said;
mod ops;
pub mod pages;
pub mod password;
mod range;
mod router;
pub mod templates;
pub mod viewer;
mod webhooks;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::config::Server;
use crate::store::attachments::Attachment;

pub use ops::start_metrics;
pub use router::router;

/// Everything but RFC 3986's unreserved characters.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a file's bytes are had: `https://support.example.com/files/12/name.pdf`. Its reader must be logged in.
pub fn file_url(server: &Server, attachment: &Attachment) -> String {
    let name = percent_encoding::utf8_percent_encode(&attachment.name, IN_PATH);
    format!("{}/files/{}/{name}", server.public_url, attachment.id)
}
