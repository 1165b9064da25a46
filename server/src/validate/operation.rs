//! `$validate`: a document that a client has, or a resource that is here, judged as a receiver would.
//!
//! The answer is an OperationOutcome whatever is found; only a call that can't be understood is refused.
//!
//! Spec: <https://hl7.org/fhir/R4/resource-operation-validate.html>

mod asked;
mod resource;

use std::sync::Arc;

use actix_web::web::Bytes;
use genkan_fhir::definitions::{Definitions as R4, check_primitive};
use genkan_fhir::validation::{Format, Node, Report, Text as Source};
use genkan_mapping::Text;
use serde_json::{Value, json};

use crate::error::{Error, Refusal, RefusedParameter};
use crate::exchange::Exchange;
use crate::parse::{self, Pairs};
use crate::respond::{self, Answer};
use crate::service::Service;
use crate::stages::Stage;
use crate::terminology::{Given, of_query};
use asked::Asked;

pub use asked::Mode;

pub const NAME: &str = "validate";
/// In the place of a type: of any.
const ANY: &str = "Resource";

/// Of what it is called.
#[derive(Debug, Clone, Default)]
pub struct Level {
    pub resource_type: Option<String>,
    pub id: Option<String>,
}

/// What a call found out.
#[derive(Debug, Default)]
pub struct Judged {
    pub report: Report,
    /// Of the row behind a resource that is here: with rule lines and columns.
    pub of_row: Vec<crate::bundle::UnitIssue>,
    pub mode: Option<Mode>,
    /// What it was held against.
    pub against: Text,
}

pub async fn run(
    service: Arc<Service>,
    exchange: &Exchange,
    level: Level,
    pairs: Pairs,
    document: Option<(Bytes, Format)>,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let of = known(level.resource_type.as_deref())?;
    // What is no id is that of nothing.
    if level.id.as_deref().is_some_and(|id| check_primitive("id", id).is_err()) {
        return Err(Error::NotFound { resource_type: of.unwrap_or(ANY).to_owned() });
    }
    let given = of_query(pairs);
    let judged = match (document, level.id) {
        (None, None) => return Err(missing_resource()),
        (None, Some(id)) => {
            let asked = Asked::of(given)?;
            let of = of.ok_or(Error::UnknownRoute)?;
            resource::judge(&service, exchange, (of, &id), &asked).await?
        }
        (Some((bytes, format)), id) => {
            exchange.stages.enter(Stage::Validate);
            let work = move || judge(&service, (&bytes, format), (of, id.as_deref()), given);
            super::apart(work).await?
        }
    };
    exchange.stages.enter(Stage::Respond);
    Ok(respond::outcome_of(&judged, exchange.language))
}

/// The type of the path; `None` for any.
fn known(resource_type: Option<&str>) -> Result<Option<&'static str>, Error> {
    let Some(name) = resource_type.filter(|name| *name != ANY) else { return Ok(None) };
    let mut names = R4::r4().resource_names();
    let found = names.find(|known| *known == name);
    found.map(Some).ok_or_else(|| parse::unknown_type(name, R4::r4().resource_names()))
}

/// A document by itself, or the one in Parameters.
fn judge(
    service: &Service,
    (bytes, format): (&[u8], Format),
    (of, id): (Option<&str>, Option<&str>),
    mut given: Given,
) -> Result<Judged, Error> {
    let text = Source::of(bytes);
    let reading = text.read(Some(format));
    let root = reading.tree.as_ref().and_then(|tree| tree.root());
    let called = root.filter(|root| is_call(*root, of));
    let resource = match called {
        None => root,
        Some(parameters) => {
            asked::others_in(parameters, &mut given);
            asked::resource_in(parameters)
        }
    };
    let asked = Asked::of(given)?;
    match resource {
        Some(resource) => fits(resource, of, id)?,
        None if called.is_some() => return Err(missing_resource()),
        // What can't be read at all is a finding, not a wrong call.
        None => {}
    }
    let definitions = service.validation.definitions()?;
    let masters = service.terminology.masters();
    let profiles: Vec<&str> = asked.profile.as_deref().into_iter().collect();
    let report = definitions
        .judge(masters, |validator| validator.validate_part(&text, &reading, resource, &profiles));
    Ok(Judged { against: against(service, &report), report, of_row: Vec::new(), mode: asked.mode })
}

/// Parameters are the call, unless they are what is to be judged: those that hold no resource, on the path
/// of their own type.
fn is_call(root: Node<'_>, of: Option<&str>) -> bool {
    let is_parameters = root.resource_type() == Some("Parameters");
    is_parameters && (of != Some("Parameters") || asked::resource_in(root).is_some())
}

/// The resource is of the type and has the id that the path names.
fn fits(resource: Node<'_>, of: Option<&str>, id: Option<&str>) -> Result<(), Error> {
    let own = resource.resource_type();
    if let (Some(of), Some(own)) = (of, own)
        && of != own
    {
        return Err(refused(
            &format!("the path is for a {of}, and the document is none"),
            &format!("パスの型は {of} ですが、文書の型が異なります"),
        ));
    }
    let has_other = id.is_some_and(|id| resource.child_text("id").is_some_and(|own| own != id));
    if has_other {
        return Err(refused(
            "the document has another id than the path",
            "文書の id がパスの id と異なります",
        ));
    }
    Ok(())
}

fn missing_resource() -> Error {
    refused(
        "what is to be validated is missing: send a resource, or Parameters with one as `resource`",
        "検証するリソースがありません。リソースか、resource を含む Parameters を送信してください",
    )
}

fn refused(en: &str, ja: &str) -> Error {
    let name = "resource".to_owned();
    let message = Text::new(format!("resource: {en}"), ja);
    Error::Parameters(vec![RefusedParameter { name, reason: Refusal::Invalid, message }])
}

/// What a verdict rests on: without it nobody can say what 'no errors' means.
fn against(service: &Service, report: &Report) -> Text {
    let masters = service.terminology.masters().systems().count();
    let profiles = match report.profiles.as_slice() {
        [] => "-".to_owned(),
        known => known.join(", "),
    };
    Text::new(
        format!(
            "held against R4 4.0.1 and the profiles {profiles}; code systems of masters: {masters}"
        ),
        format!(
            "R4 4.0.1 とプロファイル {profiles} で検証しました。標準コードマスタのコード体系: {masters}"
        ),
    )
}

/// The entry of `/metadata`.
pub fn declared() -> Value {
    json!({
        "name": NAME,
        "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        "documentation": "POST of a resource, or of Parameters with `resource`, `profile` and `mode`, in JSON \
            or XML, to the base, to a type or to a resource; GET or POST without a body for a resource that \
            is here, with what its row records and its rule does not send (準必須). The answer is always an \
            OperationOutcome. `mode` create, update and delete: nothing is ever written here, and the \
            outcome says so.",
    })
}
