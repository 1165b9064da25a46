//! Pairs of a name and the code that is right for it, from the published masters.

use std::collections::BTreeMap;
use std::path::Path;

use calamine::{Reader as _, Xlsx, open_workbook_from_rs};
use genkan_masters::suggest::{HouseCode, Index};
use genkan_masters::{Change, Concept, Masters, Property, Reading, Store, read, system};

use crate::forms::{dropped, half, reordered_drug, short_drug};

/// A house code, and the standard codes that are right for it.
pub struct Pair {
    pub house: HouseCode,
    pub right: Vec<String>,
    /// By which the halves are told apart.
    pub item: String,
}

/// Pairs of one kind.
pub struct Set {
    pub name: &'static str,
    pub index: std::rc::Rc<Index>,
    pub pairs: Vec<Pair>,
    /// So many of one half are tuned to, so many of the other reported.
    pub tuned: usize,
    pub reported: usize,
}

const DAY: &str = "2025-08-14";
const TUNED: usize = 600;
const REPORTED: usize = 2000;

struct Shelf<'f>(&'f Path);

impl Shelf<'_> {
    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn reading(&self, name: &str) -> Reading {
        read(name, &self.bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The sheets of a workbook, as text.
    fn sheets(&self, name: &str) -> Vec<Vec<Vec<String>>> {
        let bytes = std::io::Cursor::new(self.bytes(name));
        let mut book: Xlsx<_> = open_workbook_from_rs(bytes).expect("a workbook");
        let names = book.sheet_names();
        let sheet = |name: &String| {
            let range = book.worksheet_range(name).expect("a sheet");
            let text = |row: &[calamine::Data]| {
                row.iter().map(|cell| cell.to_string().trim().to_owned()).collect()
            };
            range.rows().map(text).collect()
        };
        names.iter().map(sheet).collect()
    }
}

fn store(readings: &[Reading]) -> Store {
    let mut masters = Masters::default();
    for (place, reading) in (0u8..).zip(readings) {
        let day = DAY.parse().expect("a day");
        masters.apply(reading, ("file", [place; 32], day)).expect("applied");
    }
    Store::open(masters.pack()).expect("packed")
}

fn index(store: &Store, of: &str) -> std::rc::Rc<Index> {
    let index = Index::new(store, of, DAY.parse().expect("a day"));
    std::rc::Rc::new(index.unwrap_or_else(|why| panic!("{of}: {why:?}")))
}

/// Codes that a reading says, without changes that end them.
fn concepts<'r>(reading: &'r Reading, of: &str) -> impl Iterator<Item = &'r Concept> {
    reading.of(of).iter().filter_map(|change| match change {
        Change::Is(concept) => Some(concept),
        _ => None,
    })
}

fn named(name: impl Into<String>) -> HouseCode {
    HouseCode { names: vec![name.into()], ..HouseCode::default() }
}

pub fn all(folder: &Path) -> Vec<Set> {
    let shelf = Shelf(folder);
    let mut sets = Vec::new();
    drugs(&shelf, &mut sets);
    diseases(&shelf, &mut sets);
    items(&shelf, &mut sets);
    jlac(&shelf, &mut sets);
    allergens(&shelf, &mut sets);
    // In no order of theirs: neighbours are alike.
    for set in &mut sets {
        let hash = |pair: &Pair| {
            let text = format!("{} {}", pair.item, pair.house.names.join(" "));
            *blake3::hash(text.as_bytes()).as_bytes()
        };
        set.pairs.sort_by_cached_key(hash);
    }
    sets
}

fn put(
    sets: &mut Vec<Set>,
    name: &'static str,
    index: &std::rc::Rc<Index>,
    pairs: impl Iterator<Item = Pair>,
) {
    let (tuned, reported) = (TUNED, REPORTED);
    sets.push(Set { name, index: index.clone(), pairs: pairs.collect(), tuned, reported });
}

