//! Turning the mails about one discussion off and on.

use maud::{Markup, html};

use super::{Look, page};

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct Switch<'a> {
    pub token: &'a str,
    pub number: i64,
    /// Mails are sent.
    pub on: bool,
}

/// The page.
pub fn mail_switch(look: &Look<'_>, switch: &Switch<'_>) -> Markup {
    let number = switch.number.to_string();
    let (title, text, button) = if switch.on {
        ("page.switch_is_on", "page.switch_on_hint", "page.switch_turn_off")
    } else {
        ("page.switch_is_off", "page.switch_off_hint", "page.switch_turn_on")
    };
    let main = html! {
        div.sheet {
            h1 { (look.fill(title, &[("number", &number)])) }
            section.card {
                p.muted { (look.t(text)) }
                form method="post" action={ "/mail/" (switch.token) } {
                    input type="hidden" name="mail" value=(if switch.on { "off" } else { "on" });
                    button.button.plain[!switch.on] type="submit" { (look.t(button)) }
                }
                p.muted { a href={ "/d/" (number) } { (look.fill("mail.link", &[("number", &number)])) } }
            }
        }
    };
    page(look, "page-mail-switch", &look.fill(title, &[("number", &number)]), &main)
}
