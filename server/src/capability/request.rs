//! Reads of SearchParameter resources and searches for them, as [`crate::read`] and [`crate::search`]
//! answer them of rows: what they don't offer is refused, and nothing is fetched.

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{Filter, SearchValue, Shape, TokenSystem, Total};
use genkan_mapping::diagnostic::{Text, nearest_name};
use genkan_mapping::emit::{Emitted, Tag};
use serde_json::{Map, Value, json};

use super::search_parameter::{self, OWN, TYPE};
use crate::emit::{Entry, SearchMode};
use crate::error::{Error, Refusal, RefusedParameter};
use crate::exchange::Exchange;
use crate::fetch::Found;
use crate::links;
use crate::parse::{Pairs, Search};
use crate::respond::{self, Answer, Links, Told};
use crate::service::Service;
use crate::stages::Stage;

/// What shapes a page.
const SHAPING: [&str; 7] =
    ["_count", "_elements", "_format", "_page", "_pretty", "_summary", "_total"];
const PAGE: &str = "_page";
/// Of the token of a page.
const OF_PAGE: &[u8] = b"page of search parameters";

pub fn read(
    service: &Service,
    exchange: &Exchange,
    id: &str,
    shape: &Shape,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Emit);
    let found = search_parameter::of_id(service, &exchange.base, id);
    let found = found.ok_or_else(|| Error::NotFound { resource_type: TYPE.to_owned() })?;
    let json = part(found, shape).to_string().into_bytes();
    exchange.stages.enter(Stage::Respond);
    let tag = respond::tag_of(&json);
    Ok(Answer::of(json).tagged(tag))
}

pub fn search(service: &Service, exchange: &Exchange, search: &Search) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Plan);
    let mut problems = not_offered(&search.pairs);
    problems.extend(search.request.filters.iter().filter_map(unanswerable));
    if search.explain {
        problems.push(refused(
            "__explain",
            Refusal::NotSupported,
            "no statement is planned for it",
        ));
    }
    if !problems.is_empty() {
        return Err(Error::Parameters(problems));
    }
    let behind = behind(service, search)?;
    exchange.stages.enter(Stage::Emit);
    let mut found = search_parameter::all(service, &exchange.base);
    found.retain(|one| search.request.filters.iter().all(|filter| holds(one, filter)));
    let page = Page::of(service, search, found, behind.as_deref());
    exchange.stages.enter(Stage::Respond);
    let next = page.next.map(|id| service.identity.seal(OF_PAGE, &[&id]));
    let url = |token| links::url(service, exchange, search, token);
    let links = Links { own: url(None), next: next.as_deref().map(|token| url(Some(token))) };
    let told = Told {
        found: page.found,
        includes_end_at: None,
        ignored: &search.ignored,
        shown: &service.page_issues,
    };
    let tag = respond::page_tag(exchange, &links, told, (page.tags.len(), &page.tags));
    Ok(respond::searchset(exchange, &links, &page.entries, told).tagged(tag))
}

/// Whether a search can do without this parameter. One that is offered is refused with its modifier,
/// because without it the question would be another.
pub fn dispensable(name: &str) -> Option<RefusedParameter> {
    let offered = name.split(':').next().is_some_and(|code| OWN.contains(&code));
    if offered { None } else { not_known(name) }
}

fn not_offered(pairs: &Pairs) -> Vec<RefusedParameter> {
    pairs.iter().filter_map(|(name, _)| not_known(name)).collect()
}

/// R4 has more, and all of it was read before.
fn not_known(name: &str) -> Option<RefusedParameter> {
    if OWN.contains(&name) || SHAPING.contains(&name) {
        return None;
    }
    let near = nearest_name(name, OWN);
    let hint = near.map_or_else(String::new, |near| format!("; `{near}` is"));
    Some(refused(name, Refusal::NotSupported, &format!("not offered for {TYPE}{hint}")))
}

fn refused(name: &str, reason: Refusal, en: &str) -> RefusedParameter {
    let ja = format!("「{name}」は {TYPE} の検索では使えません");
    let message = Text::new(format!("{name}: {en}"), ja);
    RefusedParameter { name: name.to_owned(), reason, message }
}

