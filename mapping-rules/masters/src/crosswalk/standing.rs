//! Whether a code is one of its system, by what name and until when.

use chrono::NaiveDate;

use super::{Crosswalk, Fact, Standing, Unchecked};
use crate::concept::Property;
use crate::kind::Kind;
use crate::store::Known;
use crate::system;

impl Crosswalk<'_> {
    /// What is known of a code. A master that isn't loaded says nothing, neither yes nor no.
    pub fn standing(&self, of: &str, code: &str) -> Standing {
        if let Some(own) = allergen_system(code)
            && is_allergen(of)
            && !own.contains(&of)
        {
            return Standing::Elsewhere(own[0]);
        }
        match of {
            system::ICD10 => self.classified(code),
            system::YJ => self.yj(code),
            system::HOT9 | system::HOT13 => self.hot(of, code),
            system::PRICE_LIST => self.price(code),
            system::GENERIC_NAME => self.generic(code),
            system::CORE_JLAC10 | system::CORE_JLAC11 => self.item(of, code, "検査"),
            system::INFECTION_JLAC10 | system::INFECTION_JLAC11 => self.item(of, code, "感染症"),
            system::JLAC10 | system::JLAC11 => self.any_item(of, code),
            system::JFAGY_PRODUCT | system::JFAGY_INGREDIENT | system::JFAGY_MEDICATION => {
                self.medication(code)
            }
            system::INGREDIENT => self.ingredient(code),
            _ => self.listed(of, code),
        }
    }

    /// Every system in which this is a code.
    pub fn systems_of(&self, code: &str) -> Vec<&'static str> {
        let known = |of: &&str| matches!(self.standing(of, code), Standing::Known(_));
        system::ALL.into_iter().filter(known).collect()
    }

    /// Of a system that has a table of its own.
    fn listed(&self, of: &str, code: &str) -> Standing {
        let kinds = Kind::of_system(of);
        if kinds.is_empty() {
            return Standing::Unchecked(Unchecked::NoMaster);
        }
        if !self.store.has(of) {
            return Standing::Unchecked(Unchecked::NotLoaded(kinds));
        }
        match self.store.lookup(of, code) {
            Some(known) => Standing::Known(fact(&known)),
            None => Standing::Unknown,
        }
    }

    /// A contraindicated drug; its code names its system.
    fn medication(&self, code: &str) -> Standing {
        match (code.strip_prefix("YCM"), code.strip_prefix("GCM")) {
            (Some(yj), _) => self.yj(yj),
            (_, Some(stem)) => self.ingredient(stem),
            _ => self.listed(system::JFAGY_MEDICATION, code),
        }
    }

    fn classified(&self, code: &str) -> Standing {
        if !self.store.has(system::DISEASE_KEY) {
            return Standing::Unchecked(Unchecked::NotLoaded(Kind::of_system(system::ICD10)));
        }
        match self.icd10().has(self.store, code) {
            true => Standing::Known(Fact::default()),
            false => Standing::Unchecked(Unchecked::Partial(&[])),
        }
    }

    /// A product of HOT, or of the price list, where a product that is listed by its brand has the
    /// same code.
    fn yj(&self, code: &str) -> Standing {
        let hot = self.store.lookup(system::YJ, code);
        let listed = match self.price(code) {
            Standing::Known(fact) => Some(fact),
            _ => None,
        };
        let receipts = hot.as_ref().map(|known| known.concept.values(Property::Receipt));
        let receipts = receipts.filter(|_| self.store.has(system::RECEIPT_DRUG));
        let of_hot = hot.as_ref().map(fact).map(|fact| Fact {
            until: receipts.and_then(|receipts| self.last_day(receipts)),
            ..fact
        });
        match (of_hot, listed) {
            (Some(mut fact), Some(listed)) => {
                fact.names.extend(listed.names);
                // What knows no days says nothing of them.
                fact.until = match receipts.is_some_and(|receipts| !receipts.is_empty()) {
                    true => fact.until.zip(listed.until).map(|(a, b)| a.max(b)),
                    false => listed.until,
                };
                Standing::Known(fact)
            }
            (Some(fact), None) | (None, Some(fact)) => Standing::Known(fact),
            (None, None) if self.store.has(system::YJ) => Standing::Unknown,
            (None, None) if self.has_prices() => {
                Standing::Unchecked(Unchecked::Partial(&[Kind::Hot]))
            }
            (None, None) => Standing::Unchecked(Unchecked::NotLoaded(Kind::of_system(system::YJ))),
        }
    }

    /// HOT knows no ends: it is in use as long as one of its receipt drugs is.
    fn hot(&self, of: &str, code: &str) -> Standing {
        match self.listed(of, code) {
            Standing::Known(fact) if self.store.has(system::RECEIPT_DRUG) => {
                let receipts = self.codes(Kind::Hot, (of, code), system::RECEIPT_DRUG);
                let receipts: Vec<String> = receipts.into_iter().collect();
                Standing::Known(Fact { until: self.last_day(&receipts), ..fact })
            }
            standing => standing,
        }
    }

    pub(super) fn has_prices(&self) -> bool {
        self.store.has(system::PRICE_LIST) || self.store.has(system::RECEIPT_DRUG)
    }

    /// It is in use as long as the price list or one of its receipt drugs is.
    fn price(&self, code: &str) -> Standing {
        if !self.has_prices() {
            let needed = Kind::of_system(system::PRICE_LIST);
            return Standing::Unchecked(Unchecked::NotLoaded(needed));
        }
        let listed = self.store.lookup(system::PRICE_LIST, code).as_ref().map(fact);
        let receipts = self.receipts_of_price(code);
        match (listed, receipts.as_slice()) {
            (None, []) => Standing::Unknown,
            (Some(fact), []) => Standing::Known(fact),
            // The receipt drug's name has the strength in it: it names another code.
            (None, receipts) => {
                Standing::Known(Fact { until: self.last_day(receipts), ..Fact::default() })
            }
            (Some(fact), receipts) => {
                let until = fact.until.zip(self.last_day(receipts)).map(|(a, b)| a.max(b));
                Standing::Known(Fact { until, ..fact })
            }
        }
    }

    /// The last day of the receipt drug that is used longest; `None` if one of them has no end.
    fn last_day(&self, receipts: &[impl AsRef<str>]) -> Option<NaiveDate> {
        let ends: Option<Vec<NaiveDate>> = receipts
            .iter()
            .map(|code| self.store.lookup(system::RECEIPT_DRUG, code.as_ref())?.concept.until)
            .collect();
        ends?.into_iter().max()
    }

    fn generic(&self, code: &str) -> Standing {
        match self.store.has(system::GENERIC_NAME) {
            true => self.listed(system::GENERIC_NAME, code),
            false => Standing::Unchecked(Unchecked::NotLoaded(&[Kind::GenericName])),
        }
    }

    /// An item of the service: its FHIR識別名 is what the profiles want as its display.
    fn item(&self, of: &str, code: &str, section: &str) -> Standing {
        let jlac11 = matches!(of, system::CORE_JLAC11 | system::INFECTION_JLAC11);
        let table = if jlac11 { system::JLAC11 } else { system::JLAC10 };
        if !self.has(Kind::LabItems) {
            return Standing::Unchecked(Unchecked::NotLoaded(&[Kind::LabItems]));
        }
        let known = self.store.lookup(table, code);
        let Some(item) = known.as_ref().and_then(|known| known.latest(Kind::LabItems)) else {
            return Standing::Unknown;
        };
        let sections = item.values(Property::Section);
        if !sections.is_empty() && !sections.iter().any(|own| own == section) {
            return Standing::Elsewhere(match (section, jlac11) {
                ("検査", false) => system::INFECTION_JLAC10,
                ("検査", true) => system::INFECTION_JLAC11,
                (_, false) => system::CORE_JLAC10,
                (_, true) => system::CORE_JLAC11,
            });
        }
        let names = item.values(Property::Item).to_vec();
        Standing::Known(Fact { names, from: item.from, until: item.until })
    }

    /// The table of items is a small part of JLAC10 and JLAC11, and names items, not codes. The list of
    /// JLAC10 names codes, and is not all of them: parts may be put together anew.
    fn any_item(&self, of: &str, code: &str) -> Standing {
        let list = Some(Kind::Jlac10).filter(|_| of == system::JLAC10);
        if !self.store.has(of) {
            return Standing::Unchecked(Unchecked::NotLoaded(Kind::of_system(of)));
        }
        let known = self.store.lookup(of, code);
        let listed = known.as_ref().zip(list).and_then(|(known, list)| known.latest(list));
        match (listed, &known) {
            (Some(concept), _) => Standing::Known(Fact {
                names: vec![concept.display.clone()],
                from: concept.from,
                until: concept.until,
            }),
            (None, Some(known)) => Standing::Known(Fact { names: Vec::new(), ..fact(known) }),
            (None, None) => {
                let lacks_list = list.is_some_and(|list| !self.has(list));
                let more: &[Kind] = if lacks_list { &[Kind::Jlac10] } else { &[] };
                Standing::Unchecked(Unchecked::Partial(more))
            }
        }
    }

    fn ingredient(&self, code: &str) -> Standing {
        let Some(stem) = code.strip_suffix("ZZZ").filter(|stem| stem.len() == 9) else {
            return Standing::Unknown;
        };
        match self.stems().has(self.store, stem) {
            true => Standing::Known(Fact::default()),
            false if self.store.has(system::YJ) => Standing::Unknown,
            false if self.has_prices() => Standing::Unchecked(Unchecked::Partial(&[Kind::Hot])),
            false => Standing::Unchecked(Unchecked::NotLoaded(Kind::of_system(system::YJ))),
        }
    }
}

