//! Which patients are found: equality, truth and NULL, numbers, lists, `LIKE`.

use super::Case;
use super::cases::{Found, compare, contained, found, like, not, p};
use crate::{Comparison, Decimal, Position, Predicate, Value};

const ALL: &[(i64, i64)] = &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)];

pub(super) fn cases() -> Vec<Case> {
    let groups = [equality(), truth(), numbers_and_days(), lists(), likes()];
    groups.into_iter().flatten().map(found).collect()
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn decimal(digits: &str) -> Value {
    Decimal::parse(digits).map_or(Value::Null, Value::Decimal)
}

fn key_in(keys: &[(i64, i64)]) -> Predicate {
    Predicate::KeyIn {
        columns: vec![p("hospnum"), p("ptid")],
        keys: keys.iter().map(|(a, b)| vec![Value::Integer(*a), Value::Integer(*b)]).collect(),
    }
}

/// Text is itself and nothing else.
fn equality() -> Vec<Found> {
    vec![
        (
            "padded text equals its trimmed value",
            Predicate::equal(p("ptnum"), text("0000000001")),
            &[(1, 1), (2, 1)],
        ),
        (
            "blanks at the end of a value mean nothing to padded text",
            Predicate::equal(p("ptnum"), text("10   ")),
            &[(1, 4)],
        ),
        ("blank padded text equals blank", Predicate::equal(p("birthday"), text(" ")), &[(1, 3)]),
        ("leading zeros are significant", Predicate::equal(p("ptnum"), text("1")), &[]),
        ("equality does not fold case", Predicate::equal(p("ptnum"), text("a")), &[(2, 3)]),
        ("equality does not fold kana", Predicate::equal(p("name"), text("アオイ")), &[(2, 2)]),
        ("equality does not fold width", Predicate::equal(p("memo"), text("SMITH")), &[]),
        (
            "blanks at the end of text are significant",
            Predicate::equal(p("memo"), text("smith")),
            &[],
        ),
        (
            "text with quotes is a value",
            Predicate::equal(p("memo"), text(r#"it's "quoted" \ back|slash ? $1"#)),
            &[(1, 2)],
        ),
        (
            "text no encoding of the source holds finds none",
            Predicate::equal(p("name"), text("𠮷野家")),
            &[],
        ),
    ]
}

/// NULL makes a comparison false, and its negation true.
fn truth() -> Vec<Found> {
    use Comparison::*;
    vec![
        ("no filter finds all", Predicate::TRUE, ALL),
        ("an empty Any finds none", Predicate::FALSE, &[]),
        ("empty text is not NULL", Predicate::equal(p("memo"), text("")), &[(2, 2)]),
        ("NULL equals nothing", Predicate::equal(p("name"), Value::Null), &[]),
        ("unequal to NULL is true", compare(p("name"), NotEqual, Value::Null), ALL),
        (
            "a NULL cell is unequal",
            compare(p("name"), NotEqual, text("アオイ")),
            &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 3)],
        ),
        (
            "Not of a comparison is true for NULL",
            not(Predicate::equal(p("weight"), decimal("100"))),
            &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 3)],
        ),
        (
            "Not of Less is true for NULL",
            not(compare(p("weight"), Less, decimal("60"))),
            &[(1, 1), (1, 2), (2, 2), (2, 3)],
        ),
        (
            "Not reaches through All and Any",
            not(Predicate::Any(vec![
                Predicate::equal(p("active"), Value::Boolean(true)),
                Predicate::equal(p("sex"), text("2")),
            ])),
            &[(1, 3), (2, 3)],
        ),
        (
            "Not In is true for NULL",
            not(contained(p("name"), &["アオイ", "あおい"])),
            &[(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)],
        ),
        ("Null finds NULL", Predicate::Null(p("name")), &[(1, 3)]),
        (
            "Not Null finds the others",
            not(Predicate::Null(p("weight"))),
            &[(1, 1), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3)],
        ),
    ]
}

