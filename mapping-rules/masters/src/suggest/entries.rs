//! The codes of a system that may be suggested, with all that they are known by. Some systems have no
//! table of their own: their codes and names stand in the rows of others.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Domain, Unsearchable};
use crate::concept::{Concept, Property};
use crate::crosswalk::{Crosswalk, Standing};
use crate::kind::Kind;
use crate::store::Store;
use crate::system;

/// A code with its names; the first of them is what is shown.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub code: String,
    pub concept: Concept,
}

/// What a system is about.
pub(super) fn domain(of: &str) -> Option<Domain> {
    Some(match of {
        system::RECEIPT_DISEASE
        | system::DISEASE_KEY
        | system::DISEASE_EXCHANGE
        | system::ICD10 => Domain::Disease,
        system::RECEIPT_MODIFIER | system::MODIFIER_KEY | system::MODIFIER_EXCHANGE => {
            Domain::Modifier
        }
        system::RECEIPT_DRUG
        | system::YJ
        | system::HOT9
        | system::GENERIC_NAME
        | system::PRICE_LIST
        | system::JFAGY_PRODUCT
        | system::JFAGY_INGREDIENT
        | system::INGREDIENT => Domain::Drug,
        system::CORE_JLAC10
        | system::INFECTION_JLAC10
        | system::JLAC10
        | system::CORE_JLAC11
        | system::INFECTION_JLAC11
        | system::JLAC11 => Domain::Lab,
        system::JFAGY_FOOD | system::JFAGY_OTHER | system::JFAGY_MEDICATION => Domain::Allergen,
        _ => return None,
    })
}

/// The codes in use on a day.
pub(super) fn entries(store: &Store, of: &str, day: NaiveDate) -> Result<Vec<Entry>, Unsearchable> {
    let table = |table: &str| {
        let known = store.all(table).map(|known| known.concept);
        known.filter(move |concept| concept.valid_on(day)).collect::<Vec<Concept>>()
    };
    let (needed, mut found): (&'static [Kind], Vec<Entry>) = match of {
        system::ICD10 => {
            (&[Kind::ReceiptDisease, Kind::MedisDisease], icd10(table(system::DISEASE_KEY)))
        }
        system::YJ => (&[Kind::Hot, Kind::PriceList, Kind::ReceiptDrug], products(&table)),
        system::JFAGY_PRODUCT => {
            let prefixed = |entry: Entry| Entry { code: format!("YCM{}", entry.code), ..entry };
            let products = products(&table).into_iter().map(prefixed).collect();
            (&[Kind::Hot, Kind::PriceList, Kind::ReceiptDrug], products)
        }
        system::JFAGY_INGREDIENT => (&[Kind::PriceList], ingredients(&table, "GCM")),
        system::INGREDIENT => (&[Kind::PriceList], ingredients(&table, "")),
        system::CORE_JLAC10 => (&[Kind::LabItems], items(table(system::JLAC10), "検査")),
        system::CORE_JLAC11 => (&[Kind::LabItems], items(table(system::JLAC11), "検査")),
        system::INFECTION_JLAC10 => (&[Kind::LabItems], items(table(system::JLAC10), "感染症")),
        system::INFECTION_JLAC11 => (&[Kind::LabItems], items(table(system::JLAC11), "感染症")),
        system::JLAC10 | system::JLAC11 => {
            (&[Kind::LabItems], table(of).into_iter().map(with_item).collect())
        }
        _ => (Kind::of_system(of), table(of).into_iter().map(Entry::of).collect()),
    };
    // HOT and the price list don't say when a drug ended: the receipt master does.
    if domain(of) == Some(Domain::Drug) {
        let masters = Crosswalk::new(store);
        found.retain(|entry| match masters.standing(of, &entry.code) {
            Standing::Known(fact) => fact.until.is_none_or(|until| day <= until),
            _ => true,
        });
    }
    match (found.is_empty(), needed.is_empty()) {
        (true, true) => Err(Unsearchable::NoMaster),
        (true, false) => Err(Unsearchable::NotLoaded(needed)),
        (false, _) => Ok(found),
    }
}

