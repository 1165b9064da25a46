//! What a GET below the base asks for, by path and query: for the entries of a batch, whose addresses
//! no HTTP route sees.

use crate::bundle::operation as clins_bundle;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::read::{self, Wanted};
use crate::respond::Answer;
use crate::service::Service;
use crate::{capability, parse, search};

/// `path` is relative to the base: `Patient/123`, `metadata`.
pub async fn get(
    service: &Service,
    exchange: &Exchange,
    path: &str,
    query: &str,
) -> Result<Answer, Error> {
    let segments: Vec<&str> = path.split('/').collect();
    let read = |resource_type, id, version_id| {
        read::read(service, exchange, Wanted { resource_type, id, version_id, query })
    };
    let pairs = || parse::pairs(query.as_bytes());
    match segments.as_slice() {
        ["metadata"] => {
            parse::form_only(query)?;
            Ok(capability::capabilities(service, exchange))
        }
        ["_history"] | [_, "_history"] | [_, _, "_history"] => Err(Error::NoHistory),
        [resource_type, id, "_history", version_id] => {
            read(resource_type, id, Some(version_id)).await
        }
        ["Patient", id, operation] if operation.strip_prefix('$') == Some(clins_bundle::NAME) => {
            clins_bundle::run(service, exchange, id, &pairs()).await
        }
        ["OperationDefinition", id] if *id == clins_bundle::definition_id() => {
            parse::form_only(query)?;
            Ok(clins_bundle::definition_answer(&exchange.base))
        }
        [resource_type, id] if is_name(id) => read(resource_type, id, None).await,
        [resource_type] if is_name(resource_type) => {
            search::search(service, exchange, resource_type, pairs()).await
        }
        _ => Err(Error::UnknownRoute),
    }
}

/// Not empty, and no operation: `$…` is none that is known here.
fn is_name(segment: &str) -> bool {
    !segment.is_empty() && !segment.starts_with(['$', '_'])
}
