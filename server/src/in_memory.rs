//! Reads of and searches for resources that are few and in memory: those that are made of the rules, the
//! masters and the code maps. They are answered as [`crate::read`] and [`crate::search`] answer them of
//! rows: what is not offered is refused, and nothing is fetched.

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{Filter, SearchValue, Shape, TokenSystem, Total};
use genkan_mapping::diagnostic::{Text, nearest_name};
use genkan_mapping::emit::{Emitted, Tag};
use genkan_masters::fold;
use serde_json::{Map, Value, json};

use crate::emit::{Entry, SearchMode};
use crate::error::{Error, Refusal, RefusedParameter};
use crate::exchange::Exchange;
use crate::fetch::Found;
use crate::links;
use crate::parse::{EXPLAIN, Search};
use crate::respond::{self, Answer, Links, Told};
use crate::service::Service;
use crate::stages::Stage;
use crate::{capability, terminology};

/// What shapes a page.
const SHAPING: [&str; 7] =
    ["_count", "_elements", "_format", "_page", "_pretty", "_summary", "_total"];
const PAGE: &str = "_page";
/// Of the token of a further page.
const OF_PAGE: &[u8] = b"page of what is in memory";

/// The resources of one type.
pub struct Shelf<'s> {
    pub resource_type: &'static str,
    /// By which they are found. Nothing else is offered: no modifiers, no order, no includes.
    pub parameters: &'static [&'static str],
    /// What a search compares of each, with its id, in the order in which they are shown.
    pub heads: Vec<Value>,
    /// The whole resource of a head.
    pub whole: Whole<'s>,
}

type Whole<'s> = Box<dyn Fn(&Value) -> Option<Value> + 's>;

/// The parameters of a type that is in memory; `None` for every other.
pub fn parameters(service: &Service, resource_type: &str) -> Option<&'static [&'static str]> {
    if resource_type == capability::TYPE {
        return Some(&capability::OWN);
    }
    terminology::answers(service, resource_type).map(|_| &terminology::PARAMETERS[..])
}

fn shelf<'s>(service: &'s Service, base: &str, resource_type: &str) -> Option<Shelf<'s>> {
    if resource_type == capability::TYPE {
        return Some(capability::shelf(service, base));
    }
    let own = terminology::answers(service, resource_type)?;
    Some(terminology::shelf(service, own))
}

/// A resource by its id. They have versions of their own, and none of a row.
pub fn read(
    exchange: &Exchange,
    (resource_type, found): (&str, Option<Value>),
    version_id: Option<&str>,
    shape: &Shape,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Emit);
    let found = found.ok_or_else(|| Error::NotFound { resource_type: resource_type.to_owned() })?;
    if version_id.is_some() {
        return Err(Error::UnknownVersion);
    }
    let json = part(found, resource_type, shape).to_string().into_bytes();
    exchange.stages.enter(Stage::Respond);
    let tag = respond::tag_of(&json);
    Ok(Answer::of(json).tagged(tag))
}

/// `None` if the type is none that is in memory.
pub fn search(
    service: &Service,
    exchange: &Exchange,
    search: &Search,
) -> Option<Result<Answer, Error>> {
    let shelf = shelf(service, &exchange.base, search.request.resource_type)?;
    Some(shelf.search(service, exchange, search))
}

