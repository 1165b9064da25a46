//! A line of a published file.

/// So many quoted fields, of which those that are named, by their numbers from 1, have a value.
pub fn line(columns: usize, fields: &[(usize, &str)]) -> String {
    let value = |number| fields.iter().find(|(own, _)| *own == number).map_or("", |(_, text)| text);
    let all: Vec<String> = (1..=columns).map(|number| format!("\"{}\"", value(number))).collect();
    all.join(",") + "\r\n"
}
