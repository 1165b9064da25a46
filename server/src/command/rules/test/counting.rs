//! Counts what really reaches a source, so that a test's `statements` does not rest on what the
//! fetch says of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use genkan_adapter::{
    Adapter, AdapterError, Capabilities, ChangePage, ChangeRequest, Excess, Health, Load, RowQuery,
    RowStream, SourceSchema, SourceServer, Statement,
};

pub struct Counting<A> {
    adapter: A,
    statements: Arc<AtomicUsize>,
}

impl<A> Counting<A> {
    /// Several sources of one test add to the same count.
    pub fn new(adapter: A, statements: Arc<AtomicUsize>) -> Self {
        Counting { adapter, statements }
    }
}

#[async_trait]
impl<A: Adapter> Adapter for Counting<A> {
    fn capabilities(&self) -> Capabilities {
        self.adapter.capabilities()
    }

    async fn schema(&self) -> Result<SourceSchema, AdapterError> {
        self.adapter.schema().await
    }

    fn rows<'a>(&'a self, query: &'a RowQuery) -> RowStream<'a> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.adapter.rows(query)
    }

    async fn count(&self, query: &RowQuery) -> Result<u64, AdapterError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.adapter.count(query).await
    }

    async fn estimate(&self, query: &RowQuery) -> Result<Option<u64>, AdapterError> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.adapter.estimate(query).await
    }

    fn explain(&self, query: &RowQuery) -> Option<Statement> {
        self.adapter.explain(query)
    }

    async fn database_plan(&self, query: &RowQuery) -> Result<Vec<String>, AdapterError> {
        self.adapter.database_plan(query).await
    }

    async fn changes(&self, request: &ChangeRequest) -> Result<ChangePage, AdapterError> {
        self.adapter.changes(request).await
    }

    async fn health(&self) -> Result<Health, AdapterError> {
        self.adapter.health().await
    }

    async fn excess(&self) -> Result<Vec<Excess>, AdapterError> {
        self.adapter.excess().await
    }

    async fn server(&self) -> Result<SourceServer, AdapterError> {
        self.adapter.server().await
    }

    fn load(&self) -> Option<Load> {
        self.adapter.load()
    }
}
