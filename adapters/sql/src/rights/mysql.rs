//! MySQL and MariaDB: the lines of `SHOW GRANTS`, of the account and of every role that it can take.
//! Their form: <https://dev.mysql.com/doc/refman/8.4/en/show-grants.html>,
//! <https://mariadb.com/kb/en/show-grants/>.

use std::collections::BTreeSet;

use sea_orm::sqlx::{self, AssertSqlSafe, MySqlConnection, Row};

use super::Right;

/// What a reader needs, or what harms nobody. Every other privilege is a right too many, also those
/// that servers will have one day.
const HARMLESS: [&str; 4] = ["USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES"];

pub(crate) async fn read(connection: &mut MySqlConnection) -> Result<Vec<Right>, sqlx::Error> {
    let version: String =
        sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    let mariadb = version.contains("MariaDB");
    // What MariaDB grants to everybody stands there too.
    let mut lines = show(connection, "SHOW GRANTS".to_owned()).await?;
    if mariadb {
        roles_of_mariadb(connection, &mut lines).await?;
    } else {
        let roles: Vec<String> = lines.iter().flat_map(|line| roles(line)).collect();
        if !roles.is_empty() {
            // With the roles of the roles.
            let all = format!("SHOW GRANTS FOR CURRENT_USER() USING {}", roles.join(", "));
            lines.extend(show(connection, all).await?);
        }
    }
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    Ok(lines.iter().flat_map(|line| beyond_reading(line)).collect())
}

/// Role by role: those that are not the default one can be taken at any time. Only of the role that is
/// taken, and of its roles, may an account see the grants.
async fn roles_of_mariadb(
    connection: &mut MySqlConnection,
    lines: &mut Vec<String>,
) -> Result<(), sqlx::Error> {
    let own: BTreeSet<String> = lines.iter().flat_map(|line| roles(line)).collect();
    if own.is_empty() {
        return Ok(());
    }
    let taken: Option<String> =
        sqlx::query_scalar("SELECT CURRENT_ROLE()").fetch_one(&mut *connection).await?;
    let mut shown = Ok(());
    for role in &own {
        match grants_of_role(connection, role).await {
            Ok(granted) => lines.extend(granted),
            Err(error) => shown = Err(error),
        }
    }
    let back =
        taken.map_or_else(|| "NONE".to_owned(), |role| format!("`{}`", role.replace('`', "``")));
    show(connection, format!("SET ROLE {back}")).await?;
    shown
}

/// With those of the roles of the role.
async fn grants_of_role(
    connection: &mut MySqlConnection,
    role: &str,
) -> Result<Vec<String>, sqlx::Error> {
    show(connection, format!("SET ROLE {role}")).await?;
    show(connection, format!("SHOW GRANTS FOR {role}")).await
}

/// `statement` holds no name but as the server itself quoted it.
async fn show(
    connection: &mut MySqlConnection,
    statement: String,
) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(&mut *connection).await?;
    rows.iter().map(|row| row.try_get_unchecked(0)).collect()
}

/// A line of `SHOW GRANTS`, in its own spelling.
enum Grant<'l> {
    Privileges {
        names: Vec<&'l str>,
        object: &'l str,
        grantee: &'l str,
        grant_option: bool,
    },
    Roles {
        names: Vec<&'l str>,
        grantee: &'l str,
        admin_option: bool,
    },
    /// Takes away, or says which role is taken at login.
    Nothing,
    Unknown,
}

fn grant(line: &str) -> Grant<'_> {
    if line.starts_with("SET DEFAULT ROLE ") || line.starts_with("REVOKE ") {
        return Grant::Nothing;
    }
    let Some((what, whom)) = line.strip_prefix("GRANT ").and_then(|rest| cut(rest, " TO ")) else {
        return Grant::Unknown;
    };
    // After the account may stand its password and limits.
    let (grantee, rest) = cut(whom, " ").unwrap_or((whom, ""));
    match cut(what, " ON ") {
        Some((names, object)) => {
            let grant_option = rest.contains("GRANT OPTION");
            Grant::Privileges { names: split(names), object, grantee, grant_option }
        }
        None => {
            let admin_option = rest.contains("ADMIN OPTION");
            Grant::Roles { names: split(what), grantee, admin_option }
        }
    }
}

