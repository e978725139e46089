//! What the record may lack, as a quiet line where it lacks it.

use jiff::Timestamp;
use maud::{Markup, html};

use super::Look;
use super::icons::{self, Icon};
use crate::domain::{Gap, Role};

/// `此期間紀錄可能有缺漏 · 機器人不在群組中 11月3日 14:02 – 11月4日 09:30`. Clients are not told of our troubles, only of what they may miss.
pub fn sentence(look: &Look<'_>, gap: &Gap, viewer: Role) -> String {
    let span = look.when().span(gap.from, gap.to);
    if viewer.is_staff() {
        format!("{} · {} {span}", look.t("gap.missing"), look.word("gap", gap.kind.as_str()))
    } else {
        format!("{} · {span}", look.t("gap.missing_client"))
    }
}

fn line(look: &Look<'_>, gap: &Gap, viewer: Role) -> Markup {
    html! {
        li.gap.lasting[gap.to.is_none()] id={ "gap-" (gap.kind) "-" (gap.from.as_microsecond()) } {
            span { (icons::icon(Icon::Alert)) (sentence(look, gap, viewer)) }
        }
    }
}

/// The gaps that begin after `before` and not after `next`: they stand between the two posts.
pub fn between(look: &Look<'_>, gaps: &[Gap], before: Timestamp, next: Timestamp, viewer: Role) -> Markup {
    html! { @for gap in gaps.iter().filter(|g| before < g.from && g.from <= next) { (line(look, gap, viewer)) } }
}

/// The gaps that began after the last post and go on.
pub fn lasting(look: &Look<'_>, gaps: &[Gap], last: Timestamp, viewer: Role) -> Markup {
    html! { @for gap in gaps.iter().filter(|g| last < g.from && g.to.is_none()) { (line(look, gap, viewer)) } }
}
