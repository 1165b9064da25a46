//! `genkan rules record TYPE KEY…`: a live row as a test case of its rule, with nobody in it. The case
//! is run before it is shown, so that what is shown passes.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use genkan_mapping::emit::Emitter;
use genkan_mapping::plan::ReadPlan;
use genkan_mapping::program::{RuleSet, Site};
use genkan_mapping::record::{self, Case, Masked, RawRow};
use genkan_mapping::{Compiled, RuleFiles, SourceSchemas, Text, compile, reads};
use genkan_masters::Store;
use serde_json::Value as Json;

use super::plain_identity;
use super::preview;
use super::test::{Hospital, Results};
use crate::command::{ConfigArg, Failure, Manner, Output, opening};
use crate::config::Config;
use crate::fetch::Fetch;
use crate::site::SiteConfig;

/// Days that a row moves back: some whole weeks, so that weekdays stay.
const WEEKS_MIN: u64 = 8;
const WEEKS_MAX: u64 = 60;

#[derive(Debug, Args)]
pub struct RecordArgs {
    /// FHIR type
    resource_type: String,
    /// The row's key in the order of the rule, or the resource's id
    #[arg(required = true)]
    key: Vec<String>,
    #[command(flatten)]
    config: ConfigArg,
    /// Folder of the rule set, if it is not the one of the configuration
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Name of the test
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// A column whose values are nobody's and stay as they are; may be given several times
    #[arg(long, value_name = "TABLE.COLUMN")]
    keep: Vec<String>,
    /// Write the test into the rule's file
    #[arg(long)]
    append: bool,
}

/// A rule set with what it is compiled against.
struct Desk {
    directory: PathBuf,
    files: RuleFiles,
    schemas: SourceSchemas,
    /// That of the configuration, and the one that `rules test` takes without: a test passes with both.
    sites: Vec<Site>,
    masters: Store,
}

pub async fn run(args: &RecordArgs, manner: Manner) -> Result<(), Failure> {
    let config = Config::load(&args.config.config)?;
    let directory = args.rules.clone().unwrap_or_else(|| config.rules.directory.clone());
    let files = opening::files(&directory)?;
    let (sources, schemas) = opening::sources(&config).await?;
    let site = config.site.site().map_err(Failure::usage)?;
    let masters = opening::masters(&config)?;
    let rules = opening::rules(&files, &schemas, &site, &masters, manner)?;
    if let Some(unknown) = args.keep.iter().find(|name| !is_column(name, &schemas)) {
        return Err(Failure::usage(Text::new(
            format!("--keep: the source has no column `{unknown}`; write TABLE.COLUMN"),
            format!("--keep: 列「{unknown}」がありません。表.列 の形で指定してください"),
        )));
    }
    let identity = opening::identity(&config.identity, manner)?;
    let plans = preview::plans(&args.resource_type, &args.key, &rules, &identity);
    if plans.is_empty() {
        return Err(Failure::usage(preview::no_plan(&args.resource_type, &rules)));
    }
    let example = SiteConfig::example().site().map_err(Failure::usage)?;
    let compiles = compile(&files, &schemas, &example, &masters).rules.is_some();
    let sites = std::iter::once(site).chain(compiles.then_some(example)).collect();
    let desk = Desk { directory, files, schemas, sites, masters };
    let mut found = false;
    for plan in &plans {
        let mut fetch = Fetch::new(&sources, &rules);
        let mut behind = fetch.behind(plan, &desk.schemas).await?;
        match (behind.pop(), behind.is_empty()) {
            (None, _) => continue,
            (Some(_), false) => return Err(Failure::runtime(not_unique())),
            (Some(rows), true) => {
                found = true;
                let is_made = is_made(&mut fetch, plan, &rules).await?;
                desk.record(args, plan.rule, &rules, rows, is_made, manner).await?;
            }
        }
    }
    let none = Text::new("there is no such row", "そのキーの行はありません");
    if found { Ok(()) } else { Err(Failure::runtime(none)) }
}

