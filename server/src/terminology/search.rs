//! Reads and searches of CodeSystem, ValueSet and ConceptMap: few resources, all of them in memory.

use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{Filter, SearchRequest, SearchValue, TokenSystem, Total, read_shape};
use genkan_mapping::Text;
use genkan_mapping::emit::{Emitted, Tag};
use genkan_masters::fold;
use serde_json::Value;

use super::resources::{self, Extent};
use super::shaped::shaped;
use super::{PARAMETERS, TYPES};
use crate::emit::{Entry, SearchMode};
use crate::error::{Error, Refusal, RefusedParameter};
use crate::exchange::Exchange;
use crate::fetch::Found;
use crate::lenient;
use crate::links::{self, Asked};
use crate::negotiate::Handling;
use crate::parse::{self, Pairs, Search};
use crate::respond::{self, Answer, Links, Told};
use crate::service::Service;
use crate::stages::Stage;

/// In the token of a further page.
const CONTEXT: &[u8] = b"page of terminology";

pub fn read(
    service: &Service,
    exchange: &Exchange,
    resource_type: &'static str,
    (id, version_id, query): (&str, Option<&str>, &str),
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let pairs = parse::pairs(query.as_bytes());
    let shape = read_shape(Definitions::r4(), resource_type, &pairs)
        .map_err(|problems| Error::Parameters(problems.iter().map(parse::refused).collect()))?;
    let found = resources::of_id(&service.terminology, resource_type, id, extent(service));
    let resource =
        found.ok_or_else(|| Error::NotFound { resource_type: resource_type.to_owned() })?;
    if version_id.is_some() {
        // They have versions of their own, and none of a row.
        return Err(Error::UnknownVersion);
    }
    exchange.stages.enter(Stage::Respond);
    let bytes = shaped(resource, resource_type, &shape).to_string().into_bytes();
    let tag = respond::tag_of(&bytes);
    Ok(Answer::of(bytes).tagged(tag))
}

fn extent(service: &Service) -> Extent {
    Extent { codes_max: service.codes.read_codes_max, day: service.wall_clock().date() }
}

pub fn search(
    service: &Service,
    exchange: &Exchange,
    resource_type: &'static str,
    asked: Asked,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let (asked, ignored) = match exchange.handling {
        Handling::Strict => (asked, Vec::new()),
        Handling::Lenient => sift(service, resource_type, asked),
    };
    let search = parse::search(service, &exchange.base, resource_type, asked)?;
    let search = Search { ignored, ..search };
    let refused = refused(&search.request);
    if search.explain || !refused.is_empty() {
        let refused = refused.into_iter().map(|(_, one)| one);
        let explain = search.explain.then(|| not_answered(parse::EXPLAIN));
        return Err(Error::Parameters(refused.chain(explain).collect()));
    }
    exchange.stages.enter(Stage::Emit);
    let request = &search.request;
    let mut matched = resources::ids(&service.terminology, resource_type);
    matched.retain(|id| {
        let head = resources::head(&service.terminology, resource_type, id);
        head.is_some_and(|head| request.filters.iter().all(|filter| meets(&head, filter)))
    });
    let count = request.count.map_or(service.limits.page_size_default, |count| {
        usize::try_from(count).unwrap_or(usize::MAX).min(service.limits.page_size_max)
    });
    let begin = begin(service, request)?;
    let begin = begin.map_or(0, |last| matched.partition_point(|id| *id <= last.as_str()));
    let shown = if request.count_only { 0 } else { count };
    let page: Vec<&str> = matched.iter().copied().skip(begin).take(shown).collect();
    let more = !request.count_only && begin + page.len() < matched.len();
    let next = page.last().filter(|_| more);
    let next = next.map(|id| service.identity.seal(CONTEXT, &[resource_type, id]));
    let entry = |id: &&str| {
        let resource = resources::of_id(&service.terminology, resource_type, id, extent(service))?;
        let json = shaped(resource, resource_type, &request.shape).to_string().into_bytes();
        let (id, version_id, issues) = ((*id).to_owned(), respond::tag_of(&json), Vec::new());
        let emitted = Emitted { id, version_id, last_updated: None, json: Some(json), issues };
        Some(Entry { resource_type, mode: SearchMode::Match, emitted })
    };
    let entries: Vec<Entry<'_>> = page.iter().filter_map(entry).collect();
    exchange.stages.enter(Stage::Respond);
    let url = |next| links::url(service, exchange, &search, next);
    let links = Links { own: url(None), next: next.as_deref().map(|token| url(Some(token))) };
    let found = match request.total {
        Total::None => Found::NotAsked,
        _ => Found::Rows(matched.len() as u64),
    };
    let (ignored, shown) = (&search.ignored[..], &service.page_issues);
    let told = Told { found, includes_end_at: None, ignored, shown };
    let of_entry =
        |entry: &Entry<'_>| Tag { text: entry.emitted.version_id.clone(), is_version: false };
    let tags: Vec<Tag> = entries.iter().map(of_entry).collect();
    let tag = respond::page_tag(exchange, &links, told, (tags.len(), &tags));
    Ok(respond::searchset(exchange, &links, &entries, told).tagged(tag))
}

