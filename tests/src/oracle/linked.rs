//! Resources that refer to one another, followed in the archive.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use genkan_fhir::definitions::Definitions;
use serde_json::Value;

use super::archive::{Archive, Element, Set};
use super::declared::{Include, Link};
use super::matching::matches;
use super::question::{Modifier, Question};
use super::span::Span;

impl Archive {
    /// The resources of its type that answer a question; `None` where R4 leaves it open.
    pub fn answering(&self, question: &Question) -> Option<Rc<Set>> {
        if let Some(known) = self.answers.borrow().get(question) {
            return known.clone();
        }
        let column = self.column(&question.resource_type, &question.code);
        let answers = column.iter().map(|elements| matches(self, elements, question));
        let found = answers.collect::<Option<Vec<bool>>>().map(|answers| {
            let holding = answers.into_iter().enumerate().filter(|(_, holds)| *holds);
            Rc::new(holding.map(|(place, _)| place).collect::<Set>())
        });
        self.answers.borrow_mut().insert(question.clone(), found.clone());
        found
    }

    /// The resources that answer any of these questions, which differ in their values; `None` where R4
    /// leaves it open. `:not` means none of its values.
    fn any(&self, questions: &[Question]) -> Option<Set> {
        let (first, others) = questions.split_first()?;
        let mut found = Set::clone(&*self.answering(first)?);
        for question in others {
            let more = self.answering(question)?;
            match question.modifier {
                Some(Modifier::Not) => found.retain(|place| more.contains(place)),
                _ => found.extend(more.iter()),
            }
        }
        Some(found)
    }

    /// The resources from which these links, one after the other, come to one that answers any of the
    /// questions; `None` where R4 leaves it open.
    pub fn linked(&self, links: &[Link], questions: &[Question]) -> Option<Set> {
        let Some((link, rest)) = links.split_first() else { return self.any(questions) };
        let holding = self.linked(rest, questions)?;
        if link.reverse {
            let column = self.column(&link.source, &link.parameter);
            let sources = holding.iter().filter_map(|place| column.get(*place));
            let sought: HashSet<&str> = sources.flat_map(|elements| references(elements)).collect();
            let all = self.of(&link.target).iter().enumerate();
            let found = all.filter(|(_, held)| sought.contains(held.address.as_str()));
            return Some(found.map(|(place, _)| place).collect());
        }
        let mut found = Set::new();
        let column = self.column(&link.source, &link.parameter);
        for (place, (held, elements)) in self.of(&link.source).iter().zip(column.iter()).enumerate()
        {
            for reference in references(elements) {
                let leads = match reference.strip_prefix('#') {
                    Some(id) => match contained(&held.value, id) {
                        Some(inside) if inside["resourceType"] == *link.target => {
                            self.leads_inside(inside, rest, questions)?
                        }
                        _ => false,
                    },
                    None => self.leads_to(reference, &link.target, &holding),
                };
                if leads {
                    found.insert(place);
                    break;
                }
            }
        }
        Some(found)
    }

    fn leads_to(&self, reference: &str, target: &str, holding: &Set) -> bool {
        let of_type = reference.split('/').next() == Some(target);
        of_type && self.place(reference).is_some_and(|place| holding.contains(&place))
    }

    /// The same from a resource that travels inside another. Nothing refers to it from outside.
    fn leads_inside(&self, inside: &Value, links: &[Link], questions: &[Question]) -> Option<bool> {
        let resource_type = inside["resourceType"].as_str()?;
        let elements = |code: &str| {
            let parameter = Definitions::r4().search_parameter(resource_type, code);
            parameter.map(|one| self.elements(inside, one)).unwrap_or_default()
        };
        let Some((link, rest)) = links.split_first() else {
            let answers = questions.iter().map(|one| matches(self, &elements(&one.code), one));
            let answers = answers.collect::<Option<Vec<bool>>>()?;
            return Some(match questions.first()?.modifier {
                Some(Modifier::Not) => answers.into_iter().all(|holds| holds),
                _ => answers.into_iter().any(|holds| holds),
            });
        };
        if link.reverse {
            return Some(false);
        }
        let holding = self.linked(rest, questions)?;
        let elements = elements(&link.parameter);
        let mut found = references(&elements);
        Some(found.any(|reference| self.leads_to(reference, &link.target, &holding)))
    }

    /// What an include brings for these matches of a type, with what among it is a match itself.
    pub fn included(
        &self,
        (resource_type, matched): (&str, &Set),
        include: &Include,
    ) -> BTreeSet<String> {
        let column = self.column(&include.source, &include.code);
        let sources = self.of(&include.source).iter().zip(column.iter());
        if !include.reverse {
            let matching = sources.enumerate().filter(|(place, _)| matched.contains(place));
            let found = matching.flat_map(|(_, (_, elements))| references(elements));
            let held = found.filter(|one| include.wants(one) && self.place(one).is_some());
            return held.map(str::to_owned).collect();
        }
        let referring = sources.filter(|(_, elements)| {
            references(elements).any(|one| self.leads_to(one, resource_type, matched))
        });
        referring.map(|(held, _)| held.address.clone()).collect()
    }
}

/// Rounds of includes: `include_depth_max` where no configuration says another.
const ROUNDS: usize = 4;

impl Archive {
    /// What all includes together bring for these matches: those of the matches, and round by round
    /// what `:iterate` brings for what the round before brought.
    pub fn brought(
        &self,
        (resource_type, matched): (&str, &Set),
        includes: &[Include],
    ) -> BTreeSet<String> {
        let matches = self.addresses(resource_type, matched);
        let mut seen = matches.clone();
        let mut last = BTreeMap::from([(resource_type.to_owned(), matched.clone())]);
        for round in 0..ROUNDS {
            let mut fresh: BTreeMap<String, Set> = BTreeMap::new();
            for include in includes.iter().filter(|include| round == 0 || include.iterate) {
                let starts = |kind: &str| include.reverse || kind == include.source;
                for (kind, places) in last.iter().filter(|(kind, _)| starts(kind)) {
                    for address in self.included((kind, places), include) {
                        let Some(place) = self.place(&address) else { continue };
                        let of_type = address.split('/').next().unwrap_or_default().to_owned();
                        if seen.insert(address) {
                            fresh.entry(of_type).or_default().insert(place);
                        }
                    }
                }
            }
            last = fresh;
        }
        seen.difference(&matches).cloned().collect()
    }
}

/// What a reference parameter found, as texts.
pub fn references(elements: &[Element]) -> impl Iterator<Item = &str> {
    elements.iter().filter_map(|element| element.value["reference"].as_str())
}

fn contained<'r>(resource: &'r Value, id: &str) -> Option<&'r Value> {
    resource["contained"].as_array()?.iter().find(|inside| inside["id"] == *id)
}

/// What a resource is sorted by: dates by their beginning, numbers by value. `None`, nothing, comes
/// first.
pub type SortKey = Option<(i64, String)>;

/// Of what the parameter found.
pub fn sort_key(archive: &Archive, elements: &[Element]) -> SortKey {
    let value = &elements.first()?.value;
    let date = value.as_str().or_else(|| value["start"].as_str());
    if let Some(start) =
        date.and_then(|text| Span::of(text, archive.zone)).and_then(|span| span.start)
    {
        return Some((start.timestamp_micros(), String::new()));
    }
    match value.as_f64().or_else(|| value["value"].as_f64()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a thousandth is exact enough to sort by"
        )]
        Some(number) => Some(((number * 1000.0) as i64, String::new())),
        None => Some((0, value.as_str().unwrap_or_default().to_owned())),
    }
}
