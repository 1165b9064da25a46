//! Single codes: what is known of one, whether it is one, and how two stand to each other.

use chrono::NaiveDate;
use genkan_masters::{Described, Property, Standing, Unchecked, fold};

use super::{CodeSystem, Content, Holding, Terminology, Unanswered, is_active};

/// What is known of a code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coded {
    pub code: String,
    pub display: Option<String>,
    /// 読み
    pub kana: Option<String>,
    pub synonyms: Vec<String>,
    /// First and last day of use.
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    /// 移行先
    pub successor: Option<String>,
    /// In use on the day that was asked about.
    pub active: bool,
    /// No master names the code: its display is that of the item in whose row it stands.
    pub unnamed: bool,
    pub properties: Vec<(Property, Vec<String>)>,
}

/// Whether something is a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Valid(Coded),
    /// It is one; what it is called nobody can say.
    Unnamed(Coded),
    /// It is one, but is not called that.
    OtherDisplay(Coded),
    NotFound(Unanswered),
    /// It is a code of its system and not in the value set.
    Outside(Coded),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Equivalent,
    Subsumes,
    SubsumedBy,
    NotSubsumed,
}

impl Terminology {
    /// A code as it is on a day.
    pub fn lookup(
        &self,
        (url, version): (&str, Option<&str>),
        code: &str,
        day: NaiveDate,
    ) -> Result<Coded, Unanswered> {
        let system = self.loaded(url, version)?;
        let none = |holding| Unanswered::NoSuchCode { system: url.to_owned(), holding };
        if let Some(house) = &system.house {
            let name = house.get(code).ok_or_else(|| none(system.holding))?;
            return Ok(of_house(code, name.clone()));
        }
        self.crosswalk().described(url, code).map(|described| told(described, day)).map_err(
            |standing| match standing {
                Standing::Unchecked(Unchecked::NotLoaded(masters)) => {
                    Unanswered::NotLoaded { system: url.to_owned(), masters }
                }
                Standing::Unchecked(Unchecked::NoMaster) => {
                    Unanswered::NotLoaded { system: url.to_owned(), masters: &[] }
                }
                Standing::Unchecked(Unchecked::Partial(_)) => none(Holding::Part),
                Standing::Known(_) | Standing::Unknown | Standing::Elsewhere(_) => {
                    none(Holding::Whole)
                }
            },
        )
    }

    /// Whether this is a code of the system, and is called so.
    pub fn validate(
        &self,
        system: (&str, Option<&str>),
        (code, display): (&str, Option<&str>),
        day: NaiveDate,
    ) -> Result<Verdict, Unanswered> {
        match self.lookup(system, code, day) {
            Ok(coded) => Ok(named(coded, display)),
            Err(none @ Unanswered::NoSuchCode { .. }) => Ok(Verdict::NotFound(none)),
            Err(unanswered) => Err(unanswered),
        }
    }

    /// Whether it is in a value set. Without a system the code is looked for in those that the set has.
    pub fn validate_in(
        &self,
        set: &Content,
        (system, version): (Option<&str>, Option<&str>),
        (code, display): (&str, Option<&str>),
        day: NaiveDate,
    ) -> Result<Verdict, Unanswered> {
        let mut found = Verdict::NotFound(Unanswered::NoWay);
        let mut not_loaded = None;
        for url in self.systems_in(set) {
            if system.is_some_and(|system| system != url) {
                continue;
            }
            match self.validate((url, version), (code, display), day) {
                Ok(
                    Verdict::Valid(coded) | Verdict::Unnamed(coded) | Verdict::OtherDisplay(coded),
                ) => {
                    if self.holds(set, url, code, day) {
                        return Ok(named(coded, display));
                    }
                    found = Verdict::Outside(coded);
                }
                Ok(Verdict::NotFound(none)) if !matches!(found, Verdict::Outside(_)) => {
                    found = Verdict::NotFound(none);
                }
                Ok(_) => {}
                Err(unanswered) => not_loaded = not_loaded.or(Some(unanswered)),
            }
        }
        // The code may be one of a system of which nobody can say so.
        not_loaded.map_or(Ok(found), Err)
    }

    /// How two codes of a system stand to each other, where its masters say it.
    pub fn subsumes(
        &self,
        (url, version): (&str, Option<&str>),
        (a, b): (&str, &str),
    ) -> Result<Relation, Unanswered> {
        let system = self.loaded(url, version)?;
        if !system.hierarchy {
            return Err(Unanswered::NoHierarchy { system: url.to_owned() });
        }
        for code in [a, b] {
            if self.masters.lookup(url, code).is_none() {
                let holding = system.holding;
                return Err(Unanswered::NoSuchCode { system: url.to_owned(), holding });
            }
        }
        Ok(match () {
            () if a == b => Relation::Equivalent,
            () if self.masters.above(url, b).contains(a) => Relation::Subsumes,
            () if self.masters.above(url, a).contains(b) => Relation::SubsumedBy,
            () => Relation::NotSubsumed,
        })
    }

    pub(super) fn coded(&self, system: &CodeSystem, code: &str, day: NaiveDate) -> Option<Coded> {
        self.lookup((&system.url, None), code, day).ok()
    }
}

pub(super) fn of_house(code: &str, display: Option<String>) -> Coded {
    Coded { code: code.to_owned(), display, active: true, ..Coded::default() }
}

pub(super) fn told(described: Described, day: NaiveDate) -> Coded {
    let Described { concept, is_named, .. } = described;
    Coded {
        active: is_active(concept.from, concept.until, day),
        unnamed: !is_named,
        code: concept.code,
        display: Some(concept.display).filter(|display| !display.is_empty()),
        kana: concept.kana,
        synonyms: concept.synonyms,
        from: concept.from,
        until: concept.until,
        successor: concept.successor,
        properties: concept.properties.into_iter().collect(),
    }
}

/// Letters of both widths and sizes are alike in a display.
fn named(coded: Coded, display: Option<&str>) -> Verdict {
    let Some(display) = display.map(fold) else { return Verdict::Valid(coded) };
    if coded.unnamed {
        return Verdict::Unnamed(coded);
    }
    let mut names = coded.display.iter().chain(&coded.synonyms);
    match names.any(|name| fold(name) == display) {
        true => Verdict::Valid(coded),
        false => Verdict::OtherDisplay(coded),
    }
}
