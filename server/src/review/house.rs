//! What the rows of the source hold of each house code: how it is called, how often it is there, with which
//! unit and material, and which numbers. Of people, only counts leave here.

use std::collections::{BTreeMap, HashSet};

use genkan_mapping::codemap::rows;
use genkan_mapping::emit::{Emitted, Emitter, Leaf};
use genkan_mapping::program::RuleSet;
use genkan_masters::suggest::{HouseCode, Values};
use serde_json::Value as Json;

use crate::coded_rows::{Looked, NotVisited, Pace, RowsArgs, has_code, patient, visit};
use crate::identity::plain_identity;
use crate::sources::Sources;

/// Longer texts, and those with other signs, are nobody's code; they may be anybody's words.
const CODE_LETTERS_MAX: usize = 20;
/// Of one code and unit: more numbers say nothing more of their middle.
const NUMBERS_MAX: usize = 10_000;
/// Different names of one code, and different units, that are kept.
const DIFFERENT_MAX: usize = 64;
/// The commonest names of a code, by which it is compared.
const NAMES: usize = 3;

/// A house code in the rows.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub rows: u64,
    patients: HashSet<u64>,
    /// Some row showed no standard code for it.
    pub is_unmapped: bool,
    names: BTreeMap<String, u64>,
    materials: BTreeMap<String, u64>,
    methods: BTreeMap<String, u64>,
    numbers: BTreeMap<String, Vec<f64>>,
    units: BTreeMap<String, u64>,
    texts: u64,
}

/// By code map (its place in the rules), then by house code.
#[derive(Debug, Default)]
pub struct SeenCodes {
    pub codes: BTreeMap<(usize, String), Seen>,
    pub looked: Vec<Looked>,
}

/// Looks at the rows of rules that show codes of these maps.
pub async fn seen(
    (sources, rules): (&Sources, &RuleSet),
    maps: &[usize],
    args: &RowsArgs,
    pace: &Pace,
) -> Result<SeenCodes, NotVisited> {
    let identity = plain_identity().map_err(|error| NotVisited::Arguments(error.to_string()))?;
    let emitter = Emitter::new(rules, &identity);
    let of_row = locals(rules, maps);
    let mut codes = BTreeMap::new();
    let with_codes = |rule: &_| has_code(rule, Some(maps));
    let looked = visit((sources, rules), with_codes, args, pace, |index, record| {
        let (emitted, leaves) = emitter.preview(&rules.rules[index], record);
        take((rules, maps), &of_row, (&emitted, &leaves), &mut codes);
    })
    .await?;
    Ok(SeenCodes { codes, looked })
}

/// The house code of each row of the maps' files, by file and line.
fn locals(rules: &RuleSet, maps: &[usize]) -> BTreeMap<(u16, u32), (usize, String)> {
    let mut found = BTreeMap::new();
    for map in maps {
        let path = format!("codes/{}.csv", rules.code_maps[*map].id);
        let Some(place) = rules.files.iter().position(|file| file.path == path) else { continue };
        let file = u16::try_from(place).unwrap_or(u16::MAX);
        for row in rows(&rules.files[place].text) {
            found.insert((file, row.line), (*map, row.local));
        }
    }
    found
}

fn take(
    (rules, maps): (&RuleSet, &[usize]),
    of_row: &BTreeMap<(u16, u32), (usize, String)>,
    (emitted, leaves): (&Emitted, &[Leaf]),
    codes: &mut BTreeMap<(usize, String), Seen>,
) {
    // What is contained is a resource of another rule, which counts its own rows.
    let own = |expression: &str| !expression.contains(".contained[");
    let unmapped =
        emitted.issues.iter().filter(|issue| own(&issue.expression)).filter_map(|issue| {
            let (id, local) = issue.map.as_ref()?;
            let map = maps.iter().find(|map| rules.code_maps[**map].id == *id)?;
            is_code(local).then_some(((*map, local.clone()), issue.expression.as_str(), true))
        });
    let mapped = leaves.iter().filter(|leaf| own(&leaf.expression)).filter_map(|leaf| {
        let span = leaf.mapped_by?;
        let key = of_row.get(&(span.file, span.line))?.clone();
        Some((key, concept_of(&leaf.expression), false))
    });
    let found: Vec<_> = unmapped.chain(mapped).collect();
    if found.is_empty() {
        return;
    }
    let json: Json = emitted
        .json
        .as_ref()
        .and_then(|json| serde_json::from_slice(json).ok())
        .unwrap_or(Json::Null);
    let patient = patient(emitted);
    let mut counted = HashSet::new();
    for (key, expression, is_unmapped) in found {
        if !counted.insert(key.clone()) {
            continue;
        }
        let seen = codes.entry(key).or_default();
        seen.rows += 1;
        seen.is_unmapped |= is_unmapped;
        seen.patients.extend(patient);
        seen.take(&json, expression);
    }
}

fn is_code(local: &str) -> bool {
    let letters = local.chars().count();
    (1..=CODE_LETTERS_MAX).contains(&letters) && local.chars().all(|c| c.is_ascii_graphic())
}

/// `Condition.code.coding[0].code` is of `Condition.code`.
fn concept_of(expression: &str) -> &str {
    expression.rsplit_once(".coding[").map_or(expression, |(concept, _)| concept)
}

