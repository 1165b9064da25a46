//! The codes of a value set.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use genkan_masters::Words;

use super::codes::{Coded, of_house};
use super::{Content, Terminology, Unanswered};

/// What is wanted of an expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub words: Words,
    /// Codes that are not in use on this day are told as such, or left out.
    pub day: NaiveDate,
    pub active_only: bool,
    pub offset: usize,
    /// `None`: all, if they are no more than may be shown.
    pub count: Option<usize>,
    pub codes_max: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expansion {
    pub total: usize,
    pub members: Vec<Member>,
    /// The systems that it is made of, with their versions.
    pub made_of: Vec<(String, Option<String>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub system: String,
    pub coded: Coded,
    /// No master of its system is loaded: it is what the code map says, and nobody has looked it up.
    pub unchecked: bool,
}

impl Terminology {
    pub fn expand(&self, set: &Content, asked: &Asked) -> Result<Expansion, Unanswered> {
        let members = match set {
            Content::All(place) => self.all_of(*place, asked)?,
            Content::Local(_) | Content::Targets(_) => self.of_map(set, asked),
        };
        if asked.count.is_none() && members.total.saturating_sub(asked.offset) > asked.codes_max {
            return Err(Unanswered::TooCostly { codes_max: asked.codes_max });
        }
        let made_of = self.systems_in(set).into_iter().map(|url| {
            let version = self.system(url).and_then(|system| system.version.clone());
            (url.to_owned(), version)
        });
        Ok(Expansion { made_of: made_of.collect(), ..members })
    }

    fn all_of(&self, place: usize, asked: &Asked) -> Result<Expansion, Unanswered> {
        let system = self.loaded(&self.systems()[place].url)?;
        let member = |coded| Member { system: system.url.clone(), coded, unchecked: false };
        if let Some(house) = &system.house {
            let codes = house.iter().map(|(code, name)| member(of_house(code, name.clone())));
            return Ok(paged(codes.collect(), asked));
        }
        let count = asked.count.unwrap_or(asked.codes_max);
        let listing = self.listing(place);
        let active_on = asked.active_only.then_some(asked.day);
        let (mut total, mut members) = (0, Vec::new());
        for code in listing.matching(&asked.words, active_on) {
            if total >= asked.offset && members.len() < count {
                members.extend(self.present(system, code, asked.day).map(member));
            }
            total += 1;
        }
        Ok(Expansion { total, members, made_of: Vec::new() })
    }

    fn of_map(&self, set: &Content, asked: &Asked) -> Expansion {
        let mut members = Vec::new();
        for url in self.systems_in(set) {
            let Some(system) = self.system(url) else { continue };
            for (code, name) in self.codes_in(set, url, asked.day) {
                let known = self.present(system, &code, asked.day);
                let unchecked = known.is_err();
                let coded = known.unwrap_or_else(|_| of_house(&code, name));
                if coded.active || !asked.active_only {
                    members.push(Member { system: url.to_owned(), coded, unchecked });
                }
            }
        }
        paged(members, asked)
    }

    /// The systems that a value set has codes of.
    pub fn systems_in(&self, set: &Content) -> Vec<&str> {
        match set {
            Content::All(place) => vec![&self.systems()[*place].url],
            Content::Local(place) => vec![&self.code_map(&self.maps()[*place]).local_system],
            Content::Targets(place) => {
                let mut systems = Vec::new();
                for target in &self.code_map(&self.maps()[*place]).targets {
                    if !systems.contains(&target.system.as_str()) {
                        systems.push(target.system.as_str());
                    }
                }
                systems
            }
        }
    }

    /// Whether a code of this system is in the value set on a day.
    pub(super) fn holds(&self, set: &Content, url: &str, code: &str, day: NaiveDate) -> bool {
        match set {
            Content::All(_) => true,
            Content::Local(place) => self.maps()[*place].rows.iter().any(|row| row.local == code),
            Content::Targets(place) => {
                let map = self.code_map(&self.maps()[*place]);
                map.holders(Some(url), code).iter().any(|holder| holder.covers(day))
            }
        }
    }

    /// The codes of one system that a map has rows for, with the names that it gives them.
    pub fn codes_in(
        &self,
        set: &Content,
        url: &str,
        day: NaiveDate,
    ) -> BTreeMap<String, Option<String>> {
        let mut codes = BTreeMap::new();
        match set {
            Content::All(_) => {}
            Content::Local(place) => {
                for row in &self.maps()[*place].rows {
                    let name = Some(row.local_name.clone()).filter(|name| !name.is_empty());
                    codes.entry(row.local.clone()).or_insert(name);
                }
            }
            Content::Targets(place) => {
                let map = self.code_map(&self.maps()[*place]);
                for coding in map.codings_on(day).filter(|coding| coding.system == url) {
                    codes.entry(coding.code.clone()).or_insert_with(|| coding.display.clone());
                }
            }
        }
        codes
    }
}

fn paged(members: Vec<Member>, asked: &Asked) -> Expansion {
    let named = |member: &Member| {
        let Coded { code, display, kana, synonyms, .. } = &member.coded;
        let names = std::iter::once(code).chain(display).chain(kana).chain(synonyms);
        asked.words.found_in(names.map(String::as_str))
    };
    let found: Vec<Member> = members.into_iter().filter(named).collect();
    let total = found.len();
    let count = asked.count.unwrap_or(asked.codes_max);
    let members = found.into_iter().skip(asked.offset).take(count).collect();
    Expansion { total, members, made_of: Vec::new() }
}
