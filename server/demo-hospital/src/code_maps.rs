//! House code to national code, as the reviewed CSV files of a rule set. What has no national code
//! in the lists is unmapped on purpose: nobody has looked at it yet, somebody is at it, or it was decided
//! that it has none.

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
    review: Review<'a>,
}

/// How far somebody is with a row.
#[derive(Clone, Copy)]
struct Review<'a> {
    status: &'a str,
    by: &'a str,
    /// YYYY-MM-DD or empty
    at: &'a str,
    note: &'a str,
}

const ACCEPTED: Review<'static> =
    Review { status: "accepted", by: "診療情報管理室", at: "2026-04-01", note: "" };

/// Rows that no resource shows: house code, target, code, display, status, who, note. Codes and names are
/// those of 傷病名マスター 2024-06-01.
const IN_REVIEW: [(&str, [&str; 7]); 12] = [
    ("disease.csv", ["B0632", "medis", "20060248", "健康診断", "proposed", "", "名称の類似から"]),
    ("disease.csv", ["B0632", "receipt", "9999701", "健康診断", "proposed", "", "名称の類似から"]),
    (
        "disease.csv",
        ["B0639", "medis", "20057968", "記憶障害", "reviewed", "医事課", "診断名か相談名か要確認"],
    ),
    (
        "disease.csv",
        ["B0646", "", "", "", "no-map", "診療情報管理室", "病名ではない（術後の経過）"],
    ),
    (
        "disease.csv",
        [
            "B0653",
            "medis",
            "20084000",
            "足白癬",
            "rejected",
            "診療情報管理室",
            "フットケアの対象は白癬に限らない",
        ],
    ),
    (
        "disease.csv",
        [
            "B0674",
            "medis",
            "20105421",
            "ＣＯＶＩＤ－１９ワクチン接種副反応",
            "draft",
            "医事課",
            "ワクチンの種類を確認中",
        ],
    ),
    (
        "disease.csv",
        ["B0681", "", "", "", "no-map", "診療情報管理室", "算定の区分で、病名ではない"],
    ),
    ("drug.csv", ["H0001", "", "", "", "no-map", "薬剤部", "院内製剤"]),
    ("drug.csv", ["H0003", "", "", "", "no-map", "薬剤部", "治験薬"]),
    (
        "allergen.csv",
        ["M001", "", "", "", "draft", "薬剤部", "薬効群のコードがない。品目ごとに登録するか検討中"],
    ),
    ("allergen.csv", ["M008", "", "", "", "proposed", "", ""]),
    ("allergen.csv", ["F099", "", "", "", "no-map", "診療情報管理室", "品目が分からない"]),
];

/// File name and CSV text of every map.
pub fn code_maps() -> anyhow::Result<Vec<(&'static str, String)>> {
    let lists = Lists::load()?;
    let maps = [
        ("disease.csv", diseases(&lists)),
        ("modifier.csv", modifiers(&lists)),
        ("drug.csv", drugs(&lists)),
        ("usage.csv", usages(&lists)),
        ("lab.csv", items(&lists)),
        ("allergen.csv", allergens(&lists)),
        ("contraindication.csv", contraindications(&lists)),
        ("department.csv", departments(&lists)),
    ];
    let texts = maps.into_iter().map(|(file, mut rows)| {
        // What is left out has no code in the lists.
        rows.retain(|row| !row.code.is_empty());
        rows.extend(in_review(&lists, file));
        Ok((file, csv_text(&rows)?))
    });
    texts.collect()
}

fn in_review<'a>(lists: &'a Lists, file: &str) -> impl Iterator<Item = Mapping<'a>> {
    let name = |local: &str| {
        let diseases = lists.diseases.iter().map(|one| (&one.code, &one.name));
        let drugs = lists.drugs.iter().map(|one| (&one.code, &one.name));
        let allergens = lists.allergens.iter().map(|one| (&one.code, &one.name));
        let mut all = diseases.chain(drugs).chain(allergens);
        all.find(|(code, _)| *code == local).map_or("", |(_, name)| name.as_str())
    };
    let own = IN_REVIEW.iter().filter(move |(of, _)| *of == file).map(|(_, row)| row);
    let rows: Vec<Mapping<'a>> = own
        .map(|[local, target, code, display, status, by, note]| {
            let master = if code.is_empty() { "" } else { "B20240601" };
            let at = if by.is_empty() { "" } else { "2026-05-11" };
            let row = mapping((*local, name(local)), (*target, *code), display, master);
            Mapping { review: Review { status, by, at, note }, ..row }
        })
        .collect();
    rows.into_iter()
}

fn mapping<'a>(
    (local, name): (&'a str, &'a str),
    (target, code): (&'a str, impl Into<Cow<'a, str>>),
    display: &'a str,
    master: &'a str,
) -> Mapping<'a> {
    let code = code.into();
    let (from, to, review) = (String::new(), String::new(), ACCEPTED);
    Mapping { local, name, target, code, display, from, to, master, review }
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
    for row in rows {
        writer.write_record([
            row.local,
            row.name,
            row.target,
            &row.code,
            row.display,
            if row.code.is_empty() { "" } else { "equivalent" },
            &row.from,
            &row.to,
            row.review.status,
            row.review.by,
            row.review.at,
            row.master,
            row.review.note,
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