fn is_column(name: &str, schemas: &SourceSchemas) -> bool {
    let Some((table, column)) = name.rsplit_once('.') else { return false };
    let mut known = schemas.schemas().filter_map(|schema| schema.table(table));
    known.any(|table| table.column(column).is_some())
}

fn not_unique() -> Text {
    Text::new(
        "the key finds several rows: see `genkan rules check --config`",
        "キーに該当する行が複数あります（genkan rules check --config を確認してください）",
    )
}

/// The row, as it is, is a resource.
async fn is_made(fetch: &mut Fetch<'_>, plan: &ReadPlan, rules: &RuleSet) -> Result<bool, Failure> {
    let identity = plain_identity()?;
    let emitter = Emitter::new(rules, &identity);
    let records = fetch.of_key(plan).await?;
    let rule = &rules.rules[plan.rule];
    Ok(records.iter().any(|record| emitter.emit(rule, record).json.is_some()))
}

impl Desk {
    async fn record(
        &self,
        args: &RecordArgs,
        index: usize,
        rules: &RuleSet,
        rows: Vec<RawRow>,
        is_made: bool,
        manner: Manner,
    ) -> Result<(), Failure> {
        let Masked { rows, kept } =
            record::masked(rows, rules, &self.schemas, &args.keep, (days()?, rules.site.zone));
        let rule = &rules.rules[index];
        let number = rule.tests.len() + 1;
        let named = Text::new(format!("recorded {number}"), format!("記録 {number}"));
        let name = named.in_language(manner.language).to_owned();
        let name = args.name.clone().unwrap_or(name);
        let mut case = Case { name, rows, expect: None, issues: Vec::new(), statements: 0 };
        for site in &self.sites {
            let results = self.results(index, &case, site).await?;
            if results.emitted.iter().any(|(_, json)| json.is_some()) != is_made {
                return Err(Failure::runtime(lost(&rule.id)));
            }
            let made: Vec<Json> =
                results.emitted.iter().filter_map(|(_, json)| expected(json)).collect();
            case.expect = Some(match case.expect.take() {
                None => made,
                Some(before) => {
                    before.iter().zip(&made).filter_map(|(a, b)| common(a, b)).collect()
                }
            });
            case.issues = results.emitted.into_iter().flat_map(|(one, _)| one.issues).collect();
            case.statements = results.statements;
        }
        for site in &self.sites {
            self.verify(index, &case, site).await?;
        }
        self.show(args, rules, index, &case)?;
        if manner.output == Output::Text {
            tell(&kept, manner);
        }
        Ok(())
    }

    /// The rules with this case behind the other tests of its rule.
    fn with_case(&self, index: usize, case: &Case, site: &Site) -> Result<RuleSet, Failure> {
        let Compiled { rules, .. } = compile(&self.files, &self.schemas, site, &self.masters);
        let file = rules.and_then(|rules| {
            let file = rules.rules.get(index)?.span.file;
            rules.files.get(usize::from(file)).map(|file| (file.path.clone(), file.text.clone()))
        });
        let Some((path, text)) = file else { return Err(Failure::rules()) };
        let text = record::with_case(&text, case).map_err(|_| Failure::usage(flow(&path)))?;
        let mut files = self.files.clone();
        for (known, bytes) in &mut files.0 {
            if *known == path {
                *bytes = text.clone().into_bytes();
            }
        }
        let Compiled { rules, diagnostics, .. } =
            compile(&files, &self.schemas, site, &self.masters);
        rules.ok_or_else(|| {
            let first = diagnostics.first().map(|found| found.message.en.clone());
            Failure::runtime(format!("the case is no test: {}", first.unwrap_or_default()))
        })
    }

    async fn results(&self, index: usize, case: &Case, site: &Site) -> Result<Results, Failure> {
        let rules = self.with_case(index, case, site)?;
        let (identity, schemas) = (plain_identity()?, reads::for_tests(&self.schemas, &rules));
        let hospital = Hospital { rules: &rules, schemas: &schemas, identity: &identity };
        let Some(test) = rules.rules[index].tests.last() else { return Err(Failure::rules()) };
        hospital.results(index, test).await.map_err(Failure::runtime)
    }

