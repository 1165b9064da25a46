//! What commands have in common before they begin: the source opened and looked at, the rules
//! compiled against it, findings printed.

mod rights;

use std::io::ErrorKind;
use std::net::{TcpListener, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use genkan_adapter::{Adapter, ErrorCategory, Excess, SourceSchema};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};
use genkan_mapping::diagnostic::Text;
use genkan_mapping::identity::Identity;
use genkan_mapping::program::{RuleSet, Site};
use genkan_mapping::{Compiled, Diagnostic, RuleFiles, Severity, SourceSchemas, compile, schema};
use genkan_masters::Store;

use crate::command::codes::masters_file;
use crate::command::{Failure, Manner, Output};
use crate::config::Config;
use crate::governor::Governor;
use crate::identity::{self, IdentityConfig};
use crate::rule_files;
use crate::sources::{Source, SourceError, Sources};

/// Opens every source of the configuration and reads what is in it.
pub async fn sources(config: &Config) -> Result<(Sources, SourceSchemas), Failure> {
    let zone = config.site.site().map_err(Failure::usage)?.zone;
    let governed = |name: &str, adapter: SqlAdapter, section: &SqlConfig| {
        let governor = Governor::new(section, zone).map_err(Failure::usage)?;
        let source = Source::new(name, Arc::new(adapter)).configured(section);
        Ok::<_, Failure>(source.governed(governor))
    };
    let main = source_with_warnings(&config.source, "[source]").await?;
    let mut sources = vec![governed(genkan_mapping::MAIN, main, &config.source)?];
    for (name, section) in &config.sources {
        let further = source_with_warnings(section, &format!("[sources.{name}]")).await?;
        sources.push(governed(name, further, section)?);
    }
    let sources = Sources::new(sources);
    let schemas = schemas(&sources).await.map_err(|failed| Failure::from(failed.error))?;
    Ok((sources, schemas))
}

/// What is in each source now.
pub async fn schemas(sources: &Sources) -> Result<SourceSchemas, SourceError> {
    let mut schemas: Option<SourceSchemas> = None;
    for source in sources.iter() {
        let schema = source.adapter().schema().await.map_err(|error| source.failed(error))?;
        schemas = Some(match schemas {
            None => SourceSchemas::new(schema),
            Some(known) => known.with(&*source.name, schema),
        });
    }
    // There is always a main source.
    Ok(schemas.unwrap_or_else(|| SourceSchemas::new(SourceSchema::default())))
}

async fn source_with_warnings(config: &SqlConfig, section: &str) -> Result<SqlAdapter, Failure> {
    let (adapter, excess) = opened(config, section).await?;
    for warning in rights::warnings(section, &excess) {
        tracing::warn!("{}", warning.en);
    }
    Ok(adapter)
}

/// Opens a source of the hospital; one whose account can write is refused.
pub async fn source(config: &SqlConfig, section: &str) -> Result<SqlAdapter, Failure> {
    Ok(opened(config, section).await?.0)
}

/// With what there is to be said of the account.
async fn opened(config: &SqlConfig, section: &str) -> Result<(SqlAdapter, Vec<Excess>), Failure> {
    let adapter = SqlAdapter::open(config).await.map_err(|error| match error.category {
        // Nothing was asked of the source yet: the section is wrong.
        ErrorCategory::Mismatch | ErrorCategory::Denied => {
            Failure::usage(format!("{section} {error}"))
        }
        _ => Failure::from(error),
    })?;
    let excess = adapter.excess().await?;
    if let Some(text) = rights::refusal(section, &excess) {
        return Err(Failure::usage(text));
    }
    let health = adapter.health().await?;
    if !health.read_only {
        let product = health.product;
        return Err(Failure::usage(Text::new(
            format!("{section} {product} does not keep the session read-only"),
            format!("{section} {product} の接続が読み取り専用になりません"),
        )));
    }
    Ok((adapter, excess))
}

/// The identity of the site's keys.
pub fn identity(config: &IdentityConfig, manner: Manner) -> Result<Identity, Failure> {
    identity::load(config, manner.language).map_err(|error| Failure::usage(format!("{error:#}")))
}

