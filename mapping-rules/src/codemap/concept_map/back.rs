//! The rows of a ConceptMap: one that Genkan wrote, or another's.

use serde_json::Value;

use super::EXTENSION;
use crate::codemap::entry::MapRow;
use crate::codemap::{CodeMap, Target};
use crate::diagnostic::Text;

/// Why a ConceptMap can't be the rows of a map: each place with what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRows(pub Vec<(String, Text)>);

/// The rows of a ConceptMap for this map, in the order of the lines that they had.
///
/// # Errors
/// Everything that would be lost: another system of house codes, a target that the map has not,
/// mappings that depend on others.
pub fn rows_of(map: &CodeMap, resource: &Value) -> Result<Vec<MapRow>, NoRows> {
    let mut reader = Reader { map, rows: Vec::new(), wrong: Vec::new() };
    if resource["resourceType"] != "ConceptMap" {
        reader.refuse("ConceptMap", "this is no ConceptMap", "ConceptMap ではありません");
    }
    for (index, group) in list(&resource["group"]).iter().enumerate() {
        reader.group(&format!("ConceptMap.group[{index}]"), group);
    }
    let Reader { mut rows, wrong, .. } = reader;
    if !wrong.is_empty() {
        return Err(NoRows(wrong));
    }
    // Those of another program have no line and come behind.
    rows.sort_by_key(|row| if row.line == 0 { u32::MAX } else { row.line });
    Ok(rows)
}

struct Reader<'m> {
    map: &'m CodeMap,
    rows: Vec<MapRow>,
    wrong: Vec<(String, Text)>,
}

impl Reader<'_> {
    fn refuse(&mut self, place: &str, en: impl Into<String>, ja: impl Into<String>) {
        self.wrong.push((place.to_owned(), Text::new(en, ja)));
    }

    fn group(&mut self, place: &str, group: &Value) {
        let source = text(&group["source"]);
        if source != self.map.local_system {
            let own = &self.map.local_system;
            let en = format!("`source` is not the house's code system `{own}` of this map");
            return self.refuse(
                place,
                en,
                format!("source がマップの院内コード体系「{own}」と違います"),
            );
        }
        let Some(target) = self.target(group) else {
            let en = "`target` is no code system of this map; add it to codemaps.yaml";
            let ja = "target がマップの対象にありません。codemaps.yaml に追加してください";
            return self.refuse(place, en, ja);
        };
        self.modifiers(place, group);
        if !matches!(text(&group["unmapped"]["mode"]), "" | "fixed") {
            let en =
                "`unmapped` can only be a fixed code; codemaps.yaml says what happens without one";
            self.refuse(place, en, "unmapped は fixed だけです。方針は codemaps.yaml に書きます");
        }
        for (index, element) in list(&group["element"]).iter().enumerate() {
            let place = format!("{place}.element[{index}]");
            self.modifiers(&place, element);
            let (local, name) = (text(&element["code"]), text(&element["display"]));
            if local.trim().is_empty() {
                self.refuse(&place, "no `code`", "code がありません");
                continue;
            }
            for (index, mapping) in list(&element["target"]).iter().enumerate() {
                let place = format!("{place}.target[{index}]");
                self.mapping(&place, mapping, (local, name, &target));
            }
        }
    }

    /// Whoever does not know a modifier must not read on as if it were not there.
    fn modifiers(&mut self, place: &str, element: &Value) {
        let all = list(&element["modifierExtension"]);
        if all.iter().any(|one| !text(&one["url"]).starts_with(EXTENSION)) {
            let en = "a `modifierExtension` that is not known here";
            self.refuse(place, en, "未知の modifierExtension があります");
        }
    }

    /// By our own word for it, or by the code system; of two with one system the first.
    fn target(&self, group: &Value) -> Option<String> {
        if let Some(id) = extension(&group["extension"], "target") {
            return Some(text(&id["valueString"]).to_owned());
        }
        match text(&group["target"]) {
            "" => Some(String::new()),
            system => {
                let known = |target: &&Target| target.system == system;
                Some(self.map.targets.iter().find(known)?.id.clone())
            }
        }
    }

    fn mapping(&mut self, place: &str, mapping: &Value, (local, name, target): (&str, &str, &str)) {
        for lost in ["dependsOn", "product"] {
            if !list(&mapping[lost]).is_empty() {
                let en = format!("`{lost}` has no place in a code map");
                self.refuse(place, en, format!("{lost} はコードマップに書けません"));
            }
        }
        self.modifiers(place, mapping);
        let equivalence = text(&mapping["equivalence"]);
        let told = |name: &str| {
            let found = extension(&mapping["modifierExtension"], name)
                .or_else(|| extension(&mapping["extension"], name))?;
            let mut values =
                found.as_object()?.iter().filter(|(name, _)| name.starts_with("value"));
            values.next().map(|(_, value)| value.clone())
        };
        let plain = |name: &str| told(name).map(|v| text(&v).to_owned()).unwrap_or_default();
        let status = match told("status") {
            Some(status) => text(&status).to_owned(),
            // Another's mapping is nobody's decision here.
            None if equivalence == "unmatched" => "no-map".to_owned(),
            None => "proposed".to_owned(),
        };
        let relationship = match told("relationship") {
            Some(Value::String(text)) => text,
            Some(_) => String::new(),
            None => equivalence.to_owned(),
        };
        let note = match told("note") {
            Some(_) => String::new(),
            None => text(&mapping["comment"]).to_owned(),
        };
        let line = told("line").and_then(|line| line.as_u64()).unwrap_or(0);
        let row = MapRow {
            local: local.to_owned(),
            local_name: name.to_owned(),
            target: target.to_owned(),
            code: text(&mapping["code"]).to_owned(),
            display: text(&mapping["display"]).to_owned(),
            relationship,
            valid_from: plain("valid-from"),
            valid_to: plain("valid-to"),
            status,
            reviewed_by: plain("reviewed-by"),
            reviewed_at: plain("reviewed-at"),
            master_version: plain("master-version"),
            note,
            line: u32::try_from(line).unwrap_or(0),
        };
        if !row.has_known_status() {
            self.refuse(place, "an unknown state of a row", "行の状態が正しくありません");
        }
        self.rows.push(row);
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn extension<'v>(extensions: &'v Value, name: &str) -> Option<&'v Value> {
    let own = |one: &&Value| text(&one["url"]).strip_prefix(EXTENSION) == Some(name);
    list(extensions).iter().find(own)
}
