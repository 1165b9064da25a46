//! Standard codes for a house's own (院内コードの候補): ranked, each with how likely it is the right one and
//! why. Nothing here decides: a person does.
//!
//! An [`Index`] is made once for a code system and a store. A house code is compared with every name of
//! the system; the nearest are then weighed by what the domain knows: 規格, 剤形 and maker of a drug; unit,
//! material, method and the hospital's own results of an item; the parts of a disease's name.

mod drug;
mod entries;
mod index;
mod lab;
mod normal;
mod traits;
mod weigh;

use chrono::NaiveDate;

use crate::concept::Concept;
use crate::crosswalk::split::{Split, WrittenNames, split};
use crate::kind::Kind;
use crate::store::Store;
use crate::system;

use entries::Entry;
use index::Names;
use normal::{normal, trimmed};
use traits::Traits;
pub use weigh::{Calibration, FEATURES, Features, Weights, feature};

/// A house code (院内コード) with all that the house knows of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HouseCode {
    pub code: String,
    /// As the house writes it; several where its rows differ.
    pub names: Vec<String>,
    /// 読み
    pub kana: Option<String>,
    /// 単位
    pub unit: Option<String>,
    /// 材料, by name or by JLAC10's three digits.
    pub material: Option<String>,
    /// 測定法
    pub method: Option<String>,
    /// 成分
    pub ingredient: Option<String>,
    /// 規格
    pub strength: Option<String>,
    /// 剤形
    pub form: Option<String>,
    pub maker: Option<String>,
    /// Its numeric results, by unit.
    pub values: Vec<Values>,
    /// Results that are no numbers.
    pub texts: u64,
}

/// How the numbers of a house code are distributed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    pub unit: String,
    pub count: u64,
    /// 5 % are below it.
    pub low: f64,
    pub median: f64,
    /// 5 % are above it.
    pub high: f64,
}

/// What a code system is about, and so what is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Disease,
    Modifier,
    Drug,
    Lab,
    Allergen,
}

/// A standard code that may be the one.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub code: String,
    pub display: String,
    /// How likely it is the right one, 0 to 1; those of all candidates of a system add up to 1 at most.
    pub score: f64,
    /// What speaks for it, then what speaks against it.
    pub reasons: Vec<Reason>,
}

impl Candidate {
    /// The very code or name is that of the house.
    pub fn is_exact(&self) -> bool {
        self.reasons.iter().any(|reason| matches!(reason, Reason::Code | Reason::Name { .. }))
    }
}

/// Why a code is a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// The house code is the standard code.
    Code,
    Name {
        name: String,
    },
    Reading {
        reading: String,
    },
    /// The house's name without its remarks.
    Short {
        name: String,
    },
    Similar {
        percent: u8,
    },
    /// This modifier is a part of the house's name, beside the disease.
    Part {
        disease: String,
    },
    /// The house's name is this disease with these modifiers (修飾語).
    Parts {
        prefixes: Vec<String>,
        suffixes: Vec<String>,
    },
    Same {
        facet: Facet,
        value: String,
    },
    Other {
        facet: Facet,
        house: String,
        master: String,
    },
}

/// What the domain compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    Strength,
    Form,
    Maker,
    Ingredient,
    Unit,
    Material,
    Method,
    /// The hospital's own numbers.
    Values,
    /// Number, step or word: 定量, 半定量, 定性.
    Result,
}

impl Reason {
    /// For programs; never changes its meaning.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Code => "exact-code",
            Self::Name { .. } => "exact-name",
            Self::Reading { .. } => "exact-reading",
            Self::Short { .. } => "exact-short-name",
            Self::Similar { .. } => "similar-name",
            Self::Part { .. } => "part",
            Self::Parts { .. } => "parts",
            Self::Same { facet, .. } => facet.words().0,
            Self::Other { facet, .. } => facet.words().1,
        }
    }
}

impl Facet {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Strength => ("same-strength", "other-strength"),
            Self::Form => ("same-form", "other-form"),
            Self::Maker => ("same-maker", "other-maker"),
            Self::Ingredient => ("same-ingredient", "other-ingredient"),
            Self::Unit => ("same-unit", "other-unit"),
            Self::Material => ("same-material", "other-material"),
            Self::Method => ("same-method", "other-method"),
            Self::Values => ("fitting-values", "other-values"),
            Self::Result => ("same-result", "other-result"),
        }
    }
}