impl Shelf<'_> {
    fn search(
        &self,
        service: &Service,
        exchange: &Exchange,
        search: &Search,
    ) -> Result<Answer, Error> {
        exchange.stages.enter(Stage::Plan);
        let request = &search.request;
        let (of, own) = (self.resource_type, self.parameters);
        let names = search.pairs.iter().map(|(name, _)| name);
        let mut problems: Vec<RefusedParameter> =
            names.filter_map(|name| not_offered(of, own, name)).collect();
        problems.extend(request.filters.iter().filter_map(|filter| unanswerable(of, filter)));
        if search.explain {
            let en = "no statement is planned for it";
            problems.push(refused(of, EXPLAIN, Refusal::NotSupported, en));
        }
        if !problems.is_empty() {
            return Err(Error::Parameters(problems));
        }
        let behind = self.behind(service, search)?;
        exchange.stages.enter(Stage::Emit);
        let meets = |head: &&Value| request.filters.iter().all(|filter| holds(head, filter));
        let found: Vec<&Value> = self.heads.iter().filter(meets).collect();
        let begin = behind.map_or(0, |last| {
            found.iter().position(|head| head["id"] == *last).map_or(found.len(), |at| at + 1)
        });
        let most = match request.count {
            _ if request.count_only => 0,
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
            None => service.limits.page_size_default,
        };
        let page = found.iter().skip(begin).take(most.min(service.limits.page_size_max));
        let page: Vec<&Value> = page.copied().collect();
        let goes_on = begin + page.len() < found.len() && !request.count_only;
        let last = page.last().filter(|_| goes_on).and_then(|head| head["id"].as_str());
        let next = last.map(|id| service.identity.seal(OF_PAGE, &[of, id]));
        let entries: Vec<Entry<'_>> =
            page.iter().filter_map(|head| self.entry(head, &request.shape)).collect();
        exchange.stages.enter(Stage::Respond);
        let url = |token| links::url(service, exchange, search, token);
        let links = Links { own: url(None), next: next.as_deref().map(|token| url(Some(token))) };
        let total = match request.total {
            Total::None => Found::NotAsked,
            Total::Accurate | Total::Estimate => Found::Rows(found.len() as u64),
        };
        let (ignored, shown) = (&search.ignored[..], &service.page_issues);
        let told = Told { found: total, includes_end_at: None, ignored, shown };
        let tag = |entry: &Entry<'_>| {
            let text = entry.emitted.version_id.clone();
            Tag { text, is_version: false }
        };
        let tags: Vec<Tag> = entries.iter().map(tag).collect();
        let tag = respond::page_tag(exchange, &links, told, (tags.len(), &tags));
        Ok(respond::searchset(exchange, &links, &entries, told).tagged(tag))
    }

    fn entry(&self, head: &Value, shape: &Shape) -> Option<Entry<'static>> {
        let id = head["id"].as_str()?.to_owned();
        let whole = (self.whole)(head)?;
        let json = part(whole, self.resource_type, shape).to_string().into_bytes();
        let (version_id, issues) = (respond::tag_of(&json), Vec::new());
        let emitted = Emitted { id, version_id, last_updated: None, json: Some(json), issues };
        let (resource_type, mode) = (self.resource_type, SearchMode::Match);
        Some(Entry { resource_type, mode, emitted })
    }

    /// The id of the last one on the page before.
    fn behind(&self, service: &Service, search: &Search) -> Result<Option<String>, Error> {
        let Some(token) = &search.request.page else { return Ok(None) };
        let opened = service.identity.open(OF_PAGE, token).unwrap_or_default();
        match opened.as_slice() {
            [of, last] if of == self.resource_type => Ok(Some(last.clone())),
            _ => {
                let en = "not a page of this search; follow the `next` link as it is";
                let no_page = refused(self.resource_type, PAGE, Refusal::Invalid, en);
                Err(Error::Parameters(vec![no_page]))
            }
        }
    }
}

/// Whether a search can do without this parameter. One that is offered is refused with its modifier,
/// because without it the question would be another.
pub fn dispensable(
    (resource_type, own): (&str, &'static [&'static str]),
    name: &str,
) -> Option<RefusedParameter> {
    let offered = name.split(':').next().is_some_and(|code| own.contains(&code));
    if offered { None } else { not_offered(resource_type, own, name) }
}

