//! Accounts with every kind of right too many: each is named, and what is said to take it away does.

use genkan_adapter::{Adapter, Excess, Gravity};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};

use crate::database::{Database, Kind};

/// Gives a right to the account `{a}` (through the role `{g}`, in the database `{d}`).
struct Case {
    given: &'static [&'static str],
    /// In the text of the right.
    named: &'static str,
    /// That the remedy is a command as it stands, and what is missing where it is not.
    remedy: Remedy,
}

#[derive(PartialEq)]
enum Remedy {
    Command,
    /// Whom to give it to is not ours to say.
    Incomplete,
}

const fn case(given: &'static [&'static str], named: &'static str) -> Case {
    Case { given, named, remedy: Remedy::Command }
}

const POSTGRES: &[Case] = &[
    case(&["ALTER ROLE {a} SUPERUSER"], "attribute SUPERUSER"),
    case(&["ALTER ROLE {a} CREATEROLE"], "attribute CREATEROLE"),
    case(&["ALTER ROLE {a} CREATEDB"], "attribute CREATEDB"),
    case(&["ALTER ROLE {a} REPLICATION"], "attribute REPLICATION"),
    case(&["ALTER ROLE {g} CREATEDB", "GRANT {g} TO {a}"], "attribute CREATEDB of role"),
    case(&["GRANT pg_write_all_data TO {a}"], "role pg_write_all_data"),
    case(
        &["GRANT pg_execute_server_program TO {g}", "GRANT {g} TO {a}"],
        "pg_execute_server_program",
    ),
    case(&["GRANT pg_signal_backend TO {a}"], "role pg_signal_backend"),
    case(&["GRANT INSERT, DELETE ON t TO {a}"], "DELETE, INSERT on table public.t"),
    case(&["GRANT UPDATE ON t TO {a}"], "UPDATE on table public.t"),
    case(&["GRANT TRUNCATE ON t TO {a}"], "TRUNCATE on table"),
    case(&["GRANT REFERENCES, TRIGGER ON t TO {a}"], "REFERENCES, TRIGGER on table"),
    case(&["GRANT DELETE ON v TO {a}"], "DELETE on table public.v"),
    case(&["GRANT INSERT ON other.t TO {a}"], "INSERT on table other.t"),
    case(&["GRANT UPDATE (id), INSERT (id) ON t TO {a}"], "(id) on table public.t"),
    case(&["GRANT INSERT ON t TO PUBLIC"], "INSERT on table public.t, granted to PUBLIC"),
    case(
        &["GRANT INSERT ON t TO {g}", "ALTER ROLE {a} NOINHERIT", "GRANT {g} TO {a}"],
        "INSERT on table",
    ),
    case(&["GRANT SELECT ON t TO {a} WITH GRANT OPTION"], "GRANT OPTION FOR SELECT on table"),
    case(&["GRANT USAGE ON SEQUENCE s TO {a}"], "USAGE on sequence public.s"),
    case(&["GRANT UPDATE ON SEQUENCE s TO PUBLIC"], "UPDATE on sequence public.s"),
    case(
        &["GRANT CREATE ON SCHEMA public TO PUBLIC"],
        "CREATE on schema public, granted to PUBLIC",
    ),
    case(&["GRANT CREATE ON DATABASE {d} TO {a}"], "CREATE on database"),
    case(&["GRANT CREATE ON TABLESPACE pg_default TO {a}"], "CREATE on tablespace pg_default"),
    case(&["GRANT USAGE ON FOREIGN SERVER far TO {a}"], "USAGE on foreign server far"),
    case(&["GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO {a}"], "USAGE on foreign data wrapper"),
    case(&["GRANT UPDATE ON LARGE OBJECT 77 TO {a}"], "UPDATE on large object 77"),
    case(
        &["GRANT ALTER SYSTEM ON PARAMETER work_mem TO {a}"],
        "ALTER SYSTEM on parameter work_mem",
    ),
    case(&["ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO {a}"], "INSERT on the tables that"),
    case(
        &["ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT USAGE ON SEQUENCES TO {a}"],
        "USAGE on the sequences that",
    ),
    case(
        &["CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"],
        "EXECUTE on function public.f(integer), which runs with the rights of genkan",
    ),
    case(
        &["CREATE PROCEDURE other.p() LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"],
        "EXECUTE on function other.p()",
    ),
    case(
        &["CREATE FUNCTION wild() RETURNS integer LANGUAGE wild AS 'BEGIN RETURN 1; END'"],
        "which is in wild, which knows no rights",
    ),
    case(&["GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {a}"], "pg_reload_conf(), which is for"),
    Case {
        given: &["ALTER TABLE t OWNER TO {a}"],
        named: "owner of 1 objects, the first of them table public.t",
        remedy: Remedy::Incomplete,
    },
    Case {
        given: &["GRANT {g} TO {a}", "ALTER SCHEMA other OWNER TO {g}"],
        named: "owner of 1 objects, the first of them schema other",
        remedy: Remedy::Incomplete,
    },
    Case {
        given: &["ALTER DATABASE {d} OWNER TO {a}"],
        named: "owner of 1 objects, the first of them database",
        remedy: Remedy::Incomplete,
    },
];

