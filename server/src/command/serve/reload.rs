//! A changed rule set takes the place of the one that is served, as a whole, or not at all.
//!
//! SIGHUP asks for it, a review of a code map, or the folder's own change where `[rules] watch_interval_secs` is set. The
//! new set is compiled against the sources as they are now, its tests are run, and only then
//! requests see it. Whatever is wrong stands in the log, all of it; the earlier set serves on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::Context as _;
use genkan_mapping::program::{RuleFile, RuleSet, Site};
use genkan_mapping::{
    Compiled, Diagnostic, Severity, SourceSchemas, Text, compile, reads, testing,
};
use genkan_masters::Store;
use tokio::sync::Notify;
use tokio::task;
use tokio::time::MissedTickBehavior;

use crate::command::codes::{compared, masters_file};
use crate::command::rules::{Hospital, plain_identity};
use crate::command::{Failure, opening};
use crate::config::Config;
use crate::rule_files::{self, Look};
use crate::service::Served;
use crate::sources::{SourceError, Sources};

/// Until a source that did not answer is asked again.
const SOURCE_RETRY_SECS: u64 = 5;

pub struct Reloader {
    served: web::Data<Served>,
    sources: Arc<Sources>,
    directory: PathBuf,
    masters_file: PathBuf,
    site: Site,
    /// `None`: the folder is not watched.
    watch: Option<Duration>,
    /// The folder as it was when its rules were last tried.
    tried: Look,
    /// The folder as it was at the last look: half a copy is no rule set.
    seen: Look,
    signal: Signal,
    /// A reviewer has written a code map.
    written: Option<Arc<Notify>>,
}

/// Why a rule set is not served.
enum Refused {
    /// The folder can't be read.
    Files(String),
    /// The file of masters can't.
    Masters(String),
    /// Nothing is known of the rules: the sources could not be looked at.
    Source(SourceError),
    Rules(Vec<Diagnostic>, Vec<RuleFile>),
    Tests(Vec<FailedTest>),
    Broken(String),
}

pub struct FailedTest {
    pub place: String,
    pub rule: String,
    pub test: String,
    pub differences: Vec<String>,
}

/// What makes the loop go round.
enum Occasion {
    Asked,
    Look,
}

impl Reloader {
    /// `seen`: the folder before the rules that are served were read.
    pub fn new(served: web::Data<Served>, config: &Config, seen: Look) -> Result<Self, Failure> {
        let secs = config.rules.watch_interval_secs;
        Ok(Reloader {
            sources: Arc::clone(&served.now().sources),
            written: served.now().review.as_ref().map(|review| Arc::clone(&review.written)),
            served,
            directory: config.rules.directory.clone(),
            masters_file: config.codes.masters_file.clone(),
            site: config.site.site().map_err(Failure::usage)?,
            watch: (secs > 0).then(|| Duration::from_secs(secs)),
            tried: seen.clone(),
            seen,
            signal: Signal::hang_up().context("SIGHUP can't be waited for")?,
        })
    }

    /// Loads whenever there is reason to. Never ends.
    pub async fn run(&mut self) {
        // Without a watch nobody asks the timer.
        let mut looks = tokio::time::interval(self.watch.unwrap_or(Duration::MAX / 4));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut source_is_away = false;
        loop {
            let retry = tokio::time::sleep(Duration::from_secs(SOURCE_RETRY_SECS));
            let occasion = tokio::select! {
                () = self.signal.received() => Occasion::Asked,
                () = notified(self.written.as_deref()) => Occasion::Asked,
                _ = looks.tick(), if self.watch.is_some() => Occasion::Look,
                () = retry, if source_is_away => Occasion::Asked,
            };
            let due = match occasion {
                Occasion::Asked => true,
                Occasion::Look => self.has_changed().await,
            };
            if due {
                source_is_away = matches!(self.load().await, Err(Refused::Source(_)));
            }
        }
    }

    /// True if the folder is another than was tried, and the same as at the last look.
    async fn has_changed(&mut self) -> bool {
        let now = self.look().await;
        let settled = now == self.seen;
        self.seen = now;
        settled && self.seen != self.tried
    }

    async fn look(&self) -> Look {
        let (directory, masters) = (self.directory.clone(), self.masters_file.clone());
        task::spawn_blocking(move || rule_files::look(&directory, &masters))
            .await
            .unwrap_or_default()
    }

    async fn load(&mut self) -> Result<(), Refused> {
        self.tried = self.look().await;
        self.seen = self.tried.clone();
        match self.candidate().await {
            Ok((rules, masters)) => {
                let (count, tests) = (rules.rules.len(), testing::count(&rules));
                self.served.replace(rules, masters);
                tracing::info!(rules = count, tests, "rules loaded: new requests see them");
                Ok(())
            }
            Err(refused) => {
                let reason = refused.reason();
                // A source that stays away is told once.
                let known = self.served.refused().is_some_and(|known| known.reason == reason);
                if !(known && matches!(refused, Refused::Source(_))) {
                    refused.tell();
                    tracing::error!(reason = reason.en, "rules refused: the earlier ones serve on");
                }
                self.served.refuse(reason);
                Err(refused)
            }
        }
    }