/// Numbers by value, days in text.
fn numbers_and_days() -> Vec<Found> {
    use Comparison::*;
    vec![
        (
            "decimals compare by value",
            Predicate::equal(p("weight"), decimal("0.5")),
            &[(1, 3), (1, 4)],
        ),
        (
            "decimals compare with integers",
            Predicate::equal(p("weight"), Value::Integer(100)),
            &[(2, 2)],
        ),
        ("decimals have an order", compare(p("weight"), Less, decimal("0.500")), &[(2, 1)]),
        (
            "an integer compares with a decimal",
            compare(p("ptid"), Greater, decimal("2.5")),
            &[(1, 3), (1, 4), (2, 3)],
        ),
        (
            "a truth is a value",
            Predicate::equal(p("active"), Value::Boolean(false)),
            &[(1, 2), (2, 2)],
        ),
        ("a value of another kind equals nothing", Predicate::equal(p("ptid"), text("1")), &[]),
        (
            "days in text have a range",
            compare(p("birthday"), GreaterOrEqual, text("19600229")).and(compare(
                p("birthday"),
                Less,
                text("99999999"),
            )),
            &[(1, 2), (2, 2), (2, 3)],
        ),
        (
            "a blank day is before every day",
            compare(p("birthday"), LessOrEqual, text("19500103")),
            &[(1, 1), (1, 3), (1, 4)],
        ),
    ]
}

/// Lists of values and of keys.
fn lists() -> Vec<Found> {
    let many: Vec<(i64, i64)> = (0..700).map(|n| (n % 3, n)).collect();
    vec![
        (
            "a list finds the others of such a text",
            contained(p("name"), &["𠮷野家", "アオイ", "😀"]),
            &[(2, 2)],
        ),
        ("In finds each", contained(p("ptnum"), &["10", "A", "A", "none"]), &[(1, 4), (2, 2)]),
        ("In with nothing finds none", contained(p("ptnum"), &[]), &[]),
        ("In does not fold case", contained(p("ptnum"), &["a", "B", "C"]), &[(2, 3)]),
        ("KeyIn finds whole keys only", key_in(&[(1, 1), (2, 3), (2, 4)]), &[(1, 1), (2, 3)]),
        ("KeyIn takes many keys", key_in(&many), &[(1, 1), (1, 4), (2, 2)]),
        (
            "KeyIn with padded text",
            Predicate::KeyIn {
                columns: vec![p("hospnum"), p("ptnum")],
                keys: vec![
                    vec![Value::Integer(2), text("0000000001")],
                    vec![Value::Integer(1), text("10  ")],
                    vec![Value::Integer(1), Value::Null],
                ],
            },
            &[(2, 1), (1, 4)],
        ),
    ]
}

/// Parts of text.
fn likes() -> Vec<Found> {
    use Position::*;
    vec![
        (
            "a part no encoding of the source holds finds none",
            like(p("name"), Anywhere, "𠮷", false),
            &[],
        ),
        (
            "Not Like is true for NULL",
            not(like(p("name"), Start, "山田", false)),
            &[(1, 3), (1, 4), (2, 1), (2, 2), (2, 3)],
        ),
        ("Start finds a prefix", like(p("name"), Start, "山田　", false), &[(1, 1), (1, 2)]),
        ("Anywhere finds a part", like(p("name"), Anywhere, "﨑", false), &[(1, 4)]),
        (
            "Like takes percent and underscore as they are",
            like(p("memo"), Anywhere, "%_", false),
            &[(1, 1)],
        ),
        (
            "Like takes a backslash as it is",
            like(p("memo"), Anywhere, r"\ back|s", false),
            &[(1, 2)],
        ),
        ("Like folds no case unless told", like(p("memo"), Start, "smith", false), &[(1, 4)]),
        ("Like folds ASCII when told", like(p("memo"), Start, "SMITH", true), &[(1, 3), (1, 4)]),
        ("Like never folds width", like(p("memo"), Anywhere, "ｓｍｉｔｈ", true), &[]),
        ("Like never folds kana", like(p("name"), Start, "アお", true), &[]),
        ("Exact Like folds ASCII when told", like(p("memo"), Exact, "sMITH", true), &[(1, 3)]),
        ("Exact Like on padded text", like(p("ptnum"), Exact, "a", true), &[(2, 2), (2, 3)]),
        ("Like sees padded text without its blanks", like(p("ptnum"), Anywhere, "0 ", false), &[]),
    ]
}
