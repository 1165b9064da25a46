//! What the house codes of a map may be (院内コードの候補): the candidates of each of its targets, and the
//! `proposed` rows that they become.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use genkan_masters::suggest::{Candidate, Facet, HouseCode, Index, Reason, Unsearchable};
use genkan_masters::{Crosswalk, Kind, Standing, Store, system};

use super::review::State;
use super::{CodeMap, MapRow, Target};
use crate::diagnostic::Text;

/// A standard code that a house code may be, for one target of its map.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    pub target: String,
    pub system: String,
    pub candidate: Candidate,
    /// No other code of the target has the house's very code or name, and this one has it.
    pub is_only_exact: bool,
}

/// Makes candidates out of the masters. What is compared is put in order once for each code system, when
/// it is asked for the first time.
#[derive(Debug)]
pub struct Suggester {
    masters: Arc<Store>,
    indexes: Mutex<BTreeMap<String, Dated>>,
}

type Indexed = Result<Index, Unsearchable>;
/// The day for which it holds, and the codes of that day.
type Dated = (NaiveDate, Arc<Indexed>);

/// Enough to see whether a second code has the same name.
const RANKED_MIN: usize = 8;

impl Suggester {
    pub fn new(masters: Arc<Store>) -> Self {
        Suggester { masters, indexes: Mutex::default() }
    }