const MARIADB: &[Case] = &[
    case(&["GRANT ALL PRIVILEGES ON {d}.* TO {a}@'%'"], "ALL PRIVILEGES on"),
    case(&["GRANT INSERT, UPDATE ON {d}.* TO {a}@'%'"], "INSERT, UPDATE on"),
    case(&["GRANT DELETE ON *.* TO {a}@'%'"], "DELETE on *.*"),
    case(&["GRANT UPDATE (id) ON {d}.t TO {a}@'%'"], "UPDATE (`id`) on"),
    case(&["GRANT LOCK TABLES, TRIGGER ON {d}.* TO {a}@'%'"], "LOCK TABLES, TRIGGER on"),
    case(&["GRANT CREATE TEMPORARY TABLES ON {d}.* TO {a}@'%'"], "CREATE TEMPORARY TABLES on"),
    case(&["GRANT FILE, PROCESS ON *.* TO {a}@'%'"], "PROCESS, FILE on *.*"),
    case(&["GRANT SUPER ON *.* TO {a}@'%'"], "SUPER on *.*"),
    case(&["GRANT EXECUTE ON {d}.* TO {a}@'%'"], "EXECUTE on"),
    case(&["GRANT EXECUTE ON FUNCTION {d}.f TO {a}@'%'"], "EXECUTE on FUNCTION"),
    case(&["GRANT SELECT ON {d}.t TO {a}@'%' WITH GRANT OPTION"], "GRANT OPTION on"),
    case(&["GRANT INSERT ON {d}.t TO {g}", "GRANT {g} TO {a}@'%'"], "INSERT on"),
    case(
        &[
            "CREATE ROLE {g}_2",
            "GRANT INSERT ON {d}.t TO {g}_2",
            "GRANT {g}_2 TO {g}",
            "GRANT {g} TO {a}@'%'",
        ],
        "INSERT on",
    ),
    case(&["GRANT {g} TO {a}@'%' WITH ADMIN OPTION"], "ADMIN OPTION for role"),
    case(&["GRANT DROP ON {d}.* TO PUBLIC"], "DROP on"),
];

async fn excess(config: &SqlConfig) -> Vec<Excess> {
    let adapter = SqlAdapter::connect(config).await.unwrap();
    adapter.excess().await.unwrap()
}

async fn check(database: &Database, case: &Case) -> Result<(), String> {
    let (url, account) = database.reader().await;
    let group = format!("{account}_g");
    let name = database.url.rsplit_once('/').unwrap().1;
    database.run(&format!("CREATE ROLE {group}")).await;
    for given in case.given {
        let given = given.replace("{a}", &account).replace("{g}", &group).replace("{d}", name);
        database.run(&given).await;
    }
    let config = SqlConfig::new(url);
    let found = excess(&config).await;
    let right = found.iter().find(|excess| excess.right.contains(case.named));
    let right = right.ok_or_else(|| format!("no right `{}`: {found:#?}", case.named))?;
    assert_eq!(right.gravity, Gravity::Writes);
    assert_eq!(right.remedy.contains('…'), case.remedy == Remedy::Incomplete, "{right:?}");
    if case.remedy == Remedy::Command {
        for excess in &found {
            database.run(&excess.remedy).await;
        }
        if database.kind.is_mariadb() {
            // ALL PRIVILEGES went with what it needs.
            database.run(&format!("GRANT SELECT ON {name}.* TO {account}@'%'")).await;
        }
        let left = excess(&config).await;
        if !left.is_empty() {
            return Err(format!("{found:#?} were taken away, and there are still {left:#?}"));
        }
    }
    drop_all(database, &account, &group, name).await;
    Ok(())
}

async fn drop_all(database: &Database, account: &str, group: &str, name: &str) {
    if database.kind.is_mariadb() {
        database.run(&format!("DROP ROLE {group}; DROP ROLE IF EXISTS {group}_2")).await;
    } else {
        database.run("ALTER TABLE t OWNER TO genkan; ALTER SCHEMA other OWNER TO genkan").await;
        database.run(&format!("ALTER DATABASE {name} OWNER TO genkan")).await;
        database.run(&format!("DROP OWNED BY {group}; DROP ROLE {group}")).await;
    }
    database.drop_account(account).await;
}