/// Where to serve. An address that is none is the configuration's fault, one that is taken is not.
pub fn listener(address: &str) -> Result<TcpListener, Failure> {
    let addresses: Vec<_> = address.to_socket_addrs().map_or(Vec::new(), Iterator::collect);
    if addresses.is_empty() {
        let text = Text::new(
            format!("cannot listen on `{address}`: write HOST:PORT, like 127.0.0.1:8080"),
            format!("「{address}」では待ち受けできません。127.0.0.1:8080 のように書きます"),
        );
        return Err(Failure::usage(text));
    }
    let bound = TcpListener::bind(addresses.as_slice());
    Ok(bound.with_context(|| format!("cannot listen on {address}"))?)
}

/// The schemas that were recorded beside the rules: `schema.yaml` of the main source, and
/// `schema.NAME.yaml` of each further one.
pub fn recorded_schemas(directory: &Path, manner: Manner) -> Result<SourceSchemas, Failure> {
    let main = recorded_schema(&directory.join(rule_files::SCHEMA), manner)?;
    let mut schemas = SourceSchemas::new(main);
    for (name, path) in rule_files::further_schemas(directory) {
        schemas = schemas.with(name, recorded_schema(&path, manner)?);
    }
    Ok(schemas)
}

/// A schema that was recorded in a file.
pub fn recorded_schema(path: &Path, manner: Manner) -> Result<SourceSchema, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::usage(format!(
            "{shown} is missing: it records the schema of the source. Write it with `genkan rules schema --config \
             genkan.toml > {shown}`, or look at the source itself with --config / 接続先のスキーマを記録した \
             {shown} がありません。上のコマンドで書き出すか、--config を指定してください"
        )),
        _ => Failure::usage(format!("{shown}: {error}")),
    })?;
    schema::parse(&text).map_err(|diagnostic| {
        print_one(&diagnostic, &path.display().to_string(), &text, manner);
        Failure::rules()
    })
}

/// The masters that were imported; none where there is no file yet.
pub fn masters(config: &Config) -> Result<Store, Failure> {
    masters_file::open(&config.codes.masters_file)
}

/// Reads a folder's rules.
pub fn files(directory: &Path) -> Result<RuleFiles, Failure> {
    rule_files::read(directory).map_err(|error| Failure::usage(format!("{error:#}")))
}

/// Rules that can be used; otherwise the errors were printed.
pub fn rules(
    files: &RuleFiles,
    schemas: &SourceSchemas,
    site: &Site,
    masters: &Store,
    manner: Manner,
) -> Result<RuleSet, Failure> {
    compiled(files, schemas, site, masters, manner)?.rules.ok_or_else(Failure::rules)
}

/// The same with all that was found.
pub fn compiled(
    files: &RuleFiles,
    schemas: &SourceSchemas,
    site: &Site,
    masters: &Store,
    manner: Manner,
) -> Result<Compiled, Failure> {
    let mut compiled = compile(files, schemas, site, masters);
    if compiled.rules.is_some() {
        return Ok(compiled);
    }
    compiled.diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    let files = compiled.files.iter();
    let sources: Vec<_> = files.map(|file| (&*file.path, &*file.text)).collect();
    print(&compiled.diagnostics, &sources, manner);
    Err(Failure::rules())
}

/// Findings with their places; `files` are path and text.
pub fn print(diagnostics: &[Diagnostic], files: &[(&str, &str)], manner: Manner) {
    for diagnostic in diagnostics {
        let place = files.get(usize::from(diagnostic.span.file));
        let (path, text) = place.copied().unwrap_or(("", ""));
        print_one(diagnostic, path, text, manner);
    }
}

fn print_one(diagnostic: &Diagnostic, path: &str, text: &str, manner: Manner) {
    match manner.output {
        Output::Text => say!("{}", diagnostic.render(path, text, manner.language)),
        Output::Json => say!("{}", diagnostic.to_json(path)),
    }
}
