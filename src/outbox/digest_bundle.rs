//! Freezing a person's digest: everything that has gathered for it, over all discussions, in one mail.

use super::digest_mail::{self, Cover};
use super::{mail_bundle, notes};
use crate::App;
use crate::channels::email::render::{Entry, MailPost, Section};
use crate::discussions::part_in;
use crate::domain::{DiscussionId, NoticeId, NoticeKind, PersonId, Why};
use crate::store::discussions::Discussion;
use crate::store::notices::Notice;
use crate::store::persons::Person;
use crate::store::posts::Post;
use crate::store::{self, Tx, discussions, notices, persons, projects, watchers};
use crate::threading::excerpt;

/// Notices of one digest; further ones travel in the next, at once.
const NOTICES_MAX: i64 = 2000;
/// Discussions that one digest shows; further ones are counted.
const DISCUSSIONS_MAX: usize = 60;
/// Posts of one discussion that it shows, the latest; further ones are counted.
const POSTS_MAX: usize = 5;
/// How much of the first discussion's title its subject has, in grapheme clusters.
const TITLE_GRAPHEMES_MAX: usize = 40;
/// How much of a post it shows, in grapheme clusters.
const EXCERPT_GRAPHEMES_MAX: usize = 240;

/// What a digest tells of one discussion.
struct Told {
    discussion: Discussion,
    notices: Vec<Notice>,
    posts: Vec<Post>,
    notes: Vec<String>,
}

/// Freezes what is due of the person's digest. Whether a delivery was made.
pub(super) async fn freeze(app: &App, person: PersonId) -> Result<bool, store::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    persons::lock(&mut tx, app.db.dialect, person).await?;
    let due = notices::of_digest(&mut tx, person, now, NOTICES_MAX).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let all: Vec<NoticeId> = due.iter().map(|n| n.id).collect();
    let reader = persons::find(&mut tx, person).await?;
    let address = persons::email(&mut tx, person).await?;
    let (Some(reader), Some(address), Some(_)) = (reader, address, &app.config.smtp) else {
        notices::fail_all(&mut tx, &all, Why::NoAddress.as_str()).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let told = gather(&mut tx, app, &reader, due).await?;
    if told.is_empty() {
        tx.commit().await?;
        return Ok(false);
    }
    let frozen: Vec<NoticeId> = told.iter().flat_map(|t| &t.notices).map(|n| n.id).collect();
    let sections = sections(&mut tx, app, &told).await?;
    let count = told.len().to_string();
    let texts = app.texts();
    let cover = Cover {
        reader: &reader,
        address: &address,
        subject: subject(app, &told),
        intro: texts.fill("digest.intro", &[("count", &count)]),
        sections: &sections,
    };
    digest_mail::freeze(&mut tx, app, &cover, &frozen).await?;
    tx.commit().await?;
    Ok(true)
}

/// The first discussion by name, and how many more there are.
fn subject(app: &App, told: &[Told]) -> String {
    let Some((first, others)) = told.split_first() else { return String::new() };
    let (number, title) = (first.discussion.number.to_string(), excerpt(&first.discussion.title, TITLE_GRAPHEMES_MAX));
    let more = others.len().to_string();
    let key = if others.is_empty() { "digest.subject_one" } else { "digest.subject" };
    app.texts().fill(key, &[("number", &number), ("title", &title), ("more", &more)])
}

