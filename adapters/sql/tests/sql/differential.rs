//! Random questions about random rows: the databases answer as the reference in plain Rust does.

use futures::TryStreamExt;
use genkan_adapter::memory::{MemoryAdapter, SourceRow};
use genkan_adapter::{
    Adapter, Column, ColumnKind, ColumnRef, Comparison, Decimal, Join, JoinKind, Operand, Order,
    Position, Predicate, Row, RowQuery, SourceSchema, Table, TableAlias, Value,
};
use genkan_adapter_sql::SqlAdapter;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::database::{ALL, Database, Kind};

const QUERIES: usize = 400;

/// The second bytes of 表, ダ, ア and 弐 in CP932 are `\\`, `_`, `A` and `|`; those of あい in EUC-JP hold
/// those of another character.
const TEXTS: [&str; 24] = [
    "", "a", "A", "ab", "a b", "b ", "1", "-1.5", "01.50", "あ", "ア", "ａ", "%", "髙", "表", "ダ",
    "弐", "あい", "い", "?", "3", "03", "-1", "1 ",
];

const COLUMNS: [(&str, ColumnKind); 6] = [
    ("n", ColumnKind::Integer),
    ("t", ColumnKind::Text),
    ("c", ColumnKind::PaddedText { length: 6 }),
    ("d", ColumnKind::Decimal),
    ("b", ColumnKind::Boolean),
    ("day", ColumnKind::Date),
];

fn schema() -> SourceSchema {
    let column = |(name, kind): (&str, ColumnKind), nullable| Column {
        name: name.to_owned(),
        kind,
        nullable,
    };
    let mut columns = vec![column(("id", ColumnKind::Integer), false)];
    columns.extend(COLUMNS.map(|declared| column(declared, true)));
    let table = Table { columns, primary_key: vec!["id".to_owned()], ..Table::default() };
    SourceSchema { tables: [("x".to_owned(), table.clone()), ("y".to_owned(), table)].into() }
}

fn value(kind: ColumnKind) -> BoxedStrategy<Value> {
    let some = match kind {
        ColumnKind::Integer => (-2_i64..4).prop_map(Value::Integer).boxed(),
        ColumnKind::Decimal => prop::sample::select(vec!["-1.50", "0.00", "0.50", "2.00", "10.00"])
            .prop_map(|digits| Value::Decimal(Decimal::parse(digits).unwrap()))
            .boxed(),
        ColumnKind::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        ColumnKind::Date => (1_u32..5)
            .prop_map(|day| Value::Date(chrono::NaiveDate::from_ymd_opt(2024, 2, day).unwrap()))
            .boxed(),
        _ => prop::sample::select(TEXTS.to_vec()).prop_map(Value::text).boxed(),
    };
    prop_oneof![1 => Just(Value::Null), 5 => some].boxed()
}

fn rows() -> impl Strategy<Value = Vec<SourceRow>> {
    let table = |name: &'static str| {
        let row = COLUMNS.map(|(_, kind)| value(kind)).to_vec();
        prop::collection::vec(row, 12).prop_map(move |rows| {
            let numbered = rows.into_iter().enumerate().map(|(id, cells)| {
                let id = ("id".to_owned(), Value::Integer(i64::try_from(id).unwrap()));
                let cells = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).zip(cells);
                (name.to_owned(), std::iter::once(id).chain(cells).collect())
            });
            numbered.collect::<Vec<SourceRow>>()
        })
    };
    (table("x"), table("y")).prop_map(|(x, y)| [x, y].concat())
}

fn comparison() -> impl Strategy<Value = Comparison> {
    prop::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ])
}

/// Texts are compared in their order only where every collation agrees.
fn ordered(kind: ColumnKind, comparison: Comparison) -> Comparison {
    match (kind.is_text(), comparison) {
        (false, comparison) => comparison,
        (true, Comparison::NotEqual | Comparison::Less) => Comparison::NotEqual,
        (true, _) => Comparison::Equal,
    }
}

fn keys(aliases: &'static [&'static str]) -> impl Strategy<Value = Predicate> + Clone {
    (prop::sample::select(aliases), prop::sample::select(COLUMNS.to_vec())).prop_flat_map(
        |(alias, (name, kind))| {
            let columns = vec![ColumnRef::new(alias, "n"), ColumnRef::new(alias, name)];
            let key = (value(ColumnKind::Integer), value(kind)).prop_map(|(n, v)| vec![n, v]);
            prop::collection::vec(key, 0..6)
                .prop_map(move |keys| Predicate::KeyIn { columns: columns.clone(), keys })
        },
    )
}

