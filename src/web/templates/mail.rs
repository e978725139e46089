//! A mail as its writer laid it out.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Look;
use crate::channels::email::parse::AsSent;
use crate::domain::PostId;

/// What is drawn.
pub struct Mail<'a> {
    /// The discussion's.
    pub number: i64,
    pub post: PostId,
    pub sent: &'a AsSent,
    /// Its body, made harmless; the text is shown where there is none.
    pub html: Option<&'a str>,
}

/// In the page itself, since its policy lets nothing be fetched. The mail keeps its own colours, which are made for white paper.
const STYLE: &str = "\
body{margin:0;background:#fff;color:#1d2129;font:16px/1.6 system-ui,'Noto Sans TC',sans-serif}\
header{padding:12px 16px;background:#f3f5f7;border-bottom:1px solid #d8dde3}\
header h1{margin:4px 0;font-size:1.15rem;overflow-wrap:anywhere}\
header p{margin:0;color:#4b5563;font-size:.9rem;overflow-wrap:anywhere}\
header a{color:#0a6b3d}\
main{padding:16px;overflow-x:auto}\
img{max-width:100%;height:auto}\
blockquote{margin:0 0 0 .5em;padding-left:.8em;border-left:3px solid #c5ccd4}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}";

/// The page.
pub fn mail(look: &Look<'_>, mail: &Mail<'_>) -> Markup {
    let when = mail.sent.date.map(|at| look.when().absolute(at));
    let subject = if mail.sent.subject.trim().is_empty() { look.t("discussion.untitled") } else { &mail.sent.subject };
    html! {
        (DOCTYPE)
        html lang=(look.locale.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                meta name="referrer" content="no-referrer";
                title { (subject) " · " (look.t("page.product")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p { a href={ "/d/" (mail.number) "#post-" (mail.post) } { (look.fill("page.mail_back", &[("number", &mail.number.to_string())])) } }
                    h1 { (subject) }
                    p { (mail.sent.from) @if let Some(when) = &when { " · " (when) } }
                    @if mail.html.is_some() { p { (look.t("page.mail_kept_out")) } }
                }
                main {
                    @match mail.html {
                        Some(body) => (PreEscaped(body)),
                        None => pre { (mail.sent.text) },
                    }
                }
            }
        }
    }
}