    fn index(&self, of: &str, day: NaiveDate) -> Arc<Indexed> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        match indexes.get(of) {
            Some((known, index)) if *known == day => Arc::clone(index),
            _ => {
                let index = Arc::new(Index::new(&self.masters, of, day));
                indexes.insert(of.to_owned(), (day, Arc::clone(&index)));
                index
            }
        }
    }

    /// Targets for which nothing can be suggested, and why.
    pub fn unsearchable(&self, map: &CodeMap, day: NaiveDate) -> Vec<(String, Unsearchable)> {
        let why = |target: &&Target| match &*self.index(&target.system, day) {
            Ok(_) => None,
            Err(why) => Some((target.id.clone(), *why)),
        };
        self.own(map).into_iter().filter_map(|target| why(&target)).collect()
    }

    /// Whether there is a target for which something can be suggested.
    pub fn is_searchable(&self, map: &CodeMap, day: NaiveDate) -> bool {
        self.own(map).iter().any(|target| self.index(&target.system, day).is_ok())
    }

    /// The targets that people map to: those that a master derives follow by themselves, and extensions
    /// are no codes of the whole.
    fn own<'m>(&self, map: &'m CodeMap) -> Vec<&'m Target> {
        let masters = Crosswalk::new(&self.masters);
        let derived = |target: &Target| {
            target.derive.as_ref().is_some_and(|derive| masters.has(derive.table))
        };
        let own = map.targets.iter().filter(|target| target.extension.is_none());
        own.filter(|target| !derived(target)).collect()
    }

    /// The likeliest codes of each target, the likeliest first.
    pub fn suggest(
        &self,
        map: &CodeMap,
        house: &HouseCode,
        (most, least): (usize, f64),
        day: NaiveDate,
    ) -> Vec<Suggestion> {
        let masters = Crosswalk::new(&self.masters);
        let mut all = Vec::new();
        for target in self.own(map) {
            let index = self.index(&target.system, day);
            let Ok(index) = &*index else { continue };
            let elsewhere = items_elsewhere(map, target);
            let ranked = match elsewhere.is_empty() {
                true => index.rank(house, most.max(RANKED_MIN)),
                false => index.rank(house, usize::MAX),
            };
            let own = |candidate: &Candidate| {
                let known =
                    |of: &&str| matches!(masters.standing(of, &candidate.code), Standing::Known(_));
                !elsewhere.iter().any(known)
            };
            let ranked: Vec<Candidate> = ranked.into_iter().filter(own).collect();
            let exact = ranked.iter().filter(|candidate| candidate.is_exact()).count();
            let likely = ranked.into_iter().filter(|one| one.score >= least || one.is_exact());
            all.extend(likely.take(most).map(|candidate| Suggestion {
                target: target.id.clone(),
                system: target.system.clone(),
                is_only_exact: exact == 1 && candidate.is_exact(),
                candidate,
            }));
        }
        decide_between(&mut all);
        all.extend(self.modifiers(map, house, &all, day));
        // Stable: of equal ones, the target that the map prefers.
        all.sort_by(|a, b| b.candidate.score.total_cmp(&a.candidate.score));
        all
    }

    /// 修飾語 of the house's name, where the map shows them as extensions: as likely as the disease that is
    /// left without them.
    fn modifiers(
        &self,
        map: &CodeMap,
        house: &HouseCode,
        found: &[Suggestion],
        day: NaiveDate,
    ) -> Vec<Suggestion> {
        let in_parts = |reason: &Reason| matches!(reason, Reason::Parts { .. });
        let disease = found.iter().find(|one| one.candidate.reasons.iter().any(in_parts));
        let Some(disease) = disease else { return Vec::new() };
        let index = self.index(&disease.system, day);
        let split = index.as_ref().as_ref().ok().and_then(|index| index.split(house));
        let Some(split) = split else { return Vec::new() };
        let masters = Crosswalk::new(&self.masters);
        let mut all = Vec::new();
        for target in &map.targets {
            let Some(extension) = &target.extension else { continue };
            let (before, behind) = places(extension);
            let prefixes = split.prefixes.iter().filter(|_| before);
            for part in prefixes.chain(split.suffixes.iter().filter(|_| behind)) {
                let key = (system::MODIFIER_KEY, part.key.as_str());
                let codes: BTreeSet<String> = match target.system.as_str() {
                    system::MODIFIER_KEY => [part.key.clone()].into(),
                    other => Crosswalk::tables(key.0, other)
                        .flat_map(|table| masters.codes(table, key, other))
                        .collect(),
                };
                all.extend(codes.into_iter().map(|code| Suggestion {
                    target: target.id.clone(),
                    system: target.system.clone(),
                    candidate: Candidate {
                        code,
                        display: part.name.clone(),
                        score: disease.candidate.score,
                        reasons: vec![Reason::Part { disease: split.disease.name.clone() }],
                    },
                    is_only_exact: false,
                }));
            }
        }
        all
    }

    /// The day from which the newest file holds that has codes of a system.
    pub fn version(&self, of: &str) -> Option<NaiveDate> {
        let kinds: Vec<Kind> = Crosswalk::new(&self.masters).kinds(of);
        let own = self.masters.imports().iter().filter(|import| kinds.contains(&import.kind));
        own.map(|import| import.effective).max()
    }

    /// Whether the loaded masters deny that this is a code of a system.
    pub fn denies(&self, of: &str, code: &str) -> bool {
        let standing = Crosswalk::new(&self.masters).standing(of, code);
        matches!(standing, Standing::Unknown | Standing::Elsewhere(_))
    }

    pub fn masters(&self) -> &Arc<Store> {
        &self.masters
    }
}

/// Whether 接頭語 and 接尾語 belong into an extension: JP Core has one for each. Any other may be for both.
fn places(extension: &str) -> (bool, bool) {
    let ends = |name: &str| extension.ends_with(name);
    (!ends("JP_Condition_DiseasePostfixModifier"), !ends("JP_Condition_DiseasePrefixModifier"))
}

/// Targets of which a house code has only one: parts of JLAC, the systems of JFAGY. What is exact in two of
/// them is for somebody to decide.
fn decide_between(all: &mut [Suggestion]) {
    let one_of_many = |of: &str| {
        let laboratory = [
            system::CORE_JLAC10,
            system::INFECTION_JLAC10,
            system::JLAC10,
            system::CORE_JLAC11,
            system::INFECTION_JLAC11,
            system::JLAC11,
        ];
        laboratory.contains(&of) || of.contains("Jfagy")
    };
    let is_exact = |one: &Suggestion| one_of_many(&one.system) && one.candidate.is_exact();
    if all.iter().filter(|one| is_exact(one)).count() > 1 {
        let several = all.iter_mut().filter(|one| one_of_many(&one.system));
        several.for_each(|one| one.is_only_exact = false);
    }
}

