//! The one card of everything that leaves about discussions.

use std::collections::BTreeMap;

use super::Part;
use super::facts::Fact;
use crate::App;
use crate::channels::line::render::{self, Card, News};
use crate::domain::{DiscussionId, NoticeKind, Reply};
use crate::store::discussions::Discussion;
use crate::store::projects::Project;

/// What leaves about one discussion.
struct Shown<'a> {
    discussion: &'a Discussion,
    answers: usize,
    said_by: &'a str,
    excerpt: Option<&'a str>,
    opened: bool,
    status: bool,
    moved: bool,
    /// From which number it moved, where that is known.
    from: Option<i64>,
    assigned: Option<&'a str>,
}

impl Shown<'_> {
    /// The one thing that its bubble is about: an answer before all, the status before a word that nothing else says.
    fn news(&self) -> Option<News<'_>> {
        if self.answers > 0 {
            return Some(News::Answered { times: self.answers, status: self.status });
        }
        if self.moved {
            return Some(News::Moved { from: self.from });
        }
        if self.status {
            return Some(News::StatusChanged);
        }
        self.assigned.map(|to| News::Assigned { to }).or(self.opened.then_some(News::Opened))
    }

    /// Answers first: they are what a notification shows of several.
    fn rank(&self) -> u8 {
        match self.news() {
            Some(News::Answered { .. }) => 0,
            Some(News::StatusChanged) => 1,
            Some(News::Moved { .. }) => 2,
            Some(News::Assigned { .. }) => 3,
            Some(News::Opened) | None => 4,
        }
    }
}

/// The card with the discussions that it is about; `None` where nothing that leaves is about one.
pub(super) fn part(app: &App, project: &Project, leaving: &[&Fact]) -> Option<Part> {
    let mut shown: BTreeMap<DiscussionId, Shown<'_>> = BTreeMap::new();
    for fact in leaving.iter().filter(|f| !f.personal) {
        let Some(discussion) = &fact.discussion else { continue };
        let card = shown.entry(discussion.id).or_insert_with(|| Shown {
            discussion,
            answers: 0,
            said_by: "",
            excerpt: None,
            opened: false,
            status: false,
            moved: false,
            from: None,
            assigned: None,
        });
        add(card, fact, project);
    }
    let mut all: Vec<Shown<'_>> = shown.into_values().filter(|s| s.news().is_some()).collect();
    if all.is_empty() {
        return None;
    }
    all.sort_by_key(|s| (s.rank(), s.discussion.id));
    let urls: Vec<String> = all.iter().map(|s| app.config.server.discussion_url(s.discussion.number)).collect();
    let told: Vec<(News<'_>, Card<'_>)> = all.iter().zip(&urls).filter_map(|(s, url)| Some((s.news()?, card(s, url)))).collect();
    Some((render::news(app.config.server.locale, &told), all.iter().map(|s| s.discussion.id).collect()))
}

fn add<'a>(card: &mut Shown<'a>, fact: &'a Fact, project: &Project) {
    let detail = fact.notice.detail.as_deref();
    match fact.notice.kind {
        NoticeKind::Opened => card.opened = true,
        NoticeKind::Answered => {
            if let Some(post) = &fact.post {
                card.answers += 1;
                card.said_by = &post.author;
                card.excerpt = Some(post.body.as_str()).filter(|_| project.excerpts);
            }
        }
        NoticeKind::StatusChanged => card.status = true,
        NoticeKind::Moved => {
            card.moved = true;
            card.from = match detail.and_then(Reply::from_json) {
                Some(Reply::Moved { from, .. } | Reply::Apart { from, .. }) => Some(from),
                _ => detail.and_then(|number| number.parse().ok()),
            };
        }
        NoticeKind::Assigned => card.assigned = Some(detail.unwrap_or_default()),
        _ => {}
    }
}

fn card<'a>(shown: &'a Shown<'_>, url: &'a str) -> Card<'a> {
    Card {
        number: shown.discussion.number,
        title: &shown.discussion.title,
        status: shown.discussion.status,
        url,
        said_by: Some(shown.said_by).filter(|name| !name.is_empty()),
        excerpt: shown.excerpt,
    }
}
