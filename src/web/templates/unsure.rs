//! What the threader was not sure of: each as the chat looked, answered with one tap or key.

use maud::{Markup, html};

use super::post::why_line;
use super::words::words;
use super::{Look, page};
use crate::store::discussions::Discussion;
use crate::store::posts::Post;

/// One post that a person should look at.
#[derive(Clone, Debug)]
pub struct Unsure {
    pub post: Post,
    /// Where it is.
    pub discussion: Discussion,
    /// It began that discussion.
    pub opens: bool,
    pub project: String,
    /// What was said in the chat before it, in order.
    pub before: Vec<Post>,
    /// The next best discussions: number and title.
    pub others: Vec<(i64, String)>,
}

/// What the threader did in seven days, in posts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// 0 = the last seven days.
    pub ago: i64,
    /// Filed without asking, and left alone.
    pub silently: i64,
    pub corrected: i64,
    pub confirmed: i64,
    /// Nobody has said yet.
    pub open: i64,
    /// No matter of their own.
    pub rested: i64,
}

fn figures(look: &Look<'_>, weeks: &[Week]) -> Markup {
    html! {
        @if !weeks.is_empty() {
            section.card {
                h2 { (look.t("page.weeks")) }
                ul.lines.weeks {
                    @for week in weeks {
                        li {
                            span.grow { @if week.ago == 0 { (look.t("page.week_last")) } @else { (look.fill("page.week_ago", &[("count", &week.ago.to_string())])) } }
                            span.muted {
                                (look.fill("page.week_figures", &[
                                    ("silently", &week.silently.to_string()), ("corrected", &week.corrected.to_string()),
                                    ("confirmed", &week.confirmed.to_string()), ("open", &week.open.to_string()),
                                    ("rested", &week.rested.to_string()),
                                ]))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The page; `count` is of all.
pub fn list(look: &Look<'_>, all: &[Unsure], count: i64, weeks: &[Week]) -> Markup {
    let main = html! {
        div.sheet #unsure {
            div.sheet-head {
                h1 { (look.t("page.unsure")) }
                span.muted { (look.fill("page.unsure_count", &[("count", &count.to_string())])) }
            }
            @if all.is_empty() {
                section.card { p.muted { (look.t("page.unsure_none")) } }
            } @else {
                p.muted { (look.t("page.unsure_hint")) }
            }
            @for (at, one) in all.iter().enumerate() { (entry(look, one, at == 0)) }
            (figures(look, weeks))
        }
    };
    page(look, "page-unsure", look.t("page.unsure"), &main)
}

fn entry(look: &Look<'_>, one: &Unsure, first: bool) -> Markup {
    let d = &one.discussion;
    html! {
        article.card.unsure id={ "post-" (one.post.id) } {
            p.unsure-where { (one.project) " · " (look.ago(one.post.created_at)) }
            ol.unsure-said {
                @for before in &one.before { (line(look, before, false)) }
                (line(look, &one.post, true))
            }
            p.unsure-now {
                (look.t("page.unsure_now")) " " a href={ "/d/" (d.number) "#post-" (one.post.id) } { "#" (d.number) " " (d.title) }
                @if let Some(why) = why_line(look, &one.post.evidence) { span.faint { " · " (why) } }
            }
            (answers(look, &one.post, (&one.others, one.opens), "unsure", first))
        }
    }
}

fn line(look: &Look<'_>, post: &Post, marked: bool) -> Markup {
    let author = if post.author.is_empty() { look.word("person", "unknown") } else { post.author.clone() };
    html! {
        li.marked[marked] {
            span.unsure-who { (author) " " (look.clock(post.created_at)) }
            @if post.body.is_empty() {
                span.faint { (kind(look, post)) }
            } @else {
                span.words { (words(&post.body, &post.details, &std::collections::BTreeMap::new())) }
            }
        }
    }
}

fn kind(look: &Look<'_>, post: &Post) -> String {
    match post.kind.as_str() {
        kind @ ("image" | "video" | "audio" | "file" | "location" | "sticker") => look.word("message", kind),
        _ => look.t("page.retracted").to_owned(),
    }
}

/// One tap each: it is right, one of the next best, a matter of its own where it is none yet (`opens`). `keys`: the answers have keys here.
pub(super) fn answers(look: &Look<'_>, post: &Post, (others, opens): (&[(i64, String)], bool), back: &str, keys: bool) -> Markup {
    let key = |key: &'static str| keys.then_some(key);
    html! {
        form.answers method="post" action={ "/posts/" (post.id) "/place" } {
            input type="hidden" name="back" value=(back);
            input type="hidden" name="with" value="burst";
            button.button.plain type="submit" name="to" value="here" data-key=[key("y")] { (look.t("page.place_right")) @if keys { kbd { "y" } } }
            @for ((number, title), nth) in others.iter().zip(["1", "2"]) {
                button.button.plain.answer-other type="submit" name="number" value=(number) data-key=[key(nth)] {
                    span { "#" (number) " " (title) } @if keys { kbd { (nth) } }
                }
            }
            @if !opens {
                button.button.plain type="submit" name="to" value="new" data-key=[key("n")] { (look.t("page.place_new")) @if keys { kbd { "n" } } }
            }
        }
    }
}
