//! What every request shares: rules, identity, sources, limits. A request sees one [`Service`] from
//! its beginning to its end; another one may take its place meanwhile, as a whole ([`Served`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use chrono::{DateTime, SecondsFormat, Utc};
use genkan_mapping::Text;
use genkan_mapping::identity::Identity;
use genkan_mapping::plan::PlanLimits;
use genkan_mapping::program::RuleSet;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::bundle::BundleConfig;
use crate::export::Ended;
use crate::http::HttpConfig;
use crate::sources::Sources;

/// `[fhir]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FhirConfig {
    /// The address that clients use, e.g. `https://fhir.example.jp/fhir`; without it the `Host`
    /// header of the request decides.
    pub base_url: Option<String>,
    /// Matches on a page when `_count` is absent.
    pub page_size_default: usize,
    pub page_size_max: usize,
    /// Included resources on a page.
    pub include_rows_max: usize,
    /// Kinds of data problems that a page tells of the resources on it; 0: none.
    pub page_issues_max: usize,
    /// Codes of problems that it does not tell.
    pub page_issues_hidden: Vec<String>,
    /// Rows of one statement of `$export` and `$everything`; more are read with the next one.
    pub export_chunk_rows: usize,
    /// The addresses of an export open for so long.
    pub export_token_hours: u32,
    /// Members of a Group that can be exported.
    pub export_group_members_max: usize,
}

impl Default for FhirConfig {
    fn default() -> Self {
        FhirConfig {
            base_url: None,
            page_size_default: 50,
            page_size_max: 1000,
            include_rows_max: 5000,
            page_issues_max: 20,
            // The resource itself shows it: there is no standard code.
            page_issues_hidden: vec!["unmapped".to_owned()],
            export_chunk_rows: 1000,
            export_token_hours: 24,
            export_group_members_max: 50_000,
        }
    }
}

impl FhirConfig {
    pub fn page_issues(&self) -> PageIssues {
        PageIssues { kinds_max: self.page_issues_max, hidden: self.page_issues_hidden.clone() }
    }

    pub fn export_limits(&self) -> ExportLimits {
        ExportLimits {
            chunk_rows: self.export_chunk_rows,
            token_hours: self.export_token_hours,
            group_members_max: self.export_group_members_max,
        }
    }

    pub fn plan_limits(&self) -> PlanLimits {
        PlanLimits {
            page_size_default: self.page_size_default,
            page_size_max: self.page_size_max,
            include_rows_max: self.include_rows_max,
        }
    }

    /// # Errors
    /// What is wrong with the section, for a person.
    pub fn check(&self) -> Result<(), Text> {
        if let Some(base) = &self.base_url {
            let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
            if host.is_none_or(str::is_empty) || base.ends_with('/') || base.contains(['?', '#']) {
                return Err(Text::new(
                    format!(
                        "[fhir] base_url `{base}` has to begin with http:// or https:// and not \
                         to end with a slash"
                    ),
                    format!(
                        "[fhir] base_url「{base}」は http:// か https:// で始め、末尾に / を付けません"
                    ),
                ));
            }
        }
        if self.export_chunk_rows == 0 || self.export_token_hours == 0 {
            return Err(Text::new(
                "[fhir] export_chunk_rows and export_token_hours have to be 1 or more",
                "[fhir] export_chunk_rows と export_token_hours は 1 以上です",
            ));
        }
        if self.page_size_default == 0 || self.page_size_default > self.page_size_max {
            return Err(Text::new(
                "[fhir] page_size_default has to be 1 … page_size_max",
                "[fhir] page_size_default は 1〜page_size_max です",
            ));
        }
        Ok(())
    }
}

/// Which data problems of its resources a page tells.
#[derive(Debug, Clone)]
pub struct PageIssues {
    pub kinds_max: usize,
    pub hidden: Vec<String>,
}

/// Of operations that bring many resources.
#[derive(Debug, Clone, Copy)]
pub struct ExportLimits {
    pub chunk_rows: usize,
    pub token_hours: u32,
    pub group_members_max: usize,
}

/// Cheap to clone: what is large or counts across requests is shared.
#[derive(Clone)]
pub struct Service {
    pub rules: Arc<RuleSet>,
    /// Since when these rules answer: whoever swaps them sets it.
    pub rules_since: DateTime<Utc>,
    pub identity: Arc<Identity>,
    pub sources: Arc<Sources>,
    pub limits: PlanLimits,
    pub page_issues: PageIssues,
    pub export: ExportLimits,
    /// Of this process: other rules don't bring back what was ended.
    pub exports_ended: Arc<Ended>,
    pub bundle: BundleConfig,
    pub base_url: Option<String>,
    /// Of the hospital, for `/metadata`.
    pub name: String,
    /// When this process began to serve: the date of its CapabilityStatement.
    pub started: String,
    pub body_bytes_max: usize,
    pub uri_bytes_max: usize,
    /// Answers from this size on are compressed; `None`: none is.
    pub compress_bytes_min: Option<usize>,
    pub body_read_timeout_secs: u64,
    pub request_timeout_secs: u64,
    /// One for each request in work.
    pub places: Arc<Semaphore>,
    pub trace_ids: Arc<TraceIds>,
}

/// The service of this moment, for the requests that begin now.
pub struct Served(ArcSwap<Service>);

impl Served {
    pub fn new(service: Service) -> Self {
        Served(ArcSwap::from_pointee(service))
    }

    pub fn now(&self) -> Arc<Service> {
        self.0.load_full()
    }
}

impl Service {
    pub fn new(
        name: String,
        rules: RuleSet,
        identity: Identity,
        sources: Sources,
        fhir: &FhirConfig,
        http: &HttpConfig,
    ) -> Self {
        let now = DateTime::<Utc>::from(SystemTime::now());
        Service {
            rules: Arc::new(rules),
            rules_since: now,
            identity: Arc::new(identity),
            sources: Arc::new(sources),
            limits: fhir.plan_limits(),
            page_issues: fhir.page_issues(),
            export: fhir.export_limits(),
            exports_ended: Arc::default(),
            bundle: BundleConfig::default(),
            base_url: fhir.base_url.clone(),
            name,
            started: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            body_bytes_max: http.body_bytes_max,
            uri_bytes_max: http.uri_bytes_max,
            compress_bytes_min: http.compress.then_some(http.compress_bytes_min),
            body_read_timeout_secs: http.body_read_timeout_secs,
            request_timeout_secs: http.request_timeout_secs,
            places: Arc::new(Semaphore::new(http.requests_max.min(Semaphore::MAX_PERMITS))),
            trace_ids: Arc::new(TraceIds::since(SystemTime::now())),
        }
    }
}

/// Ids for the requests of this process: its start and a number.
#[derive(Debug)]
pub struct TraceIds {
    process: String,
    count: AtomicU64,
}

impl TraceIds {
    fn since(start: SystemTime) -> Self {
        let since = start.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        TraceIds { process: format!("{:x}", since.as_micros()), count: AtomicU64::new(0) }
    }

    pub fn next(&self) -> String {
        format!("{}-{}", self.process, self.count.fetch_add(1, Ordering::Relaxed))
    }
}
