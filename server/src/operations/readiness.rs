//! The body of `/readyz`: what a person on duty and a load balancer want to know, without patients.

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::Operating;
use super::clock::Sanity;
use crate::error;
use crate::http::tls::{DAYS_LEFT_MIN, now};
use crate::sources::{CATEGORIES, Condition, Source};

/// Enough of the fingerprint to tell two rule sets apart.
const FINGERPRINT_BYTES: usize = 8;

pub fn report(operating: &Operating, stopping: bool) -> Value {
    let service = operating.served.now();
    let sources: Vec<Value> = service.sources.iter().map(source).collect();
    let clock = operating.clock.sanity();
    let well = |source: &Source| {
        source.seen.condition() == Condition::Well && source.breaker.state().is_closed()
    };
    let tls = operating.tls.as_ref().map(|tls| tls.certificate());
    let days_left = tls.as_ref().map(|certificate| certificate.days_left(now()));
    let all_well = service.sources.iter().all(well)
        && clock == Sanity::Sane
        && operating.served.refused().is_none()
        && days_left.is_none_or(|days| days >= DAYS_LEFT_MIN);
    let status = match (stopping, all_well) {
        (true, _) => "stopping",
        (false, true) => "ok",
        (false, false) => "degraded",
    };
    let fingerprint = service.rules.fingerprint;
    let mut report = json!({
        "status": status,
        "version": crate::VERSION,
        "sources": sources,
        "rules": {
            "count": service.rules.rules.len(),
            "fingerprint": HEXLOWER.encode(&fingerprint[..FINGERPRINT_BYTES]),
            "loaded": instant(service.rules_since.into()),
            "refused": operating.served.refused().map(|refused| json!({
                "at": refused.at.to_rfc3339_opts(SecondsFormat::Secs, true),
                "reason": refused.reason.en,
            })),
        },
        "clock": {
            "status": match clock {
                Sanity::Sane => "ok",
                Sanity::NotSet => "not-set",
                Sanity::Jumped(_) => "jumped",
            },
            "jumpMilliseconds": match clock {
                Sanity::Jumped(milliseconds) => milliseconds,
                Sanity::Sane | Sanity::NotSet => 0,
            },
            "now": instant(SystemTime::now()),
        },
    });
    if let Some(days) = days_left {
        let status = match days {
            ..0 => "expired",
            0..DAYS_LEFT_MIN => "ends-soon",
            _ => "ok",
        };
        report["tls"] = json!({"status": status, "daysLeft": days});
    }
    report
}

fn source(source: &Source) -> Value {
    let breaker = source.breaker.state();
    let mut told = json!({"name": &*source.name, "status": "ok", "breaker": breaker.name()});
    if !breaker.is_closed() {
        told["status"] = json!("degraded");
        told["code"] = json!(error::SPARED_CODE);
    }
    if let Condition::Degraded(category) = source.seen.condition() {
        let name = CATEGORIES.iter().find(|(known, _)| *known == category).map(|(_, name)| name);
        told["status"] = json!("degraded");
        told["category"] = json!(name);
        told["code"] = json!(error::source_code(category));
    }
    if let Some(last) = source.seen.last() {
        told["seenSecondsAgo"] = json!(last.as_secs());
    }
    told
}

fn instant(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}
