//! What is compared of a code beside its names, and how a house code and a standard code compare.

use strsim::sorensen_dice;

use super::drug::{self, Parts};
use super::entries::Entry;
use super::lab;
use super::normal::normal;
use super::weigh::{Features, feature};
use super::{Asked, Domain, Facet, HouseCode, Near, Reason};
use crate::concept::Property;

/// Names of one code that are compared letter by letter.
const NAMES_COMPARED_MAX: usize = 8;
/// Letters that JLAC10 has before its material, and behind it.
const JLAC10_MATERIAL: std::ops::Range<usize> = 9..12;
const JLAC10_LETTERS: usize = 17;

#[derive(Debug, Default)]
pub(super) struct Traits {
    /// Names without what the domain takes out of them; normalised.
    bases: Vec<String>,
    drug: Parts,
    makers: Vec<String>,
    ingredients: Vec<String>,
    units: Vec<String>,
    materials: Vec<String>,
    methods: Vec<String>,
    result: Option<lab::Result>,
    /// FHIR識別名
    item: Option<String>,
    /// Of how many reagents: an item that many use is likelier.
    reagents: usize,
}

/// A facet, whether both sides are the same (`None`: one says nothing), and what they say.
type Compared = (Facet, Option<bool>, Vec<String>, Vec<String>);

/// Whether a code is that of a disease by its 管理番号.
pub(super) fn is_of_key(entry: &Entry, key: &str) -> bool {
    entry.code == key || entry.concept.values(Property::KeyNumber).iter().any(|own| own == key)
}

impl Traits {
    pub fn of(domain: Domain, entry: &Entry) -> Self {
        let concept = &entry.concept;
        let names = std::iter::once(&concept.display).chain(&concept.synonyms);
        let names = names.take(NAMES_COMPARED_MAX).map(String::as_str);
        let values = |property| concept.values(property).iter().map(String::as_str);
        let mut traits = Traits::named(domain, names);
        match domain {
            Domain::Drug => {
                values(Property::Strength).for_each(|text| traits.drug.add_listed(text));
                traits.makers.extend(values(Property::Maker).map(normal));
                traits.ingredients = values(Property::Ingredient).map(normal).collect();
            }
            Domain::Lab => {
                traits.units = values(Property::Unit).map(lab::unit).collect();
                traits.materials = values(Property::Material).map(lab::material).collect();
                let jlac10 = concept.code.len() == JLAC10_LETTERS && traits.materials.len() == 1;
                let digits = concept.code.get(JLAC10_MATERIAL).filter(|_| jlac10);
                traits.materials.extend(digits.map(str::to_owned));
                traits.methods = values(Property::Method).map(lab::method).collect();
                let in_unit = values(Property::Unit).find_map(lab::Result::in_text);
                let kind = values(Property::ValueType).find_map(|kind| match kind {
                    "数値型" => Some(lab::Result::Number),
                    "コード型" => Some(lab::Result::Word),
                    _ => None,
                });
                let ordered = in_unit.filter(|result| *result == lab::Result::Order);
                traits.result = ordered.or(traits.result).or(in_unit).or(kind);
                traits.item = concept.values(Property::Item).first().cloned();
                let others = [Property::Jlac10, Property::Jlac11];
                traits.reagents = others.map(|other| concept.values(other).len()).iter().sum();
            }
            Domain::Disease | Domain::Modifier | Domain::Allergen => {}
        }
        traits
    }

    pub fn of_house(domain: Domain, house: &HouseCode) -> Self {
        let mut traits = Traits::named(domain, house.names.iter().map(String::as_str));
        match domain {
            Domain::Drug => {
                house.strength.iter().for_each(|text| traits.drug.add(text));
                let form = house.form.as_deref().and_then(drug::form_of);
                traits.drug.form = form.or(traits.drug.form);
                if let Some(maker) = &house.maker {
                    traits.makers = vec![normal(maker)];
                }
                traits.ingredients = house.ingredient.iter().map(|text| normal(text)).collect();
            }
            Domain::Lab => {
                let values = house.values.iter().map(|values| values.unit.as_str());
                let units = house.unit.iter().map(String::as_str).chain(values);
                let mut units: Vec<String> = units.map(lab::unit).collect();
                units.retain(|unit| !unit.is_empty());
                traits.units = units;
                let in_name = || house.names.iter().find_map(|name| lab::material_in_name(name));
                let own = house.material.as_deref().map(|text| match text.trim() {
                    digits if digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                        digits.to_owned()
                    }
                    text => lab::material(text),
                });
                traits.materials = own.or_else(in_name).into_iter().collect();
                traits.methods = house.method.iter().map(|text| lab::method(text)).collect();
                let numbers: u64 = house.values.iter().map(|values| values.count).sum();
                let seen = match (numbers, house.texts) {
                    (0, 0) => None,
                    (numbers, texts) if numbers >= texts => Some(lab::Result::Number),
                    _ => Some(lab::Result::Word),
                };
                traits.result = traits.result.or(seen);
            }
            Domain::Disease | Domain::Modifier | Domain::Allergen => {}
        }
        traits.makers.retain(|maker| !maker.is_empty());
        traits
    }

    fn named<'n>(domain: Domain, names: impl Iterator<Item = &'n str>) -> Self {
        let mut traits = Traits::default();
        for (place, name) in names.enumerate() {
            let base = match domain {
                Domain::Drug => {
                    let parts = Parts::of(name);
                    traits.makers.extend(parts.maker.clone());
                    let base = parts.base.clone();
                    if place == 0 {
                        traits.drug = parts;
                    }
                    base
                }
                _ => normal(name),
            };
            if domain == Domain::Lab {
                traits.result = traits.result.or_else(|| lab::Result::in_text(name));
            }
            if !base.is_empty() && !traits.bases.contains(&base) {
                traits.bases.push(base);
            }
        }
        traits
    }
}

