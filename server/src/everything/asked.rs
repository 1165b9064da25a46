//! What a call of `$everything` asks for. Strict: everything unknown or malformed is refused, all of
//! it at once.

use genkan_fhir::datetime;
use genkan_fhir::search::Filter;

use crate::bulk::{self, Parameter, refused};
use crate::error::{Error, Refusal, RefusedParameter};
use crate::parse::Pairs;
use crate::service::Service;

pub const PAGE: &str = "_page";

#[derive(Debug, Default)]
pub struct Asked {
    /// Of the care, not of the record: `date` values of a search, with their prefixes.
    pub care: Vec<String>,
    pub since: Option<Filter>,
    pub types: Option<Vec<&'static str>>,
    /// Resources on a page; without it there are no pages.
    pub count: Option<usize>,
    pub page: Option<String>,
}

/// What the operation takes on a type: days of the care on a patient only.
pub fn parameters(of: &str) -> Vec<&'static Parameter<Asked>> {
    let care = if of == "Patient" { &CARE[..] } else { &[] };
    care.iter().chain(&PARAMETERS).collect()
}

static CARE: [Parameter<Asked>; 2] = [
    Parameter {
        name: "start",
        repeats: false,
        text: Some("The first day of the care."),
        note: |asked, _, value| asked.day("start", "ge", value),
    },
    Parameter {
        name: "end",
        repeats: false,
        text: Some("The last day of the care."),
        note: |asked, _, value| asked.day("end", "le", value),
    },
];

static PARAMETERS: [Parameter<Asked>; 4] = [
    Parameter {
        name: "_since",
        repeats: false,
        text: Some("What was changed since then, to the second."),
        note: |asked, service, value| {
            asked.since = Some(bulk::since(value, service.rules.site.zone)?);
            Ok(())
        },
    },
    Parameter {
        name: "_type",
        repeats: true,
        text: Some("Resource types, joined by commas; those that come along too."),
        note: |asked, service, value| bulk::types(&service.rules, value, &mut asked.types),
    },
    Parameter {
        name: "_count",
        repeats: false,
        text: Some("Resources on a page. Without it all come in one stream of compact JSON."),
        note: |asked, service, value| {
            let Some(count @ 1..) = value.parse::<u32>().ok() else {
                let en = "has to be a number from 1 on";
                return Err(refused("_count", Refusal::Invalid, en, "は 1 以上の数です"));
            };
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            asked.count = Some(count.min(service.limits.page_size_max.max(1)));
            Ok(())
        },
    },
    Parameter {
        name: PAGE,
        repeats: false,
        text: None,
        note: |asked, _, value| {
            asked.page = Some(value.to_owned());
            Ok(())
        },
    },
];

pub fn read(service: &Service, of: &str, pairs: &Pairs) -> Result<Asked, Error> {
    let mut asked = Asked::default();
    let mut problems = bulk::note(service, &parameters(of), pairs, &mut asked);
    if asked.page.is_some() && asked.count.is_none() && problems.is_empty() {
        let en = "belongs to `_count`; follow the `next` link as it is";
        let ja = "は _count と一緒に使います。`next` リンクをそのまま使ってください";
        problems.push(refused(PAGE, Refusal::Invalid, en, ja));
    }
    if problems.is_empty() { Ok(asked) } else { Err(Error::Parameters(problems)) }
}

impl Asked {
    fn day(&mut self, name: &str, prefix: &str, value: &str) -> Result<(), RefusedParameter> {
        if datetime::parse_date(value).is_err() {
            let en = "has to be a date, like 2026-04-01";
            return Err(refused(name, Refusal::Invalid, en, "は 2026-04-01 の形の日付です"));
        }
        self.care.push(format!("{prefix}{value}"));
        Ok(())
    }
}
