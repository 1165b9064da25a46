//! What every request shares: rules, identity, sources, limits. A request sees one [`Service`] from
//! its beginning to its end; another one may take its place meanwhile, as a whole ([`Served`]).

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use genkan_mapping::Text;
use genkan_mapping::identity::Identity;
use genkan_mapping::plan::PlanLimits;
use genkan_mapping::program::RuleSet;
use genkan_mapping::terminology::Terminology;
use genkan_masters::Store;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::batch::BatchLimits;
use crate::bundle::BundleConfig;
use crate::codes::CodesConfig;
use crate::documents::Documents;
use crate::export::Ended;
use crate::http::HttpConfig;
use crate::review::Review;
use crate::sources::Sources;
use crate::trace::TraceIds;
use crate::validate::Validation;

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
    /// Rounds of `_include:iterate` and `_revinclude:iterate`: how many references away from a match
    /// an included resource may be.
    pub include_depth_max: usize,
    /// Kinds of data problems that a page tells of the resources on it; 0: none.
    pub page_issues_max: usize,
    /// Codes of problems that it does not tell.
    pub page_issues_hidden: Vec<String>,
    /// Entries of a batch.
    pub batch_entries_max: usize,
    /// Of the answer to a batch; entries behind them are refused.
    pub batch_bytes_max: usize,
    /// `__explain` is answered.
    pub explain: bool,
    /// Rows of one statement of `$export` and `$everything`; more are read with the next one.
    pub export_chunk_rows: usize,
    /// The addresses of an export open for so long.
    pub export_token_hours: u32,
    /// Members of a Group that can be exported.
    pub export_group_members_max: usize,
    /// Files of exports that are sent at one time; one more gets 429.
    pub export_files_max: usize,
}

impl Default for FhirConfig {
    fn default() -> Self {
        FhirConfig {
            base_url: None,
            page_size_default: 50,
            page_size_max: 1000,
            include_rows_max: 5000,
            include_depth_max: 4,
            page_issues_max: 20,
            // The resource itself shows it: there is no standard code.
            page_issues_hidden: vec!["unmapped".to_owned()],
            batch_entries_max: 100,
            batch_bytes_max: 32 * 1024 * 1024,
            explain: false,
            export_chunk_rows: 1000,
            export_token_hours: 24,
            export_group_members_max: 50_000,
            export_files_max: 16,
        }
    }
}

impl FhirConfig {
    pub fn page_issues(&self) -> PageIssues {
        PageIssues { kinds_max: self.page_issues_max, hidden: self.page_issues_hidden.clone() }
    }

    pub fn batch_limits(&self) -> BatchLimits {
        BatchLimits { entries_max: self.batch_entries_max, bytes_max: self.batch_bytes_max }
    }

    pub fn export_limits(&self) -> ExportLimits {
        ExportLimits {
            chunk_rows: self.export_chunk_rows,
            token_hours: self.export_token_hours,
            group_members_max: self.export_group_members_max,
            files_max: self.export_files_max,
        }
    }