/// Names of the receipt master, as they are found in the price list, which another office writes.
fn drugs(shelf: &Shelf<'_>, sets: &mut Vec<Set>) {
    let lists = [1, 2, 3].map(|n| shelf.reading(&format!("mhlw/tp20250814-01_0{n}.xlsx")));
    let receipts = shelf.reading("ssk/y_ALL20240321.csv");
    let listed = index(&store(&lists), system::PRICE_LIST);
    let names: BTreeMap<&str, &str> = lists
        .iter()
        .flat_map(|list| concepts(list, system::PRICE_LIST))
        .map(|concept| (concept.code.as_str(), concept.display.as_str()))
        .collect();
    let known: Vec<(&str, String)> = concepts(&receipts, system::RECEIPT_DRUG)
        .filter_map(|concept| {
            let code = concept.values(Property::PriceList).first()?;
            names.contains_key(code.as_str()).then(|| (concept.display.as_str(), code.clone()))
        })
        .collect();
    let pair = |name: String, code: &String| Pair {
        house: named(name),
        right: vec![code.clone()],
        item: code.clone(),
    };
    let each =
        |form: fn(&str) -> String| known.iter().map(move |(name, code)| pair(form(name), code));
    put(sets, "drug: receipt master → price list", &listed, each(str::to_owned));
    let differs = known.iter().filter(|(name, code)| names[code.as_str()] != *name);
    let differs = differs.map(|(name, code)| pair((*name).to_owned(), code));
    put(sets, "drug: … of these, names that differ", &listed, differs);
    put(sets, "drug: … half-width", &listed, each(half));
    put(sets, "drug: … shortened (no maker, no mg)", &listed, each(short_drug));
    let reordered = known.iter().filter_map(|(name, code)| Some(pair(reordered_drug(name)?, code)));
    put(sets, "drug: … strength before form", &listed, reordered);
    put(sets, "drug: … a letter missing", &listed, each(dropped));
    let generic = shelf.reading("mhlw/ippanmeishohoumaster_250814.xlsx");
    let generics: Vec<String> =
        concepts(&generic, system::GENERIC_NAME).map(|one| one.code.clone()).collect();
    let by_name = index(&store(&[generic]), system::GENERIC_NAME);
    let products = lists.iter().flat_map(|list| concepts(list, system::PRICE_LIST));
    let products = products.filter_map(|concept| {
        let code = format!("{}ZZZ", concept.code.get(..9)?);
        let value = |property| concept.values(property).first().cloned();
        let house = HouseCode {
            ingredient: value(Property::Ingredient),
            strength: value(Property::Strength),
            ..named(concept.display.as_str())
        };
        generics.contains(&code).then(|| Pair { house, item: code.clone(), right: vec![code] })
    });
    let products: Vec<Pair> = products.collect();
    put(sets, "drug: price list (with ingredient) → 一般名", &by_name, products.into_iter());
    let hot = shelf.reading("hot/hot9_sample_20260930.csv");
    let hot: Vec<(String, Vec<String>)> = concepts(&hot, system::HOT9)
        .map(|one| (one.display.clone(), one.values(Property::Yj).to_vec()))
        .collect();
    let every = store(&[&lists[..], &[receipts.clone()][..]].concat());
    let hot = hot.into_iter().filter(|(_, right)| !right.is_empty()).map(|(name, right)| Pair {
        house: named(name),
        item: right[0].clone(),
        right,
    });
    put(
        sets,
        "drug: HOT sample → YJ (price list, receipt master)",
        &index(&every, system::YJ),
        hot,
    );
}

/// 省略名称 of the disease master against its names, and names with modifiers that have no code.
fn diseases(shelf: &Shelf<'_>, sets: &mut Vec<Set>) {
    let whole = shelf.reading("ssk/b_20240601.txt");
    let mut bare = whole.clone();
    for change in bare.systems.values_mut().flatten() {
        if let Change::Is(concept) = change {
            concept.synonyms.clear();
        }
    }
    let modifiers = shelf.reading("ssk/z_20250601.txt");
    let keys = index(&store(&[bare, modifiers]), system::DISEASE_KEY);
    let all: Vec<&Concept> = concepts(&whole, system::DISEASE_KEY).collect();
    let pair = |name: String, concept: &Concept| Pair {
        house: named(name),
        right: vec![concept.code.clone()],
        item: concept.code.clone(),
    };
    let short =
        all.iter().flat_map(|one| one.synonyms.iter().map(move |name| pair(name.clone(), one)));
    put(sets, "disease: 省略名称 → name", &keys, short);
    let each = |form: fn(&str) -> String| {
        all.iter().map(move |concept| pair(form(&concept.display), concept))
    };
    put(sets, "disease: half-width", &keys, each(half));
    put(sets, "disease: a letter missing", &keys, each(dropped));
    let names: std::collections::BTreeSet<&str> =
        all.iter().map(|concept| concept.display.as_str()).collect();
    let with_modifiers = all.iter().filter_map(|concept| {
        let name = format!("両側性{}の術後", concept.display);
        let own = !names.contains(format!("両側性{}", concept.display).as_str());
        own.then(|| pair(name, concept))
    });
    put(sets, "disease: with 修飾語 → the disease", &keys, with_modifiers);
    let read = all.iter().filter_map(|one| Some(pair(half(one.kana.as_ref()?), one)));
    put(sets, "disease: reading in half-width kana", &keys, read);
}

