//! Style sheet, script and icon: part of the program, under addresses that change with their bytes.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::files::hex;

/// Hex digits of an asset's SHA-256 in its address.
const HASH_DIGITS: usize = 12;
/// For an address that has the asset's present hash.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// For one that has another: it was made by an older or a newer node.
const ASK_AGAIN: &str = "no-cache";

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    hash: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset("app.css", "text/css; charset=utf-8", include_bytes!("app.css")),
        asset("app.js", "text/javascript; charset=utf-8", include_bytes!("app.js")),
        asset("icon.svg", "image/svg+xml", include_bytes!("icon.svg")),
    ]
});

fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let mut hash = hex(&Sha256::digest(bytes));
    hash.truncate(HASH_DIGITS);
    Asset { name, content_type, bytes, hash }
}

/// Where the asset is had: `/assets/0123456789ab/app.css`.
///
/// # Panics
/// Where there is no asset of this name.
pub fn path(name: &str) -> String {
    let asset = ASSETS.iter().find(|a| a.name == name).expect("templates name assets that are there");
    format!("/assets/{}/{name}", asset.hash)
}

/// `GET /assets/{hash}/{name}`.
pub async fn serve(Path((hash, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.iter().find(|a| a.name == name) else { return StatusCode::NOT_FOUND.into_response() };
    let cache = if asset.hash == hash { FOREVER } else { ASK_AGAIN };
    ([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, cache)], asset.bytes).into_response()
}
