//! `GET /fhir/[type]?…` and `POST /fhir/[type]/_search`: the way of a search, room by room.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html#search>

use genkan_fhir::search::{SearchRequest, Total};
use genkan_mapping::emit::Tag;
use genkan_mapping::plan::{Cursor, SearchPlan};

use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::{Fetch, FetchError, Found, Page};
use crate::links::{self, Asked};
use crate::negotiate::Handling;
use crate::parse::Search;
use crate::respond::{self, Answer, Links, Told};
use crate::service::Service;
use crate::stages::Stage;
use crate::{emit, in_memory, lenient, parse, plan};

pub async fn search(
    service: &Service,
    exchange: &Exchange,
    resource_type: &str,
    asked: impl Into<Asked>,
) -> Result<Answer, Error> {
    exchange.stages.enter(Stage::Parse);
    let (asked, ignored) = match exchange.handling {
        Handling::Strict => (asked.into(), Vec::new()),
        Handling::Lenient => lenient::sift(service, resource_type, asked.into()),
    };
    let search = parse::search(service, &exchange.base, resource_type, asked)?;
    let search = Search { ignored, ..search };
    if let Some(answered) = in_memory::search(service, exchange, &search) {
        return answered;
    }
    exchange.stages.enter(Stage::Plan);
    let plan = plan::search(service, &search.request, service.wall_clock())?;
    exchange.stages.enter(Stage::Fetch);
    let mut fetch = Fetch::new(&service.sources, &service.rules).until(exchange.deadline());
    let on_way = OnWay { service, exchange, search: &search, plan: &plan };
    if search.explain {
        return on_way.explained(&mut fetch).await;
    }
    let fetched = on_way.fetched(&mut fetch).await;
    exchange.stages.count_statements(fetch.statements(), fetch.in_source());
    let page = match fetched? {
        Fetched::Page(page) => page,
        Fetched::Unchanged(answer) => return Ok(answer),
    };
    exchange.stages.enter(Stage::Emit);
    let tags = emit::tags(service, &plan, &page);
    let said = Said { found: page.found, includes_end: page.includes_end };
    let frame = on_way.frame(said, page.next.as_ref(), (page.matches.len(), &tags));
    if let Some(unchanged) = frame.unchanged(exchange) {
        return Ok(unchanged);
    }
    let entries = emit::page(service, &plan, &page, tags);
    for entry in &entries {
        exchange.stages.count_issues(&entry.emitted.issues);
    }
    exchange.stages.enter(Stage::Respond);
    let Frame { links, told, tag } = frame;
    Ok(respond::searchset(exchange, &links, &entries, told).tagged(tag))
}

/// A search behind its plan.
struct OnWay<'a> {
    service: &'a Service,
    exchange: &'a Exchange,
    search: &'a Search,
    plan: &'a SearchPlan,
}

/// What a page is beside its entries, and what its ETag says of all of it.
struct Frame<'a> {
    links: Links,
    told: Told<'a>,
    tag: String,
}

impl Frame<'_> {
    /// The answer to a client that has this very page.
    fn unchanged(&self, exchange: &Exchange) -> Option<Answer> {
        let unchanged = Answer::unchanged(Some(self.tag.clone()), None);
        respond::is_unchanged(exchange, &unchanged).then_some(unchanged)
    }
}

/// What fetching found out beside rows.
struct Said {
    found: Found,
    includes_end: bool,
}

enum Fetched {
    Page(Page),
    Unchanged(Answer),
}

impl OnWay<'_> {
    /// Fetches no further than it takes to see that the client has the page already: the rows alone
    /// tell it where their rules say that they do, and nothing else belongs to the page.
    async fn fetched(&self, fetch: &mut Fetch<'_>) -> Result<Fetched, FetchError> {
        let rows = fetch.rows_of_page(self.plan).await?;
        let rows_tell = self.plan.includes.is_empty() && self.plan.total == Total::None;
        if rows_tell
            && self.exchange.conditions.has_tags()
            && let Some(tags) = emit::tags_of_rows(self.service, &rows)
        {
            let said = Said { found: Found::NotAsked, includes_end: false };
            let frame = self.frame(said, rows.next(), (tags.len(), &tags));
            if let Some(unchanged) = frame.unchanged(self.exchange) {
                return Ok(Fetched::Unchanged(unchanged));
            }
        }
        Ok(Fetched::Page(fetch.complete_page(self.plan, rows).await?))
    }

    async fn explained(&self, fetch: &mut Fetch<'_>) -> Result<Answer, Error> {
        let OnWay { service, exchange, search, plan } = self;
        let statements = fetch.explain(plan, true).await;
        exchange.stages.count_statements(fetch.statements(), fetch.in_source());
        exchange.stages.enter(Stage::Respond);
        let SearchRequest { resource_type, filters, .. } = &search.request;
        let asked = |(resource, code): &(String, String)| {
            resource == resource_type && filters.iter().any(|filter| filter.code == code)
        };
        let slow = service.rules.unindexed.iter();
        let slow: Vec<_> = slow.filter(|column| column.searches.iter().any(asked)).collect();
        let own = links::url(service, exchange, search, None);
        Ok(respond::explained(exchange, &own, &plan.to_string(), statements, &slow))
    }

    /// `tags`: of the matches, which are so many, and of what is included.
    fn frame(&self, said: Said, next: Option<&Cursor>, tags: (usize, &[Tag])) -> Frame<'_> {
        let links = self.links(next);
        let told = Told {
            found: said.found,
            includes_end_at: said.includes_end.then_some(self.plan.include_depth_max),
            ignored: &self.search.ignored,
            shown: &self.service.page_issues,
        };
        let tag = respond::page_tag(self.exchange, &links, told, tags);
        Frame { links, told, tag }
    }

    fn links(&self, next: Option<&Cursor>) -> Links {
        let OnWay { service, exchange, search, plan } = self;
        let next = next.map(|cursor| cursor.seal(&service.identity, &plan.context));
        let url = |next| links::url(service, exchange, search, next);
        Links { own: url(None), next: next.as_deref().map(|token| url(Some(token))) }
    }
}