/// The service's item set of 2023 against its table of 2024: other files, by other hands.
fn items(shelf: &Shelf<'_>, sets: &mut Vec<Set>) {
    let table = shelf.reading("jlac/clins-jlac10-jlac11.xlsx");
    let items: BTreeMap<&str, &Concept> =
        concepts(&table, system::JLAC10).map(|one| (one.code.as_str(), one)).collect();
    let jlac10 = index(&store(std::slice::from_ref(&table)), system::JLAC10);
    let sheets = shelf.sheets("jlac/laboitemset_20231104.xlsx");
    // Name, short name, method, code, unit, material.
    let mut rows: Vec<[String; 6]> = Vec::new();
    for (sheet, places) in [(0, [2, 5, 6, 8, 9, 14]), (1, [2, 3, 4, 6, 7, 10])] {
        let cell = |row: &[String], place: usize| row.get(place).cloned().unwrap_or_default();
        rows.extend(sheets[sheet].iter().skip(1).map(|row| places.map(|place| cell(row, place))));
    }
    rows.retain(|row| items.contains_key(row[3].as_str()) && !row[0].is_empty());
    let optional = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let full = |row: &[String; 6], name: &String| Pair {
        house: HouseCode {
            method: optional(&row[2]),
            unit: optional(&row[4]),
            material: optional(&row[5]),
            ..named(name.as_str())
        },
        right: vec![row[3].clone()],
        item: row[3].clone(),
    };
    let of_item = |row: &[String; 6], pair: Pair| {
        let item = items[row[3].as_str()].values(Property::Item);
        let same = items.values().filter(|one| one.values(Property::Item) == item);
        Pair { right: same.map(|one| one.code.clone()).collect(), ..pair }
    };
    let named_rows = || rows.iter().map(|row| full(row, &row[0]));
    put(sets, "lab: item set 2023 → JLAC10 code", &jlac10, named_rows());
    let bare = |row: &[String; 6], name: &String| {
        of_item(row, Pair { house: named(name.as_str()), ..full(row, name) })
    };
    put(
        sets,
        "lab: … by name alone → the item",
        &jlac10,
        rows.iter().map(|row| bare(row, &row[0])),
    );
    let short = || rows.iter().filter(|row| !row[1].is_empty());
    put(sets, "lab: … by short name → JLAC10 code", &jlac10, short().map(|row| full(row, &row[1])));
    put(
        sets,
        "lab: … by short name alone → the item",
        &jlac10,
        short().map(|row| bare(row, &row[1])),
    );
    let halves = rows.iter().map(|row| full(row, &half(&row[0])));
    put(sets, "lab: … half-width", &jlac10, halves);
}

/// The rows of the table, with each system's own words of material and method. The name of the item is the
/// same on both sides: what is measured is whether the right one of its codes is found.
fn jlac(shelf: &Shelf<'_>, sets: &mut Vec<Set>) {
    let table = shelf.reading("jlac/clins-jlac10-jlac11.xlsx");
    let mut bare = table.clone();
    for change in bare.systems.values_mut().flatten() {
        if let Change::Is(concept) = change {
            concept.synonyms.clear();
        }
    }
    let bare = store(&[bare]);
    let value = |one: &Concept, property| one.values(property).first().cloned();
    let house = |one: &Concept| HouseCode {
        unit: value(one, Property::Unit),
        material: value(one, Property::Material),
        method: value(one, Property::Method),
        ..named(one.display.as_str())
    };
    for (name, from, to, of) in [
        ("lab: JLAC11 rows → JLAC10 code", system::JLAC11, system::JLAC10, Property::Jlac10),
        ("lab: JLAC10 rows → JLAC11 code", system::JLAC10, system::JLAC11, Property::Jlac11),
    ] {
        let pairs = concepts(&table, from).filter(|one| !one.values(of).is_empty());
        let pairs = pairs.map(|one| Pair {
            house: house(one),
            right: one.values(of).to_vec(),
            item: one.values(Property::Item).first().cloned().unwrap_or_default(),
        });
        let pairs: Vec<Pair> = pairs.collect();
        put(sets, name, &index(&bare, to), pairs.into_iter());
    }
}

/// Names of allergens as hospitals write them.
fn allergens(shelf: &Shelf<'_>, sets: &mut Vec<Set>) {
    let reading = shelf.reading("jfagy/utf8_JFAGY_J9FN_20250401_R01.csv");
    let food = index(&store(std::slice::from_ref(&reading)), system::JFAGY_FOOD);
    let all: Vec<&Concept> = concepts(&reading, system::JFAGY_FOOD).collect();
    let pair = |name: String, one: &Concept| Pair {
        house: named(name),
        right: vec![one.code.clone()],
        item: one.code.clone(),
    };
    let each = |form: fn(&str) -> String| all.iter().map(move |one| pair(form(&one.display), one));
    put(sets, "allergen: half-width", &food, each(half));
    put(
        sets,
        "allergen: with アレルギー（重症）",
        &food,
        each(|name| format!("{name}アレルギー（重症）")),
    );
    put(sets, "allergen: a letter missing", &food, each(dropped));
    let read = all.iter().filter_map(|one| Some(pair(half(one.kana.as_ref()?), one)));
    put(sets, "allergen: reading", &food, read);
}
