//! Traces over OTLP: one span for a sampled request, and below it one for each stage. They are made
//! when the request has its answer, of the times that `Server-Timing` tells; a request that is not
//! sampled makes none. No attribute holds anything of a row, a path or a query.
//!
//! Spec: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceId,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SdkTracer, SdkTracerProvider, SpanExporter,
};

use super::requests::Answered;
use crate::stages::Stage;

/// A collector that does not answer must not hold the end of the process.
const STOP: Duration = Duration::from_secs(5);

pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// `ratio`: of the traces that begin here; a client's own decision is followed.
    pub fn new(exporter: impl SpanExporter + 'static, ratio: f64, resource: Resource) -> Self {
        let own = Sampler::TraceIdRatioBased(ratio);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(own)))
            .with_id_generator(Ids)
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer(super::NAME);
        Traces { provider, tracer }
    }

    pub fn record(&self, answered: &Answered<'_>) {
        let Answered { interaction, status, exchange, trace, method } = answered;
        let stages = &exchange.stages;
        let ended = SystemTime::now();
        let began = ended.checked_sub(stages.total()).unwrap_or(ended);
        let mut attributes = vec![
            KeyValue::new("http.request.method", method_name(method)),
            KeyValue::new("http.response.status_code", i64::from(*status)),
            KeyValue::new("genkan.interaction", interaction.name),
            KeyValue::new("genkan.resource_type", interaction.resource_type),
            KeyValue::new("genkan.client", exchange.client.name()),
        ];
        attributes.extend(stages.error().map(|code| KeyValue::new("error.type", code)));
        let name = match interaction.resource_type {
            crate::interaction::NONE => interaction.name.to_owned(),
            resource_type => format!("{} {resource_type}", interaction.name),
        };
        let builder = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_start_time(began)
            .with_attributes(attributes);
        NEXT.set(Some(trace.id));
        let parent = trace.parent.clone().map(around).unwrap_or_default();
        let mut span = self.tracer.build_with_context(builder, &parent);
        if !span.is_recording() {
            return;
        }
        let context = around(span.span_context().clone());
        stages.for_each_stage(|spent| {
            let since = began + spent.after;
            let mut builder = SpanBuilder::from_name(spent.stage.name()).with_start_time(since);
            if let (Stage::Fetch, Some(statements)) = (spent.stage, stages.statements()) {
                let count = i64::try_from(statements).unwrap_or(i64::MAX);
                builder = builder.with_attributes([KeyValue::new("genkan.statements", count)]);
            }
            self.tracer
                .build_with_context(builder, &context)
                .end_with_timestamp(since + spent.time);
        });
        if *status >= 500 {
            span.set_status(Status::error(stages.error().unwrap_or_default()));
        }
        span.end_with_timestamp(ended);
    }

    /// Sends what is still here.
    pub fn stop(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(STOP) {
            tracing::debug!(%error, "spans were left behind");
        }
    }
}

fn around(span: SpanContext) -> Context {
    Context::new().with_remote_span_context(span)
}

/// A client can call its method anything.
fn method_name(method: &actix_web::http::Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|name| *name == method.as_str()).unwrap_or("_OTHER")
}

thread_local! {
    /// A trace has its id since the entrance: the log names it.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

#[derive(Debug)]
struct Ids;

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.take().unwrap_or_else(|| RandomIdGenerator::default().new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        RandomIdGenerator::default().new_span_id()
    }
}
