//! Saying how one wants to hear of what, and looking it up.

use sqlx::AnyConnection;

use super::Viewer;
use crate::domain::{Audience, LISTENED, NoticeKind, Role, Set, Way, usual, ways};
use crate::store::listening::Whose;
use crate::store::{self, Tx, listening, members};

/// One kind, as somebody has set it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub kind: NoticeKind,
    /// What they have set; `None` = nothing.
    pub set: Option<Way>,
    /// What counts where they set nothing.
    pub otherwise: Way,
    /// What they may set.
    pub ways: &'static [Way],
}

impl Wish {
    /// What counts.
    pub fn way(&self) -> Way {
        self.set.filter(|w| self.ways.contains(w)).unwrap_or(self.otherwise)
    }
}

/// Why a wish cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    #[error("{kind} cannot be {way}; it must be one of {}", offered(ways))]
    NotOffered { kind: NoticeKind, way: Way, ways: &'static [Way] },
    #[error("{0} is no kind of notice that one can set for oneself")]
    NoKind(NoticeKind),
    #[error("writing the wish")]
    Store(#[from] sqlx::Error),
}

fn offered(ways: &[Way]) -> String {
    ways.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", ")
}

/// Every kind that there is for them, in the order in which it is shown. `role`: a person's, in that project or the highest that they
/// have anywhere; for a project's own settings it counts for nothing.
pub async fn wishes(c: &mut AnyConnection, whose: Whose, role: Role) -> store::Result<Vec<Wish>> {
    let set = listening::of(c, whose).await?;
    let mut all = vec![];
    for kind in LISTENED {
        let audience = audience_of(whose, role);
        let ways = ways(kind, audience);
        if ways.is_empty() {
            continue;
        }
        let otherwise = match whose {
            Whose::PersonIn(person, project) => {
                let layers = listening::set_for(c, person, (project, audience), kind).await?;
                Set { here: None, ..layers }.way(kind, role)
            }
            Whose::Person(_) => usual(kind, audience, role),
            Whose::Project(..) => usual(kind, audience, Role::Staff),
        };
        all.push(Wish { kind, set: set.get(&kind).copied(), otherwise, ways });
    }
    Ok(all)
}

fn audience_of(whose: Whose, role: Role) -> Audience {
    match whose {
        Whose::Project(_, audience) => audience,
        Whose::Person(_) | Whose::PersonIn(..) => Audience::of(role),
    }
}

/// Sets the way of a kind; `None` = as if it had never been set.
pub async fn wish(tx: &mut Tx, whose: Whose, role: Role, kind: NoticeKind, way: Option<Way>) -> Result<(), WishError> {
    let ways = ways(kind, audience_of(whose, role));
    if ways.is_empty() {
        return Err(WishError::NoKind(kind));
    }
    if let Some(way) = way.filter(|w| !ways.contains(w)) {
        return Err(WishError::NotOffered { kind, way, ways });
    }
    Ok(listening::set(tx, whose, kind, way).await?)
}

/// The highest part that somebody has in any project: what their own settings are shown for.
pub async fn highest_role(c: &mut AnyConnection, viewer: &Viewer) -> store::Result<Role> {
    if viewer.is_admin {
        return Ok(Role::Owner);
    }
    let roles = members::roles_of(c, viewer.person).await?;
    Ok([Role::Owner, Role::Staff].into_iter().find(|r| roles.contains(r)).unwrap_or(Role::Client))
}
