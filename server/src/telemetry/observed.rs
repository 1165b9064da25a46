//! What is read at the moment of a scrape: the sources, the requests in work, the rules, the process.
//! It costs a request nothing.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use genkan_adapter::Load;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::process;
use crate::operations::Operating;
use crate::sources::{CATEGORIES, Condition, Seen, Source};

pub fn observe(meter: &Meter, operating: &Arc<Operating>) {
    build(meter);
    requests(meter, operating);
    rules(meter, operating);
    connections(meter, operating);
    statements(meter, operating);
    failures(meter, operating);
    breakers(meter, operating);
    certificate(meter, operating);
    of_process(meter);
}

fn build(meter: &Meter) {
    meter
        .u64_observable_gauge("genkan_build_info")
        .with_description("1; the version is a label")
        .with_callback(|told| told.observe(1, &[KeyValue::new("version", crate::VERSION)]))
        .build();
}

fn requests(meter: &Meter, operating: &Arc<Operating>) {
    let most = Arc::clone(operating);
    meter
        .u64_observable_gauge("genkan_requests_max")
        .with_description("[http] requests_max: one more gets 503")
        .with_callback(move |told| told.observe(most.requests_max as u64, &[]))
        .build();
    let operating = Arc::clone(operating);
    meter
        .u64_observable_gauge("genkan_requests_in_work")
        .with_description("Requests between their entrance and their answer")
        .with_callback(move |told| {
            let free = operating.served.now().places.available_permits();
            told.observe(operating.requests_max.saturating_sub(free) as u64, &[]);
        })
        .build();
}

fn rules(meter: &Meter, operating: &Arc<Operating>) {
    let loaded = Arc::clone(operating);
    meter
        .f64_observable_gauge("genkan_rules_loaded_timestamp")
        .with_unit("s")
        .with_description("When the rules in use were loaded, in Unix time")
        .with_callback(move |told| told.observe(unix(loaded.served.now().rules_since.into()), &[]))
        .build();
    let refused = Arc::clone(operating);
    meter
        .f64_observable_gauge("genkan_rules_refused_timestamp")
        .with_unit("s")
        .with_description("When newer rules were refused, in Unix time; 0 if none are")
        .with_callback(move |told| {
            let at = refused.served.refused().map_or(0, |refused| refused.at.timestamp());
            told.observe(at as f64, &[]);
        })
        .build();
    let operating = Arc::clone(operating);
    meter
        .u64_observable_gauge("genkan_rules")
        .with_description("Rules in use")
        .with_callback(move |told| {
            told.observe(operating.served.now().rules.rules.len() as u64, &[])
        })
        .build();
}

fn connections(meter: &Meter, operating: &Arc<Operating>) {
    type Part = fn(Load) -> u32;
    let parts: [(&'static str, &'static str, Part); 3] = [
        ("genkan_source_connections_max", "connections_max of the source's section", |load| {
            load.connections_max
        }),
        (
            "genkan_source_connections_in_use",
            "Connections to the source with a statement at work",
            |load| load.connections_in_use,
        ),
        (
            "genkan_source_statements_waiting",
            "Statements that wait for a connection to the source",
            |load| load.waiting,
        ),
    ];
    for (name, description, part) in parts {
        let operating = Arc::clone(operating);
        meter
            .u64_observable_gauge(name)
            .with_description(description)
            .with_callback(move |told| {
                for source in operating.served.now().sources.iter() {
                    if let Some(load) = source.adapter().load() {
                        told.observe(u64::from(part(load)), &[of(source)]);
                    }
                }
            })
            .build();
    }
}

