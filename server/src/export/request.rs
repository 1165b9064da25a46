//! What an export asks for. Strict: everything unknown or malformed is refused, all of it at once.
//!
//! Spec: <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters>

use genkan_fhir::definitions::Definitions;

use crate::bulk::{self, Parameter, refused};
use crate::error::{Error, Refusal};
use crate::parse::Pairs;
use crate::service::Service;

pub const FORMATS: [&str; 3] = ["application/fhir+ndjson", "application/ndjson", "ndjson"];

/// What an export of any level takes.
pub static PARAMETERS: [Parameter<Export>; 5] = [
    Parameter {
        name: "_type",
        repeats: true,
        text: Some("Resource types, joined by commas."),
        note: |export, service, value| bulk::types(&service.rules, value, &mut export.types),
    },
    Parameter {
        name: "_since",
        repeats: false,
        text: Some("What was changed since then, to the second."),
        note: |export, service, value| {
            bulk::since(value, service.rules.site.zone)?;
            export.since = Some(value.to_owned());
            Ok(())
        },
    },
    Parameter {
        name: "_elements",
        repeats: true,
        text: Some("`[type.]element`, joined by commas."),
        note: |export, _, value| {
            export.elements.extend(value.split(',').map(str::to_owned));
            Ok(())
        },
    },
    Parameter {
        name: "_typeFilter",
        repeats: true,
        text: Some(
            "Searches that are offered here, like `Observation?code=718-7`; several for one type are \
             alternatives.",
        ),
        note: |export, _, value| {
            export.type_filters.extend(searches(value));
            Ok(())
        },
    },
    Parameter {
        name: "_outputFormat",
        repeats: false,
        text: Some("NDJSON is what there is."),
        note: |export, _, value| {
            // A `+` that was not escaped in the address has become a blank.
            if !FORMATS.contains(&value.replace(' ', "+").as_str()) {
                let en = "has to be application/fhir+ndjson";
                let ja = "は application/fhir+ndjson だけです";
                return Err(refused("_outputFormat", Refusal::NotSupported, en, ja));
            }
            export.output_format = Some(value.to_owned());
            Ok(())
        },
    },
];
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    System,
    Patient,
    /// The id.
    Group(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub level: Level,
    /// Its parameters came in a body, and `request` of the manifest does not show them.
    pub by_post: bool,
    pub types: Option<Vec<&'static str>>,
    pub since: Option<String>,
    /// `[type.]element`
    pub elements: Vec<String>,
    /// `Type?name=value…`, each read as a search is.
    pub type_filters: Vec<String>,
    /// As it was written.
    pub output_format: Option<String>,
}

impl Export {
    pub fn of(level: Level) -> Self {
        Export {
            level,
            by_post: false,
            types: None,
            since: None,
            elements: Vec::new(),
            type_filters: Vec::new(),
            output_format: None,
        }
    }

    pub fn read(
        service: &Service,
        level: Level,
        by_post: bool,
        pairs: &Pairs,
    ) -> Result<Self, Error> {
        let mut export = Export { by_post, ..Export::of(level) };
        let offered: Vec<_> = PARAMETERS.iter().collect();
        let problems = bulk::note(service, &offered, pairs, &mut export);
        if problems.is_empty() { Ok(export) } else { Err(Error::Parameters(problems)) }
    }

    /// Where it was called, with what was asked for in the address.
    pub fn url(&self, base: &str) -> String {
        let path = match &self.level {
            Level::System => String::new(),
            Level::Patient => "/Patient".to_owned(),
            Level::Group(id) => format!("/Group/{id}"),
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.by_post {
            let types = self.types.as_ref().map(|types| types.join(","));
            let elements = Some(self.elements.join(",")).filter(|text| !text.is_empty());
            for (name, value) in [
                ("_outputFormat", self.output_format.clone()),
                ("_since", self.since.clone()),
                ("_type", types),
                ("_elements", elements),
            ] {
                value.into_iter().for_each(|value| {
                    query.append_pair(name, &value);
                });
            }
            for filter in &self.type_filters {
                query.append_pair("_typeFilter", filter);
            }
        }
        let query = query.finish();
        let question = if query.is_empty() { "" } else { "?" };
        format!("{base}{path}/${}{question}{query}", super::NAME)
    }
}

/// A list of searches: the commas inside of one belong to its values. Each begins with a type.
fn searches(list: &str) -> Vec<String> {
    let begins = |text: &str| {
        let name = text.split(['?', '=', '&', ',']).next().unwrap_or_default();
        Definitions::r4().is_resource(name) && text[name.len()..].starts_with('?')
    };
    let mut searches: Vec<String> = Vec::new();
    for part in list.split(',') {
        match searches.last_mut() {
            Some(last) if !begins(part) => {
                last.push(',');
                last.push_str(part);
            }
            _ => searches.push(part.to_owned()),
        }
    }
    searches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_parts_searches_only_where_another_one_begins() {
        for (list, expected) in [
            ("Observation?code=1", vec!["Observation?code=1"]),
            ("Observation?code=1,2", vec!["Observation?code=1,2"]),
            (
                "Observation?code=1,Condition?code=2,3",
                vec!["Observation?code=1", "Condition?code=2,3"],
            ),
            ("Observation?code=1,Condition", vec!["Observation?code=1,Condition"]),
            ("x,Observation?code=1", vec!["x", "Observation?code=1"]),
            ("", vec![""]),
        ] {
            assert_eq!(searches(list), expected, "{list}");
        }
    }

    #[test]
    fn the_request_is_shown_as_it_can_be_repeated_but_not_what_came_in_a_body() {
        let mut export = Export {
            types: Some(vec!["Condition", "Observation"]),
            since: Some("2026-04-01T00:00:00+09:00".to_owned()),
            type_filters: vec!["Observation?code=1".to_owned()],
            ..Export::of(Level::Group("a1".to_owned()))
        };
        assert_eq!(
            export.url("http://x/fhir"),
            "http://x/fhir/Group/a1/$export?_since=2026-04-01T00%3A00%3A00%2B09%3A00\
             &_type=Condition%2CObservation&_typeFilter=Observation%3Fcode%3D1"
        );
        export.by_post = true;
        assert_eq!(export.url("http://x/fhir"), "http://x/fhir/Group/a1/$export");
        let system = Export::of(Level::System);
        assert_eq!(system.url("http://x/fhir"), "http://x/fhir/$export");
    }
}
