//! How each LINE account stands: its month, whether its events come in, and the chats that it is in.

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::budget::{AccountMonth, account_forecast, account_month};
use crate::App;
use crate::domain::{Forecast, GapKind, Inbox};
use crate::store::chats::{ChatCounts, counts_of_inbox};
use crate::store::{Result, outages};

/// An account now.
#[derive(Clone, Debug)]
pub struct AccountStanding {
    /// Its name in the configuration.
    pub name: String,
    pub month: AccountMonth,
    pub forecast: Option<Forecast>,
    /// When the last of its events happened, as far as they were placed.
    pub heard_at: Option<Timestamp>,
    /// Since when LINE has not sent its events here, as LINE itself says.
    pub silent_since: Option<Timestamp>,
    pub chats: ChatCounts,
}

/// How the account with this name stands.
pub async fn account_standing(c: &mut AnyConnection, app: &App, name: &str) -> Result<AccountStanding> {
    let inbox = Inbox::line(name);
    let month = account_month(c, app, &inbox).await?;
    Ok(AccountStanding {
        name: name.to_owned(),
        forecast: account_forecast(c, app, &inbox, &month).await?,
        heard_at: outages::last_heard(c, &inbox).await?,
        silent_since: outages::lasting_since(c, &inbox, GapKind::Inactive).await?,
        chats: counts_of_inbox(c, &inbox).await?,
        month,
    })
}
