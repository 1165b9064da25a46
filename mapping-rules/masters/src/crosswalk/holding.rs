//! How much of a system the loaded masters have, its codes one after the other, and what they say of
//! each, for those who ask by system and do not care for where it stands.

use std::collections::BTreeSet;

use super::{Crosswalk, Fact, Standing};
use crate::concept::{Concept, Property};
use crate::kind::Kind;
use crate::system;

/// How much of a code system is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    Whole,
    /// A code that is not here may be one nevertheless.
    Part,
    Nothing,
}

/// A code with what the loaded masters say of it together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its days are those of use, wherever they stand.
    pub concept: Concept,
    /// Whether a master names the code. If none does, its names are those of the item or product in whose
    /// row it stands, and nobody can judge another one.
    pub is_named: bool,
    /// Further names of its row, by which people look for it.
    pub sought_by: Vec<String>,
}

impl Crosswalk<'_> {
    pub fn holding(&self, of: &str) -> Holding {
        let is_there = match of {
            system::ICD10 => self.store.has(system::DISEASE_KEY),
            system::YJ | system::INGREDIENT | system::JFAGY_PRODUCT | system::JFAGY_INGREDIENT => {
                self.store.has(system::YJ) || self.has_prices()
            }
            system::PRICE_LIST => self.has_prices(),
            system::CORE_JLAC10
            | system::CORE_JLAC11
            | system::INFECTION_JLAC10
            | system::INFECTION_JLAC11 => self.has(Kind::LabItems),
            _ => self.store.has(of),
        };
        match is_there {
            false => Holding::Nothing,
            true if system::is_whole(of) => Holding::Whole,
            true => Holding::Part,
        }
    }

    /// How many codes of a system are here.
    pub fn count(&self, of: &str) -> usize {
        match of {
            system::ICD10 => self.icd10().values(self.store).len(),
            system::INGREDIENT | system::JFAGY_INGREDIENT => self.stems().values(self.store).len(),
            _ if is_table(of) => self.store.count(of),
            _ => self.taken(of).len(),
        }
    }

    /// The codes of a system that are here, in their order.
    pub fn all(&self, of: &str) -> Vec<String> {
        match of {
            system::ICD10 => {
                self.icd10().values(self.store).into_iter().map(str::to_owned).collect()
            }
            system::INGREDIENT | system::JFAGY_INGREDIENT => {
                let begin = if of == system::INGREDIENT { "" } else { "GCM" };
                let stems = self.stems().values(self.store);
                stems.into_iter().map(|stem| format!("{begin}{stem}ZZZ")).collect()
            }
            _ => self.taken(of).into_iter().collect(),
        }
    }

    /// Those that stand in tables under other URLs.
    fn taken(&self, of: &str) -> BTreeSet<String> {
        let mut codes = BTreeSet::new();
        let items = |section: &'static str, table: &str, codes: &mut BTreeSet<String>| {
            self.store.walk(table, |item| {
                item.each_value(Property::Section, |own| {
                    if own == section {
                        codes.insert(item.code.to_owned());
                    }
                });
            });
        };
        match of {
            system::CORE_JLAC10 => items("検査", system::JLAC10, &mut codes),
            system::CORE_JLAC11 => items("検査", system::JLAC11, &mut codes),
            system::INFECTION_JLAC10 => items("感染症", system::JLAC10, &mut codes),
            system::INFECTION_JLAC11 => items("感染症", system::JLAC11, &mut codes),
            system::YJ | system::PRICE_LIST | system::JFAGY_PRODUCT => {
                let begin = if of == system::JFAGY_PRODUCT { "YCM" } else { "" };
                let mut take = |code: &str| codes.insert(format!("{begin}{code}"));
                if of != system::PRICE_LIST {
                    self.store.walk(system::YJ, |drug| {
                        take(drug.code);
                    });
                }
                self.store.walk(system::PRICE_LIST, |drug| {
                    take(drug.code);
                });
                self.by_price().pairs(self.store).for_each(|(price, _)| {
                    take(price);
                });
            }
            of => self.store.walk(of, |known| {
                codes.insert(known.code.to_owned());
            }),
        }
        codes
    }

    /// What is known of a code.
    ///
    /// # Errors
    /// Why it is none, or why nobody can say.
    pub fn described(&self, of: &str, code: &str) -> Result<Described, Standing> {
        let Fact { mut names, from, until } = match self.standing(of, code) {
            Standing::Known(fact) => fact,
            other => return Err(other),
        };
        let item = matches!(
            of,
            system::CORE_JLAC10
                | system::CORE_JLAC11
                | system::INFECTION_JLAC10
                | system::INFECTION_JLAC11
        );
        let (table, own) = match of {
            system::CORE_JLAC10 | system::INFECTION_JLAC10 => (system::JLAC10, code),
            system::CORE_JLAC11 | system::INFECTION_JLAC11 => (system::JLAC11, code),
            system::JFAGY_PRODUCT | system::JFAGY_MEDICATION if code.starts_with("YCM") => {
                (system::YJ, code.get(3..).unwrap_or_default())
            }
            of => (of, code),
        };
        let known = self.store.lookup(table, own);
        let known = known.or_else(|| {
            // A product that HOT does not have is in the price list.
            (table == system::YJ).then(|| self.store.lookup(system::PRICE_LIST, own)).flatten()
        });
        let mut concept = match known {
            Some(known) if item => known.latest(Kind::LabItems).cloned().unwrap_or_default(),
            Some(known) => known.concept,
            None => Concept::default(),
        };
        code.clone_into(&mut concept.code);
        (concept.from, concept.until) = (from, until);
        if names.is_empty() {
            return Ok(Described { concept, is_named: false, sought_by: Vec::new() });
        }
        let display = std::mem::replace(&mut concept.display, names.remove(0));
        let of_row =
            std::iter::once(display).chain(std::mem::replace(&mut concept.synonyms, names));
        let is_new = |name: &String| *name != concept.display && !concept.synonyms.contains(name);
        let sought_by = of_row.filter(is_new).collect();
        Ok(Described { concept, is_named: true, sought_by })
    }
}

/// Whether every code of it stands in the store's table of this URL.
fn is_table(of: &str) -> bool {
    !matches!(
        of,
        system::YJ
            | system::PRICE_LIST
            | system::JFAGY_PRODUCT
            | system::CORE_JLAC10
            | system::CORE_JLAC11
            | system::INFECTION_JLAC10
            | system::INFECTION_JLAC11
    )
}