/// Roles that the line gives, as the server quotes them.
fn roles(line: &str) -> Vec<String> {
    match grant(line) {
        Grant::Roles { names, .. } => names.into_iter().map(str::to_owned).collect(),
        Grant::Privileges { .. } | Grant::Nothing | Grant::Unknown => Vec::new(),
    }
}

fn beyond_reading(line: &str) -> Vec<Right> {
    match grant(line) {
        Grant::Nothing => Vec::new(),
        Grant::Unknown => {
            let shown = line.split(" IDENTIFIED ").next().unwrap_or_default();
            vec![Right::new(format!("a grant that is not understood: {shown}"), "REVOKE it")]
        }
        Grant::Roles { names, grantee, admin_option } => {
            let roles = if admin_option { names } else { Vec::new() };
            let right = |role: &str| {
                Right::new(
                    format!("ADMIN OPTION for role {role}, granted to {grantee}"),
                    format!("REVOKE ADMIN OPTION FOR {role} FROM {grantee}"),
                )
            };
            roles.into_iter().map(right).collect()
        }
        Grant::Privileges { names, object, grantee, grant_option } => {
            let mut rights = Vec::new();
            let excessive: Vec<&str> = names.into_iter().filter(|name| !harmless(name)).collect();
            if !excessive.is_empty() {
                let names = excessive.join(", ");
                let mut right = Right::new(
                    format!("{names} on {object}, granted to {grantee}"),
                    format!("REVOKE {names} ON {object} FROM {grantee}"),
                );
                right.function = routine(&excessive, object);
                rights.push(right);
            }
            if grant_option {
                rights.push(Right::new(
                    format!("GRANT OPTION on {object}, granted to {grantee}"),
                    format!("REVOKE GRANT OPTION ON {object} FROM {grantee}"),
                ));
            }
            rights
        }
    }
}

/// `SELECT`, `SELECT (column, …)`.
fn harmless(privilege: &str) -> bool {
    let name = privilege.split('(').next().unwrap_or_default().trim();
    HARMLESS.iter().any(|harmless| harmless.eq_ignore_ascii_case(name))
}

/// `database.name` of a single routine that may only be run.
fn routine(privileges: &[&str], object: &str) -> Option<String> {
    let name = object.strip_prefix("FUNCTION ").or_else(|| object.strip_prefix("PROCEDURE "))?;
    let (database, name) = cut(name, ".")?;
    (privileges == ["EXECUTE"]).then(|| format!("{}.{}", unquoted(database), unquoted(name)))
}

fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
    inner.map_or_else(|| name.to_owned(), |inner| inner.replace("``", "`"))
}

/// Where each character stands outside of quotes and parentheses.
fn outside(text: &str) -> impl Iterator<Item = usize> {
    let (mut quote, mut depth) = (None, 0_u32);
    text.char_indices().filter_map(move |(at, character)| {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '`' | '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) if depth == 0 => return Some(at),
            (None, _) => {}
        }
        None
    })
}

/// The text before and after a mark that stands outside of quotes and parentheses.
fn cut<'l>(text: &'l str, mark: &str) -> Option<(&'l str, &'l str)> {
    let at = outside(text).find(|at| text[*at..].starts_with(mark))?;
    Some((&text[..at], &text[at + mark.len()..]))
}

