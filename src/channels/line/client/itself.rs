//! Who the account is: told by LINE when it is asked, and by the `destination` of its webhooks.

use std::sync::{MutexGuard, PoisonError};

use super::{BotInfo, Line, LineError};

/// What is known of the account itself.
#[derive(Debug, Default)]
pub(super) struct Itself {
    /// As LINE told when it was asked with the account's token.
    told: Option<BotInfo>,
    /// The `destination` of its webhooks.
    destination: Option<String>,
    /// Whether it was told already that the two differ.
    is_strange_told: bool,
}

impl Line {
    fn itself(&self) -> MutexGuard<'_, Itself> {
        self.itself.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks LINE who the account is, and keeps it.
    pub async fn learn_itself(&self) -> Result<(), LineError> {
        if let Some(told) = self.bot_info().await? {
            self.itself().told = Some(told);
        }
        Ok(())
    }

    /// The account itself, as LINE told when it was last asked.
    pub fn known_itself(&self) -> Option<BotInfo> {
        self.itself().told.clone()
    }

    /// The account's own user id, as far as it is known: from LINE, or from an authentic webhook.
    pub fn known_user_id(&self) -> Option<String> {
        let itself = self.itself();
        itself.told.as_ref().map(|bot| bot.user_id.clone()).or_else(|| itself.destination.clone())
    }

    /// To be told the `destination` of an authentic webhook of this account. The account's own id, where that is another: its token and
    /// its secret are of two channels. Told once for each such destination.
    pub fn heard_destination(&self, destination: &str) -> Option<String> {
        let mut itself = self.itself();
        if destination.is_empty() {
            return None;
        }
        if itself.destination.as_deref() != Some(destination) {
            itself.destination = Some(destination.to_owned());
            itself.is_strange_told = false;
        }
        if itself.is_strange_told {
            return None;
        }
        let own = itself.told.as_ref().map(|bot| bot.user_id.clone()).filter(|own| own != destination);
        itself.is_strange_told = own.is_some();
        own
    }
}
