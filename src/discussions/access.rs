//! Who may see and do what.

use sqlx::AnyConnection;

use crate::domain::{PersonId, ProjectId, Role};
use crate::store::discussions::Discussion;
use crate::store::{self, Result, discussions, members};

/// Somebody who is logged in, or whose token it is.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub person: PersonId,
    pub name: String,
    pub is_admin: bool,
    /// Whether they are staff somewhere; looked up for pages alone.
    pub is_staff: bool,
    /// How many held mails wait for their decision; counted for pages alone.
    pub held: i64,
}

impl Viewer {
    /// The viewer's part in the project; an admin has an owner's in each.
    pub async fn role(&self, c: &mut AnyConnection, project: ProjectId) -> Result<Option<Role>> {
        if self.is_admin {
            return Ok(Some(Role::Owner));
        }
        if let Some(role) = members::role(c, project, self.person).await? {
            return Ok(Some(role));
        }
        // Being in a bound chat is the right to read, for as long as they are in it.
        Ok(members::is_in_bound_chat(c, project, self.person).await?.then_some(Role::Client))
    }

    /// Whom lists are limited to; `None` = nobody, an admin sees all.
    pub fn limit(&self) -> Option<PersonId> {
        (!self.is_admin).then_some(self.person)
    }

    /// The discussion with this number and the viewer's part in it, if it may be seen. A merged one leads to its target.
    pub async fn discussion(&self, c: &mut AnyConnection, number: i64) -> Result<Option<(Discussion, Role)>> {
        let Some(found) = discussions::find(c, number).await? else { return Ok(None) };
        let discussion = discussions::follow(c, found).await?;
        Ok(self.role(c, discussion.project).await?.map(|role| (discussion, role)))
    }

    /// Likewise, where it is a matter: what rests is answered and changed nowhere.
    pub async fn matter(&self, c: &mut AnyConnection, number: i64) -> Result<Option<(Discussion, Role)>> {
        Ok(self.discussion(c, number).await?.filter(|(d, _)| !d.other))
    }

    /// The project with this key and the viewer's part in it, if it may be seen.
    pub async fn project(&self, c: &mut AnyConnection, key: &str) -> Result<Option<(store::projects::Project, Role)>> {
        let Some(project) = store::projects::find(c, key).await? else { return Ok(None) };
        Ok(self.role(c, project.id).await?.map(|role| (project, role)))
    }
}

/// The part of somebody who wrote: staff of the project, an admin, or else a client.
pub async fn role_in(c: &mut AnyConnection, project: ProjectId, person: &store::persons::Person) -> Result<Role> {
    let role = members::role(c, project, person.id).await?.unwrap_or(Role::Client);
    Ok(if person.is_admin && !role.is_staff() { Role::Staff } else { role })
}