/// The codes here have no system in the resource.
fn unanswerable(filter: &Filter) -> Option<RefusedParameter> {
    let has_system = |value: &SearchValue| matches!(value, SearchValue::Token { system, code } if *system != TokenSystem::Any || code.is_none());
    let wrong = filter.values.iter().any(has_system);
    wrong.then(|| refused(filter.code, Refusal::Invalid, "has to be a code without a system"))
}

/// The id of the last one on the page before.
fn behind(service: &Service, search: &Search) -> Result<Option<String>, Error> {
    let Some(token) = &search.request.page else { return Ok(None) };
    let opened = service.identity.open(OF_PAGE, token);
    let id = opened.and_then(|texts| texts.into_iter().next());
    let no_page = || {
        let en = "not a page of this search; follow the `next` link as it is";
        Error::Parameters(vec![refused(PAGE, Refusal::Invalid, en)])
    };
    id.map(Some).ok_or_else(no_page)
}

/// One of the values; `base` and `target` are lists.
fn holds(resource: &Value, filter: &Filter) -> bool {
    let element = match filter.code {
        "_id" => &resource["id"],
        code => &resource[code],
    };
    let own = element.as_array().map_or(std::slice::from_ref(element), Vec::as_slice);
    let own: Vec<&str> = own.iter().filter_map(Value::as_str).collect();
    filter.values.iter().any(|value| match value {
        SearchValue::Token { code: Some(code), .. } => own.contains(&code.as_str()),
        SearchValue::Uri(uri) => own.contains(&uri.as_str()),
        SearchValue::Text(text) => {
            // Names have letters of one width, and nothing above them.
            let text = text.to_lowercase();
            own.iter().any(|own| own.to_lowercase().starts_with(&text))
        }
        _ => false,
    })
}

struct Page {
    entries: Vec<Entry<'static>>,
    tags: Vec<Tag>,
    found: Found,
    /// The id behind which the next page begins.
    next: Option<String>,
}

impl Page {
    fn of(service: &Service, search: &Search, all: Vec<Value>, behind: Option<&str>) -> Self {
        let request = &search.request;
        let found = match request.total {
            Total::None => Found::NotAsked,
            Total::Accurate | Total::Estimate => Found::Rows(all.len() as u64),
        };
        let most = match request.count {
            _ if request.count_only => 0,
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
            None => service.limits.page_size_default,
        };
        let most = most.min(service.limits.page_size_max);
        let id = |resource: &Value| resource["id"].as_str().unwrap_or_default().to_owned();
        let begin = behind.map_or(0, |behind| {
            all.iter().position(|one| id(one) == behind).map_or(all.len(), |place| place + 1)
        });
        let goes_on = all.len() - begin > most && !request.count_only;
        let mut page = Page { entries: Vec::new(), tags: Vec::new(), found, next: None };
        for resource in all.into_iter().skip(begin).take(most) {
            let id = id(&resource);
            page.next = goes_on.then(|| id.clone());
            let json = part(resource, &request.shape).to_string().into_bytes();
            let text = respond::tag_of(&json);
            page.tags.push(Tag { text: text.clone(), is_version: false });
            let (last_updated, issues) = (None, Vec::new());
            let emitted = Emitted { id, version_id: text, last_updated, json: Some(json), issues };
            page.entries.push(Entry { resource_type: TYPE, mode: SearchMode::Match, emitted });
        }
        page
    }
}

/// What was asked for of a resource, with what is mandatory.
fn part(resource: Value, shape: &Shape) -> Value {
    let Value::Object(whole) = resource else { return resource };
    let elements = Definitions::r4().children(TYPE).unwrap_or_default();
    let is_shown = |name: &str| {
        let element = elements.iter().find(|element| element.name == name);
        let mandatory = element.is_none_or(|element| element.min > 0 || name == "id");
        mandatory
            || match shape {
                Shape::Whole | Shape::Data => true,
                Shape::Summary => element.is_some_and(|element| element.is_summary),
                // There is no narrative.
                Shape::Text => false,
                Shape::Elements(names) => names.contains(&name),
            }
    };
    if *shape == Shape::Whole {
        return whole.into();
    }
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
