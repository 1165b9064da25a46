//! The statements of a request, as the database server got them, and the pgbench script that sends
//! the same ones. They are taken from the server's log and not from `genkan rules explain`, which
//! knows a search but not a read, nor the statements that follow the first.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

/// A statement with its values as text; `None` is NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub text: String,
    pub values: Vec<Option<String>>,
}

/// What `log_statement = all` wrote of the extended protocol: a line `execute NAME: TEXT`, then one
/// with the values. Statements without values are the adapter's own, of a new connection.
pub fn in_log(log: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((_, rest)) = line.split_once("LOG:  execute ") else { continue };
        let Some((_, text)) = rest.split_once(": ") else { continue };
        let values = lines.peek().and_then(|next| values(next));
        statements.extend(values.map(|values| Statement { text: text.to_owned(), values }));
    }
    statements
}

/// `… DETAIL:  parameters: $1 = 'it''s', $2 = NULL`
fn values(line: &str) -> Option<Vec<Option<String>>> {
    let (_, detail) = line.split_once("DETAIL:  ")?;
    let mut rest = detail.strip_prefix("parameters: ").or(detail.strip_prefix("Parameters: "))?;
    let mut values = Vec::new();
    while let Some((_, after)) = rest.split_once(" = ") {
        let Some(quoted) = after.strip_prefix('\'') else {
            values.push(None);
            rest = after.strip_prefix("NULL")?;
            continue;
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices().peekable();
        let end = loop {
            match characters.next()? {
                (_, '\'') if characters.next_if(|(_, next)| *next == '\'').is_some() => {
                    value.push('\'')
                }
                (at, '\'') => break at,
                (_, other) => value.push(other),
            }
        };
        values.push(Some(value));
        rest = &quoted[end + 1..];
    }
    Some(values)
}

/// A pgbench script and the variables that it needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    pub text: String,
    pub variables: Vec<(String, String)>,
}

/// `key` is what the statements were seen with; the script asks with a random one of `keys`.
pub fn script(statements: &[Statement], key: &str, keys: &[String]) -> Result<Script> {
    let mut text =
        format!("\\set i random(0, {})\n\\set key {}\n", keys.len() - 1, choice(keys, 0)?);
    let mut variables = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        let mut rest = statement.text.as_str();
        while let Some((before, parameter)) = rest.split_once('$') {
            let digits = parameter.bytes().take_while(u8::is_ascii_digit).count();
            let index: usize =
                parameter[..digits].parse().context("a dollar that is no parameter")?;
            let value = statement.values.get(index - 1).context("a parameter without its value")?;
            text.push_str(before);
            match value {
                None => text.push_str("NULL"),
                Some(value) => {
                    let name = format!("v{number}_{index}");
                    text.push_str(&argument(value, key, &name));
                    variables.push((name, value.clone()));
                }
            }
            rest = &parameter[digits..];
        }
        let _ = writeln!(text, "{rest};");
    }
    ensure!(text.contains("lpad(:key"), "the key {key} is in no statement");
    Ok(Script { text, variables })
}

/// A key is made from pgbench's number, which has no leading zeros. Other text is bound as text, as
/// our driver does, so that the server has the same types to choose a plan by.
fn argument(value: &str, key: &str, name: &str) -> String {
    match value.split_once(key) {
        Some((before, after)) => {
            format!("'{before}' || lpad(:key, {}, '0') || '{after}'", key.len())
        }
        None if value.bytes().all(|byte| byte.is_ascii_digit()) => format!(":{name}"),
        None => format!("CAST(:{name} AS text)"),
    }
}

/// A tree of questions that finds the number of key `:i`: pgbench has no lists.
fn choice(keys: &[String], first: usize) -> Result<String> {
    if let [only] = keys {
        let number: i64 = only.parse()?;
        return Ok(number.to_string());
    }
    let (low, high) = keys.split_at(keys.len() / 2);
    let middle = first + low.len();
    let (low, high) = (choice(low, first)?, choice(high, middle)?);
    Ok(format!("case when :i < {middle} then {low} else {high} end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_values_are_read_from_the_log() {
        let log = "2026 [1] LOG:  execute <unnamed>: BEGIN\n\
                   2026 [1] LOG:  execute s_1: SELECT $1 || ': ', $2\n\
                   2026 [1] DETAIL:  parameters: $1 = 'it''s = ', $2 = NULL, $3 = ''\n\
                   2026 [1] LOG:  statement: SELECT 1\n";
        let values = vec![Some("it's = ".to_owned()), None, Some(String::new())];
        let text = "SELECT $1 || ': ', $2".to_owned();
        assert_eq!(in_log(log), [Statement { text, values }]);
    }

    #[test]
    fn a_script_asks_with_a_random_key_and_the_same_other_values() {
        let text = "SELECT 1 WHERE a = ANY(CAST($1 AS bpchar[])) AND b = $2 LIMIT $3";
        let values = ["{\"0042\"}", "x", "21"].map(|value| Some(value.to_owned())).to_vec();
        let statement = Statement { text: text.to_owned(), values };
        let keys = ["0042", "0007", "0011"].map(str::to_owned);
        let script = script(&[statement], "0042", &keys).expect("a script");
        assert_eq!(
            script.text,
            "\\set i random(0, 2)\n\
             \\set key case when :i < 1 then 42 else case when :i < 2 then 7 else 11 end end\n\
             SELECT 1 WHERE a = ANY(CAST('{\"' || lpad(:key, 4, '0') || '\"}' AS bpchar[])) \
             AND b = CAST(:v0_2 AS text) LIMIT :v0_3;\n"
        );
        let names: Vec<_> = script.variables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["v0_1", "v0_2", "v0_3"]);
    }
}
