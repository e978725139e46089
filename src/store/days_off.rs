//! Days without pushes: the installation's, and each project's beside them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sqlx::AnyConnection;

use super::sql::{self, Result, args};
use crate::domain::ProjectId;

/// The list of one project, or of the installation, with what each day is called.
pub async fn of(c: &mut AnyConnection, project: Option<ProjectId>) -> Result<BTreeMap<Date, String>> {
    let rows: Vec<(String, String)> = match project {
        Some(project) => sql::all(c, "SELECT day, name FROM days_off WHERE project_id = $1 ORDER BY day", args![project]).await?,
        None => sql::all(c, "SELECT day, name FROM days_off WHERE project_id IS NULL ORDER BY day", args![]).await?,
    };
    rows.into_iter().map(read).collect()
}

/// Every day off that holds for the project: the installation's and its own, whose name goes before.
pub async fn for_project(c: &mut AnyConnection, project: ProjectId) -> Result<BTreeMap<Date, String>> {
    let rows: Vec<(String, String)> = sql::all(
        c,
        "SELECT day, name FROM days_off WHERE project_id IS NULL OR project_id = $1 ORDER BY day, COALESCE(project_id, 0)",
        args![project],
    )
    .await?;
    rows.into_iter().map(read).collect()
}

fn read((day, name): (String, String)) -> Result<(Date, String)> {
    Ok((day.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?, name))
}

/// Puts this list in the place of what was there.
pub async fn put(c: &mut AnyConnection, project: Option<ProjectId>, days: &BTreeMap<Date, String>) -> Result<()> {
    match project {
        Some(project) => sql::run(c, "DELETE FROM days_off WHERE project_id = $1", args![project]).await?,
        None => sql::run(c, "DELETE FROM days_off WHERE project_id IS NULL", args![]).await?,
    };
    for (day, name) in days {
        sql::run(c, "INSERT INTO days_off (project_id, day, name) VALUES ($1, $2, $3)", args![project, day.to_string(), name]).await?;
    }
    Ok(())
}
