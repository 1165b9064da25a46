//! What the masters say of a code of any of their systems, and the way from one system to another.
//!
//! Most systems are tables of the store. Some have none of their own: ICD-10 codes stand in the rows of
//! diseases, YJ codes in HOT and in the price list, the items of the service are a part of JLAC10 and
//! JLAC11, and the codes of contraindicated drugs are made of YJ codes.

mod split;
mod standing;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::NaiveDate;

use crate::concept::Property;
use crate::kind::Kind;
use crate::store::{Known, Store};
use crate::system;

pub use split::{Part, Split};
pub use ways::Successor;

/// Imported masters, asked by code system. What has to be turned round for that is turned round once.
#[derive(Debug)]
pub struct Crosswalk<'s> {
    store: &'s Store,
    drugs: OnceLock<Drugs>,
    /// The ICD-10 codes that diseases have.
    icd10: OnceLock<BTreeSet<String>>,
    /// The first nine characters of YJ and price-list codes: ingredient, form and strength.
    stems: OnceLock<BTreeSet<String>>,
    names: OnceLock<split::Names>,
}

/// レセ電コード by the codes that stand in their rows.
#[derive(Debug, Default)]
struct Drugs {
    by_price: BTreeMap<String, Vec<String>>,
    by_generic: BTreeMap<String, Vec<String>>,
}

/// How a code stands in its system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Known(Fact),
    /// The masters of its system are loaded, and it is in none of them.
    Unknown,
    /// It is a code of this other system, which is for another category.
    Elsewhere(&'static str),
    /// Nothing that is loaded can tell.
    Unchecked(Unchecked),
}

/// Why it can't be told whether a code is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchecked {
    /// None of the masters that fill its system is loaded.
    NotLoaded(&'static [Kind]),
    /// What is loaded holds a part of its system, and it is not in that part; these masters hold more.
    Partial(&'static [Kind]),
    /// There is no master of its system.
    NoMaster,
}

/// What the masters say of a code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fact {
    /// Its display first; none where no master names it.
    pub names: Vec<String>,
    /// First and last day of use; `None` is open.
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
}

impl<'s> Crosswalk<'s> {
    pub fn new(store: &'s Store) -> Self {
        Crosswalk {
            store,
            drugs: OnceLock::new(),
            icd10: OnceLock::new(),
            stems: OnceLock::new(),
            names: OnceLock::new(),
        }
    }

    fn drugs(&self) -> &Drugs {
        self.drugs.get_or_init(|| {
            let mut drugs = Drugs::default();
            for known in self.store.all(system::RECEIPT_DRUG) {
                let concept = known.concept;
                for (property, index) in [
                    (Property::PriceList, &mut drugs.by_price),
                    (Property::GenericName, &mut drugs.by_generic),
                ] {
                    for value in concept.values(property) {
                        index.entry(value.clone()).or_default().push(concept.code.clone());
                    }
                }
            }
            drugs
        })
    }

    /// The receipt drugs of a price-list code.
    fn receipts_of_price(&self, code: &str) -> &[String] {
        self.drugs().by_price.get(code).map(Vec::as_slice).unwrap_or_default()
    }

    fn has_icd10(&self, code: &str) -> bool {
        let icd10 = self.icd10.get_or_init(|| {
            let mut icd10 = BTreeSet::new();
            for known in self.store.all(system::DISEASE_KEY) {
                for property in [Property::Icd10, Property::Icd10Second] {
                    icd10.extend(known.concept.values(property).iter().cloned());
                }
            }
            icd10
        });
        icd10.contains(code)
    }

    fn has_stem(&self, stem: &str) -> bool {
        let stems = self.stems.get_or_init(|| {
            let systems = [system::YJ, system::PRICE_LIST].into_iter();
            let mut stems: BTreeSet<String> = systems
                .flat_map(|system| self.store.all(system))
                .filter_map(|known| Some(known.concept.code.get(..9)?.to_owned()))
                .collect();
            let prices = self.drugs().by_price.keys();
            stems.extend(prices.filter_map(|price| Some(price.get(..9)?.to_owned())));
            stems
        });
        stems.contains(stem)
    }
}

/// What the master says of a code, as one of its masters has it.
fn of_kind(known: &Known, kind: Kind, property: Property) -> Vec<String> {
    let edition = known.editions.get(&kind).and_then(|editions| editions.last());
    edition.map(|edition| edition.concept.values(property).to_vec()).unwrap_or_default()
}
