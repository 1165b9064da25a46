//! What is counted of every request. Labels are words of ours and of R4, names of the configuration
//! and of the rule set; never anything of a row, a path or a query.

use actix_web::http::Method;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use crate::exchange::Exchange;
use crate::interaction::Interaction;
use crate::trace::Trace;

/// In seconds; a search of a page is some milliseconds, the longest that is allowed a minute.
const REQUEST_SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// The pure rooms take microseconds.
const STAGE_SECONDS: [f64; 13] = [
    0.000_01, 0.000_025, 0.000_1, 0.000_25, 0.001, 0.002_5, 0.01, 0.025, 0.1, 0.25, 1.0, 10.0, 60.0,
];
const STATEMENTS: [f64; 10] = [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, 100.0];

pub struct Requests {
    duration: Histogram<f64>,
    stages: Histogram<f64>,
    statements: Histogram<u64>,
    in_source: Counter<f64>,
    refusals: Counter<u64>,
    issues: Counter<u64>,
}

/// A request that was answered.
pub struct Answered<'a> {
    pub interaction: Interaction,
    pub status: u16,
    pub method: &'a Method,
    pub exchange: &'a Exchange,
    pub trace: &'a Trace,
}

impl Requests {
    pub fn new(meter: &Meter) -> Self {
        Requests {
            duration: meter
                .f64_histogram("genkan_request_duration")
                .with_unit("s")
                .with_description("From the entrance of a request to its answer")
                .with_boundaries(REQUEST_SECONDS.to_vec())
                .build(),
            stages: meter
                .f64_histogram("genkan_stage_duration")
                .with_unit("s")
                .with_description(
                    "Time of a request in one stage: parse, plan, fetch, emit, respond",
                )
                .with_boundaries(STAGE_SECONDS.to_vec())
                .build(),
            statements: meter
                .u64_histogram("genkan_request_statements")
                .with_description("Statements that a request sent to the hospital's systems")
                .with_boundaries(STATEMENTS.to_vec())
                .build(),
            in_source: meter
                .f64_counter("genkan_client_source_time")
                .with_unit("s")
                .with_description(
                    "Time that the hospital's systems worked, or were waited for, for a client",
                )
                .build(),
            refusals: meter
                .u64_counter("genkan_refusals")
                .with_description("Requests that were answered with an error, by its code")
                .build(),
            issues: meter
                .u64_counter("genkan_issues")
                .with_description("Data problems of rows that were answered, by code and code map")
                .build(),
        }
    }

    pub fn record(&self, answered: &Answered<'_>) {
        let Answered { interaction, status, exchange, .. } = answered;
        let stages = &exchange.stages;
        let name = KeyValue::new("interaction", interaction.name);
        let resource_type = KeyValue::new("resource_type", interaction.resource_type);
        let outcome = [name, resource_type, KeyValue::new("status", class(*status))];
        self.duration.record(stages.total().as_secs_f64(), &outcome);
        stages.for_each_stage(|spent| {
            let stage = [KeyValue::new("stage", spent.stage.name())];
            self.stages.record(spent.time.as_secs_f64(), &stage);
        });
        if let Some(statements) = stages.statements() {
            self.statements.record(statements as u64, &outcome[..1]);
        }
        let in_source = stages.in_source();
        if !in_source.is_zero() {
            let client = [KeyValue::new("client", exchange.client.name())];
            self.in_source.add(in_source.as_secs_f64(), &client);
        }
        if let Some(code) = stages.error() {
            self.refusals.add(1, &[KeyValue::new("code", code)]);
        }
        stages.for_each_issue(|code, map, count| {
            let code = KeyValue::new("code", code.to_owned());
            let map = KeyValue::new("map", map.unwrap_or_default().to_owned());
            self.issues.add(count as u64, &[code, map]);
        });
    }
}

/// `2xx`
fn class(status: u16) -> &'static str {
    match status / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}