impl Entry {
    fn of(concept: Concept) -> Self {
        Entry { code: concept.code.clone(), concept }
    }
}

/// An ICD-10 code is known by the names of its diseases.
fn icd10(diseases: Vec<Concept>) -> Vec<Entry> {
    let mut by_code: BTreeMap<String, Concept> = BTreeMap::new();
    for disease in diseases {
        for code in disease.values(Property::Icd10) {
            let own = by_code
                .entry(code.clone())
                .or_insert_with(|| Concept::new(code, disease.display.as_str()));
            own.add(Property::KeyNumber, &disease.code);
            own.synonyms.push(disease.display.clone());
            own.synonyms.extend(disease.synonyms.iter().cloned());
        }
    }
    by_code.into_values().map(Entry::of).collect()
}

/// Drugs that have a code of their own in the price list, or one of HOT: by the names of all masters.
fn products(table: &dyn Fn(&str) -> Vec<Concept>) -> Vec<Entry> {
    let mut by_code: BTreeMap<String, Concept> = BTreeMap::new();
    let mut put = |code: &str, concept: Concept| match by_code.get_mut(code) {
        Some(known) => {
            known.kana = known.kana.take().or_else(|| concept.kana.clone());
            known.absorb(concept);
        }
        None => {
            by_code.insert(code.to_owned(), Concept { code: code.to_owned(), ..concept });
        }
    };
    for concept in table(system::YJ).into_iter().chain(table(system::PRICE_LIST)) {
        let code = concept.code.clone();
        put(&code, concept);
    }
    for concept in table(system::RECEIPT_DRUG) {
        for code in concept.values(Property::PriceList).to_vec() {
            put(&code, concept.clone());
        }
    }
    let own = |concept: &Concept| {
        !concept.values(Property::Hot9).is_empty() || !system::is_of_several_makers(&concept.code)
    };
    let well_formed = |concept: &Concept| concept.code.len() == 12;
    by_code
        .into_values()
        .filter(|concept| well_formed(concept) && own(concept))
        .map(Entry::of)
        .collect()
}

/// 規格別薬剤成分: ingredient, form and strength, which are the first nine characters of a code.
fn ingredients(table: &dyn Fn(&str) -> Vec<Concept>, prefix: &str) -> Vec<Entry> {
    let mut by_stem: BTreeMap<String, Concept> = BTreeMap::new();
    for listed in table(system::PRICE_LIST) {
        let Some(stem) = listed.code.get(..9) else { continue };
        let code = format!("{prefix}{stem}ZZZ");
        let name = listed.values(Property::Ingredient).first().unwrap_or(&listed.display);
        let own = by_stem.entry(code.clone()).or_insert_with(|| Concept::new(&code, name.as_str()));
        own.absorb(Concept { synonyms: Vec::new(), ..listed.clone() });
    }
    by_stem.into_values().map(Entry::of).collect()
}

/// FHIR識別名 is a name too: K, ALP.
fn with_item(mut concept: Concept) -> Entry {
    let items = concept.values(Property::Item).to_vec();
    let known = |item: &String| concept.display == *item || concept.synonyms.contains(item);
    let new: Vec<String> = items.into_iter().filter(|item| !known(item)).collect();
    concept.synonyms.extend(new);
    Entry::of(concept)
}

/// Items of the service, displayed as its profiles want it.
fn items(table: Vec<Concept>, section: &str) -> Vec<Entry> {
    let of_section = |concept: &Concept| {
        let sections = concept.values(Property::Section);
        sections.is_empty() || sections.iter().any(|own| own == section)
    };
    let shown = |mut concept: Concept| {
        if let Some(item) = concept.values(Property::Item).first().cloned() {
            let name = std::mem::replace(&mut concept.display, item);
            concept.synonyms.push(name);
        }
        Entry::of(concept)
    };
    table.into_iter().filter(of_section).map(shown).collect()
}