/// Why nothing can be suggested for a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsearchable {
    /// None of the masters that name its codes is loaded.
    NotLoaded(&'static [Kind]),
    /// There is no master of it.
    NoMaster,
}

/// Candidates that are weighed: the nearest, and those that are as near as the last of them.
const NEAREST: usize = 64;
const NEAREST_MAX: usize = 512;
/// Names that are this far away are other names.
const NEAR: f32 = 0.12;
/// Shorter codes are alike by accident.
const CODE_LETTERS_MIN: usize = 7;
/// Longer names are nobody's.
const NAME_LETTERS_MAX: usize = 200;

/// All codes of a system that are in use on a day, ready to be compared.
#[derive(Debug)]
pub struct Index {
    domain: Domain,
    /// In the order of their codes.
    entries: Vec<Entry>,
    traits: Vec<Traits>,
    names: Names,
    /// Of diseases.
    split: Option<WrittenNames>,
}

impl Index {
    /// # Errors
    /// No master that names codes of this system is loaded, or there is none.
    pub fn new(store: &Store, of: &str, day: NaiveDate) -> Result<Self, Unsearchable> {
        let domain = entries::domain(of).ok_or(Unsearchable::NoMaster)?;
        let mut entries = entries::entries(store, of, day)?;
        entries.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        let mut texts = Vec::new();
        for (place, entry) in (0u32..).zip(&entries) {
            let mut own: Vec<String> = written(&entry.concept).map(normal).collect();
            own.sort_unstable();
            own.dedup();
            own.retain(|text| !text.is_empty());
            texts.extend(own.into_iter().map(|text| (place, text)));
        }
        let is_key = of != system::ICD10 && domain == Domain::Disease;
        let split = is_key.then(|| WrittenNames::of(store, normal));
        let traits = entries.iter().map(|entry| Traits::of(domain, entry)).collect();
        Ok(Index { domain, names: Names::new(&texts), traits, entries, split })
    }

    pub fn domain(&self) -> Domain {
        self.domain
    }

    /// Codes that can be suggested.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// The likeliest codes, with what speaks for and against each.
    pub fn rank(&self, house: &HouseCode, most: usize) -> Vec<Candidate> {
        let asked = Asked::of(self, house);
        let near = self.near(&asked);
        let features: Vec<Features> = near.iter().map(|near| asked.features(near)).collect();
        let scores = Weights::of(self.domain).scores(&features);
        let mut ranked: Vec<(f64, usize)> = scores.into_iter().zip(0..).collect();
        let code = |place: usize| &self.entries[near[place].entry].code;
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| code(a.1).cmp(code(b.1))));
        let mut likely: Vec<f64> = ranked.iter().map(|(likely, _)| *likely).collect();
        Calibration::of(self.domain).set_right(&mut likely);
        let told = ranked.into_iter().zip(likely).take(most).map(|((_, place), score)| {
            let entry = &self.entries[near[place].entry];
            Candidate {
                code: entry.code.clone(),
                display: entry.concept.display.clone(),
                score,
                reasons: asked.reasons(&near[place]),
            }
        });
        told.collect()
    }

    /// The house's name as a disease with modifiers, where it is one.
    pub fn split(&self, house: &HouseCode) -> Option<Split> {
        Asked::of(self, house).split
    }

    /// What is weighed, for who fits the weights (`examples/suggest`).
    pub fn features(&self, house: &HouseCode) -> Vec<(&str, Features)> {
        let asked = Asked::of(self, house);
        let near = self.near(&asked);
        near.iter()
            .map(|near| (self.entries[near.entry].code.as_str(), asked.features(near)))
            .collect()
    }

    /// The codes that are worth weighing.
    fn near(&self, asked: &Asked<'_>) -> Vec<Near> {
        let mut nearest = vec![0f32; self.entries.len()];
        for text in asked.names.iter().chain(&asked.short).chain(&asked.kana).chain(&asked.content)
        {
            self.names.nearest(text, &mut nearest);
        }
        let mut chosen: Vec<(f32, usize)> =
            nearest.iter().copied().zip(0..).filter(|(score, _)| *score >= NEAR).collect();
        chosen.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        if let Some(last) = chosen.get(NEAREST).map(|(score, _)| *score - 1e-6) {
            let end = chosen.partition_point(|(score, _)| *score >= last);
            chosen.truncate(end.min(NEAREST_MAX));
        }
        let exact = asked.names.iter().chain(&asked.short).chain(&asked.kana);
        let exact = exact.flat_map(|text| self.names.exact(text).iter().map(|own| *own as usize));
        let base = asked.split.as_ref().map(|split| split.disease.key.as_str());
        let base = base.into_iter().flat_map(|key| self.of_key(key));
        let places = exact.take(NEAREST_MAX).chain(asked.code).chain(base);
        for place in places.collect::<Vec<_>>() {
            if !chosen.iter().any(|(_, known)| *known == place) {
                chosen.push((nearest[place], place));
            }
        }
        let near = |(similar, entry)| Near { similar: f64::from(similar), entry };
        chosen.into_iter().map(near).collect()
    }

    /// By 管理番号.
    fn of_key(&self, key: &str) -> Vec<usize> {
        let own = |entry: &Entry| traits::is_of_key(entry, key);
        (0..self.entries.len()).filter(|place| own(&self.entries[*place])).collect()
    }

    fn place(&self, code: &str) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.code.as_str().cmp(code)).ok()
    }
}

