//! First room: bytes of a query or form to a [`SearchRequest`]. Pure.
//!
//! Strict: what is unknown or malformed is refused, all of it at once, because a search that
//! ignored a parameter would show more patients than were asked for. A client that wants it otherwise
//! says so ([`crate::lenient`]).

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{self, ProblemKind, SearchProblem, SearchRequest, Shape, StepFault};
use genkan_mapping::diagnostic::{Text, nearest_name};

use crate::capability;
use crate::error::{Error, Refusal, RefusedParameter};
use crate::links;
use crate::service::Service;
use crate::terminology;

pub const EXPLAIN: &str = "__explain";

/// Name and value, URL-decoded, in the client's order.
pub type Pairs = Vec<(String, String)>;

/// A search as asked, and as it can be repeated in links.
#[derive(Debug)]
pub struct Search {
    pub request: SearchRequest,
    pub pairs: Pairs,
    /// It came in a body, and links may not show it.
    pub sealed: bool,
    /// Its plan is wanted, and not its matches.
    pub explain: bool,
    /// What was asked besides and left out ([`crate::lenient`]).
    pub ignored: Vec<RefusedParameter>,
}

/// Takes a query string or a form apart. Names and values that are no UTF-8 get U+FFFD.
pub fn pairs(query: &[u8]) -> Pairs {
    form_urlencoded::parse(query).into_owned().collect()
}

/// `own_base`: the address under which the client knows us; it may write our ids as URLs.
pub fn search(
    service: &Service,
    own_base: &str,
    resource_type: &str,
    asked: impl Into<links::Asked>,
) -> Result<Search, Error> {
    known_type(service, resource_type)?;
    let links::Asked { pairs, sealed } = asked.into().opened(&service.identity, resource_type);
    let (pairs, explain) = explain(service, pairs)?;
    let zone = service.rules.site.zone;
    match search::parse(Definitions::r4(), resource_type, &pairs, zone) {
        Ok(request) => {
            let (request, ignored) = (request.seen_from(own_base), Vec::new());
            Ok(Search { request, pairs, sealed, explain, ignored })
        }
        Err(problems) => Err(Error::Parameters(problems.iter().map(refused).collect())),
    }
}

/// Takes `__explain`, which is no parameter of FHIR, out of a search.
fn explain(service: &Service, mut pairs: Pairs) -> Result<(Pairs, bool), Error> {
    let Some(place) = pairs.iter().position(|(name, _)| name == EXPLAIN) else {
        return Ok((pairs, false));
    };
    let refused = |reason, en: &str, ja: &str| {
        let message = Text::new(format!("{EXPLAIN}: {en}"), format!("「{EXPLAIN}」{ja}"));
        let name = EXPLAIN.to_owned();
        Err(Error::Parameters(vec![RefusedParameter { name, reason, message }]))
    };
    let (_, value) = pairs.remove(place);
    if !service.explain {
        let en = "it shows the hospital's tables; `[fhir] explain` is off";
        return refused(
            Refusal::NotSupported,
            en,
            "は院内の表を示すため無効です（[fhir] explain）",
        );
    }
    match value.as_str() {
        "true" => Ok((pairs, true)),
        "false" => Ok((pairs, false)),
        _ => refused(Refusal::Invalid, "has to be true or false", "は true か false です"),
    }
}

/// The parameters of `/metadata` and the like: form and nothing else. What were ignored would show
/// something else than was asked for.
pub fn form_only(query: &str) -> Result<(), Error> {
    let unknown = |(name, _): &(String, String)| name != "_format" && name != "_pretty";
    let refused: Vec<RefusedParameter> = pairs(query.as_bytes())
        .iter()
        .enumerate()
        .filter(|(_, pair)| unknown(pair))
        .map(|(index, _)| RefusedParameter {
            // The name may hold anything, so that its place is told instead.
            name: String::new(),
            reason: Refusal::NotSupported,
            message: Text::new(
                format!("parameter {}: only `_format` and `_pretty` are known here", index + 1),
                format!("{} 番目: ここで使えるのは `_format` と `_pretty` だけです", index + 1),
            ),
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(Error::Parameters(refused)) }
}

/// What `/metadata` is to tell of. R4's `normative` would be the same as `full`, and is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Full,
    Terminology,
}

/// Takes `mode` out of the query of `/metadata`.
pub fn mode(query: &str) -> Result<(Mode, String), Error> {
    let (own, rest): (Pairs, Pairs) =
        pairs(query.as_bytes()).into_iter().partition(|(name, _)| name == "mode");
    let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish();
    let values: Vec<&str> = own.iter().map(|(_, value)| value.as_str()).collect();
    match values.as_slice() {
        [] | ["full"] => Ok((Mode::Full, rest)),
        ["terminology"] => Ok((Mode::Terminology, rest)),
        _ => {
            let message = Text::new(
                "mode: has to be full or terminology, once",
                "「mode」は full か terminology を一度だけ指定します",
            );
            let (name, reason) = ("mode".to_owned(), Refusal::Invalid);
            Err(Error::Parameters(vec![RefusedParameter { name, reason, message }]))
        }
    }
}

