//! `[telemetry]`: what Genkan tells of its own work, by OpenTelemetry. One set of instruments is read by
//! Prometheus (`/metrics`) and sent to a collector; traces are sent only. Nothing of a patient is in a
//! label or an attribute.
//!
//! Where nobody reads, nothing is counted. A collector that is away disturbs no request.

mod collector;
mod observed;
mod process;
mod requests;
mod traces;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use genkan_mapping::Text;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{
    MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};
use serde::Deserialize;

use crate::operations::Operating;
use collector::Collector;
use requests::Requests;
use traces::Traces;

pub use process::open_files_max;
pub use requests::Answered;

/// Of the service, of the meter and of the tracer.
const NAME: &str = "genkan";

/// `[telemetry]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// A collector of OTLP over HTTP; without it nothing is sent.
    pub otlp_endpoint: Option<String>,
    /// PEM: who issued the collector's certificate, for an endpoint of https.
    pub ca_file: Option<PathBuf>,
    /// Of the traces that begin here, so many are sent: 0 none, 1 all.
    pub traces_ratio: f64,
    /// How often metrics are sent; 0: never.
    pub metrics_interval_secs: u64,
    pub export_timeout_secs: u64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        TelemetryConfig {
            otlp_endpoint: None,
            ca_file: None,
            traces_ratio: 0.1,
            metrics_interval_secs: 60,
            export_timeout_secs: 10,
        }
    }
}

impl TelemetryConfig {
    /// # Errors
    /// What is wrong with the section, for a person.
    pub fn check(&self) -> Result<(), Text> {
        if !(0.0..=1.0).contains(&self.traces_ratio) {
            return Err(Text::new(
                "[telemetry] traces_ratio has to be 0.0 … 1.0",
                "[telemetry] traces_ratio は 0.0〜1.0 です",
            ));
        }
        let endpoint = self.otlp_endpoint.as_deref();
        let secure = endpoint.is_some_and(|endpoint| endpoint.starts_with("https://"));
        let is_base = |endpoint: &str| {
            let host = endpoint.split_once("://").map_or("", |(_, host)| host);
            (secure || endpoint.starts_with("http://"))
                && !host.is_empty()
                && !host.contains(['/', '?', '#', '@'])
        };
        if let Some(endpoint) = endpoint.filter(|endpoint| !is_base(endpoint)) {
            return Err(Text::new(
                format!(
                    "[telemetry] otlp_endpoint `{endpoint}` has to be like http://127.0.0.1:4318, \
                     without a path"
                ),
                format!(
                    "[telemetry] otlp_endpoint「{endpoint}」は http://127.0.0.1:4318 の形で書き、\
                     パスは付けません"
                ),
            ));
        }
        if secure != self.ca_file.is_some() {
            return Err(Text::new(
                "[telemetry] ca_file belongs to an otlp_endpoint of https, and such an endpoint needs it",
                "[telemetry] ca_file は https の otlp_endpoint に必要で、それ以外では使いません",
            ));
        }
        Ok(())
    }
}

pub struct Telemetry {
    meters: SdkMeterProvider,
    registry: Registry,
    requests: Option<Requests>,
    traces: Option<Traces>,
}

impl Telemetry {
    /// `scraped`: somebody may ask for `/metrics`.
    ///
    /// # Errors
    /// What is wrong with the section, for a person.
    pub fn start(config: &TelemetryConfig, scraped: bool) -> Result<Self, Text> {
        let registry = Registry::new();
        let version = KeyValue::new("service.version", crate::VERSION);
        let resource =
            Resource::builder_empty().with_service_name(NAME).with_attribute(version).build();
        let mut meters = SdkMeterProvider::builder().with_resource(resource.clone());
        if scraped {
            let exporter = opentelemetry_prometheus::exporter()
                .with_registry(registry.clone())
                .scope_info_enabled(false)
                .without_target_info();
            meters = meters.with_reader(exporter.build().map_err(unexpected)?);
        }
        let sent = config.metrics_interval_secs > 0 && config.otlp_endpoint.is_some();
        let mut traces = None;
        if let Some(endpoint) = &config.otlp_endpoint {
            let timeout = Duration::from_secs(config.export_timeout_secs);
            let collector: Arc<dyn HttpClient> =
                Arc::new(Collector::new(config.ca_file.as_deref(), timeout)?);
            let spans = spans(endpoint, timeout, Arc::clone(&collector))?;
            traces = Some(Traces::new(spans, config.traces_ratio, resource));
            if sent {
                meters = pushed(meters, config, endpoint, timeout, collector)?;
            }
        }
        let meters = meters.build();
        let requests = (scraped || sent).then(|| Requests::new(&meters.meter(NAME)));
        Ok(Telemetry { meters, registry, requests, traces })
    }

    /// What is read when it is asked for.
    pub fn observe(&self, operating: &Arc<Operating>) {
        observed::observe(&self.meters.meter(NAME), operating);
    }

    /// A request has its answer.
    pub fn answered(&self, answered: &Answered<'_>) {
        if let Some(requests) = &self.requests {
            requests.record(answered);
        }
        if let Some(traces) = &self.traces {
            traces.record(answered);
        }
    }

    /// In the text format of Prometheus.
    ///
    /// Spec: <https://prometheus.io/docs/instrumenting/exposition_formats/>
    pub fn text(&self) -> anyhow::Result<String> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }

    /// Sends what was not sent yet.
    pub fn stop(&self) {
        if let Some(traces) = &self.traces {
            traces.stop();
        }
        if let Err(error) = self.meters.shutdown() {
            tracing::debug!(%error, "metrics were left behind");
        }
    }
}

fn spans(
    endpoint: &str,
    timeout: Duration,
    collector: Arc<dyn HttpClient>,
) -> Result<SpanExporter, Text> {
    SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_timeout(timeout)
        .with_shared_http_client(collector)
        .build()
        .map_err(unexpected)
}

fn pushed(
    meters: MeterProviderBuilder,
    config: &TelemetryConfig,
    endpoint: &str,
    timeout: Duration,
    collector: Arc<dyn HttpClient>,
) -> Result<MeterProviderBuilder, Text> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{endpoint}/v1/metrics"))
        .with_timeout(timeout)
        .with_shared_http_client(collector)
        .build()
        .map_err(unexpected)?;
    let every = Duration::from_secs(config.metrics_interval_secs);
    Ok(meters.with_reader(PeriodicReader::builder(exporter).with_interval(every).build()))
}

fn unexpected(error: impl ToString) -> Text {
    let text = format!("[telemetry] {}", error.to_string());
    Text::new(text.clone(), text)
}
