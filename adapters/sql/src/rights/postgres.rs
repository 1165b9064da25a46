//! PostgreSQL: attributes of roles, memberships, ownership, every access control list, and functions
//! with the rights of others.

use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection, Row, ValueRef};

use super::Right;

const RIGHTS: &str = include_str!("postgres.sql");

const SELF: &str = "SELECT rolname::text, rolsuper, current_setting('server_version_num') \
     FROM pg_catalog.pg_roles WHERE rolname = session_user";

pub(crate) async fn read(connection: &mut PgConnection) -> Result<Vec<Right>, sqlx::Error> {
    let row = sqlx::query(SELF).fetch_one(&mut *connection).await?;
    let (superuser, version): (bool, String) = (row.try_get(1)?, row.try_get(2)?);
    if superuser {
        // It is a member of every role: nothing more needs to be said.
        let remedy = format!("ALTER ROLE \"{}\" NOSUPERUSER", text(&row, 0)?.replace('"', "\"\""));
        return Ok(vec![Right::new("the attribute SUPERUSER", remedy)]);
    }
    let statement = of_version(version.parse().unwrap_or(0));
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(&mut *connection).await?;
    let mut rights = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut right = Right::new(text(row, 0)?, text(row, 1)?);
        right.function = if row.try_get_raw(2)?.is_null() { None } else { Some(text(row, 2)?) };
        rights.push(right);
    }
    Ok(rights)
}

/// The statement without lines of later versions.
fn of_version(version: u32) -> String {
    let line = |line: &'static str| {
        let Some(rest) = line.strip_prefix("--").filter(|rest| rest.starts_with('1')) else {
            return line;
        };
        let (since, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if since.parse().is_ok_and(|since: u32| since <= version) { rest } else { "" }
    };
    let statement = RIGHTS.lines().map(line).collect::<Vec<_>>().join("\n");
    // Procedures came later, and with them a word for both.
    if version < 110_000 { statement.replace("ON ROUTINE", "ON FUNCTION") } else { statement }
}

/// Names in a database of no declared encoding may be in any: what is no UTF-8 is shown as well as it
/// can be.
fn text(row: &PgRow, index: usize) -> Result<String, sqlx::Error> {
    let bytes = row.try_get_raw(index)?.as_bytes().map_err(sqlx::Error::Decode)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_later_versions_are_left_out() {
        assert!(!of_version(140_000).contains("pg_parameter_acl"));
        let new = of_version(150_000);
        assert!(new.contains("\n FROM pg_catalog.pg_parameter_acl"), "{new}");
    }
}