    pub fn plan_limits(&self) -> PlanLimits {
        PlanLimits {
            page_size_default: self.page_size_default,
            page_size_max: self.page_size_max,
            include_rows_max: self.include_rows_max,
            include_depth_max: self.include_depth_max,
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
        let counts = [self.export_chunk_rows, self.export_files_max];
        if counts.contains(&0) || self.export_token_hours == 0 {
            return Err(Text::new(
                "[fhir] export_chunk_rows, export_files_max and export_token_hours have to be 1 or more",
                "[fhir] export_chunk_rows、export_files_max、export_token_hours は 1 以上です",
            ));
        }
        if self.page_size_default == 0 || self.page_size_default > self.page_size_max {
            return Err(Text::new(
                "[fhir] page_size_default has to be 1 … page_size_max",
                "[fhir] page_size_default は 1〜page_size_max です",
            ));
        }
        if self.include_depth_max == 0 {
            return Err(Text::new(
                "[fhir] include_depth_max has to be 1 or more: an include is one reference away",
                "[fhir] include_depth_max は 1 以上です（1 で _include 1 段）",
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
    pub files_max: usize,
}

/// Cheap to clone: what is large or counts across requests is shared.
#[derive(Clone)]
pub struct Service {
    pub rules: Arc<RuleSet>,
    /// Since when these rules answer: also the date of the CapabilityStatement.
    pub rules_since: DateTime<Utc>,
    /// Of these rules.
    pub documents: Arc<Documents>,
    pub identity: Arc<Identity>,
    pub sources: Arc<Sources>,
    pub limits: PlanLimits,
    pub page_issues: PageIssues,
    pub batch: BatchLimits,
    pub explain: bool,
    pub export: ExportLimits,
    /// One for each file of an export that is being sent.
    pub export_places: Arc<Semaphore>,
    /// Of this process: other rules don't bring back what was ended.
    pub exports_ended: Arc<Ended>,
    pub bundle: BundleConfig,
    /// Code systems, value sets and code maps.
    pub terminology: Arc<Terminology>,
    pub codes: CodesConfig,
    pub validation: Arc<Validation>,
    /// `None`: nobody reviews code maps over HTTP.
    pub review: Option<Review>,
    pub base_url: Option<String>,
    /// Of the hospital, for `/metadata`.
    pub name: String,
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
pub struct Served {
    service: ArcSwap<Service>,
    refused: ArcSwapOption<RefusedRules>,
}

/// A rule set that was to be served and is not: the one before it still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRules {
    pub at: DateTime<Utc>,
    /// One sentence; every reason stands in the log.
    pub reason: Text,
}

impl Served {
    pub fn new(service: Service) -> Self {
        Served { service: ArcSwap::from_pointee(service), refused: ArcSwapOption::empty() }
    }

    pub fn now(&self) -> Arc<Service> {
        self.service.load_full()
    }

    /// Serves other rules and masters from now on. Requests in work keep what they began with.
    pub fn replace(&self, rules: impl Into<Arc<RuleSet>>, masters: impl Into<Arc<Store>>) {
        self.service.store(Arc::new(self.now().with_rules(rules.into(), masters.into())));
        self.refused.store(None);
    }

    /// Notes why newer rules are not served.
    pub fn refuse(&self, reason: Text) {
        let at = DateTime::<Utc>::from(SystemTime::now());
        self.refused.store(Some(Arc::new(RefusedRules { at, reason })));
    }

    /// The newer rules that are not served, if there are any.
    pub fn refused(&self) -> Option<Arc<RefusedRules>> {
        self.refused.load_full()
    }
}

fn places(most: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)))
}

/// The time of day in a zone.
pub fn wall_clock(zone: FixedOffset) -> NaiveDateTime {
    DateTime::<Utc>::from(SystemTime::now()).with_timezone(&zone).naive_local()
}

impl Service {
    /// What the hospital's clock says now.
    pub fn wall_clock(&self) -> NaiveDateTime {
        wall_clock(self.rules.site.zone)
    }

    pub fn new(
        name: String,
        rules: RuleSet,
        identity: Identity,
        sources: Sources,
        fhir: &FhirConfig,
        http: &HttpConfig,
    ) -> Self {
        let now = DateTime::<Utc>::from(SystemTime::now());
        let rules = Arc::new(rules);
        let terminology = Arc::new(Terminology::new(Arc::clone(&rules), Arc::default()));
        Service {
            rules,
            rules_since: now,
            documents: Arc::default(),
            identity: Arc::new(identity),
            sources: Arc::new(sources),
            limits: fhir.plan_limits(),
            page_issues: fhir.page_issues(),
            batch: fhir.batch_limits(),
            explain: fhir.explain,
            export: fhir.export_limits(),
            export_places: places(fhir.export_files_max),
            exports_ended: Arc::default(),
            bundle: BundleConfig::default(),
            terminology,
            codes: CodesConfig::default(),
            validation: Arc::default(),
            review: None,
            base_url: fhir.base_url.clone(),
            name,
            body_bytes_max: http.body_bytes_max,
            uri_bytes_max: http.uri_bytes_max,
            compress_bytes_min: http.compress.then_some(http.compress_bytes_min),
            body_read_timeout_secs: http.body_read_timeout_secs,
            request_timeout_secs: http.request_timeout_secs,
            places: places(http.requests_max),
            trace_ids: Arc::new(TraceIds::since(SystemTime::now())),
        }
    }

    /// With the masters of the site.
    #[must_use]
    pub fn with_masters(mut self, masters: Store, codes: &CodesConfig) -> Self {
        let terminology = Terminology::new(Arc::clone(&self.rules), Arc::new(masters));
        self.terminology = Arc::new(terminology);
        self.codes = codes.clone();
        self
    }

    /// With people who may review the code maps of this folder, if the configuration lets them; only those
    /// of known clients, if it tells clients apart.
    #[must_use]
    pub fn with_review(mut self, directory: &Path, only_known: bool) -> Self {
        let masters = Arc::clone(self.terminology.masters());
        let review = || Review::new(directory.to_owned(), masters, only_known);
        self.review = self.codes.review.then(review);
        self
    }

    /// The same service of other rules; limits and counts go on.
    fn with_rules(&self, rules: Arc<RuleSet>, masters: Arc<Store>) -> Self {
        let (rules_since, documents) = (SystemTime::now().into(), Arc::default());
        let review = self.review.as_ref().map(|review| review.with_masters(Arc::clone(&masters)));
        let terminology = Arc::new(Terminology::new(Arc::clone(&rules), masters));
        Service { rules, rules_since, documents, terminology, review, ..self.clone() }
    }
}
