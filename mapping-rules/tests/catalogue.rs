//! The rules of the implementation guide that have a number: a table of them, by guide, that is made of the
//! profiles and stands beside them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use genkan_mapping::conformance::{self, Guide};
use serde_json::Value;

const HEAD: &str = "# Rules with a number

The rules of 実装ガイド (JP-CLINS) that have a number, as Genkan's own profiles hold them, and what each guide makes of
one that is broken: **E** an error, **W** a warning, – not asked. `genkan validate` names the number in its message.
Which facts they are written from stands in `guides.yaml`. This table is made of the profiles; a test says when it has
to be made again.

";

/// Number, profile and key of a rule.
type Id = (String, String, String);

/// With severity and text, for one guide.
type Rules = BTreeMap<Id, (char, String)>;

fn rules(guide: &Guide) -> Rules {
    let made = conformance::read(&conformance::built_in(), &guide.version).expect("the profiles");
    let own = guide.version.to_string();
    let profiles = made.profiles.iter().filter(|profile| profile["version"] == own.as_str());
    profiles.flat_map(of_profile).collect()
}

fn of_profile(profile: &Value) -> Vec<(Id, (char, String))> {
    let name = profile["name"].as_str().expect("a name");
    let elements = profile["differential"]["element"].as_array().expect("elements").iter();
    let constraints =
        elements.flat_map(|element| element["constraint"].as_array().into_iter().flatten());
    let numbered = constraints.filter_map(|one| {
        let (number, text) = one["human"].as_str()?.split_once(": ")?;
        let is_number =
            number.starts_with('R') && number[1..].starts_with(|c: char| c.is_ascii_digit());
        let (japanese, _) = text.split_once(" / ")?;
        let severity = if one["severity"] == "error" { 'E' } else { 'W' };
        let key = one["key"].as_str()?.to_owned();
        let id = (number.to_owned(), name.to_owned(), key);
        is_number.then(|| (id, (severity, japanese.to_owned())))
    });
    numbered.collect()
}

fn catalogue() -> String {
    let guides = conformance::guides(&conformance::built_in()).expect("the guides");
    let by_guide: Vec<Rules> = guides.iter().map(rules).collect();
    let mut texts: BTreeMap<_, &str> = BTreeMap::new();
    for rules in &by_guide {
        // What the newest says of it.
        texts.extend(rules.iter().map(|(rule, (_, text))| (rule.clone(), text.as_str())));
    }
    let mut table = HEAD.to_owned();
    let versions: Vec<String> = guides.iter().map(|guide| guide.version.to_string()).collect();
    let _ = writeln!(table, "| rule | profile | {} | |", versions.join(" | "));
    let _ = writeln!(table, "|---|---|{}---|", "---|".repeat(guides.len()));
    for ((number, profile, key), text) in &texts {
        let rule = (number.clone(), profile.clone(), key.clone());
        let cells =
            by_guide.iter().map(|rules| rules.get(&rule).map_or('–', |(severity, _)| *severity));
        let cells: Vec<String> = cells.map(String::from).collect();
        let _ = writeln!(table, "| {number} | {profile} | {} | {text} |", cells.join(" | "));
    }
    table
}

#[test]
fn the_table_of_rules_is_that_of_the_profiles() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/RULES.md");
    let (made, kept) = (catalogue(), std::fs::read_to_string(&file).unwrap_or_default());
    assert!(made.lines().count() > 25, "{made}");
    if made != kept {
        let there = std::env::temp_dir().join("RULES.md");
        std::fs::write(&there, &made).expect("written");
        panic!("profiles/RULES.md is not that of the profiles; {} is", there.display());
    }
}
