//! The reference adapter answers the suite that it is the reference for.

use genkan_adapter::conformance::{check, fixture};
use genkan_adapter::memory::MemoryAdapter;

#[test]
fn memory_answers_the_suite() {
    let fixture = fixture();
    let adapter = MemoryAdapter::new(fixture.schema, &fixture.rows).unwrap();
    let results = futures::executor::block_on(check(&adapter));
    let failed: Vec<_> = results.iter().filter(|result| result.failure.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
