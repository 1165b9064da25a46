//! The operations: parameters to a question, its answer to a resource.
//!
//! Spec: <https://hl7.org/fhir/R4/codesystem-operations.html>,
//! <https://hl7.org/fhir/R4/valueset-operations.html>,
//! <https://hl7.org/fhir/R4/conceptmap-operations.html>

mod expand;
mod lookup;
mod subsumes;
mod translate;
mod validate;

pub use lookup::property_names;

use genkan_mapping::diagnostic::Language;
use genkan_mapping::terminology::{CodeSystem, Content, Unanswered, split_canonical};
use serde_json::{Value, json};

use super::given::Given;
use super::refusal;
use crate::error::{Error, Refusal};
use crate::exchange::Exchange;
use crate::respond::Answer;
use crate::service::Service;
use crate::stages::Stage;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Lookup,
    ValidateCode,
    Subsumes,
    Expand,
    ValidateIn,
    Translate,
}

impl Operation {
    pub const ALL: [Self; 6] = [
        Self::Lookup,
        Self::ValidateCode,
        Self::Subsumes,
        Self::Expand,
        Self::ValidateIn,
        Self::Translate,
    ];

    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Lookup | Self::ValidateCode | Self::Subsumes => "CodeSystem",
            Self::Expand | Self::ValidateIn => "ValueSet",
            Self::Translate => "ConceptMap",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::ValidateCode | Self::ValidateIn => "validate-code",
            Self::Subsumes => "subsumes",
            Self::Expand => "expand",
            Self::Translate => "translate",
        }
    }

    pub fn of(resource_type: &str, name: &str) -> Option<Self> {
        let named = |one: &Self| one.resource_type() == resource_type && one.name() == name;
        Self::ALL.into_iter().find(named)
    }

    /// It can be asked of one resource too.
    pub fn on_instance(self) -> bool {
        self != Self::Lookup
    }
}

/// Answers an operation of a type, or of the resource with this id.
pub async fn run(
    service: &Service,
    exchange: &Exchange,
    (operation, id): (Operation, Option<&str>),
    mut given: Given,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let resource_type = operation.resource_type();
    if super::answers(service, resource_type).is_none() {
        crate::parse::known_type(service, resource_type)?;
    }
    let call = Call { service, language: exchange.language, id };
    let resource = match operation {
        Operation::Lookup => lookup::run(&call, &mut given),
        Operation::ValidateCode => validate::of_system(&call, &mut given),
        Operation::ValidateIn => validate::of_set(&call, &mut given),
        Operation::Subsumes => subsumes::run(&call, &mut given),
        Operation::Expand => expand::run(&call, &mut given).await,
        Operation::Translate => translate::run(&call, &mut given),
    };
    exchange.stages.enter(Stage::Respond);
    Ok(Answer::of(resource?.to_string().into_bytes()))
}

/// What all operations need.
struct Call<'c> {
    service: &'c Service,
    language: Language,
    id: Option<&'c str>,
}

impl Call<'_> {
    fn not_found(&self, resource_type: &str) -> Error {
        Error::NotFound { resource_type: resource_type.to_owned() }
    }

    /// The system that an instance is, or that `url` names, with the version that is wanted.
    fn system(&self, given: &mut Given, name: &str) -> Result<(String, Option<String>), Error> {
        if let Some(id) = self.id {
            let all = self.service.terminology.systems();
            let found = all.iter().find(|system| system.id == id);
            return Ok((found.ok_or_else(|| self.not_found("CodeSystem"))?.url.clone(), None));
        }
        Ok(versioned(&given.needed(name), given.text("version")))
    }

    fn known(&self, url: &str) -> Option<&CodeSystem> {
        self.service.terminology.system(url)
    }

    /// The value set that an instance is, or that `url` names.
    fn value_set(&self, given: &mut Given) -> Result<Content, Error> {
        let all = self.service.terminology.value_sets();
        if let Some(id) = self.id {
            let found = all.iter().find(|set| set.id == id);
            return Ok(found.ok_or_else(|| self.not_found("ValueSet"))?.content.clone());
        }
        let url = given.needed("url");
        let (url, version) = versioned(&url, given.text("valueSetVersion"));
        let Some(set) = all.iter().find(|set| set.url == url) else {
            // What is wrong with the other parameters is told first.
            return Ok(UNKNOWN_SET);
        };
        match version {
            Some(asked) if set.version.as_deref() != Some(&asked) => {
                let (here, earlier) = (set.version.clone(), Vec::new());
                Err(Unanswered::OtherVersion { here, earlier }.into())
            }
            _ => Ok(set.content.clone()),
        }
    }

    fn text(&self, unanswered: &Unanswered) -> String {
        refusal::message(unanswered).in_language(self.language).to_owned()
    }

    fn say<'t>(&self, en: &'t str, ja: &'t str) -> &'t str {
        match self.language {
            Language::English => en,
            Language::Japanese => ja,
        }
    }
}

/// No place has this number.
const UNKNOWN_SET: Content = Content::All(usize::MAX);

fn known_set(set: Content) -> Result<Content, Error> {
    if set == UNKNOWN_SET { Err(Unanswered::UnknownValueSet.into()) } else { Ok(set) }
}

/// `url|version`, or a version beside it.
fn versioned(url: &str, beside: Option<String>) -> (String, Option<String>) {
    let (url, version) = split_canonical(url);
    (url.to_owned(), version.map(str::to_owned).or(beside))
}

/// A Parameters resource.
fn parameters(parts: Vec<Value>) -> Value {
    json!({"resourceType": "Parameters", "parameter": parts})
}

/// The one way in which a code was given; more or none is refused.
fn only_one(given: &mut Given, names: &[&str]) {
    let there: Vec<&&str> = names.iter().filter(|name| given.has(name)).collect();
    match there.as_slice() {
        [_] => {}
        [] => {
            let en = format!("one of {} is needed", names.join(", "));
            let ja = format!("{} のいずれかが必要です", names.join("、"));
            given.refuse(names[0], Refusal::Invalid, &en, &ja);
        }
        [first, ..] => {
            let en = format!("only one of {} may be given", names.join(", "));
            let ja = format!("{} は一つだけ指定します", names.join("、"));
            given.refuse(first, Refusal::Invalid, &en, &ja);
        }
    }
}

impl From<Unanswered> for Error {
    fn from(unanswered: Unanswered) -> Self {
        Error::Terminology(unanswered)
    }
}
