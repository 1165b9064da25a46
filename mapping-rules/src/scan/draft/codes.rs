//! Drafts of code maps: the systems that are asked for, the house's codes with their names and how
//! often they stand in the sample, and no standard code at all: those are for people to choose.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use super::tables::{Cell, Tables, name_column};
use crate::diagnostic::Language;
use crate::vocabulary::Meaning as M;

/// A table of house codes (院内マスタ) whose names a draft would like to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameQuery {
    pub table: String,
    pub code: String,
    pub name: String,
}

/// What was found: code and name.
#[derive(Debug, Clone)]
pub struct HouseNames {
    pub table: String,
    pub names: Vec<(String, String)>,
}

/// Codes in a drafted file.
const CODES_MAX: usize = 20_000;
/// A code that no master knows stands in at least so many rows.
const ROWS_MIN: u64 = 5;
const CODE_LENGTH_MAX: usize = 16;

const HEADER: &str = "local,local_name,target,code,display,relationship,valid_from,valid_to,status,\
                      reviewed_by,reviewed_at,master_version,note\n";

/// What each map is for, with the systems that JP-CLINS names.
const MAPS: [(M, &str, &str); 5] = [
    (
        M::DiseaseCode,
        "disease",
        "  local: {system: http://hospital.example.jp/CodeSystem/byomei, emit: always}
  targets:
    - {id: medis, system: http://medis.or.jp/CodeSystem/master-disease-keyNumber}
    - {id: receipt, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterB-disease}
  unmapped:
    policy: uncoded
    severity: warning
    codings:
      - {target: medis, code: '99999999', display: 未コード化傷病名}
      - {target: receipt, code: '0000999', display: 未コード化傷病名}
",
    ),
    (
        M::AllergenCode,
        "allergen",
        "  local: {system: http://hospital.example.jp/CodeSystem/allergen, emit: when-unmapped}
  targets:
    - {id: food, system: http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS}
    - {id: other, system: http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyNonFoodNonMedicationAllergen_CS}
    - {id: ycm, system: http://jpfhir.jp/fhir/core/CodeSystem/YCM/JP_JfagyMedicationAllergen_CS}
  unmapped: {policy: warn, severity: warning}
",
    ),
    (
        M::ItemCode,
        "lab",
        "  local: {system: http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_LocalCode_CS, emit: always}
  targets:
    - {id: core, system: http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS}
    - {id: jlac10, system: http://medis.or.jp/CodeSystem/master-JLAC10-17digits}
  unmapped:
    policy: uncoded
    severity: warning
    codings:
      - {system: http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_Uncoded_CS, code: '99999999999999999', display: 未標準化コード項目(JLAC)}
",
    ),
    (
        M::DrugCode,
        "drug",
        "  local: {system: http://hospital.example.jp/CodeSystem/drug, emit: always}
  targets:
    - {id: yj, system: http://capstandard.jp/iyaku.info/CodeSystem/YJ-code}
    - {id: hot9, system: http://medis.or.jp/CodeSystem/master-HOT9}
  unmapped:
    policy: uncoded
    severity: warning
    codings: [{system: http://jpfhir.jp/fhir/eCS/CodeSystem/MedicationCodeNocoded_CS, code: NOCODED, display: 標準コードなし}]
",
    ),
    (
        M::UsageCode,
        "usage",
        "  local: {system: http://hospital.example.jp/CodeSystem/yoho, emit: when-unmapped}
  targets:
    - {id: epresc, system: http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUsage_ePrescription}
  unmapped:
    policy: uncoded
    severity: information
    codings: [{system: http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_MedicationUsage_Uncoded_CS, code: 0X0XXXXXXXXX0000, display: ダミー用法コード}]
",
    ),
];

/// The masters that drafts would join, with the columns of code and name.
pub fn name_queries(found: Found) -> Vec<NameQuery> {
    let mut wanted: Vec<NameQuery> = Vec::new();
    for (at, guess) in found.guesses.iter().enumerate() {
        if guess.is_none() || found.tables[at].key.is_empty() {
            continue;
        }
        let tables = Tables::around(found, at);
        for (alias, at, joined) in &tables.joined {
            let (Some(joined), table) = (joined, &found.tables[*at]) else { continue };
            let pair = joined.candidate.columns.first().filter(|_| alias.starts_with('m'));
            let (Some((_, code)), Some(name)) = (pair, name_column(table)) else { continue };
            let (table, code, name) = (table.name.clone(), code.clone(), name.name.clone());
            let query = NameQuery { table, code, name };
            if !wanted.contains(&query) {
                wanted.push(query);
            }
        }
    }
    wanted
}

/// The maps that the drafted rules use.
#[derive(Default)]
pub(super) struct Maps {
    /// By id: rows of each house code in the samples, and the masters that name them.
    used: BTreeMap<&'static str, Used>,
}

#[derive(Default)]
struct Used {
    rows: BTreeMap<String, u64>,
    masters: BTreeSet<String>,
}

impl Maps {
    /// The id of the map for this code, which a rule now uses.
    pub fn of(
        &mut self,
        code: M,
        cell: Cell,
        tables: &Tables,
        found: Found,
    ) -> Option<&'static str> {
        let (_, id, _) = MAPS.iter().find(|(means, ..)| *means == code)?;
        let used = self.used.entry(id).or_default();
        for (text, rows) in cell.column.values() {
            *used.rows.entry(text.trim_end().to_owned()).or_default() += rows;
        }
        let masters = tables.joined.iter().filter(|(alias, ..)| alias.starts_with('m'));
        let of_cell = masters.filter(|(_, _, joined)| {
            let columns = joined.as_ref().map(|joined| joined.candidate.columns.as_slice());
            matches!(columns, Some([(own, _)]) if *own == cell.column.name)
        });
        used.masters.extend(of_cell.map(|(_, at, _)| found.tables[*at].name.clone()));
        Some(id)
    }

    /// `codes/codemaps.yaml` and a CSV for each map.
    pub fn files(&self, names: &[HouseNames], language: Language) -> Vec<(String, String)> {
        if self.used.is_empty() {
            return Vec::new();
        }
        let todo = match language {
            Language::English => {
                "# TODO: an address of your own for each local system; remove targets that you do not use\n"
            }
            Language::Japanese => {
                "# TODO: local の system を自院の URL に変え、使わない対象（targets）は消してください\n"
            }
        };
        let mut yaml = todo.to_owned();
        let mut files = Vec::new();
        for (_, id, text) in MAPS.iter().filter(|(_, id, _)| self.used.contains_key(id)) {
            yaml.push_str(&format!("{id}:\n{text}"));
            let used = &self.used[id];
            let known = names.iter().filter(|names| used.masters.contains(&names.table));
            let known: Vec<&(String, String)> = known.flat_map(|names| &names.names).collect();
            files.push((format!("codes/{id}.csv"), sheet(used, &known)));
        }
        files.insert(0, ("codes/codemaps.yaml".to_owned(), yaml));
        files
    }
}

/// The commonest codes first, each as a draft without a target.
fn sheet(used: &Used, known: &[&(String, String)]) -> String {
    let named: BTreeMap<&str, &str> =
        known.iter().map(|(code, name)| (code.trim_end(), name.trim())).collect();
    let house = |text: &str, rows: u64| match used.masters.is_empty() {
        false => named.contains_key(text),
        true => rows >= ROWS_MIN && is_code(text),
    };
    let mut codes: Vec<(&str, u64)> = used
        .rows
        .iter()
        .map(|(text, rows)| (text.as_str(), *rows))
        .filter(|(text, rows)| !text.is_empty() && house(text, *rows))
        .collect();
    let unused = named.keys().filter(|code| !code.is_empty() && !used.rows.contains_key(**code));
    codes.extend(unused.map(|code| (*code, 0)));
    codes.sort_by_key(|(text, rows)| (std::cmp::Reverse(*rows), *text));
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    for (code, rows) in codes.into_iter().take(CODES_MAX) {
        let name = named.get(code).copied().unwrap_or_default();
        let note = format!("rows in the sample: {rows}");
        let record = [code, name, "", "", "", "", "", "", "draft", "", "", "", &note];
        // Writing to memory can't fail.
        let _ = writer.write_record(record);
    }
    let body = writer.into_inner().unwrap_or_default();
    format!("{HEADER}{}", String::from_utf8_lossy(&body))
}

fn is_code(text: &str) -> bool {
    text.len() <= CODE_LENGTH_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