/// Behind which resource the page begins.
fn begin(service: &Service, request: &SearchRequest) -> Result<Option<String>, Error> {
    let Some(token) = &request.page else { return Ok(None) };
    let opened = service.identity.open(CONTEXT, token).unwrap_or_default();
    match opened.as_slice() {
        [of, last] if of == request.resource_type => Ok(Some(last.clone())),
        _ => {
            let message = Text::new(
                "_page: not a page of this search; follow the `next` link as it is",
                "「_page」この検索のページではありません。`next` リンクをそのまま使ってください",
            );
            let (name, reason) = ("_page".to_owned(), Refusal::Invalid);
            Err(Error::Parameters(vec![RefusedParameter { name, reason, message }]))
        }
    }
}

/// What R4 has and nobody answers here, with the name as it was written.
fn refused(request: &SearchRequest) -> Vec<(String, RefusedParameter)> {
    let mut refused = Vec::new();
    let mut refuse = |name: &str| refused.push((name.to_owned(), not_answered(name)));
    for filter in &request.filters {
        match &filter.modifier {
            _ if !PARAMETERS.contains(&filter.code) => refuse(filter.code),
            Some(modifier) => refuse(&format!("{}:{modifier}", filter.code)),
            None => {}
        }
    }
    request.sort.iter().for_each(|_| refuse("_sort"));
    request.includes.iter().for_each(|_| refuse("_include"));
    request.rev_includes.iter().for_each(|_| refuse("_revinclude"));
    if !request.chains.is_empty() {
        refuse("_has");
    }
    refused
}

fn not_answered(name: &str) -> RefusedParameter {
    let offered = PARAMETERS.join(", ");
    let message = Text::new(
        format!("{name}: not offered for {}; {offered} are, without modifiers", TYPES.join(", ")),
        format!("「{name}」は使えません。使えるのは修飾子なしの {offered} です"),
    );
    RefusedParameter { name: name.to_owned(), reason: Refusal::NotSupported, message }
}

/// `Prefer: handling=lenient`: whole parameters are left out, and told. Modifiers stay refused.
fn sift(service: &Service, resource_type: &str, asked: Asked) -> (Asked, Vec<RefusedParameter>) {
    let Asked { mut pairs, sealed } = asked.opened(&service.identity, resource_type);
    let mut ignored = Vec::new();
    lenient::unread(service, resource_type, &mut pairs, &mut ignored);
    let zone = service.rules.site.zone;
    let parsed = genkan_fhir::search::parse(Definitions::r4(), resource_type, &pairs, zone);
    for (name, one) in parsed.iter().flat_map(refused) {
        let is_known = PARAMETERS.iter().any(|known| name.split(':').next() == Some(known));
        if is_known {
            continue;
        }
        let begins = |written: &str| written.split([':', '.']).next() == Some(&name);
        let before = pairs.len();
        pairs.retain(|(written, _): &(String, String)| !begins(written));
        if pairs.len() < before {
            ignored.push(one);
        }
    }
    let pairs: Pairs = pairs;
    (Asked { pairs, sealed }, ignored)
}

/// Values are joined by "or".
fn meets(head: &Value, filter: &Filter) -> bool {
    let name = if filter.code == "_id" { "id" } else { filter.code };
    let Some(found) = head[name].as_str() else { return false };
    filter.values.iter().any(|value| match value {
        SearchValue::Token { code: Some(code), system } => {
            // Of a code R4 lets the system be said; it is that of the element.
            let system_fits = match system {
                TokenSystem::Is(url) => {
                    name == "status" && url == "http://hl7.org/fhir/publication-status"
                }
                TokenSystem::Any => true,
                TokenSystem::None => name != "status",
            };
            system_fits && code == found
        }
        SearchValue::Uri(uri) => uri == found,
        SearchValue::Text(text) => fold(found).starts_with(&fold(text)),
        _ => false,
    })
}