/// The greatest likeness of two of them; `None` if one side has nothing.
fn alike(one: &[String], other: &[String]) -> Option<f64> {
    let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
    pairs.map(|(one, other)| sorensen_dice(one, other)).max_by(f64::total_cmp)
}

fn shared(one: &[String], other: &[String]) -> Option<bool> {
    let both = !one.is_empty() && !other.is_empty();
    both.then(|| one.iter().any(|one| other.contains(one)))
}

/// サワイ and 沢井製薬 are not seen to be one; サワイ and サワイ製薬 are.
fn makers(one: &[String], other: &[String]) -> Option<bool> {
    let both = !one.is_empty() && !other.is_empty();
    let within =
        |a: &String| other.iter().any(|b| a.contains(b.as_str()) || b.contains(a.as_str()));
    both.then(|| one.iter().any(within))
}

impl Asked<'_> {
    pub fn features(&self, near: &Near) -> Features {
        let (own, there) = (&self.traits, &self.index.traits[near.entry]);
        let mut features = Features::default();
        let mut set = |place: usize, value: f64| features[place] = value;
        for reason in self.exact(near) {
            match reason {
                Reason::Code => set(feature::CODE, 1.0),
                Reason::Name { .. } => set(feature::NAME, 1.0),
                Reason::Reading { .. } => set(feature::READING, 1.0),
                Reason::Short { .. } => set(feature::SHORT, 1.0),
                Reason::Parts { .. } => set(feature::PARTS, 1.0),
                Reason::Similar { .. }
                | Reason::Part { .. }
                | Reason::Same { .. }
                | Reason::Other { .. } => {}
            }
        }
        set(feature::SIMILAR, near.similar);
        set(feature::BASE, alike(&own.bases, &there.bases).unwrap_or(0.0));
        if let Some(met) = drug::compared(&own.drug.strengths, &there.drug.strengths) {
            set(feature::STRENGTH_SAME, met);
            set(feature::STRENGTH_OTHER, f64::from(met == 0.0));
        }
        let mut both = |same: Option<bool>, places: [usize; 2]| {
            if let Some(same) = same {
                set(places[usize::from(!same)], 1.0);
            }
        };
        let form = own.drug.form.zip(there.drug.form);
        both(form.map(|(a, b)| a == b), [feature::FORM_SAME, feature::FORM_OTHER]);
        both(makers(&own.makers, &there.makers), [feature::MAKER_SAME, feature::MAKER_OTHER]);
        both(shared(&own.units, &there.units), [feature::UNIT_SAME, feature::UNIT_OTHER]);
        let material = shared(&own.materials, &there.materials);
        both(material, [feature::MATERIAL_SAME, feature::MATERIAL_OTHER]);
        both(self.fits(near), [feature::VALUES_SAME, feature::VALUES_OTHER]);
        let result = own.result.zip(there.result).map(|(a, b)| a == b);
        both(result, [feature::RESULT_SAME, feature::RESULT_OTHER]);
        if let Some(method) = alike(&own.methods, &there.methods) {
            set(feature::METHOD, method - 0.5);
            set(feature::METHOD_EXACT, f64::from(method > 0.999));
        }
        if let Some(ingredient) = alike(&own.ingredients, &there.ingredients) {
            set(feature::INGREDIENT, ingredient - 0.5);
        }
        set(feature::COMMON, (1.0 + there.reagents as f64).ln() / 5.0);
        features
    }

    fn fits(&self, near: &Near) -> Option<bool> {
        let there = &self.index.traits[near.entry];
        let item = there.item.as_deref().filter(|_| !self.house.values.is_empty())?;
        lab::plausible(item, &there.methods, &self.house.values)
    }

    /// What is the same, letter by letter.
    fn exact(&self, near: &Near) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let entry = &self.index.entries[near.entry];
        if self.code == Some(near.entry) {
            reasons.push(Reason::Code);
        }
        let named = |names: &[String]| {
            let own = std::iter::once(&entry.concept.display).chain(&entry.concept.synonyms);
            own.into_iter().find(|own| names.contains(&normal(own))).cloned()
        };
        let place = u32::try_from(near.entry).unwrap_or(u32::MAX);
        let known = |names: &[String]| {
            names.iter().any(|name| self.index.names.exact(name).contains(&place))
        };
        match known(&self.names).then(|| named(&self.names)).flatten() {
            Some(name) => reasons.push(Reason::Name { name }),
            None if known(&self.short) => {
                reasons.extend(named(&self.short).map(|name| Reason::Short { name }));
            }
            None => {}
        }
        let read = entry.concept.kana.as_ref().filter(|kana| {
            let kana = normal(kana);
            !kana.is_empty() && (self.kana.as_ref() == Some(&kana) || self.names.contains(&kana))
        });
        reasons.extend(read.map(|reading| Reason::Reading { reading: reading.clone() }));
        if let Some(split) = self.split.as_ref().filter(|one| is_of_key(entry, &one.disease.key)) {
            let names = |parts: &[crate::crosswalk::Part]| {
                parts.iter().map(|part| part.name.clone()).collect()
            };
            let (prefixes, suffixes) = (names(&split.prefixes), names(&split.suffixes));
            reasons.push(Reason::Parts { prefixes, suffixes });
        }
        reasons
    }

    /// Why it is a candidate: what is exact, how alike it is, what speaks for it, what against it.
    pub fn reasons(&self, near: &Near) -> Vec<Reason> {
        let mut reasons = self.exact(near);
        if !reasons.iter().any(|reason| matches!(reason, Reason::Name { .. })) {
            // 0 to 100.
            let percent = (near.similar * 100.0).round().clamp(0.0, 100.0) as u8;
            reasons.push(Reason::Similar { percent });
        }
        let known = self.facets(near).into_iter().filter_map(|(facet, same, house, master)| {
            Some((same?, facet, house.join(" "), master.join(" ")))
        });
        let (same, other): (Vec<_>, Vec<_>) = known.partition(|(same, ..)| *same);
        let same = same.into_iter().map(|(_, facet, value, _)| Reason::Same { facet, value });
        reasons.extend(same);
        let other = other.into_iter();
        reasons.extend(other.map(|(_, facet, house, master)| Reason::Other {
            facet,
            house,
            master,
        }));
        reasons
    }

    fn facets(&self, near: &Near) -> [Compared; 9] {
        let (own, there) = (&self.traits, &self.index.traits[near.entry]);
        let one = |text: Option<&str>| text.map(str::to_owned).into_iter().collect::<Vec<_>>();
        let strengths =
            |parts: &Parts| parts.strengths.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
        let results = |of: Option<lab::Result>| one(of.map(lab::Result::name));
        let strength = drug::compared(&own.drug.strengths, &there.drug.strengths);
        let form = own.drug.form.zip(there.drug.form).map(|(a, b)| a == b);
        let (own_strengths, strengths) = (strengths(&own.drug), strengths(&there.drug));
        let values: Vec<String> = self.house.values.iter().map(told_of).collect();
        let result = own.result.zip(there.result).map(|(a, b)| a == b);
        let lists = |facet, same, own: &[String], there: &[String]| {
            (facet, same, own.to_vec(), there.to_vec())
        };
        let mostly = |alike: Option<f64>| alike.map(|alike| alike > 0.5);
        let ingredients = mostly(alike(&own.ingredients, &there.ingredients));
        let methods = mostly(alike(&own.methods, &there.methods));
        let materials = shared(&own.materials, &there.materials);
        [
            (Facet::Strength, strength.map(|met| met > 0.0), own_strengths, strengths),
            (Facet::Form, form, one(own.drug.form), one(there.drug.form)),
            lists(Facet::Maker, makers(&own.makers, &there.makers), &own.makers, &there.makers),
            lists(Facet::Ingredient, ingredients, &own.ingredients, &there.ingredients),
            lists(Facet::Unit, shared(&own.units, &there.units), &own.units, &there.units),
            lists(Facet::Material, materials, &own.materials, &there.materials),
            lists(Facet::Method, methods, &own.methods, &there.methods),
            (Facet::Values, self.fits(near), values, one(there.item.as_deref())),
            (Facet::Result, result, results(own.result), results(there.result)),
        ]
    }
}

/// As a person reads it: the median and its unit.
fn told_of(values: &super::Values) -> String {
    format!("{} {}", values.median, values.unit).trim_end().to_owned()
}
