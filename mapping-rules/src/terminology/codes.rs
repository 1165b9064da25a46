//! Single codes: what is known of one, whether it is one, and how two stand to each other.

use chrono::NaiveDate;
use genkan_masters::{Crosswalk, Described, Property, Standing, Unchecked, fold};

use super::{CodeSystem, Content, Holding, Terminology, Unanswered, is_active};

/// What is known of a code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coded {
    pub code: String,
    /// Of its system, from which names and properties are.
    pub version: Option<String>,
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
    /// A code in a version of its system; without one, as it is on a day: its names and properties are
    /// those of the version that held then, and its days of use are as they are known today.
    pub fn lookup(
        &self,
        (url, version): (&str, Option<&str>),
        code: &str,
        day: NaiveDate,
    ) -> Result<Coded, Unanswered> {
        let (system, earlier) = self.versioned(url, version)?;
        if let Some(from) = earlier {
            let then = look(&Crosswalk::new(&self.masters.as_of(from)), system, code, day)?;
            return Ok(Coded { version: Some(from.to_string()), ..then });
        }
        let now = self.present(system, code, day)?;
        let before = self.version_on(system, day).filter(|_| version.is_none());
        let Some(from) = before else { return Ok(now) };
        match look(&Crosswalk::new(&self.masters.as_of(from)), system, code, day) {
            Ok(then) => Ok(Coded {
                version: Some(from.to_string()),
                from: now.from,
                until: now.until,
                successor: now.successor,
                active: now.active,
                ..then
            }),
            // The files of that time did not have it.
            Err(_) => Ok(now),
        }
    }

    /// As the newest version says it.
    pub(super) fn present(
        &self,
        system: &CodeSystem,
        code: &str,
        day: NaiveDate,
    ) -> Result<Coded, Unanswered> {
        let version = system.version.clone();
        if let Some(house) = &system.house {
            let none =
                || Unanswered::NoSuchCode { system: system.url.clone(), holding: system.holding };
            let name = house.get(code).ok_or_else(none)?;
            return Ok(Coded { version, ..of_house(code, name.clone()) });
        }
        Ok(Coded { version, ..look(&self.crosswalk(), system, code, day)? })
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
        let (system, earlier) = self.versioned(url, version)?;
        if !system.hierarchy {
            return Err(Unanswered::NoHierarchy { system: url.to_owned() });
        }
        let then = earlier.map(|from| self.masters.as_of(from));
        let masters = then.as_ref().unwrap_or(&self.masters);
        for code in [a, b] {
            if masters.lookup(url, code).is_none() {
                let holding = system.holding;
                return Err(Unanswered::NoSuchCode { system: url.to_owned(), holding });
            }
        }
        Ok(match () {
            () if a == b => Relation::Equivalent,
            () if masters.above(url, b).contains(a) => Relation::Subsumes,
            () if masters.above(url, a).contains(b) => Relation::SubsumedBy,
            () => Relation::NotSubsumed,
        })
    }
}

/// What the masters of a system say of a code.
fn look(
    masters: &Crosswalk<'_>,
    system: &CodeSystem,
    code: &str,
    day: NaiveDate,
) -> Result<Coded, Unanswered> {
    let url = system.url.as_str();
    let none = |holding| Unanswered::NoSuchCode { system: url.to_owned(), holding };
    masters.described(url, code).map(|described| told(described, day)).map_err(|standing| {
        match standing {
            Standing::Unchecked(Unchecked::NotLoaded(masters)) => {
                Unanswered::NotLoaded { system: url.to_owned(), masters }
            }
            Standing::Unchecked(Unchecked::NoMaster) => {
                Unanswered::NotLoaded { system: url.to_owned(), masters: &[] }
            }
            Standing::Unchecked(Unchecked::Partial(_)) => none(Holding::Part),
            Standing::Known(_) | Standing::Unknown | Standing::Elsewhere(_) => none(Holding::Whole),
        }
    })
}

pub(super) fn of_house(code: &str, display: Option<String>) -> Coded {
    Coded { code: code.to_owned(), display, active: true, ..Coded::default() }
}

pub(super) fn told(described: Described, day: NaiveDate) -> Coded {
    let Described { concept, is_named, .. } = described;
    Coded {
        active: is_active(concept.from, concept.until, day),
        version: None,
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