fn statements(meter: &Meter, operating: &Arc<Operating>) {
    type Count = fn(&Seen) -> u64;
    let counts: [(&'static str, &'static str, Count); 3] = [
        ("genkan_source_statements", "Statements sent to the source", |seen| {
            seen.counts().statements
        }),
        ("genkan_source_rows", "Rows that the source answered", |seen| seen.counts().rows),
        (
            "genkan_source_statements_abandoned",
            "Statements that were given up: the client had gone or its time was over",
            |seen| seen.counts().abandoned,
        ),
    ];
    for (name, description, count) in counts {
        let operating = Arc::clone(operating);
        meter
            .u64_observable_counter(name)
            .with_description(description)
            .with_callback(move |told| {
                each(&operating, told, |source| count(&source.seen));
            })
            .build();
    }
    let operating = Arc::clone(operating);
    meter
        .f64_observable_counter("genkan_source_time")
        .with_unit("s")
        .with_description("Time that statements took, with the wait for a connection")
        .with_callback(move |told| {
            each(&operating, told, |source| source.seen.counts().time.as_secs_f64());
        })
        .build();
}

fn failures(meter: &Meter, operating: &Arc<Operating>) {
    let failed = Arc::clone(operating);
    meter
        .u64_observable_counter("genkan_source_failures")
        .with_description("Statements that failed, by category")
        .with_callback(move |told| {
            for source in failed.served.now().sources.iter() {
                for ((_, category), count) in CATEGORIES.iter().zip(source.seen.counts().failures) {
                    told.observe(count, &[of(source), KeyValue::new("category", *category)]);
                }
            }
        })
        .build();
    let operating = Arc::clone(operating);
    meter
        .u64_observable_gauge("genkan_source_up")
        .with_description("1 if the source answered when it was last asked, 0 if it is degraded")
        .with_callback(move |told| {
            each(&operating, told, |source| u64::from(source.seen.condition() == Condition::Well));
        })
        .build();
}

fn breakers(meter: &Meter, operating: &Arc<Operating>) {
    let opened = Arc::clone(operating);
    meter
        .u64_observable_counter("genkan_source_breaker_opened")
        .with_description("How often the source was left alone, or again, because it was ill")
        .with_callback(move |told| each(&opened, told, |source| source.breaker.opened()))
        .build();
    let operating = Arc::clone(operating);
    meter
        .u64_observable_gauge("genkan_source_breaker_open")
        .with_description("1 while requests to the source are refused, 0 if its breaker is closed")
        .with_callback(move |told| {
            each(&operating, told, |source| u64::from(!source.breaker.state().is_closed()));
        })
        .build();
}

fn certificate(meter: &Meter, operating: &Arc<Operating>) {
    let Some(tls) = operating.tls.clone() else { return };
    meter
        .i64_observable_gauge("genkan_tls_certificate_end_timestamp")
        .with_unit("s")
        .with_description("When the certificate of the data API ends, in Unix time")
        .with_callback(move |told| told.observe(tls.certificate().not_after, &[]))
        .build();
}

/// The names are those that every Prometheus client library gives them.
fn of_process(meter: &Meter) {
    type Read = fn() -> Option<u64>;
    let gauges: [(&'static str, &'static str, &'static str, Read); 3] = [
        ("process_resident_memory", "By", "Resident memory size", process::resident_bytes),
        ("process_open_fds", "", "Open file descriptors", process::open_files),
        ("process_max_fds", "", "Limit of open file descriptors", process::open_files_max),
    ];
    for (name, unit, description, value) in gauges {
        meter
            .u64_observable_gauge(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |told| value().iter().for_each(|value| told.observe(*value, &[])))
            .build();
    }
    meter
        .f64_observable_counter("process_cpu")
        .with_unit("s")
        .with_description("User and system time of the process")
        .with_callback(|told| {
            process::processor_seconds().iter().for_each(|time| told.observe(*time, &[]));
        })
        .build();
    let started = unix(SystemTime::now());
    meter
        .f64_observable_gauge("process_start_time")
        .with_unit("s")
        .with_description("When the process began to serve, in Unix time")
        .with_callback(move |told| told.observe(started, &[]))
        .build();
}

fn each<T>(operating: &Operating, told: &dyn AsyncInstrument<T>, value: impl Fn(&Source) -> T) {
    for source in operating.served.now().sources.iter() {
        told.observe(value(source), &[of(source)]);
    }
}

fn of(source: &Source) -> KeyValue {
    KeyValue::new("source", Arc::clone(&source.name))
}

fn unix(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
