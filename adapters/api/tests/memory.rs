//! The reference adapter answers the suite that it is the reference for.

use genkan_adapter::Unreadable;
use genkan_adapter::conformance::{check, check_unreadable, fixture, unreadable_fixture};
use genkan_adapter::memory::MemoryAdapter;

#[test]
fn memory_answers_the_suite() {
    let fixture = fixture();
    let adapter = MemoryAdapter::new(fixture.schema, &fixture.rows).unwrap();
    let results = futures::executor::block_on(check(&adapter));
    let failed: Vec<_> = results.iter().filter(|result| result.failure.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn memory_serves_what_stands_beside_unreadable_text() {
    let cell = Unreadable::new([0xbb, 0xb3, 0xfc, 0xfe], 2);
    let fixture = unreadable_fixture(&cell);
    let adapter = MemoryAdapter::new(fixture.schema, &fixture.rows).unwrap();
    let results = futures::executor::block_on(check_unreadable(&adapter, &cell));
    let failed: Vec<_> = results.iter().filter(|result| result.failure.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
