//! The hospital's indexes serve: what this adapter writes is looked up, not scanned.

use genkan_adapter::{
    Adapter, ColumnRef, Join, JoinKind, Operand, Order, Position, Predicate, RowQuery, TableAlias,
    Value,
};
use genkan_adapter_sql::SqlAdapter;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::database::{ALL, Database, Kind};

const ROWS: u32 = 3000;

fn p(name: &str) -> ColumnRef {
    ColumnRef::new("p", name)
}

fn query(filter: Predicate) -> RowQuery {
    RowQuery {
        root: TableAlias::new("p", "p"),
        joins: Vec::new(),
        columns: vec![p("h"), p("n"), p("c"), p("v")],
        filter,
        order: Vec::new(),
        after: None,
        limit: Some(10),
    }
}

fn questions() -> Vec<(&'static str, RowQuery)> {
    let equal = |name, value| query(Predicate::equal(p(name), value));
    let listed = |name, values: &[&str]| {
        let values = values.iter().map(|text| Value::text(*text)).collect();
        query(Predicate::In { operand: Operand::Column(p(name)), values })
    };
    let keys = (0..3).map(|n| vec![Value::Integer(1), Value::Integer(n * 7)]).collect();
    let mut page = query(Predicate::TRUE);
    page.order = ["h", "n"].map(|name| Order::new(p(name), false)).to_vec();
    page.after = Some(vec![Value::Integer(1), Value::Integer(1500)]);
    let mut joined = query(Predicate::equal(p("v"), Value::text("v00017")));
    joined.joins.push(Join {
        kind: JoinKind::Maybe,
        target: TableAlias::new("p", "other"),
        on: Predicate::Compare {
            left: Operand::Column(ColumnRef::new("other", "c")),
            comparison: genkan_adapter::Comparison::Equal,
            right: Operand::Column(p("v")),
        },
    });
    let other = |name| ColumnRef::new("other", name);
    let referred = |own: Operand, outer: Operand, joins| {
        let filter = Box::new(Predicate::Compare {
            left: own,
            comparison: genkan_adapter::Comparison::Equal,
            right: outer,
        });
        let found = Predicate::Exists { target: TableAlias::new("p", "other"), joins, filter };
        query(Predicate::equal(p("v"), Value::text("v00017")).and(found))
    };
    let column = Operand::Column;
    let beyond = Join {
        kind: JoinKind::One,
        target: TableAlias::new("p", "beyond"),
        on: Predicate::Compare {
            left: column(ColumnRef::new("beyond", "c")),
            comparison: genkan_adapter::Comparison::Equal,
            right: column(other("c")),
        },
    };
    let by_text = referred(column(other("c")), column(p("v")), vec![beyond]);
    let by_number = referred(Operand::Text(other("m")), column(p("d")), Vec::new());
    let by_digits = referred(column(other("d")), Operand::Text(p("m")), Vec::new());
    let prefix = Predicate::Like {
        operand: Operand::Column(p("v")),
        position: Position::Start,
        text: "v0001".to_owned(),
        ignore_case: false,
    };
    vec![
        ("padded text", equal("c", Value::text("c00017"))),
        ("text", equal("v", Value::text("v00017"))),
        ("a list of padded text", listed("c", &["c00017", "c00018", "c00019"])),
        ("a list of text", listed("v", &["v00017", "v00018", "v00019"])),
        ("keys", query(Predicate::KeyIn { columns: vec![p("h"), p("n")], keys })),
        ("a page", page),
        ("a join of padded text with text", joined),
        ("a prefix", query(prefix)),
        ("what exists, with its join", by_text),
        ("a number that is text in the row around", by_number),
        ("text that is a number in the row around", by_digits),
    ]
}

