//! What the masters say of a code of any of their systems, and the way from one system to another.
//!
//! Most systems are tables of the store. Some have none of their own: ICD-10 codes stand in the rows of
//! diseases, YJ codes in HOT and in the price list, the items of the service are a part of JLAC10 and
//! JLAC11, and the codes of contraindicated drugs are made of YJ codes.

mod holding;
pub(crate) mod split;
mod standing;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;

use crate::concept::Property;
use crate::kind::Kind;
use crate::store::{Known, Store};
use crate::system;

pub use holding::{Described, Holding};
pub use split::{Part, Split};
pub use ways::Successor;

/// Imported masters, asked by code system.
#[derive(Debug)]
pub struct Crosswalk<'s> {
    store: &'s Store,
    inverses: Arc<Inverses>,
}

/// What has to be turned round to be asked, each once and when it is first asked for. It belongs to one
/// store.
#[derive(Debug, Default)]
pub struct Inverses {
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
        Crosswalk::with(store, &Arc::default())
    }

    /// With what was turned round before, of the same store.
    pub fn with(store: &'s Store, inverses: &Arc<Inverses>) -> Self {
        Crosswalk { store, inverses: Arc::clone(inverses) }
    }

    /// The masters that tell of the codes of a system, also of one without a table of its own.
    pub fn kinds(&self, of: &str) -> Vec<Kind> {
        match of {
            system::ICD10 => vec![Kind::ReceiptDisease, Kind::MedisDisease],
            system::YJ | system::JFAGY_PRODUCT | system::JFAGY_INGREDIENT | system::INGREDIENT => {
                vec![Kind::Hot, Kind::PriceList, Kind::ReceiptDrug]
            }
            system::CORE_JLAC10
            | system::CORE_JLAC11
            | system::INFECTION_JLAC10
            | system::INFECTION_JLAC11 => vec![Kind::LabItems],
            of => Kind::of_system(of).to_vec(),
        }
    }

    fn drugs(&self) -> &Drugs {
        self.inverses.drugs.get_or_init(|| {
            let mut drugs = Drugs::default();
            self.store.walk(system::RECEIPT_DRUG, |drug| {
                for (property, index) in [
                    (Property::PriceList, &mut drugs.by_price),
                    (Property::GenericName, &mut drugs.by_generic),
                ] {
                    drug.each_value(property, |value| {
                        index.entry(value.to_owned()).or_default().push(drug.code.to_owned());
                    });
                }
            });
            drugs
        })
    }

    /// The receipt drugs of a price-list code.
    fn receipts_of_price(&self, code: &str) -> &[String] {
        self.drugs().by_price.get(code).map(Vec::as_slice).unwrap_or_default()
    }

    fn icd10(&self) -> &BTreeSet<String> {
        self.inverses.icd10.get_or_init(|| {
            let mut icd10 = BTreeSet::new();
            self.store.walk(system::DISEASE_KEY, |disease| {
                for property in [Property::Icd10, Property::Icd10Second] {
                    disease.each_value(property, |value| {
                        if !icd10.contains(value) {
                            icd10.insert(value.to_owned());
                        }
                    });
                }
            });
            icd10
        })
    }

    fn stems(&self) -> &BTreeSet<String> {
        self.inverses.stems.get_or_init(|| {
            let mut stems = BTreeSet::new();
            let mut take = |code: &str| {
                if let Some(stem) = code.get(..9).filter(|stem| !stems.contains(*stem)) {
                    stems.insert(stem.to_owned());
                }
            };
            for of in [system::YJ, system::PRICE_LIST] {
                self.store.walk(of, |drug| take(drug.code));
            }
            self.drugs().by_price.keys().for_each(|price| take(price));
            stems
        })
    }
}

/// What the master says of a code, as one of its masters has it.
fn of_kind(known: &Known, kind: Kind, property: Property) -> Vec<String> {
    known.latest(kind).map(|concept| concept.values(property).to_vec()).unwrap_or_default()
}