/// JLAC10 has the items of the service too. Where the map has a target of its own for those, they are
/// that target's.
fn items_elsewhere(map: &CodeMap, target: &Target) -> Vec<&'static str> {
    let items: &[&'static str] = match target.system.as_str() {
        system::JLAC10 => &[system::CORE_JLAC10, system::INFECTION_JLAC10],
        system::JLAC11 => &[system::CORE_JLAC11, system::INFECTION_JLAC11],
        _ => &[],
    };
    let declared = |of: &&&'static str| map.targets.iter().any(|target| target.system == **of);
    items.iter().filter(declared).copied().collect()
}

/// The row of the code map that proposes this; nobody has looked at it.
pub fn proposed(house: &HouseCode, of: &Suggestion, version: Option<NaiveDate>) -> MapRow {
    let Candidate { code, display, score, reasons } = &of.candidate;
    let words: Vec<&str> = reasons.iter().map(Reason::word).collect();
    let exact = reasons.iter().any(|reason| matches!(reason, Reason::Code | Reason::Name { .. }));
    MapRow {
        local: house.code.clone(),
        local_name: house.names.first().cloned().unwrap_or_default(),
        target: of.target.clone(),
        code: code.clone(),
        display: display.clone(),
        relationship: if exact { "equivalent".to_owned() } else { String::new() },
        status: State::Proposed.word().to_owned(),
        master_version: version.map(|day| day.to_string()).unwrap_or_default(),
        note: format!("{score:.2} {}", words.join(" ")),
        ..MapRow::default()
    }
}

/// A reason for people.
pub fn told(reason: &Reason) -> Text {
    match reason {
        Reason::Code => Text::new("the house code is the code", "院内コードが標準コードと同じ"),
        Reason::Name { name } => {
            Text::new(format!("the same name: {name}"), format!("名称が一致: {name}"))
        }
        Reason::Reading { reading } => {
            Text::new(format!("the same reading: {reading}"), format!("読みが一致: {reading}"))
        }
        Reason::Short { name } => Text::new(
            format!("the same name without remarks: {name}"),
            format!("注記を除いた名称が一致: {name}"),
        ),
        Reason::Similar { percent } => {
            Text::new(format!("names alike by {percent} %"), format!("名称の類似度 {percent} %"))
        }
        Reason::Part { disease } => Text::new(
            format!("a modifier in the name of {disease}"),
            format!("{disease} の名称に含まれる修飾語"),
        ),
        Reason::Parts { prefixes, suffixes } => {
            let parts = |join: &str| {
                let all: Vec<&str> = prefixes.iter().chain(suffixes).map(String::as_str).collect();
                all.join(join)
            };
            Text::new(
                format!("the disease without its modifiers ({})", parts(", ")),
                format!("修飾語（{}）を除いた病名", parts("、")),
            )
        }
        Reason::Same { facet, value } => {
            let (en, ja) = facet_names(*facet);
            Text::new(format!("the same {en}: {value}"), format!("{ja}が一致: {value}"))
        }
        Reason::Other { facet: Facet::Values, house, master } => Text::new(
            format!("results (median {house}) are none of {master}"),
            format!("結果の値（中央値 {house}）が {master} と合わない"),
        ),
        Reason::Other { facet, house, master } => {
            let (en, ja) = facet_names(*facet);
            Text::new(
                format!("another {en}: {house} here, {master} there"),
                format!("{ja}が異なる: 院内 {house}、マスタ {master}"),
            )
        }
    }
}

fn facet_names(facet: Facet) -> (&'static str, &'static str) {
    match facet {
        Facet::Strength => ("strength", "規格"),
        Facet::Form => ("form", "剤形"),
        Facet::Maker => ("maker", "メーカー"),
        Facet::Ingredient => ("ingredient", "成分"),
        Facet::Unit => ("unit", "単位"),
        Facet::Material => ("material", "材料"),
        Facet::Method => ("method", "測定法"),
        Facet::Values => ("range of results", "結果の範囲"),
        Facet::Result => ("kind of result", "結果の種類"),
    }
}

#[cfg(test)]
mod tests;