fn split(list: &str) -> Vec<&str> {
    let commas = outside(list).filter(|at| list[*at..].starts_with(','));
    let mut parts = Vec::new();
    let mut from = 0;
    for comma in commas {
        parts.push(list[from..comma].trim());
        from = comma + 1;
    }
    parts.push(list[from..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Vec<(String, String)> {
        let told = |right: Right| (right.excess.right, right.excess.remedy);
        beyond_reading(line).into_iter().map(told).collect()
    }

    #[test]
    fn what_a_reader_needs_is_no_right_too_many() {
        for line in [
            "GRANT USAGE ON *.* TO `reader`@`%` IDENTIFIED BY PASSWORD '*AB,CD ON x TO y'",
            "GRANT SELECT, SHOW VIEW ON `ehr`.* TO `reader`@`%`",
            "GRANT SELECT (`INSERT, b`, `)`), SHOW VIEW ON `ehr`.`UPDATE ON x` TO 'reader'@'%'",
            "GRANT SHOW DATABASES ON *.* TO `reader`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 4",
            "GRANT `ward`@`%`,`lab`@`%` TO `reader`@`%`",
            "SET DEFAULT ROLE `ward` FOR `reader`@`%`",
            "REVOKE SELECT ON `mysql`.* FROM `reader`@`%`",
        ] {
            assert_eq!(told(line), [], "{line}");
        }
    }

    #[test]
    fn every_other_privilege_is_named_with_its_revocation() {
        for (line, right, remedy) in [
            (
                "GRANT SELECT, INSERT, UPDATE ON `ehr`.* TO `r`@`%`",
                "INSERT, UPDATE on `ehr`.*, granted to `r`@`%`",
                "REVOKE INSERT, UPDATE ON `ehr`.* FROM `r`@`%`",
            ),
            (
                "GRANT SELECT (`a`), UPDATE (`a`, `b ON c`) ON `ehr`.`pt TO` TO `r`@`%`",
                "UPDATE (`a`, `b ON c`) on `ehr`.`pt TO`, granted to `r`@`%`",
                "REVOKE UPDATE (`a`, `b ON c`) ON `ehr`.`pt TO` FROM `r`@`%`",
            ),
            (
                "GRANT FILE, PROCESS ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*0123'",
                "FILE, PROCESS on *.*, granted to `r`@`%`",
                "REVOKE FILE, PROCESS ON *.* FROM `r`@`%`",
            ),
            (
                "GRANT BINLOG_ADMIN,SYSTEM_USER ON *.* TO `r`@`%`",
                "BINLOG_ADMIN, SYSTEM_USER on *.*, granted to `r`@`%`",
                "REVOKE BINLOG_ADMIN, SYSTEM_USER ON *.* FROM `r`@`%`",
            ),
            (
                "GRANT `ward` TO `r`@`%` WITH ADMIN OPTION",
                "ADMIN OPTION for role `ward`, granted to `r`@`%`",
                "REVOKE ADMIN OPTION FOR `ward` FROM `r`@`%`",
            ),
            (
                "GRANT SELECT ON `ehr`.* TO `r`@`%` WITH GRANT OPTION",
                "GRANT OPTION on `ehr`.*, granted to `r`@`%`",
                "REVOKE GRANT OPTION ON `ehr`.* FROM `r`@`%`",
            ),
            (
                "GRANT PROXY ON ''@'%' TO 'r'@'localhost'",
                "PROXY on ''@'%', granted to 'r'@'localhost'",
                "REVOKE PROXY ON ''@'%' FROM 'r'@'localhost'",
            ),
        ] {
            assert_eq!(told(line), [(right.to_owned(), remedy.to_owned())], "{line}");
        }
    }

    #[test]
    fn a_line_of_another_form_is_a_right_too_many_without_its_password() {
        let told = told("ALLOW INSERT IDENTIFIED BY '*0123'");
        assert_eq!(told[0].0, "a grant that is not understood: ALLOW INSERT");
    }

    #[test]
    fn a_routine_can_be_allowed_by_name_if_it_may_only_be_run() {
        let names = |line| beyond_reading(line).into_iter().map(|right| right.function).next();
        let named = names("GRANT EXECUTE ON FUNCTION `ehr`.`a.ge` TO `r`@`%`");
        assert_eq!(named.flatten().as_deref(), Some("ehr.a.ge"));
        for line in [
            "GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE `ehr`.`age` TO `r`@`%`",
            "GRANT EXECUTE ON `ehr`.* TO `r`@`%`",
        ] {
            assert_eq!(names(line), Some(None), "{line}");
        }
    }
}