/// What there is to tell, by discussion, in the order in which it began. What is not to be told (any more) is dropped, each with why.
async fn gather(tx: &mut Tx, app: &App, reader: &Person, due: Vec<Notice>) -> Result<Vec<Told>, store::Error> {
    let mut by_discussion: Vec<(DiscussionId, Vec<Notice>)> = vec![];
    let mut odd = vec![];
    for notice in due {
        let Some(id) = notice.discussion else {
            odd.push(notice.id);
            continue;
        };
        let found = discussions::get(tx, id).await?;
        let id = discussions::follow(tx, found).await?.id;
        match by_discussion.iter_mut().find(|(of, _)| *of == id) {
            Some((_, notices)) => notices.push(notice),
            None => by_discussion.push((id, vec![notice])),
        }
    }
    notices::fail_all(tx, &odd, Why::Unreadable.as_str()).await?;
    let mut told = vec![];
    for (id, of) in by_discussion {
        let ids: Vec<NoticeId> = of.iter().map(|n| n.id).collect();
        if watchers::wants_no_mail(tx, id, reader.id).await? {
            notices::drop_all(tx, &ids, Why::MailsTurnedOff.as_str()).await?;
            continue;
        }
        let discussion = discussions::get(tx, id).await?;
        if discussion.other {
            notices::drop_all(tx, &ids, Why::PutAside.as_str()).await?;
            continue;
        }
        let Some(part) = part_in(tx, discussion.project, reader.id).await? else {
            notices::drop_all(tx, &ids, Why::MayNotRead.as_str()).await?;
            continue;
        };
        let mut posts: Vec<Post> = vec![];
        for notice in &of {
            if let Some(post) = mail_bundle::readable(tx, notice, part.is_staff()).await?
                && posts.iter().all(|p| p.id != post.id)
            {
                posts.push(post);
            }
        }
        let notes = notes::of(app, &discussion, &of);
        if posts.is_empty() && notes.is_empty() {
            notices::drop_all(tx, &ids, Why::TakenBack.as_str()).await?;
            continue;
        }
        told.push(Told { discussion, notices: of, posts, notes });
    }
    Ok(told)
}

/// By project, the first [`DISCUSSIONS_MAX`] discussions.
async fn sections(tx: &mut Tx, app: &App, told: &[Told]) -> Result<Vec<Section>, store::Error> {
    let mut sections: Vec<(crate::domain::ProjectId, Section)> = vec![];
    for one in told.iter().take(DISCUSSIONS_MAX) {
        let project = one.discussion.project;
        let entry = entry(app, one);
        if let Some((_, section)) = sections.iter_mut().find(|(of, _)| *of == project) {
            section.entries.push(entry);
        } else {
            let heading = projects::get(tx, project).await?.name;
            sections.push((project, Section { heading, entries: vec![entry], ..Section::default() }));
        }
    }
    let mut sections: Vec<Section> = sections.into_iter().map(|(_, section)| section).collect();
    let more = told.len().saturating_sub(DISCUSSIONS_MAX);
    if let Some(last) = sections.last_mut().filter(|_| more > 0) {
        last.more = app.texts().fill("digest.more_discussions", &[("count", &more.to_string())]);
    }
    Ok(sections)
}

fn entry(app: &App, told: &Told) -> Entry {
    let texts = app.texts();
    let Told { discussion, posts, notes, .. } = told;
    let earlier = posts.len().saturating_sub(POSTS_MAX);
    // News of where it stands says it by itself.
    let is_said = told.notices.iter().any(|n| n.kind == NoticeKind::StatusChanged);
    let status = texts.get(&format!("status.{}", discussion.status)).to_owned();
    let lines: Vec<String> = (!is_said).then_some(status).into_iter().chain(notes.iter().cloned()).collect();
    Entry {
        title: format!("#{} {}", discussion.number, discussion.title),
        link: app.config.server.discussion_url(discussion.number),
        notes: lines,
        posts: posts[earlier..].iter().map(|p| post(app, p)).collect(),
        more: if earlier > 0 { texts.fill("digest.more_posts", &[("count", &earlier.to_string())]) } else { String::new() },
    }
}

fn post(app: &App, post: &Post) -> MailPost {
    let texts = app.texts();
    let when = post.created_at.to_zoned(app.config.server.time_zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let body = excerpt(&post.body, EXCERPT_GRAPHEMES_MAX);
    MailPost {
        author: if post.author.is_empty() { texts.get("person.unknown").to_owned() } else { post.author.clone() },
        when,
        body: if body.is_empty() { crate::discussions::word_of_kind(app, &post.kind).to_owned() } else { body },
        files: vec![],
        internal: post.internal,
        unsure: None,
    }
}
