//! Who may call: the long-lived token, and stateless ones for id and secret.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use super::api::{Call, error, found, json_answer};
use super::platform::Platform;
use super::state::AccessToken;

const BAD_ACCESS_TOKEN: &str = "Authentication failed due to the following reason: invalid token. Confirm that the access token in the \
                                authorization header is valid.";
/// Random octets of a token.
const TOKEN_BYTES: usize = 48;

impl Platform {
    /// The account whose token stands in this header.
    pub(super) fn caller(&self, authorization: Option<&HeaderValue>) -> Option<usize> {
        let token = authorization?.to_str().ok()?.strip_prefix("Bearer ")?;
        let now = self.now();
        let state = self.state();
        let is = |known: &str| bool::from(token.as_bytes().ct_eq(known.as_bytes()));
        let long_lived = state.accounts.iter().find(|a| is(a.official.settings.access_token.expose())).map(|a| a.official.no);
        long_lived.or_else(|| state.access_tokens.get(token).filter(|t| now < t.ends_at).map(|t| t.account))
    }

    /// Every token that was had for id and secret ends at once; LINE can not do that, time can.
    pub fn end_access_tokens(&self) {
        let now = self.now();
        self.state().access_tokens.values_mut().for_each(|token| token.ends_at = now);
    }
}

impl Call<'_> {
    /// 401. Having let a token run out that was good once is no violation: a client may find out so.
    pub(super) fn refuse_stranger(&self) -> Response {
        let token = self.header("authorization").and_then(|h| h.strip_prefix("Bearer ")).unwrap_or_default();
        let ran_out = self.platform.state().access_tokens.contains(token);
        if !ran_out {
            self.violate("a missing or wrong channel access token");
        }
        error(StatusCode::UNAUTHORIZED, BAD_ACCESS_TOKEN)
    }

    /// `POST /oauth2/v3/token` (reference, "Issue stateless channel access token").
    pub(super) fn issue_token(&self, body: &Bytes) -> Response {
        let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let field = |name: &str| fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str());
        let is_form = self.header("content-type").is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
        let now = self.platform.now();
        let mut state = self.platform.state();
        let known = state.accounts.iter().find(|a| a.official.settings.channel_id == field("client_id"));
        let fits = known.filter(|a| bool::from(field("client_secret").as_bytes().ct_eq(a.secret.expose().as_bytes())));
        let Some(account) = fits.filter(|_| is_form && field("grant_type") == "client_credentials") else {
            let told = json!({"error": "invalid_request", "error_description": "Invalid 'client_credentials'."});
            return json_answer(StatusCode::BAD_REQUEST, &told);
        };
        let (account, life) = (account.official.no, account.official.settings.access_token_life);
        let token = state.token(TOKEN_BYTES);
        state.access_tokens.insert(token.clone(), AccessToken { account, ends_at: now + life });
        found(&json!({"token_type": "Bearer", "access_token": token, "expires_in": life.as_secs()}))
    }
}
