//! From a house code to the standard ones on a day, and back: what resources show, asked for one code.

use chrono::NaiveDate;

use super::{Map, Terminology, Unanswered};
use crate::codemap::concept_map::{equivalence, reversed};
use crate::codemap::{Coding, Segment};

/// What is to be translated, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'q> {
    /// By its place; all that lead from (or, reversed, to) this system if it is not given.
    pub map: Option<usize>,
    pub system: &'q str,
    pub code: &'q str,
    /// Only into this one.
    pub target_system: Option<&'q str>,
    pub reverse: bool,
    /// The clinical day.
    pub day: NaiveDate,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Translation {
    pub matches: Vec<Match>,
    /// Targets that have more than one code on this day, none of which is taken.
    pub ambiguous: Vec<String>,
}

impl Translation {
    /// Something was found that the code can be called.
    pub fn is_translated(&self) -> bool {
        self.matches.iter().any(|one| !matches!(one.equivalence, "unmatched" | "disjoint"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub equivalence: &'static str,
    pub coding: Coding,
    /// The URL of the map that says so.
    pub map: String,
}

impl Terminology {
    /// What a code is on the other side.
    pub fn translate(&self, question: &Question<'_>) -> Result<Translation, Unanswered> {
        let maps = self.ways(question);
        if maps.is_empty() {
            return Err(Unanswered::NoWay);
        }
        let mut translation = Translation::default();
        for map in maps {
            match question.reverse {
                false => self.forward(map, question, &mut translation),
                true => self.back(map, question, &mut translation),
            }
        }
        Ok(translation)
    }

    fn ways(&self, question: &Question<'_>) -> Vec<&Map> {
        let asked = self.maps().iter().enumerate();
        let asked = asked.filter(|(place, _)| question.map.is_none_or(|map| map == *place));
        let leads = |map: &&Map| {
            let map = self.code_map(map);
            let to = |url: &str| map.targets.iter().any(|target| target.system == url);
            let (begin, end) = match question.reverse {
                false => {
                    (map.local_system == question.system, question.target_system.is_none_or(to))
                }
                true => {
                    let own = |url: &str| map.local_system == url;
                    (to(question.system), question.target_system.is_none_or(own))
                }
            };
            begin && end
        };
        asked.map(|(_, map)| map).filter(leads).collect()
    }

    fn forward(&self, map: &Map, question: &Question<'_>, found: &mut Translation) {
        let code_map = self.code_map(map);
        let wanted = |coding: &&Coding| question.target_system.is_none_or(|s| s == coding.system);
        let segment = code_map.translate(question.code, Some(question.day));
        let codings = segment.map(|segment| segment.codings.as_slice()).unwrap_or_default();
        for coding in codings.iter().filter(wanted) {
            let equivalence = map.equivalence_of(coding);
            found.matches.push(Match { equivalence, coding: coding.clone(), map: map.url.clone() });
        }
        if let Some(Segment { ambiguous, .. }) = segment {
            found.ambiguous.extend(ambiguous.iter().cloned());
        }
        if codings.is_empty() {
            // What resources show of it.
            let uncoded = code_map.uncoded(None).iter().filter(wanted);
            found.matches.extend(uncoded.map(|coding| Match {
                equivalence: "unmatched",
                coding: coding.clone(),
                map: map.url.clone(),
            }));
        }
    }

    fn back(&self, map: &Map, question: &Question<'_>, found: &mut Translation) {
        let code_map = self.code_map(map);
        let system = &code_map.local_system;
        let holders = code_map.holders(Some(question.system), question.code).into_iter();
        for holder in holders.filter(|holder| holder.covers(question.day)) {
            let segment = code_map.translate(&holder.local, Some(question.day));
            let codings = segment.map(|segment| segment.codings.as_slice()).unwrap_or_default();
            let is_asked =
                |one: &&Coding| one.system == question.system && one.code == question.code;
            let forward = codings.iter().find(is_asked);
            let display =
                self.system(system).and_then(|s| self.present(s, &holder.local, question.day).ok());
            let coding = Coding {
                system: system.clone(),
                version: None,
                code: holder.local.clone(),
                display: display.and_then(|coded| coded.display),
                span: None,
            };
            let equivalence = forward.map_or("relatedto", |one| reversed(map.equivalence_of(one)));
            found.matches.push(Match { equivalence, coding, map: map.url.clone() });
        }
    }
}

impl Map {
    /// As the row says from which this coding comes. What a master made of a row has none of its own.
    fn equivalence_of(&self, coding: &Coding) -> &'static str {
        let line = coding.span.map_or(0, |span| span.line);
        let place = self.rows.binary_search_by_key(&line, |row| row.line);
        let row = place.ok().and_then(|place| self.rows.get(place));
        let own = row.filter(|row| row.code == coding.code);
        own.map_or("relatedto", |row| equivalence(&row.relationship, &row.status))
    }
}
