//! Rules that compile, the site's identity, and rows by hand.

use genkan_adapter::{Decimal, Row, Value};
use genkan_mapping::Compiled;
use genkan_mapping::identity::{IdMode, Identity, SiteKey};
use genkan_mapping::program::RuleSet;

use super::rule_set::compiled;

pub fn rules(files: &[(&str, &str)]) -> RuleSet {
    usable(compiled(files))
}

/// The rules, or all that is wrong with them.
pub fn usable(compiled: Compiled) -> RuleSet {
    let said: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(|d| {
            let file = &compiled.files[usize::from(d.span.file)];
            d.render(&file.path, &file.text, genkan_mapping::Language::English)
        })
        .collect();
    compiled.rules.unwrap_or_else(|| panic!("{}", said.join("")))
}

/// Ids in plain form, so that tests can be read.
pub fn identity() -> Identity {
    let key = SiteKey { generation: 'a', secret: [7; 32] };
    Identity::new(IdMode::Plain, &[key]).expect("a valid key")
}

/// `-` is NULL, `#1.50` a decimal, `1i` an integer, `2020-02-29` a date;
/// all else is text.
pub fn row(cells: &[&str]) -> Row {
    let value = |cell: &&str| match *cell {
        "-" => Value::Null,
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        cell => match (cell.strip_prefix('#'), cell.strip_suffix('i').map(str::parse)) {
            (Some(digits), _) => Value::Decimal(Decimal::parse(digits).expect("a decimal")),
            (_, Some(Ok(number))) => Value::Integer(number),
            _ => cell.parse().map_or_else(|_| Value::text(cell), Value::Date),
        },
    };
    Row(cells.iter().map(value).collect())
}