async fn check_all(kind: Kind, cases: &[Case], prepared: &[&str]) {
    let Some(database) = Database::create(kind).await else { return };
    for statement in prepared {
        database.run(statement).await;
    }
    let mut failed = Vec::new();
    for case in cases {
        failed.extend(check(&database, case).await.err());
    }
    database.drop().await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn every_right_beyond_reading_is_named_and_taken_away_on_postgres() {
    let prepared = [
        "CREATE SCHEMA other; CREATE TABLE t (id integer); CREATE TABLE other.t (id integer)",
        "CREATE VIEW v AS SELECT id FROM t; CREATE SEQUENCE s; SELECT lo_create(77)",
        "CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER far FOREIGN DATA WRAPPER wrapper",
        "CREATE LANGUAGE wild HANDLER plpgsql_call_handler",
    ];
    check_all(Kind::Postgres, POSTGRES, &prepared).await;
}

#[tokio::test]
async fn every_right_beyond_reading_is_named_and_taken_away_on_mariadb() {
    let prepared = [
        "CREATE TABLE t (id integer)",
        "CREATE FUNCTION f() RETURNS integer DETERMINISTIC RETURN 1",
    ];
    check_all(Kind::Mariadb, MARIADB, &prepared).await;
}

#[tokio::test]
async fn an_account_that_can_only_read_has_no_right_too_many() {
    for kind in [Kind::Postgres, Kind::PostgresSqlAscii, Kind::Mariadb] {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE t (id integer)").await;
        let (url, account) = database.reader().await;
        let config = SqlConfig { url: Some(url), ..database.config() };
        assert_eq!(excess(&config).await, [], "{kind:?}");
        if kind.is_postgres() {
            database.run(&format!("GRANT pg_monitor, pg_read_all_data TO {account}")).await;
            database.run("CREATE TEMPORARY TABLE t (id integer)").await;
        } else {
            database.run(&format!("GRANT SHOW DATABASES ON *.* TO {account}@'%'")).await;
        }
        assert_eq!(excess(&config).await, [], "{kind:?}");
        database.drop_account(&account).await;
        database.drop().await;
    }
}

/// Of functions with the rights of others, and of nothing else.
#[tokio::test]
async fn a_function_can_be_allowed_by_its_name() {
    for (kind, function) in [
        (
            Kind::Postgres,
            "CREATE FUNCTION age() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        ),
        (Kind::Mariadb, "CREATE FUNCTION age() RETURNS integer DETERMINISTIC RETURN 1"),
    ] {
        let Some(database) = Database::create(kind).await else { continue };
        let name = database.url.rsplit_once('/').unwrap().1;
        database.run("CREATE TABLE t (id integer)").await;
        database.run(function).await;
        let (url, account) = database.reader().await;
        let schema = if kind.is_mariadb() { name } else { "public" };
        if kind.is_mariadb() {
            let grant = format!("GRANT EXECUTE ON FUNCTION {name}.age TO {account}@'%'");
            database.run(&grant).await;
        }
        let allowing = |function: &str| SqlConfig {
            functions_allowed: vec![format!("{schema}.{function}"), format!("{schema}.t")],
            ..SqlConfig::new(url.as_str())
        };
        assert_eq!(excess(&allowing("other")).await.len(), 1, "{kind:?}");
        assert_eq!(excess(&allowing("age")).await, [], "{kind:?}");
        let whom = if kind.is_mariadb() { format!("{account}@'%'") } else { account.clone() };
        database.run(&format!("GRANT INSERT ON t TO {whom}")).await;
        assert_eq!(excess(&allowing("age")).await.len(), 1, "{kind:?}");
        database.drop_account(&account).await;
        database.drop().await;
    }
}

/// The file is open read-only; whether the process could write to it is told, for who runs it.
#[tokio::test]
async fn a_file_that_the_process_could_write_to_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::create(Kind::Sqlite).await.unwrap();
    database.run("CREATE TABLE t (id integer)").await;
    let path = database.url.trim_start_matches("sqlite:");
    let found = excess(&database.config()).await;
    assert_eq!((found.len(), found[0].gravity), (1, Gravity::Outside));
    assert!(found[0].right.contains(path), "{found:?}");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let may_write = std::fs::OpenOptions::new().append(true).open(path).is_ok();
    // Nothing keeps root from writing.
    assert_eq!(excess(&database.config()).await.len(), usize::from(may_write));
}