/// Everything that a code is called.
fn written(concept: &Concept) -> impl Iterator<Item = &str> {
    let own = std::iter::once(&concept.display).chain(&concept.synonyms).chain(&concept.kana);
    own.map(String::as_str)
}

/// A code that is compared with the house's.
struct Near {
    entry: usize,
    /// How alike their names are, 0 to 1.
    similar: f64,
}

/// A house code, ready to be compared.
struct Asked<'a> {
    index: &'a Index,
    house: &'a HouseCode,
    /// Normalised.
    names: Vec<String>,
    /// Without remarks.
    short: Vec<String>,
    kana: Option<String>,
    /// 成分 with 規格: what a product is found by whose brand says nothing.
    content: Option<String>,
    traits: Traits,
    split: Option<Split>,
    /// The code that the house code is.
    code: Option<usize>,
}

impl<'a> Asked<'a> {
    fn of(index: &'a Index, house: &'a HouseCode) -> Self {
        let written = house.names.iter().map(|name| {
            let end = name.char_indices().nth(NAME_LETTERS_MAX);
            end.map_or(name.as_str(), |(end, _)| &name[..end])
        });
        let written: Vec<&str> = written.collect();
        let texts = |names: Vec<String>| -> Vec<String> {
            let mut texts: Vec<String> = names.iter().map(|name| normal(name)).collect();
            texts.retain(|text| !text.is_empty());
            texts.dedup();
            texts
        };
        let names = texts(written.iter().map(|name| (*name).to_owned()).collect());
        // With as few of its remarks left out as makes it a name of the master.
        let short = texts(
            written
                .iter()
                .filter_map(|name| {
                    let mut shorter = trimmed(name);
                    let known = |text: &String| !index.names.exact(&normal(text)).is_empty();
                    let place = shorter.iter().position(known).or(shorter.len().checked_sub(1))?;
                    Some(shorter.swap_remove(place))
                })
                .collect(),
        );
        let split = index.split.as_ref().and_then(|all| {
            let mut splits = names.iter().filter_map(|name| split(all, name));
            splits.find(Split::has_modifiers)
        });
        let long_enough = house.code.len() >= CODE_LETTERS_MIN;
        Asked {
            index,
            house,
            kana: house.kana.as_deref().map(normal).filter(|kana| !kana.is_empty()),
            content: house.ingredient.as_ref().map(|ingredient| {
                normal(&format!("{ingredient}{}", house.strength.as_deref().unwrap_or_default()))
            }),
            traits: Traits::of_house(index.domain, house),
            split,
            code: index.place(&house.code).filter(|_| long_enough),
            names,
            short,
        }
    }
}

#[cfg(test)]
mod tests;