/// R4 has more, and all of it was read before.
fn not_offered(
    resource_type: &str,
    own: &'static [&'static str],
    name: &str,
) -> Option<RefusedParameter> {
    if own.contains(&name) || SHAPING.contains(&name) {
        return None;
    }
    let hint = match nearest_name(name, own.iter().copied()) {
        Some(near) => format!("`{near}` is"),
        None => format!("{} are, without modifiers", own.join(", ")),
    };
    let en = format!("not offered for {resource_type}; {hint}");
    Some(refused(resource_type, name, Refusal::NotSupported, &en))
}

fn refused(resource_type: &str, name: &str, reason: Refusal, en: &str) -> RefusedParameter {
    let ja = format!("「{name}」は {resource_type} の検索では使えません");
    let message = Text::new(format!("{name}: {en}"), ja);
    RefusedParameter { name: name.to_owned(), reason, message }
}

/// The code system of an element that is a code, where R4 binds it to one.
fn system(code: &str) -> Option<&'static str> {
    Some(match code {
        "status" => "http://hl7.org/fhir/publication-status",
        "type" => "http://hl7.org/fhir/search-param-type",
        "base" | "target" => "http://hl7.org/fhir/resource-types",
        _ => return None,
    })
}

/// Other codes have no system in the resource.
fn unanswerable(resource_type: &str, filter: &Filter) -> Option<RefusedParameter> {
    let bound = system(filter.code).is_some();
    let wrong = filter.values.iter().any(|value| match value {
        SearchValue::Token { code: None, .. } => true,
        SearchValue::Token { system, .. } => !bound && *system != TokenSystem::Any,
        _ => false,
    });
    let en = "has to be a code without a system";
    wrong.then(|| refused(resource_type, filter.code, Refusal::Invalid, en))
}

/// One of the values; some elements are lists.
fn holds(head: &Value, filter: &Filter) -> bool {
    let element = match filter.code {
        "_id" => &head["id"],
        code => &head[code],
    };
    let own = element.as_array().map_or(std::slice::from_ref(element), Vec::as_slice);
    let own: Vec<&str> = own.iter().filter_map(Value::as_str).collect();
    filter.values.iter().any(|value| match value {
        SearchValue::Token { code: Some(code), system: of } => {
            let fits = match of {
                TokenSystem::Any => true,
                TokenSystem::Is(url) => system(filter.code) == Some(url.as_str()),
                TokenSystem::None => system(filter.code).is_none(),
            };
            fits && own.contains(&code.as_str())
        }
        SearchValue::Uri(uri) => own.contains(&uri.as_str()),
        SearchValue::Text(text) => {
            let text = fold(text);
            own.iter().any(|own| fold(own).starts_with(&text))
        }
        _ => false,
    })
}

/// What was asked for of a resource, with what is mandatory, tagged as a part.
///
/// Spec: <https://hl7.org/fhir/R4/search.html#summary>
fn part(resource: Value, resource_type: &str, shape: &Shape) -> Value {
    let Value::Object(whole) = resource else { return resource };
    if *shape == Shape::Whole {
        return whole.into();
    }
    let elements = Definitions::r4().children(resource_type).unwrap_or_default();
    let is_shown = |name: &str| {
        let Some(element) = elements.iter().find(|element| element.name == name) else {
            return name == "resourceType";
        };
        let is_mandatory = element.min > 0 || name == "id";
        match shape {
            Shape::Whole => true,
            Shape::Summary => element.is_summary || is_mandatory,
            Shape::Text => is_mandatory || name == "text",
            Shape::Data => name != "text",
            Shape::Elements(names) => is_mandatory || names.contains(&name),
        }
    };
    let mut shown = Map::new();
    for (name, value) in whole.into_iter().filter(|(name, _)| is_shown(name)) {
        let is_id = name == "id";
        shown.insert(name, value);
        if is_id {
            shown.insert("meta".to_owned(), subsetted());
        }
    }
    shown.into()
}

fn subsetted() -> Value {
    let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
    json!({"tag": [{"system": system, "code": "SUBSETTED", "display": "subsetted"}]})
}