    /// What is shown passes.
    async fn verify(&self, index: usize, case: &Case, site: &Site) -> Result<(), Failure> {
        let rules = self.with_case(index, case, site)?;
        let (identity, schemas) = (plain_identity()?, reads::for_tests(&self.schemas, &rules));
        let hospital = Hospital { rules: &rules, schemas: &schemas, identity: &identity };
        let Some(test) = rules.rules[index].tests.last() else { return Err(Failure::rules()) };
        let complaints = hospital.run(index, test).await;
        match complaints.first() {
            None => Ok(()),
            // What differs is of the masked row.
            Some(first) => Err(Failure::runtime(Text::new(
                format!("the masked row does not pass as a test: {first}"),
                format!("マスクした行がテストとして通りません: {first}"),
            ))),
        }
    }

    fn show(
        &self,
        args: &RecordArgs,
        rules: &RuleSet,
        index: usize,
        case: &Case,
    ) -> Result<(), Failure> {
        let file = rules.files.get(usize::from(rules.rules[index].span.file));
        let Some(file) = file else { return Err(Failure::rules()) };
        if !args.append {
            say!("# {}", file.path);
            for line in case.lines() {
                say!("  {line}");
            }
            return Ok(());
        }
        let text =
            record::with_case(&file.text, case).map_err(|_| Failure::usage(flow(&file.path)))?;
        let path = self.directory.join(&file.path);
        let shown = path.display().to_string();
        fs::write(&path, text).with_context(|| shown.clone())?;
        say!("{shown}: {}", case.name);
        Ok(())
    }
}

/// What the test expects: all of the resource but what other rules or another key would change.
fn expected(json: &Option<Json>) -> Option<Json> {
    let mut json = json.clone()?;
    let object = json.as_object_mut()?;
    object.retain(|name, _| !matches!(name.as_str(), "resourceType" | "id"));
    if let Some(meta) = object.get_mut("meta").and_then(Json::as_object_mut) {
        meta.retain(|name, _| name != "versionId");
    }
    Some(json)
}

/// What both have: the rest is the site's, and a test of it would pass at one site only.
fn common(one: &Json, other: &Json) -> Option<Json> {
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => {
            let both = one
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), common(value, other.get(name)?)?)));
            Some(Json::Object(both.collect()))
        }
        (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
            let both = one.iter().zip(other).map(|(one, other)| common(one, other));
            both.collect::<Option<Vec<Json>>>().map(Json::Array)
        }
        _ => (one == other).then(|| one.clone()),
    }
}

fn lost(rule: &str) -> Text {
    Text::new(
        format!(
            "masked, the row is no resource of rule `{rule}` any more: it depends on a value that is \
             masked. If it is nobody's, name its column with --keep TABLE.COLUMN"
        ),
        format!(
            "マスクすると規則「{rule}」のリソースになりません。個人情報でない列なら --keep 表.列 を指定してください"
        ),
    )
}

fn flow(path: &str) -> Text {
    Text::new(
        format!("{path}: `tests` stands in brackets; write its items with `-`"),
        format!("{path}: tests は [ ] ではなく「- 」の形で書いてください"),
    )
}

/// On standard error, so that the case alone can be taken.
fn tell(kept: &std::collections::BTreeMap<String, Vec<String>>, manner: Manner) {
    let kept: Vec<String> =
        kept.iter().map(|(table, columns)| format!("{table}: {}", columns.join(", "))).collect();
    let list = kept.join("; ");
    let text = Text::new(
        format!("Values that are as they were, for you to look at: {list}"),
        format!("元の値のままの列（公開前に確認してください）: {list}"),
    );
    eprintln!("{}", text.in_language(manner.language));
}

/// Nobody can count back from a test by how much its row was moved.
fn days() -> Result<i64, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::runtime(format!("no random number: {error}")))?;
    let weeks = WEEKS_MIN + u64::from_le_bytes(bytes) % (WEEKS_MAX - WEEKS_MIN);
    Ok(i64::try_from(weeks * 7).unwrap_or_default())
}