/// The database's own words on how it would run the statement.
async fn plan(database: &Database, adapter: &SqlAdapter, query: &RowQuery) -> String {
    let statement = adapter.explain(query).unwrap();
    let mut text = statement.text;
    // The texts of values are literals of SQL; the last marks first, so that $1 is not in $10.
    for (place, value) in statement.values.iter().enumerate().rev() {
        text = match database.kind {
            kind if kind.is_postgres() => {
                text.replace(&format!("${}", place + 1), &value.replace("\\\"", "\""))
            }
            _ => {
                let at = text.rfind('?').unwrap();
                format!("{}{value}{}", &text[..at], &text[at + 1..])
            }
        };
    }
    let (backend, explain) = match database.kind {
        kind if kind.is_sqlite() => (DbBackend::Sqlite, "EXPLAIN QUERY PLAN"),
        kind if kind.is_mariadb() => (DbBackend::MySql, "EXPLAIN FORMAT=JSON"),
        _ => (DbBackend::Postgres, "EXPLAIN"),
    };
    let sql = Statement::from_string(backend, format!("{explain} {text}"));
    let rows = database.admin.query_all_raw(sql).await.unwrap();
    let column = if backend == DbBackend::Sqlite { 3 } else { 0 };
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn lookups_use_the_index() {
    for kind in ALL {
        let Some(database) = Database::create(kind).await else { continue };
        // Its own collation, as a column that ignores its padding has: its index is in it too.
        let collated = if kind == Kind::SqlitePadded { "COLLATE RTRIM" } else { "" };
        database
            .run(&format!(
                "CREATE TABLE p (h integer NOT NULL, n integer NOT NULL, c char(20) {collated} \
                 NOT NULL, v varchar(20) NOT NULL, m integer, d varchar(9), PRIMARY KEY (h, n))"
            ))
            .await;
        for column in ["c", "v", "m", "d"] {
            database.run(&format!("CREATE INDEX p{column} ON p ({column})")).await;
        }
        let rows: Vec<String> =
            (0..ROWS).map(|n| format!("(1, {n}, 'c{n:05}', 'v{n:05}', {n}, '{n}')")).collect();
        database.run(&format!("INSERT INTO p VALUES {}", rows.join(", "))).await;
        let analyze = if kind.is_mariadb() { "ANALYZE TABLE p" } else { "ANALYZE" };
        database.run(analyze).await;
        let adapter = database.adapter().await;
        for (name, query) in questions() {
            // A locale's order is no order of prefixes; a site adds a text_pattern_ops index.
            if kind == Kind::Postgres && name == "a prefix" {
                continue;
            }
            let plan = plan(&database, &adapter, &query).await;
            let scan = match kind {
                kind if kind.is_sqlite() => ["p", "other", "beyond"]
                    .iter()
                    .any(|name| plan.contains(&format!("SCAN {name}"))),
                kind if kind.is_mariadb() => plan.contains("\"access_type\": \"ALL\""),
                _ => plan.contains("Seq Scan"),
            };
            assert!(!scan, "{kind:?}: {name}:\n{plan}\n{:?}", adapter.explain(&query));
        }
        let by_text = query(Predicate::equal(p("v"), Value::text("v00017")));
        let told = adapter.database_plan(&by_text).await.unwrap().join("\n");
        assert!(told.contains("pv"), "{kind:?}: {told}");
        drop(adapter);
        database.drop().await;
    }
}

#[tokio::test]
async fn estimates_follow_the_statistics_and_counts_are_exact() {
    for kind in ALL {
        let Some(database) = Database::create(kind).await else { continue };
        database.run("CREATE TABLE p (n integer NOT NULL PRIMARY KEY, v varchar(20))").await;
        database.run("CREATE INDEX pv ON p (v)").await;
        let rows: Vec<String> = (0..ROWS).map(|n| format!("({n}, 'v{}')", n % 10)).collect();
        database.run(&format!("INSERT INTO p VALUES {}", rows.join(", "))).await;
        let analyze = if kind.is_mariadb() { "ANALYZE TABLE p" } else { "ANALYZE" };
        database.run(analyze).await;
        let adapter = database.adapter().await;
        let one_of_ten = query(Predicate::equal(p("v"), Value::text("v7")));
        let all = query(Predicate::TRUE);
        let none = query(Predicate::equal(p("n"), Value::Integer(-1)));
        for (asked, rows) in [(&all, ROWS), (&one_of_ten, ROWS / 10), (&none, 0)] {
            let rows = rows as u64;
            assert_eq!(adapter.count(asked).await.unwrap(), rows, "{kind:?}");
            let estimate = adapter.estimate(asked).await.unwrap();
            match estimate {
                Some(estimate) => {
                    let near = rows * 7 / 10..=rows * 13 / 10 + 1;
                    assert!(near.contains(&estimate), "{kind:?}: {estimate}, not {rows}");
                }
                // Its statistics know whole tables only.
                None => assert!(kind.is_sqlite() && asked != &all, "{kind:?}: {asked:?}"),
            }
        }
        drop(adapter);
        database.drop().await;
    }
}

/// PostgreSQL may read a joined table first: it is to begin where the page does.
#[tokio::test]
async fn what_is_joined_to_the_order_begins_where_the_page_does() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    for (table, collation) in [("p", ""), ("q", ""), ("r", "COLLATE \"POSIX\"")] {
        database
            .run(&format!(
                "CREATE TABLE {table} (k varchar(9) {collation} PRIMARY KEY, h varchar(9))"
            ))
            .await;
    }
    let adapter = database.adapter().await;
    let column = |alias: &str, name: &str| ColumnRef::new(alias, name);
    let page = |table: &str, kind, on: &str, descending| {
        let key = column("p", "k");
        RowQuery {
            joins: vec![Join {
                kind,
                target: TableAlias::new(table, "o"),
                on: Predicate::Compare {
                    left: Operand::Column(column("o", on)),
                    comparison: genkan_adapter::Comparison::Equal,
                    right: Operand::Column(key.clone()),
                },
            }],
            columns: vec![key.clone()],
            order: vec![Order::new(key, descending)],
            after: Some(vec![Value::text("5")]),
            ..query(Predicate::TRUE)
        }
    };
    for (query, bound) in [
        (page("q", JoinKind::One, "k", false), Some("\"o\".\"k\" >= ")),
        (page("q", JoinKind::One, "k", true), Some("\"o\".\"k\" <= ")),
        (page("q", JoinKind::One, "h", false), Some("\"o\".\"h\" >= ")),
        // A row without a partner has a place in the order too.
        (page("q", JoinKind::Maybe, "k", false), None),
        // Another collation sorts in another way.
        (page("r", JoinKind::One, "k", false), None),
    ] {
        let text = adapter.explain(&query).unwrap().text;
        let found = ["\"o\".\"k\" >= ", "\"o\".\"k\" <= ", "\"o\".\"h\" >= "];
        let found = found.into_iter().find(|bound| text.contains(bound));
        assert_eq!(found, bound, "{text}");
    }
    drop(adapter);
    database.drop().await;
}