/// The parameters of a read: which elements of the one resource are wanted.
pub fn read(service: &Service, resource_type: &str, query: &str) -> Result<Shape, Error> {
    known_type(service, resource_type)?;
    search::read_shape(Definitions::r4(), resource_type, &pairs(query.as_bytes()))
        .map_err(|problems| Error::Parameters(problems.iter().map(refused).collect()))
}

/// A type that some rule makes, or that tells of the rules; 404 for every other.
pub fn known_type(service: &Service, resource_type: &str) -> Result<(), Error> {
    let mut known = service.rules.resource_types();
    known.push(capability::TYPE);
    if terminology::answers(service, resource_type).is_some() {
        return Ok(());
    }
    if known.contains(&resource_type) {
        return Ok(());
    }
    Err(unknown_type(resource_type, known))
}

/// What stands in the place of a type and is none of these. It can be anything, so that it is repeated only
/// if it is a type.
pub fn unknown_type<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> Error {
    let hint = nearest_name(found, known).map(str::to_owned);
    let is_type = Definitions::r4().is_resource(found);
    let resource_type = if is_type { format!("`{found}`") } else { "this type".to_owned() };
    Error::UnknownType { resource_type, hint }
}

pub fn refused(problem: &SearchProblem) -> RefusedParameter {
    let reason = match problem.kind {
        ProblemKind::UnknownResourceType
        | ProblemKind::UnknownParameter { .. }
        | ProblemKind::NamesUnknown { .. }
        | ProblemKind::UnknownElement { .. }
        | ProblemKind::Modifier { .. }
        | ProblemKind::NotSupported(_)
        | ProblemKind::Step { .. }
        | ProblemKind::TooDeep { .. } => Refusal::NotSupported,
        ProblemKind::Empty
        | ProblemKind::Malformed(_)
        | ProblemKind::Form(_)
        | ProblemKind::WrongTarget
        | ProblemKind::Repeated
        | ProblemKind::Contradicts(_)
        | ProblemKind::TooMany { .. } => Refusal::Invalid,
    };
    let name = match problem.parameter.as_str() {
        "" => format!("{}", problem.pair + 1),
        name => name.to_owned(),
    };
    let message = Text::new(problem.to_string(), format!("「{name}」{}", japanese(problem.kind)));
    RefusedParameter { name: problem.parameter.clone(), reason, message }
}

fn japanese(kind: ProblemKind) -> String {
    match kind {
        ProblemKind::UnknownResourceType => "は R4 のリソース型ではありません".to_owned(),
        ProblemKind::UnknownParameter { nearest: None } => {
            "という検索パラメータはありません".to_owned()
        }
        ProblemKind::UnknownParameter { nearest: Some(nearest) } => {
            format!("という検索パラメータはありません。もしかして: {nearest}")
        }
        ProblemKind::NamesUnknown { nearest: None } => {
            "の値は R4 にない検索パラメータです".to_owned()
        }
        ProblemKind::NamesUnknown { nearest: Some(nearest) } => {
            format!("の値は R4 にない検索パラメータです。もしかして: {nearest}")
        }
        ProblemKind::UnknownElement { nearest: None } => {
            "の値はこのリソース型の直下の要素ではありません".to_owned()
        }
        ProblemKind::UnknownElement { nearest: Some(nearest) } => {
            format!("の値はこのリソース型の直下の要素ではありません。もしかして: {nearest}")
        }
        ProblemKind::Modifier { allowed: "" } => "に修飾子は使えません".to_owned(),
        ProblemKind::Modifier { allowed } => format!("の修飾子は {allowed} だけです"),
        ProblemKind::NotSupported(what) => format!("は使えません（{what}）"),
        ProblemKind::Empty => "に値がありません".to_owned(),
        ProblemKind::Malformed(expected) => format!("の値の形が違います（期待: {expected}）"),
        ProblemKind::Form(form) => format!("の形が違います（期待: {form}）"),
        ProblemKind::Step { step, fault } => format!("の {step} 段目: {}", japanese_fault(fault)),
        ProblemKind::TooDeep { max } => format!("は {max} 段までです"),
        ProblemKind::WrongTarget => "はその型を参照できません".to_owned(),
        ProblemKind::Repeated => "は一度しか書けません".to_owned(),
        ProblemKind::Contradicts(other) => format!("は {other} と同時に使えません"),
        ProblemKind::TooMany { max } => format!("は {max} を超えています"),
    }
}

fn japanese_fault(fault: StepFault) -> String {
    let perhaps = |nearest: Option<&str>| {
        nearest.map_or_else(String::new, |nearest| format!("。もしかして: {nearest}"))
    };
    match fault {
        StepFault::UnknownParameter { nearest } => {
            format!("そのような検索パラメータはありません{}", perhaps(nearest))
        }
        StepFault::UnknownType { nearest } => {
            format!("その型は R4 にありません{}", perhaps(nearest))
        }
        StepFault::NoReference => "参照型の検索パラメータではありません".to_owned(),
        StepFault::WrongTarget => "その型は参照されません".to_owned(),
    }
}
