//! From a code to the codes that its masters give it in other systems, and to those that follow it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{Crosswalk, Standing, of_kind};
use crate::concept::{Concept, Property};
use crate::kind::Kind;
use crate::system;

/// A code that may take the place of one that ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Successor {
    pub code: String,
    pub name: String,
    /// 移行先 of the master itself; otherwise a drug in use with the same 一般名コード.
    pub named: bool,
}

/// Codes of the same generic name that are proposed at most.
const PROPOSED_MAX: usize = 5;

impl Crosswalk<'_> {
    /// Whether a master leads from one system to another.
    pub fn leads(table: Kind, from: &str, to: &str) -> bool {
        let (starts, ends): (&[&str], &[&str]) = match table {
            Kind::ReceiptDisease | Kind::MedisDisease => (
                &[system::DISEASE_KEY, system::RECEIPT_DISEASE, system::DISEASE_EXCHANGE],
                &[
                    system::DISEASE_KEY,
                    system::RECEIPT_DISEASE,
                    system::DISEASE_EXCHANGE,
                    system::ICD10,
                ],
            ),
            Kind::ReceiptModifier => {
                let all =
                    &[system::MODIFIER_KEY, system::MODIFIER_EXCHANGE, system::RECEIPT_MODIFIER];
                (all, all)
            }
            Kind::MedisModifier => (
                &[system::MODIFIER_KEY, system::MODIFIER_EXCHANGE],
                &[system::MODIFIER_KEY, system::MODIFIER_EXCHANGE, system::RECEIPT_MODIFIER],
            ),
            Kind::Hot => (
                &[system::YJ, system::HOT9, system::HOT13],
                &[system::YJ, system::HOT9, system::RECEIPT_DRUG, system::PRICE_LIST],
            ),
            Kind::ReceiptDrug => (
                &[system::YJ, system::HOT9, system::PRICE_LIST, system::RECEIPT_DRUG],
                &[system::PRICE_LIST, system::RECEIPT_DRUG, system::GENERIC_NAME],
            ),
            Kind::LabItems => return item_way(from, to),
            Kind::PriceList
            | Kind::GenericName
            | Kind::Jlac10
            | Kind::Allergens
            | Kind::Usage
            | Kind::MedisIndex => return false,
        };
        from != to && starts.contains(&from) && ends.contains(&to)
    }

    /// The masters that lead from one system to another.
    pub fn tables(from: &str, to: &str) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |table| Self::leads(*table, from, to))
    }

    /// Whether a file of this master was imported.
    pub fn has(&self, table: Kind) -> bool {
        self.store.has_file(table)
    }

    /// The codes of another system that a master gives a code. Several are for somebody to choose from.
    pub fn codes(&self, table: Kind, (from, code): (&str, &str), to: &str) -> BTreeSet<String> {
        if !Self::leads(table, from, to) {
            return BTreeSet::new();
        }
        let Some(property) = property_of(to) else { return BTreeSet::new() };
        let codes = match table {
            // HOT says the rest of its product.
            Kind::Hot if from == system::HOT13 && property != Property::Hot9 => {
                let products = self.row_values(table, (from, code), Property::Hot9);
                let of_product =
                    |hot9: &String| self.row_values(table, (system::HOT9, hot9), property);
                products.iter().flat_map(of_product).collect()
            }
            Kind::ReceiptDrug => self.through_receipts((from, code), property),
            Kind::LabItems => self.row_values(table, (table_of(from), code), property),
            _ if from == system::DISEASE_EXCHANGE && property == Property::Icd10 => {
                let keys = self.row_values(table, (from, code), Property::KeyNumber);
                let of_key =
                    |key: &String| self.row_values(table, (system::DISEASE_KEY, key), property);
                keys.iter().flat_map(of_key).collect()
            }
            _ => self.row_values(table, (from, code), property),
        };
        codes.into_iter().collect()
    }

    /// Whether the loaded masters give a code this code of another system; `None` if they say nothing.
    pub fn agree(&self, (from, code): (&str, &str), (to, other): (&str, &str)) -> Option<bool> {
        let mut given: BTreeSet<String> =
            Self::tables(from, to).flat_map(|table| self.codes(table, (from, code), to)).collect();
        if to == system::ICD10 {
            // A double classification has two codes, and both are right.
            let known = self.store.lookup(from, code)?;
            given.extend(known.concept.values(Property::Icd10Second).iter().cloned());
        }
        if given.is_empty() { None } else { Some(given.contains(other)) }
    }

    fn row_values(&self, table: Kind, (from, code): (&str, &str), of: Property) -> Vec<String> {
        let known = self.store.lookup(from, code);
        known.map(|known| of_kind(&known, table, of)).unwrap_or_default()
    }

    fn through_receipts(&self, from: (&str, &str), property: Property) -> Vec<String> {
        let receipts = self.receipts(from);
        if property == Property::Receipt {
            return receipts;
        }
        let of_receipt = |code: &String| {
            let known = self.store.lookup(system::RECEIPT_DRUG, code);
            known.map(|known| known.concept.values(property).to_vec()).unwrap_or_default()
        };
        receipts.iter().flat_map(of_receipt).collect()
    }

    /// The receipt drugs of a drug: those that HOT names, or those of its price-list code, which of a
    /// product listed by its brand is the YJ code.
    fn receipts(&self, (from, code): (&str, &str)) -> Vec<String> {
        if from == system::RECEIPT_DRUG {
            return vec![code.to_owned()];
        }
        let hot = self.row_values(Kind::Hot, (from, code), Property::Receipt);
        let known = |code: &String| self.store.lookup(system::RECEIPT_DRUG, code).is_some();
        let named: Vec<String> = hot.into_iter().filter(known).collect();
        match from {
            _ if !named.is_empty() => named,
            system::YJ | system::PRICE_LIST => {
                self.receipts_of_price(code).into_iter().map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What may take the place of a code that ended: what the master names, or drugs in use on this
    /// day that have the same generic name.
    pub fn successors(&self, of: &str, code: &str, day: NaiveDate) -> Vec<Successor> {
        if let Some(named) = self.named_successor(of, code) {
            return vec![named];
        }
        if of != system::YJ {
            return Vec::new();
        }
        let generic = self.codes(Kind::ReceiptDrug, (of, code), system::GENERIC_NAME);
        let receipts = generic.iter().map(|generic| self.receipts_of_generic(generic));
        let mut found = BTreeMap::new();
        for receipt in receipts.flatten() {
            let Some(known) = self.store.lookup(system::RECEIPT_DRUG, receipt) else { continue };
            if !known.concept.valid_on(day) {
                continue;
            }
            for code in self.products_of_receipt(&known) {
                let name = || known.concept.display.clone();
                found.entry(code.to_owned()).or_insert_with(name);
            }
        }
        let others = found.into_iter().filter(|(other, _)| other != code).take(PROPOSED_MAX);
        others.map(|(code, name)| Successor { code, name, named: false }).collect()
    }

    /// What each master said of a code, with each import that changed it, in the order of their days.
    pub fn history(&self, of: &str, code: &str) -> Vec<Vec<(NaiveDate, Concept)>> {
        let tables: &[&str] =
            if of == system::YJ { &[system::YJ, system::PRICE_LIST] } else { &[table_of(of)] };
        let known = tables.iter().filter_map(|table| self.store.lookup(table, code));
        let by_master = known.flat_map(|known| known.editions.into_values());
        let dated = by_master.map(|editions| {
            let dated = editions.into_iter().filter_map(|edition| {
                let import = self.store.imports().get(edition.import)?;
                Some((import.effective, edition.concept))
            });
            dated.collect()
        });
        dated.collect()
    }

    fn named_successor(&self, of: &str, code: &str) -> Option<Successor> {
        let known = self.store.lookup(of, code)?;
        let latest = known.editions.values().filter_map(|editions| editions.last());
        let own = latest.filter_map(|edition| edition.concept.successor.clone()).next();
        let code = own.or_else(|| {
            // The receipt master names them by its own codes.
            let property = property_of(of).filter(|_| of == system::DISEASE_KEY)?;
            let receipt = known.concept.values(Property::Receipt).first()?;
            let receipt = self.store.lookup(system::RECEIPT_DISEASE, receipt)?;
            let next = receipt.concept.successor?;
            let next = self.store.lookup(system::RECEIPT_DISEASE, &next)?;
            next.concept.values(property).first().cloned()
        })?;
        let name = match self.standing(of, &code) {
            Standing::Known(fact) => fact.names.into_iter().next().unwrap_or_default(),
            _ => String::new(),
        };
        Some(Successor { code, name, named: true })
    }
}

/// JLAC10 and JLAC11 of the same part.
fn item_way(from: &str, to: &str) -> bool {
    matches!(
        (from, to),
        (system::CORE_JLAC10, system::CORE_JLAC11)
            | (system::CORE_JLAC11, system::CORE_JLAC10)
            | (system::INFECTION_JLAC10, system::INFECTION_JLAC11)
            | (system::INFECTION_JLAC11, system::INFECTION_JLAC10)
            | (system::JLAC10, system::JLAC11)
            | (system::JLAC11, system::JLAC10)
    )
}

/// The table that has the codes of a system.
fn table_of(of: &str) -> &str {
    match of {
        system::CORE_JLAC10 | system::INFECTION_JLAC10 => system::JLAC10,
        system::CORE_JLAC11 | system::INFECTION_JLAC11 => system::JLAC11,
        of => of,
    }
}

/// The property under which other codes have a code of this system.
fn property_of(of: &str) -> Option<Property> {
    Some(match table_of(of) {
        system::DISEASE_KEY | system::MODIFIER_KEY => Property::KeyNumber,
        system::DISEASE_EXCHANGE | system::MODIFIER_EXCHANGE => Property::Exchange,
        system::RECEIPT_DISEASE | system::RECEIPT_MODIFIER | system::RECEIPT_DRUG => {
            Property::Receipt
        }
        system::ICD10 => Property::Icd10,
        system::YJ => Property::Yj,
        system::HOT9 => Property::Hot9,
        system::PRICE_LIST => Property::PriceList,
        system::GENERIC_NAME => Property::GenericName,
        system::JLAC10 => Property::Jlac10,
        system::JLAC11 => Property::Jlac11,
        _ => return None,
    })
}