/// The rest of a long list is not taken for so few rows that sorting all of it would be cheap.
#[tokio::test]
async fn a_page_near_the_end_is_read_in_order() {
    let Some(database) = Database::create(Kind::Postgres).await else { return };
    database
        .run(
            "CREATE TABLE p (k char(9) COLLATE \"C\", n integer, v integer, PRIMARY KEY (k, n)); \
             CREATE TABLE q (k char(9) COLLATE \"C\" PRIMARY KEY, v integer); \
             CREATE TABLE r (k char(9) COLLATE \"C\" PRIMARY KEY, v integer); \
             INSERT INTO p SELECT to_char(i / 2, 'FM000000000'), i, i FROM generate_series(0, 59999) AS i; \
             INSERT INTO q SELECT to_char(i, 'FM000000000'), i FROM generate_series(0, 29999) AS i; \
             INSERT INTO r SELECT k, v FROM q; ANALYZE",
        )
        .await;
    let adapter = database.adapter().await;
    let column = |alias: &str, name: &str| ColumnRef::new(alias, name);
    let join = |table: &str| Join {
        kind: JoinKind::One,
        target: TableAlias::new(table, table),
        on: Predicate::Compare {
            left: Operand::Column(column(table, "k")),
            comparison: genkan_adapter::Comparison::Equal,
            right: Operand::Column(column("p", "k")),
        },
    };
    let ascending = |name| Order::new(p(name), false);
    for behind in ["000000000", "000015000", "000027000", "000029500"] {
        let page = RowQuery {
            joins: vec![join("q"), join("r")],
            columns: vec![p("k"), p("n"), column("q", "v"), column("r", "v")],
            order: vec![ascending("k"), ascending("n")],
            after: Some(vec![Value::text(behind), Value::Integer(0)]),
            limit: Some(50),
            ..query(Predicate::TRUE)
        };
        let plan = adapter.database_plan(&page).await.unwrap().join("\n");
        let sorts_all = plan
            .lines()
            .any(|line| line.trim_start_matches([' ', '-', '>']).starts_with("Sort  ("));
        assert!(!sorts_all, "behind {behind}:\n{plan}");
    }
    drop(adapter);
    database.drop().await;
}
