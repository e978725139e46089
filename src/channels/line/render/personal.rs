//! What one person is told in their own chat with the account.

use serde_json::Value;

use super::{Card, cards_message};
use crate::i18n::Locale;

/// Discussions with what is new in each, a heading a card. They have a link and no buttons: those are for the group.
pub fn personal(locale: Locale, cards: &[(Card, &str)]) -> Value {
    let plain: Vec<Card> = cards.iter().map(|(card, _)| *card).collect();
    cards_message(locale, &plain, |_, i| cards[i].1.to_owned(), |_, _| vec![])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Status;

    #[test]
    fn a_card_of_ones_own_has_a_link_and_no_button_of_the_groups() {
        let card = |number: i64| Card {
            number,
            title: "大門壞了",
            status: Status::Open,
            url: "https://support.example.com/d/1",
            said_by: None,
            excerpt: Some("打不開"),
        };
        let message = personal(Locale::ZhTw, &[(card(1), "林小姐 說"), (card(2), "指派給您")]);
        let text = message.to_string();
        for part in ["林小姐 說", "指派給您", "打不開", "https://support.example.com/d/1"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("postback"));
    }
}
