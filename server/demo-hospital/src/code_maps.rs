//! House code to national code, as the reviewed CSV files of a rule set. What has no national code
//! in the lists is left out: it is unmapped on purpose.

use std::borrow::Cow;

use crate::lists::Lists;

const HEADER: [&str; 13] = [
    "local",
    "local_name",
    "target",
    "code",
    "display",
    "relationship",
    "valid_from",
    "valid_to",
    "status",
    "reviewed_by",
    "reviewed_at",
    "master_version",
    "note",
];

/// One row of a code map.
struct Mapping<'a> {
    local: &'a str,
    name: &'a str,
    target: &'a str,
    code: Cow<'a, str>,
    display: &'a str,
    /// YYYY-MM-DD or empty
    from: String,
    to: String,
    master: &'a str,
}

/// File name and CSV text of every map.
pub fn code_maps() -> anyhow::Result<Vec<(&'static str, String)>> {
    let lists = Lists::load()?;
    Ok(vec![
        ("disease.csv", csv_text(&diseases(&lists))?),
        ("modifier.csv", csv_text(&modifiers(&lists))?),
        ("drug.csv", csv_text(&drugs(&lists))?),
        ("usage.csv", csv_text(&usages(&lists))?),
        ("lab.csv", csv_text(&items(&lists))?),
        ("allergen.csv", csv_text(&allergens(&lists))?),
        ("contraindication.csv", csv_text(&contraindications(&lists))?),
        ("department.csv", csv_text(&departments(&lists))?),
    ])
}

fn mapping<'a>(
    (local, name): (&'a str, &'a str),
    (target, code): (&'a str, impl Into<Cow<'a, str>>),
    display: &'a str,
    master: &'a str,
) -> Mapping<'a> {
    let code = code.into();
    Mapping { local, name, target, code, display, from: String::new(), to: String::new(), master }
}

fn diseases(lists: &Lists) -> Vec<Mapping<'_>> {
    lists
        .diseases
        .iter()
        .flat_map(|disease| {
            [
                ("medis", &disease.medis),
                ("receipt", &disease.receipt),
                ("exchange", &disease.exchange),
                ("icd10", &disease.icd10),
            ]
            .map(|(target, code)| {
                mapping((&disease.code, &disease.name), (target, code), &disease.name, "B20240601")
            })
        })
        .collect()
}

fn modifiers(lists: &Lists) -> Vec<Mapping<'_>> {
    lists
        .modifiers
        .iter()
        .flat_map(|modifier| {
            [
                ("medis", &modifier.medis),
                ("exchange", &modifier.exchange),
                ("receipt", &modifier.receipt),
            ]
            .map(|(target, code)| {
                mapping(
                    (&modifier.code, &modifier.name),
                    (target, code),
                    &modifier.name,
                    "Z20250601",
                )
            })
        })
        .collect()
}

fn drugs(lists: &Lists) -> Vec<Mapping<'_>> {
    lists
        .drugs
        .iter()
        .flat_map(|drug| {
            let national = drug.national_name.as_str();
            [
                ("yj", &drug.yj, national),
                ("hot9", &drug.hot9, national),
                ("generic", &drug.generic, &drug.generic_name),
            ]
            .map(|(target, code, display)| {
                mapping((&drug.code, &drug.name), (target, code), display, "Y20240321")
            })
        })
        .collect()
}

fn usages(lists: &Lists) -> Vec<Mapping<'_>> {
    lists
        .usages
        .iter()
        .map(|usage| {
            mapping(
                (&usage.code, &usage.name),
                ("epresc", &usage.epresc),
                &usage.display,
                "2025-07",
            )
        })
        .collect()
}

fn items(lists: &Lists) -> Vec<Mapping<'_>> {
    let mut rows = Vec::new();
    for item in &lists.items {
        let target = if item.class.is_empty() { "jlac10" } else { item.class.as_str() };
        let local = (item.code.as_str(), item.name.as_str());
        let mut now = mapping(local, (target, &item.jlac10), &item.display, "JLAC10 2024-09");
        if !item.jlac10_until.is_empty() {
            let mut before =
                mapping(local, (target, &item.jlac10_before), &item.display, "JLAC10 2024-09");
            before.to = dashed(&item.jlac10_until);
            now.from = "2021-10-01".to_owned();
            rows.push(before);
        }
        rows.push(now);
    }
    for infection in &lists.infections {
        let local = (infection.code.as_str(), infection.name.as_str());
        let code = ("infection", infection.jlac10.as_str());
        rows.push(mapping(local, code, &infection.display, "JLAC10 2024-09"));
    }
    rows
}

fn allergens(lists: &Lists) -> Vec<Mapping<'_>> {
    lists
        .allergens
        .iter()
        .map(|allergen| {
            let code = (allergen.target.as_str(), allergen.jfagy.as_str());
            mapping((&allergen.code, &allergen.name), code, &allergen.display, "JFAGY20250401")
        })
        .collect()
}

/// Contraindicated drugs are coded in JFAGY too: `YCM` and the YJ code.
fn contraindications(lists: &Lists) -> Vec<Mapping<'_>> {
    lists
        .drugs
        .iter()
        .filter(|drug| !drug.yj.is_empty())
        .map(|drug| {
            let code = ("ycm", format!("YCM{}", drug.yj));
            mapping((&drug.code, &drug.name), code, &drug.national_name, "JFAGY20250401")
        })
        .collect()
}

fn departments(lists: &Lists) -> Vec<Mapping<'_>> {
    lists
        .departments
        .iter()
        .map(|department| {
            let code = ("ssmix2", department.ssmix2.as_str());
            mapping((&department.code, &department.name), code, &department.display, "SS-MIX2")
        })
        .collect()
}

/// `20210930` → `2021-09-30`
fn dashed(ymd: &str) -> String {
    match (ymd.get(..4), ymd.get(4..6), ymd.get(6..)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => String::new(),
    }
}

fn csv_text(rows: &[Mapping<'_>]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for row in rows.iter().filter(|row| !row.code.is_empty()) {
        writer.write_record([
            row.local,
            row.name,
            row.target,
            &row.code,
            row.display,
            "equivalent",
            &row.from,
            &row.to,
            "accepted",
            "診療情報管理室",
            "2026-04-01",
            row.master,
            "",
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
