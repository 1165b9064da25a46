//! One entry of a batch as a request. What can't be answered is an error of this entry alone.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use genkan_mapping::diagnostic::Text;
use serde_json::Value;

use crate::conditional::Conditions;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::respond::batch::Wants;

pub struct Request {
    /// Below the base.
    pub path: String,
    pub query: String,
    pub conditions: Conditions,
    pub wants: Wants,
}

/// Parameters that the whole batch has, and none of its entries.
const OF_THE_WHOLE: [&str; 2] = ["_format", "_pretty"];
/// Conditions of changes.
const OF_CHANGES: [&str; 2] = ["ifMatch", "ifNoneExist"];

pub fn read(exchange: &Exchange, entry: &Value) -> Result<Request, Error> {
    let request = entry.get("request").filter(|request| request.is_object());
    let Some(request) = request else {
        return wrong("`entry.request` is missing", "entry.request がありません");
    };
    let wants = match request["method"].as_str() {
        Some("GET") => Wants::Resource,
        Some("HEAD") => Wants::Head,
        Some("POST" | "PUT" | "DELETE" | "PATCH") => {
            return Err(Error::MethodNotAllowed { allowed: "GET, HEAD" });
        }
        _ => return wrong("`request.method` is no method", "request.method が不正です"),
    };
    if entry.get("resource").is_some() {
        return wrong("a GET has no resource", "GET の entry に resource は書けません");
    }
    for name in OF_CHANGES {
        if request.get(name).is_some() {
            let en = format!("`request.{name}` is a condition of changes");
            return Err(Error::NotABatch(Text::new(
                en,
                format!("request.{name} は更新の条件です"),
            )));
        }
    }
    let Some(url) = request["url"].as_str() else {
        return wrong("`request.url` is missing", "request.url がありません");
    };
    let (path, query) = address(exchange, url)?;
    Ok(Request { path, query, conditions: conditions(request)?, wants })
}

/// Relative to the base, or below our own.
fn address(exchange: &Exchange, url: &str) -> Result<(String, String), Error> {
    let own = url.strip_prefix(&exchange.base).and_then(|rest| rest.strip_prefix('/'));
    let relative = own.unwrap_or(url);
    if relative.contains("://") || relative.starts_with('/') || relative.contains('#') {
        let ja = "request.url はこのサーバーのベースからの相対 URL です";
        return wrong("`request.url` is relative to the base of this server", ja);
    }
    let (path, query) = relative.split_once('?').unwrap_or((relative, ""));
    let pairs = crate::parse::pairs(query.as_bytes());
    if pairs.iter().any(|(name, _)| OF_THE_WHOLE.contains(&name.as_str())) {
        let en = "`_format` and `_pretty` are of the whole batch";
        return wrong(en, "_format と _pretty はバッチ全体に指定します");
    }
    Ok((path.to_owned(), query.to_owned()))
}

fn conditions(request: &Value) -> Result<Conditions, Error> {
    let text = |name: &str| match request.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => wrong("a condition is a text", "条件は文字列です"),
    };
    let since = text("ifModifiedSince")?.map(|text| {
        let instant = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
        let en = "`ifModifiedSince` is an instant: 2026-04-01T12:00:00+09:00";
        let ja = "ifModifiedSince は 2026-04-01T12:00:00+09:00 の形です";
        instant.map_err(|_| Error::NotABatch(Text::new(en, ja)))
    });
    let now = SystemTime::now().into();
    Ok(Conditions::of_entry(text("ifNoneMatch")?, since.transpose()?, now))
}

fn wrong<T>(en: &str, ja: &str) -> Result<T, Error> {
    Err(Error::NotABatch(Text::new(en, ja)))
}
