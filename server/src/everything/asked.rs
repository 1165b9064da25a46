//! What a call of `$everything` asks for. Strict: everything unknown or malformed is refused, all of
//! it at once.

use genkan_fhir::datetime;
use genkan_fhir::search::Filter;

use crate::bulk::{self, refused};
use crate::error::{Error, Refusal, RefusedParameter};
use crate::parse::Pairs;
use crate::service::Service;

pub const PAGE: &str = "_page";
/// Read before any operation is: they choose the form of the answer.
const CONTROL: [&str; 2] = ["_format", "_pretty"];

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

pub fn read(service: &Service, of: &str, pairs: &Pairs) -> Result<Asked, Error> {
    let mut asked = Asked::default();
    let mut problems = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in pairs.iter().filter(|(name, _)| !CONTROL.contains(&name.as_str())) {
        if name != "_type" && seen.contains(&name.as_str()) {
            problems.push(refused(
                name,
                Refusal::Invalid,
                "may stand once",
                "は一度しか書けません",
            ));
            continue;
        }
        seen.push(name);
        if let Err(problem) = asked.parameter(service, of, name, value) {
            problems.push(problem);
        }
    }
    let lists = pairs.iter().filter(|(name, _)| name == "_type").map(|(_, value)| value.as_str());
    if seen.contains(&"_type") {
        match bulk::types(&service.rules, lists) {
            Ok(types) => asked.types = Some(types),
            Err(problem) => problems.push(problem),
        }
    }
    if asked.page.is_some() && asked.count.is_none() && problems.is_empty() {
        let en = "belongs to `_count`; follow the `next` link as it is";
        let ja = "は _count と一緒に使います。`next` リンクをそのまま使ってください";
        problems.push(refused(PAGE, Refusal::Invalid, en, ja));
    }
    if problems.is_empty() { Ok(asked) } else { Err(Error::Parameters(problems)) }
}

impl Asked {
    fn parameter(
        &mut self,
        service: &Service,
        of: &str,
        name: &str,
        value: &str,
    ) -> Result<(), RefusedParameter> {
        match name {
            "start" | "end" if of == "Patient" => {
                if datetime::parse_date(value).is_err() {
                    let en = "has to be a date, like 2026-04-01";
                    return Err(refused(
                        name,
                        Refusal::Invalid,
                        en,
                        "は 2026-04-01 の形の日付です",
                    ));
                }
                let prefix = if name == "start" { "ge" } else { "le" };
                self.care.push(format!("{prefix}{value}"));
            }
            "_since" => self.since = Some(bulk::since(value, service.rules.site.zone)?),
            "_type" => {}
            "_count" => match value.parse() {
                Ok(count @ 1..) => {
                    self.count = Some(usize::min(count, service.limits.page_size_max.max(1)));
                }
                _ => {
                    let en = "has to be a number from 1 on";
                    return Err(refused(name, Refusal::Invalid, en, "は 1 以上の数です"));
                }
            },
            PAGE => self.page = Some(value.to_owned()),
            _ => {
                let en = "not a parameter of this operation";
                let ja = "はこの操作のパラメータではありません";
                return Err(refused(name, Refusal::NotSupported, en, ja));
            }
        }
        Ok(())
    }
}
