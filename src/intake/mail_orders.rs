//! What a colleague orders in the first lines of a mail: looked up, carried out, or refused as a whole.

use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::App;
use crate::channels::email::orders::{self, Order};
use crate::discussions::{self as acts, Change, ChangeError};
use crate::domain::{Channel, NoticeKind, PersonId, ProjectId, Role, Source};
use crate::store::discussion_events::By;
use crate::store::discussions::Discussion;
use crate::store::notices::{NewNotice, Target};
use crate::store::{self, Tx, identities, members, notices, persons};

/// Words for oneself and for nobody, in lower case.
const ONESELF: [&str; 5] = ["", "me", "我", "自分", "自己"];
const NOBODY: [&str; 6] = ["none", "nobody", "無", "-", "なし", "尚未指派"];
/// Staff of a project who are looked through for a name.
const STAFF_MAX: usize = 500;
/// The shortest part of a name that may stand for it, in bytes: one Chinese character, three Latin letters.
const PART_BYTES_MIN: usize = 3;

/// What a mail orders.
#[derive(Debug)]
pub(super) struct Ordered {
    /// None where something was refused.
    pub changes: Vec<Change>,
    /// The post is for staff alone: it was ordered so, or what was ordered is not clear.
    pub internal: bool,
    /// What is left to be posted.
    pub body: String,
    /// The first line that made no sense.
    pub refused: Option<String>,
}

/// Reads the orders that `said` begins with; `None` where there are none, or its author may give none.
pub(super) async fn read(
    c: &mut AnyConnection,
    project: ProjectId,
    author: PersonId,
    role: Role,
    said: &str,
) -> store::Result<Option<Ordered>> {
    let Some(found) = orders::read(said).filter(|_| role.is_staff()) else { return Ok(None) };
    let mut ordered = Ordered { changes: vec![], internal: false, body: found.rest, refused: found.unknown };
    for (order, line) in found.given {
        match order {
            Order::Note => ordered.internal = true,
            Order::Status(status) => ordered.changes.push(Change::Status(status)),
            Order::Assign(name) => match whom(c, project, author, &name).await? {
                Whom::Person(person) => ordered.changes.push(Change::Assignee(Some(person))),
                Whom::Nobody => ordered.changes.push(Change::Assignee(None)),
                Whom::Unclear => {
                    ordered.refused.get_or_insert(line);
                }
            },
        }
    }
    if ordered.refused.is_some() {
        // Nothing is done by halves, and nothing that may not have been meant for clients goes to them.
        ordered = Ordered { changes: vec![], internal: true, body: said.to_owned(), ..ordered };
    }
    Ok(Some(ordered))
}

/// Whom a name stands for.
enum Whom {
    Person(PersonId),
    Nobody,
    /// It is nobody's name here, or several people's.
    Unclear,
}

/// Who is to look after it by this name.
async fn whom(c: &mut AnyConnection, project: ProjectId, author: PersonId, name: &str) -> store::Result<Whom> {
    let name = name.trim().to_lowercase();
    if ONESELF.contains(&name.as_str()) {
        return Ok(Whom::Person(author));
    }
    if NOBODY.contains(&name.as_str()) {
        return Ok(Whom::Nobody);
    }
    let mut people: Vec<(PersonId, String)> =
        members::all(c, project).await?.into_iter().filter(|m| m.role.is_staff()).map(|m| (m.person, m.name.to_lowercase())).collect();
    for admin in persons::admins(c).await? {
        if people.iter().all(|(p, _)| *p != admin)
            && let Some(found) = persons::find(c, admin).await?
        {
            people.push((admin, found.name.to_lowercase()));
        }
    }
    people.truncate(STAFF_MAX);
    let mut exact = vec![];
    for (person, called) in &people {
        let by_address = identities::of_person(c, *person, Channel::Email).await?.into_iter().any(|address| {
            let address = address.external_id;
            address == name || address.split('@').next() == Some(name.as_str())
        });
        if *called == name || by_address {
            exact.push(*person);
        }
    }
    if exact.is_empty() && name.len() >= PART_BYTES_MIN {
        exact = people.iter().filter(|(_, called)| called.contains(&name)).map(|(person, _)| *person).collect();
    }
    Ok(if let [one] = exact[..] { Whom::Person(one) } else { Whom::Unclear })
}

/// Does what was ordered, and tells its author of what was not.
pub(super) async fn carry_out(
    tx: &mut Tx,
    app: &App,
    discussion: &mut Discussion,
    author: PersonId,
    ordered: &Ordered,
) -> store::Result<()> {
    let by = By { person: Some(author), via: Source::Email };
    for change in &ordered.changes {
        match acts::change(tx, app, discussion, by, change.clone()).await {
            Ok(()) => {}
            Err(ChangeError::Store(error)) => return Err(error),
            Err(error) => tracing::warn!(discussion = discussion.number, %error, "an order by mail could not be carried out"),
        }
    }
    match &ordered.refused {
        Some(line) => tell(tx, app, discussion, author, line, app.clock.now()).await,
        None => Ok(()),
    }
}

async fn tell(tx: &mut Tx, app: &App, discussion: &Discussion, author: PersonId, line: &str, now: Timestamp) -> store::Result<()> {
    if app.smtp.is_none() {
        return Ok(());
    }
    let new = NewNotice {
        kind: NoticeKind::CommandRefused,
        discussion: Some(discussion.id),
        post: None,
        target: Target::Person(author),
        due_at: now,
        deadline_at: now,
        now,
        detail: Some(line.to_owned()),
        expires_at: None,
    };
    notices::add(tx, &new).await.map(drop)
}
