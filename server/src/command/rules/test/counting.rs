//! Counts what really reaches a source, so that a test's `statements` does not rest on what the
//! fetch says of itself.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use genkan_adapter::{
    Adapter, AdapterError, Capabilities, ChangePage, ChangeRequest, Health, RowQuery, RowStream,
    SourceSchema, Statement,
};

pub struct Counting<A> {
    adapter: A,
    statements: AtomicUsize,
}

impl<A> Counting<A> {
    pub fn new(adapter: A) -> Self {
        Counting { adapter, statements: AtomicUsize::new(0) }
    }

    pub fn statements(&self) -> usize {
        self.statements.load(Ordering::Relaxed)
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

    fn explain(&self, query: &RowQuery) -> Option<Statement> {
        self.adapter.explain(query)
    }

    async fn changes(&self, request: &ChangeRequest) -> Result<ChangePage, AdapterError> {
        self.adapter.changes(request).await
    }

    async fn health(&self) -> Result<Health, AdapterError> {
        self.adapter.health().await
    }
}