fn fact(known: &Known) -> Fact {
    let concept = &known.concept;
    let mut names = Vec::new();
    let editions = known.editions.values().filter_map(|editions| editions.last());
    let others = editions.map(|edition| &edition.concept);
    for concept in std::iter::once(concept).chain(others) {
        for name in std::iter::once(&concept.display).chain(&concept.synonyms) {
            if !name.is_empty() && !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    Fact { names, from: concept.from, until: concept.until }
}

fn is_allergen(of: &str) -> bool {
    matches!(
        of,
        system::JFAGY_FOOD
            | system::JFAGY_OTHER
            | system::JFAGY_MEDICATION
            | system::JFAGY_PRODUCT
            | system::JFAGY_INGREDIENT
    )
}

/// The systems that a JFAGY code can belong to: its first letters say it, whatever is loaded.
fn allergen_system(code: &str) -> Option<&'static [&'static str]> {
    Some(match code.get(..3)? {
        "J9F" | "D9F" => &[system::JFAGY_FOOD],
        "J9N" | "D9N" => &[system::JFAGY_OTHER],
        "D9M" => &[system::JFAGY_PRODUCT, system::JFAGY_INGREDIENT, system::JFAGY_MEDICATION],
        "YCM" => &[system::JFAGY_PRODUCT, system::JFAGY_MEDICATION],
        "GCM" => &[system::JFAGY_INGREDIENT, system::JFAGY_MEDICATION],
        _ => return None,
    })
}