/// The value under a path of the resource, as issues and leaves write it.
fn at<'j>(json: &'j Json, expression: &str) -> &'j Json {
    let steps = expression.split('.').skip(1);
    steps.fold(json, |json, step| {
        let (name, index) = match step.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        index.map_or(&json[name], |index| &json[name][index])
    })
}

impl Seen {
    pub fn patients(&self) -> usize {
        self.patients.len()
    }

    fn take(&mut self, json: &Json, expression: &str) {
        let concept = at(json, expression);
        let text = concept["text"].as_str().or_else(|| concept["display"].as_str());
        let shown = concept["coding"].as_array().and_then(|codings| codings.last());
        let name = text.or_else(|| shown?["display"].as_str());
        name.into_iter().for_each(|name| count(&mut self.names, name));
        // Of an item, its results.
        if json["resourceType"] != "Observation" || expression != "Observation.code" {
            return;
        }
        let quantity = &json["valueQuantity"];
        let unit = quantity["unit"].as_str().or_else(|| quantity["code"].as_str()).unwrap_or("");
        let number = quantity["value"].as_number().map(ToString::to_string);
        let has_text = json["valueString"].is_string() || json["valueCodeableConcept"].is_object();
        let fits = self.units.len() < DIFFERENT_MAX || self.units.contains_key(unit);
        match number.and_then(|number| number.parse::<f64>().ok()) {
            Some(number) if fits => {
                count(&mut self.units, unit);
                let known = self.numbers.entry(unit.to_owned()).or_default();
                if known.len() < NUMBERS_MAX {
                    known.push(number);
                }
            }
            None if has_text => self.texts += 1,
            Some(_) | None => {}
        }
        let contained = json["contained"].as_array().map(Vec::as_slice).unwrap_or_default();
        let specimen = contained.iter().find(|one| one["resourceType"] == "Specimen");
        let of_specimen = specimen.and_then(|specimen| called(&specimen["type"]));
        of_specimen.into_iter().for_each(|name| count(&mut self.materials, name));
        called(&json["method"]).into_iter().for_each(|name| count(&mut self.methods, name));
    }

    /// As it is compared with standard codes.
    pub fn house_code(&self, code: &str) -> HouseCode {
        let mut names: Vec<(&String, &u64)> = self.names.iter().collect();
        names.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        HouseCode {
            code: code.to_owned(),
            names: names.into_iter().take(NAMES).map(|(name, _)| name.clone()).collect(),
            material: commonest(&self.materials),
            method: commonest(&self.methods),
            values: self.values(),
            texts: self.texts,
            ..HouseCode::default()
        }
    }

    /// How its numbers are distributed; the unit of most rows first.
    pub fn values(&self) -> Vec<Values> {
        let mut all: Vec<Values> = self
            .numbers
            .iter()
            .map(|(unit, numbers)| {
                let mut sorted = numbers.clone();
                sorted.sort_by(f64::total_cmp);
                let quantile = |percent: usize| {
                    sorted.get((sorted.len() - 1) * percent / 100).copied().unwrap_or_default()
                };
                let count = self.units.get(unit).copied().unwrap_or_default();
                let (low, median, high) = (quantile(5), quantile(50), quantile(95));
                Values { unit: unit.clone(), count, low, median, high }
            })
            .collect();
        all.sort_by_key(|values| std::cmp::Reverse(values.count));
        all
    }
}

/// How a concept is called.
fn called(concept: &Json) -> Option<&str> {
    concept["text"].as_str().or_else(|| concept["coding"][0]["display"].as_str())
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    let name = name.trim();
    if counts.len() < DIFFERENT_MAX || counts.contains_key(name) {
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}

fn commonest(counts: &BTreeMap<String, u64>) -> Option<String> {
    let named = counts.iter().filter(|(name, _)| !name.is_empty());
    named.max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0))).map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_and_results_are_taken_from_where_the_code_stands() {
        let mut seen = Seen::default();
        let result = |name: &str, value: f64| {
            json!({
                "resourceType": "Observation",
                "contained": [{"resourceType": "Specimen", "type": {"text": "血清"}}],
                "code": {"text": name},
                "valueQuantity": {"value": value, "unit": "mmol/L"},
            })
        };
        for (name, value) in [("カリウム", 4.0), ("カリウム", 4.4), ("K", 9.0), ("カリウム", 4.2)]
        {
            seen.take(&result(name, value), "Observation.code");
        }
        let text = json!({
            "resourceType": "Observation", "code": {"text": "K"}, "valueString": "溶血",
        });
        seen.take(&text, "Observation.code");
        let house = seen.house_code("122");
        assert_eq!(house.names, ["カリウム", "K"]);
        assert_eq!((house.material.as_deref(), house.texts), (Some("血清"), 1));
        let [values] = &house.values[..] else { panic!("{house:?}") };
        assert_eq!((values.unit.as_str(), values.count, values.median), ("mmol/L", 4, 4.2));
        let other = json!({"extension": [{}, {"valueCodeableConcept": {"text": "急性"}}]});
        let place = "Condition.extension[1].valueCodeableConcept.coding[0].code";
        assert_eq!(at(&other, concept_of(place))["text"], "急性");
    }

    #[test]
    fn words_are_no_codes() {
        for (text, expected) in
            [("00406", true), ("B-1", true), ("", false), ("患者の話", false), ("a b", false)]
        {
            assert_eq!(is_code(text), expected, "{text}");
        }
    }
}
