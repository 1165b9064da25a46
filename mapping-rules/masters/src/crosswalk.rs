//! What the masters say of a code of any of their systems, and the way from one system to another.
//!
//! Most systems are tables of the store. Some have none of their own: ICD-10 codes stand in the rows of
//! diseases, YJ codes in HOT and in the price list, the items of the service are a part of JLAC10 and
//! JLAC11, and the codes of contraindicated drugs are made of YJ codes.

mod holding;
pub(crate) mod split;
mod standing;
mod turned;
mod ways;

use std::sync::OnceLock;

use chrono::NaiveDate;

use crate::concept::Property;
use crate::kind::Kind;
use crate::store::{Known, Store};
use crate::system;

use turned::Turned;

pub use holding::{Described, Holding};
pub use split::{Part, Split};
pub use ways::Successor;

/// Imported masters, asked by code system.
#[derive(Debug, Clone, Copy)]
pub struct Crosswalk<'s> {
    store: &'s Store,
}

/// What has to be turned round to be asked, each once and when it is first asked for. A [`Store`] keeps
/// its own.
#[derive(Debug, Default)]
pub(crate) struct Inverses {
    /// レセ電コード by 薬価基準コード
    by_price: OnceLock<Turned>,
    /// レセ電コード by 一般名コード
    by_generic: OnceLock<Turned>,
    /// YJ codes by レセ電コード, as HOT has them.
    by_receipt: OnceLock<Turned>,
    /// The ICD-10 codes that diseases have.
    icd10: OnceLock<Turned>,
    /// The first nine characters of YJ and price-list codes: ingredient, form and strength.
    stems: OnceLock<Turned>,
    names: OnceLock<split::OwnNames>,
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
        Crosswalk { store }
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

    /// The receipt drugs of a 薬価基準コード.
    fn receipts_of_price(&self, code: &str) -> Vec<&'s str> {
        self.by_price().codes(self.store, code)
    }

    fn by_price(&self) -> &'s Turned {
        let turned = || self.receipts_by(Property::PriceList);
        self.store.inverses().by_price.get_or_init(turned)
    }

    /// The receipt drugs of a 一般名コード.
    fn receipts_of_generic(&self, code: &str) -> Vec<&'s str> {
        let turned = || self.receipts_by(Property::GenericName);
        self.store.inverses().by_generic.get_or_init(turned).codes(self.store, code)
    }

    /// The YJ codes of a receipt drug: those that HOT has for it, or its 薬価基準コード, if that is not one of
    /// several drugs (統一名収載).
    fn products_of_receipt(&self, receipt: &Known) -> Vec<&'s str> {
        let by_receipt = self.store.inverses().by_receipt.get_or_init(|| {
            let mut products = Turned::default();
            self.store.walk(system::YJ, |drug| {
                drug.each_value(Property::Receipt, |value| {
                    products.add(self.store, value, drug.code);
                });
            });
            products
        });
        let own = by_receipt.codes(self.store, &receipt.concept.code);
        if !own.is_empty() {
            return own;
        }
        let prices = receipt.concept.values(Property::PriceList).iter();
        let of_one = prices.filter(|price| !system::is_of_several_makers(price));
        of_one.flat_map(|price| self.by_price().value(self.store, price)).collect()
    }

    fn receipts_by(&self, property: Property) -> Turned {
        let mut receipts = Turned::default();
        self.store.walk(system::RECEIPT_DRUG, |drug| {
            drug.each_value(property, |value| receipts.add(self.store, value, drug.code));
        });
        receipts
    }

    fn icd10(&self) -> &'s Turned {
        self.store.inverses().icd10.get_or_init(|| {
            let mut icd10 = Turned::default();
            self.store.walk(system::DISEASE_KEY, |disease| {
                for property in [Property::Icd10, Property::Icd10Second] {
                    disease.each_value(property, |value| {
                        icd10.add_first(self.store, value, disease.code);
                    });
                }
            });
            icd10
        })
    }

    fn stems(&self) -> &'s Turned {
        self.store.inverses().stems.get_or_init(|| {
            let mut stems = Turned::default();
            let mut take = |code: &str| {
                if let Some(stem) = code.get(..9) {
                    stems.add_first(self.store, stem, code);
                }
            };
            for of in [system::YJ, system::PRICE_LIST] {
                self.store.walk(of, |drug| take(drug.code));
            }
            self.by_price().pairs(self.store).for_each(|(price, _)| take(price));
            stems
        })
    }
}

/// What the master says of a code, as one of its masters has it.
fn of_kind(known: &Known, kind: Kind, property: Property) -> Vec<String> {
    known.latest(kind).map(|concept| concept.values(property).to_vec()).unwrap_or_default()
}