/// A number of one row is the text of another, or not.
fn digits(aliases: &'static [&'static str]) -> impl Strategy<Value = Predicate> + Clone {
    let alias = || prop::sample::select(aliases);
    let text = prop::sample::select(vec!["t", "c"]);
    (alias(), alias(), text, any::<[bool; 2]>()).prop_map(
        |(number, alias, text, [unlike, turned])| {
            let number = Operand::Text(ColumnRef::new(number, "n"));
            let text = Operand::Column(ColumnRef::new(alias, text));
            let (left, right) = if turned { (text, number) } else { (number, text) };
            let comparison = if unlike { Comparison::NotEqual } else { Comparison::Equal };
            Predicate::Compare { left, comparison, right }
        },
    )
}

fn leaf(aliases: &'static [&'static str]) -> BoxedStrategy<Predicate> {
    let column = move || {
        (prop::sample::select(aliases), prop::sample::select(COLUMNS.to_vec()))
            .prop_map(|(alias, (name, kind))| (ColumnRef::new(alias, name), kind))
    };
    let with_value = (column(), comparison()).prop_flat_map(|((name, kind), comparison)| {
        value(kind).prop_map(move |value| Predicate::Compare {
            left: Operand::Column(name.clone()),
            comparison: ordered(kind, comparison),
            right: Operand::Value(value),
        })
    });
    let with_column = (column(), prop::sample::select(aliases), comparison()).prop_map(
        |((left, kind), alias, comparison)| {
            let right = match &*left.column {
                "t" => "c",
                "c" => "t",
                "n" => "d",
                same => same,
            };
            Predicate::Compare {
                right: Operand::Column(ColumnRef::new(alias, right)),
                comparison: ordered(kind, comparison),
                left: Operand::Column(left),
            }
        },
    );
    let list = column().prop_flat_map(|(name, kind)| {
        prop::collection::vec(value(kind), 0..6).prop_map(move |values| Predicate::In {
            operand: Operand::Column(name.clone()),
            values,
        })
    });
    let keys = keys(aliases);
    let position = prop::sample::select(vec![Position::Exact, Position::Start, Position::Anywhere]);
    let text = (prop::sample::select(aliases), prop::sample::select(vec!["t", "c"]))
        .prop_map(|(alias, name)| ColumnRef::new(alias, name));
    let like = (text.clone(), position, prop::sample::select(TEXTS.to_vec()), any::<bool>())
        .prop_map(|(name, position, text, ignore_case)| Predicate::Like {
            operand: Operand::Column(name),
            position,
            text: text.to_owned(),
            ignore_case,
        });
    let number = (text.clone(), comparison(), value(ColumnKind::Decimal)).prop_map(
        |(name, comparison, right)| Predicate::Compare {
            left: Operand::Number(name),
            comparison,
            right: Operand::Value(right),
        },
    );
    let left = (text, 0_u32..3, prop::sample::select(TEXTS.to_vec())).prop_map(
        |(column, characters, right)| Predicate::Compare {
            left: Operand::Left { column, characters },
            comparison: Comparison::Equal,
            right: Operand::Value(Value::text(right)),
        },
    );
    let null = column().prop_map(|(name, _)| Predicate::Null(name));
    prop_oneof![
        4 => with_value, 3 => with_column, 3 => list, 2 => keys, 3 => like, 1 => number, 1 => left,
        1 => null, 2 => digits(aliases)
    ]
    .boxed()
}

fn predicate(aliases: &'static [&'static str]) -> BoxedStrategy<Predicate> {
    leaf(aliases)
        .prop_recursive(3, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::All),
                prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Any),
                inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

fn join(target: (&str, &str), on: BoxedStrategy<Predicate>) -> impl Strategy<Value = Join> {
    let target = TableAlias::new(target.0, target.1);
    let kind = prop::sample::select(vec![JoinKind::One, JoinKind::Maybe]);
    (kind, on).prop_map(move |(kind, on)| Join { kind, target: target.clone(), on })
}

fn maybe_not(predicate: impl Strategy<Value = Predicate>) -> impl Strategy<Value = Predicate> {
    (predicate, any::<bool>()).prop_map(|(predicate, not)| match not {
        true => Predicate::Not(Box::new(predicate)),
        false => predicate,
    })
}

/// The key of one row is that of another, as references are.
fn referring(from: &'static str, to: &'static str) -> impl Strategy<Value = Predicate> {
    let pairs = vec![("n", "n"), ("n", "d"), ("t", "c"), ("c", "c"), ("day", "day"), ("n", "t")];
    prop::sample::select(pairs).prop_map(move |(own, other)| {
        let (own, other) = (ColumnRef::new(from, own), ColumnRef::new(to, other));
        let digits = &*own.column == "n" && &*other.column == "t";
        Predicate::Compare {
            left: if digits { Operand::Text(own) } else { Operand::Column(own) },
            comparison: Comparison::Equal,
            right: Operand::Column(other),
        }
    })
}

