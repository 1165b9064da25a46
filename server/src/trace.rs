//! The trace that a request belongs to: the client's, if it names one, or else one of our own. Its id
//! is in the log whether the trace is sampled or not.
//!
//! Spec: <https://www.w3.org/TR/trace-context/>

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use actix_web::http::header::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;

#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub id: TraceId,
    /// The client's span that waits for us, if it names one.
    pub parent: Option<SpanContext>,
}

impl Trace {
    /// As the headers say; a `traceparent` that is none counts as if it were not there.
    pub fn of(headers: &HeaderMap, own: &TraceIds) -> Self {
        let context = TraceContextPropagator::new().extract(&Headers(headers));
        let parent = Some(context.span().span_context().clone()).filter(SpanContext::is_valid);
        let id = parent.as_ref().map_or_else(|| own.next(), SpanContext::trace_id);
        Trace { id, parent }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// Ids for the traces that begin in this process. Each is another one, and all of their bits look
/// random: samplers choose by them.
#[derive(Debug)]
pub struct TraceIds {
    process: u64,
    count: AtomicU64,
}

impl TraceIds {
    pub fn since(start: SystemTime) -> Self {
        let since = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let process = mixed(since.as_nanos() as u64 ^ u64::from(std::process::id()) << 48);
        TraceIds { process, count: AtomicU64::new(0) }
    }

    pub fn next(&self) -> TraceId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let low = mixed(self.process.wrapping_add(count));
        TraceId::from_bytes((u128::from(self.process) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// The finaliser of SplitMix64: a bijection, so that no two counts give one id.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use std::collections::HashSet;

    fn of(traceparent: &str) -> Trace {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(traceparent).expect("a header");
        headers.insert(HeaderName::from_static("traceparent"), value);
        Trace::of(&headers, &TraceIds::since(SystemTime::UNIX_EPOCH))
    }

    #[test]
    fn the_client_s_trace_goes_on_and_what_is_none_begins_a_new_one() {
        let known = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = of(known);
        assert_eq!(trace.id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let parent = trace.parent.expect("a parent");
        assert_eq!(parent.span_id().to_string(), "00f067aa0ba902b7");
        assert!(parent.is_sampled() && parent.is_remote());
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E473X-00f067aa0ba902b7-01",
            "山田",
        ] {
            let trace = of(wrong);
            assert_eq!(trace.parent, None, "{wrong}");
            assert_ne!(trace.id, TraceId::INVALID, "{wrong}");
        }
    }

    #[test]
    fn own_ids_differ_and_their_low_half_is_spread_evenly() {
        let ids = TraceIds::since(SystemTime::now());
        let made: Vec<TraceId> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), made.len());
        let lower = made.iter().filter(|id| id.to_bytes()[8] < 0x80).count();
        assert!((4_500..5_500).contains(&lower), "{lower} of 10000 in the lower half");
    }
}