    /// The rules of the folder, if all is well with them, and the masters as they are now.
    async fn candidate(&self) -> Result<(RuleSet, Store), Refused> {
        let directory = self.directory.clone();
        let files = task::spawn_blocking(move || rule_files::read(&directory)).await;
        let files = files.map_err(broken)?.map_err(|error| Refused::Files(format!("{error:#}")))?;
        let file = self.masters_file.clone();
        let masters = task::spawn_blocking(move || masters_file::open(&file));
        let masters = masters.await.map_err(broken)?;
        let masters = masters.map_err(|failed| Refused::Masters(failed.text().en))?;
        let schemas = opening::schemas(&self.sources).await.map_err(Refused::Source)?;
        let site = self.site.clone();
        // Large code maps take a moment, in which this thread has signals to answer.
        let compiled = task::spawn_blocking(move || {
            (compile(&files, &schemas, &site, &masters), schemas, masters)
        });
        let (mut compiled, schemas, masters) = compiled.await.map_err(broken)?;
        let Some(rules) = compiled.rules.take() else {
            let Compiled { mut diagnostics, files, .. } = compiled;
            diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
            return Err(Refused::Rules(diagnostics, files));
        };
        compared::log(&compiled);
        let failed = failed_tests(&rules, &schemas).await.map_err(broken)?;
        if failed.is_empty() { Ok((rules, masters)) } else { Err(Refused::Tests(failed)) }
    }
}

/// Never, where nobody may write.
async fn notified(written: Option<&Notify>) {
    match written {
        Some(written) => written.notified().await,
        None => std::future::pending().await,
    }
}

/// The tests of these rules that fail.
pub async fn failed_tests(
    rules: &RuleSet,
    schemas: &SourceSchemas,
) -> anyhow::Result<Vec<FailedTest>> {
    let identity = plain_identity()?;
    let schemas = reads::for_tests(schemas, rules);
    let hospital = Hospital { rules, schemas: &schemas, identity: &identity };
    let mut failed = Vec::new();
    for (index, rule) in rules.rules.iter().enumerate() {
        for test in &rule.tests {
            let differences = hospital.run(index, test).await;
            if !differences.is_empty() {
                let file = rules.files.get(usize::from(test.span.file));
                let place = format!("{}:{}", file.map_or("", |file| &file.path), test.span.line);
                let (rule, test) = (rule.id.clone(), test.name.clone());
                failed.push(FailedTest { place, rule, test, differences });
            }
        }
    }
    Ok(failed)
}

fn broken(error: impl ToString) -> Refused {
    Refused::Broken(error.to_string())
}

impl Refused {
    /// One sentence of it, which anybody may read.
    fn reason(&self) -> Text {
        match self {
            Refused::Files(_) => Text::new("the folder can't be read", "フォルダを読めません"),
            Refused::Masters(_) => {
                Text::new("the file of masters can't be read", "標準コードマスタを読めません")
            }
            Refused::Source(SourceError { source_name, .. }) => Text::new(
                format!("source `{source_name}` can't be looked at; it is asked again"),
                format!("接続先「{source_name}」を確認できません（再試行します）"),
            ),
            Refused::Rules(found, _) => Text::new(
                format!("{} errors in the rules", found.len()),
                format!("規則にエラーが {} 件あります", found.len()),
            ),
            Refused::Tests(failed) => Text::new(
                format!("{} tests of the rules fail", failed.len()),
                format!("規則のテストが {} 件失敗しました", failed.len()),
            ),
            Refused::Broken(_) => {
                Text::new("they could not be examined", "検査を終えられませんでした")
            }
        }
    }

    /// Every finding in the log, a line each. Rule files hold no patient's data.
    fn tell(&self) {
        match self {
            Refused::Files(error) | Refused::Masters(error) | Refused::Broken(error) => {
                tracing::error!("rules: {error}")
            }
            Refused::Source(error) => tracing::error!("rules: {error}"),
            Refused::Rules(found, files) => {
                for Diagnostic { code, span, message, hint, .. } in found {
                    let file = files.get(usize::from(span.file)).map_or("", |file| &file.path);
                    let place = format!("{file}:{}:{}", span.line, span.column);
                    let hint = hint.as_ref().map(|hint| hint.en.as_str());
                    tracing::error!(place, code, hint, "rules: {}", message.en);
                }
            }
            Refused::Tests(failed) => {
                for FailedTest { place, rule, test, differences } in failed {
                    for difference in differences {
                        tracing::error!(place, rule, test, "rules: a test fails: {difference}");
                    }
                }
            }
        }
    }
}

/// SIGHUP, where there is such a thing.
#[cfg(unix)]
struct Signal(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signal {
    fn hang_up() -> std::io::Result<Self> {
        let kind = tokio::signal::unix::SignalKind::hangup();
        tokio::signal::unix::signal(kind).map(Signal)
    }

    async fn received(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

#[cfg(not(unix))]
struct Signal;

#[cfg(not(unix))]
impl Signal {
    fn hang_up() -> std::io::Result<Self> {
        Ok(Signal)
    }

    async fn received(&mut self) {
        std::future::pending().await
    }
}
