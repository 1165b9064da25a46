//! The look at sources that no request has asked for a while: otherwise nobody would know at seven
//! in the morning that a source went away in the night.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::Operating;
use crate::error;
use crate::sources::{Condition, Source};

/// Never ends; a task for as long as requests are served.
pub async fn look(operating: Arc<Operating>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let service = operating.served.now();
        join_all(service.sources.iter().map(|source| at(source, every))).await;
    }
}

async fn at(source: &Source, every: Duration) {
    if source.seen.last().is_some_and(|last| last < every) {
        return;
    }
    let before = source.seen.condition();
    let health = source.adapter().health().await;
    source.seen.looked(health.as_ref().map(|_| ()));
    let name = &*source.name;
    match (before, source.seen.condition()) {
        (Condition::Well, Condition::Degraded(category)) => {
            let cause = health.err().map(|error| error.message).unwrap_or_default();
            tracing::warn!(code = error::source_code(category), source = name, cause, "degraded");
        }
        (Condition::Degraded(_), Condition::Well) => {
            tracing::info!(source = name, "answers again");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genkan_adapter::ErrorCategory;
    use genkan_adapter_sql::{SqlAdapter, SqlConfig};

    const HOUR: Duration = Duration::from_secs(3600);
    const AWAY: Condition = Condition::Degraded(ErrorCategory::Unreachable);

    #[tokio::test]
    async fn only_a_source_that_no_request_has_asked_is_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("source.db");
        let config = SqlConfig::new(format!("sqlite:{}", file.display()));
        let adapter = SqlAdapter::open(&config).await.expect("it is opened when it is asked");
        let source = Source::new("main", Arc::new(adapter));
        // The file is away: a look would find that.
        source.seen.begin().end(Ok(1));
        at(&source, HOUR).await;
        assert_eq!(source.seen.condition(), Condition::Well, "nobody looked");
        at(&source, Duration::ZERO).await;
        assert_eq!(source.seen.condition(), AWAY);
        std::fs::write(&file, "").expect("an empty database");
        at(&source, Duration::ZERO).await;
        assert_eq!(source.seen.condition(), Condition::Well, "it answers again");
        assert_eq!(source.seen.counts().statements, 1, "a look is no statement of a request");
    }
}