/// From row to row, up to three: tables are met again under other aliases, and each may be joined
/// and may look at all the rows around it.
fn chain() -> impl Strategy<Value = Predicate> {
    let last = (referring("g", "e"), prop::option::of(predicate(&["a", "e", "f", "g"])));
    let last = last.prop_map(|(key, more)| {
        let filter = key.and(more.unwrap_or(Predicate::TRUE));
        Predicate::exists(TableAlias::new("x", "g"), filter)
    });
    let joined = join(("x", "f"), predicate(&["a", "e", "f"]));
    let more = prop::option::of(leaf(&["a", "e", "f"]));
    (referring("a", "e"), joined, prop::option::of(maybe_not(last)), more).prop_map(
        |(key, joined, last, more)| {
            let more = [last, more].into_iter().flatten();
            let filter = more.fold(key, Predicate::and);
            let target = TableAlias::new("y", "e");
            Predicate::Exists { target, joins: vec![joined], filter: Box::new(filter) }
        },
    )
}

fn query() -> impl Strategy<Value = RowQuery> {
    let exists = predicate(&["a", "e"])
        .prop_map(|filter| Predicate::exists(TableAlias::new("y", "e"), filter));
    let (exists, chain) = (maybe_not(exists), maybe_not(chain()));
    let filter = prop_oneof![3 => predicate(&["a", "j"]), 1 => exists, 2 => chain];
    let joined = join(("y", "j"), predicate(&["a", "j"]));
    let sorted = prop::sample::select(vec!["n", "d", "b", "day", "t", "c"]);
    let sorted = sorted.prop_flat_map(|name| {
        let (_, kind) = COLUMNS.into_iter().find(|(known, _)| *known == name).unwrap();
        let blanks = match kind {
            // What sorts otherwise in one collation than in another is not to sort at all.
            ColumnKind::Text => Just(TEXTS.map(Value::text).to_vec()).boxed(),
            ColumnKind::PaddedText { .. } => {
                Just(TEXTS.map(|text| Value::text(text.trim_end_matches(' '))).to_vec()).boxed()
            }
            _ => prop::collection::vec(value(kind), 0..3).boxed(),
        };
        blanks.prop_map(move |blanks| (name, blanks))
    });
    let after = (value(ColumnKind::Integer), -1_i64..13, -1_i64..13);
    (
        (joined, filter, sorted),
        (any::<[bool; 3]>(), prop::option::of(after), prop::option::of(1_u64..9)),
    )
        .prop_map(|((joined, filter, (sorted, blanks)), (down, after, limit))| {
            let after = after.filter(|_| sorted == "n");
            let names =
                [("a", "id"), ("j", "id"), ("a", "t"), ("j", "c"), ("a", "d"), ("a", "day")];
            RowQuery {
                root: TableAlias::new("x", "a"),
                joins: vec![joined],
                columns: names.iter().map(|(alias, name)| ColumnRef::new(*alias, *name)).collect(),
                filter,
                order: [("a", sorted, blanks), ("a", "id", vec![]), ("j", "id", vec![])]
                    .into_iter()
                    .zip(down)
                    .map(|((alias, name, blanks), descending)| Order {
                        column: ColumnRef::new(alias, name),
                        descending,
                        blanks,
                    })
                    .collect(),
                after: after.map(|(n, a, j)| vec![n, Value::Integer(a), Value::Integer(j)]),
                limit,
            }
        })
}

async fn answer(adapter: &dyn Adapter, query: &RowQuery) -> Result<Vec<Row>, String> {
    adapter.rows(query).try_collect().await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn databases_answer_as_the_reference_does() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[12; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let rows = rows().new_tree(&mut runner).unwrap().current();
    let queries: Vec<RowQuery> =
        (0..QUERIES).map(|_| query().new_tree(&mut runner).unwrap().current()).collect();
    let reference = MemoryAdapter::new(schema(), &rows).unwrap();
    let mut answers = Vec::new();
    for query in &queries {
        answers.push(answer(&reference, query).await);
    }
    let memory = SqlAdapter::in_memory(&schema(), &rows).await.unwrap();
    for (query, expected) in queries.iter().zip(&answers) {
        assert_eq!(&answer(&memory, query).await, expected, "in memory: {query:?}");
    }
    let telling = answers.iter().flatten().filter(|rows| !rows.is_empty()).count();
    assert!(telling > QUERIES / 4, "only {telling} questions have an answer");
    // Columns with different blanks at random are not joined.
    for kind in ALL.into_iter().filter(|kind| *kind != Kind::SqliteRagged) {
        let Some(database) = Database::filled(kind, &schema(), &rows).await else { continue };
        let adapter = database.adapter().await;
        for (query, expected) in queries.iter().zip(&answers) {
            let found = answer(&adapter, query).await;
            let statement = adapter.explain(query);
            assert_eq!(&found, expected, "{kind:?}: {query:?}\n{statement:?}");
            let (count, counted) = (adapter.count(query).await, reference.count(query).await);
            assert_eq!(count.unwrap(), counted.unwrap(), "{kind:?}: {query:?}");
            adapter.estimate(query).await.unwrap();
        }
        drop(adapter);
        database.drop().await;
    }
}
