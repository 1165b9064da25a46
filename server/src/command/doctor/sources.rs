//! Every source: reachable, as what, read only, its encoding, whether its server has the connections
//! that Genkan may take, and whether its clock is ours.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use genkan_adapter::{
    Adapter, AdapterError, ErrorCategory, Excess, Gravity, Health, SourceSchema, SourceServer,
};
use genkan_adapter_sql::{SqlAdapter, SqlConfig};
use genkan_mapping::{SourceSchemas, Text};

use super::finding::{Blame, Finding};
use crate::config::Config;
use crate::error;
use crate::sources::{Source, Sources};

/// Of the server's connections, more than this part is not Genkan's to take.
const CONNECTIONS_PART: u64 = 4;
/// Apart by more, a result of this minute can be in the future.
const CLOCK_SECS_MAX: u64 = 5;

/// An account with more is not mended one by one.
const RIGHTS_MAX: usize = 20;

/// A source as it was found.
struct Seen {
    section: String,
    connections_max: u32,
    answered: Result<Answered, AdapterError>,
}

struct Answered {
    health: Health,
    /// What the account may do beyond reading.
    excess: Vec<Excess>,
    server: SourceServer,
    tables: usize,
    /// Milliseconds that its clock is ahead of ours; `None` if it has none.
    clock_ahead_ms: Option<i64>,
}

/// All sources, if all of them answered.
pub type Opened = Option<(Sources, SourceSchemas)>;

pub async fn examine(config: &Config) -> (Vec<Finding>, Opened) {
    let sections = std::iter::once((genkan_mapping::MAIN, "[source]".to_owned(), &config.source));
    let further = config.sources.iter();
    let further = further.map(|(name, section)| (&**name, format!("[sources.{name}]"), section));
    let mut findings = Vec::new();
    let mut sources = Vec::new();
    let mut schemas: Option<SourceSchemas> = None;
    for (name, section, sql) in sections.chain(further) {
        let (seen, opened) = look(section, sql).await;
        findings.extend(judge(&seen));
        if let Some((adapter, schema)) = opened {
            sources.push(Source::new(name, Arc::new(adapter)));
            schemas = match schemas {
                None => Some(SourceSchemas::new(schema)),
                Some(schemas) => Some(schemas.with(name, schema)),
            };
        }
    }
    let all = sources.len() == config.sources.len() + 1;
    (findings, schemas.filter(|_| all).map(|schemas| (Sources::new(sources), schemas)))
}

async fn look(section: String, config: &SqlConfig) -> (Seen, Option<(SqlAdapter, SourceSchema)>) {
    let connections_max = config.connections_max;
    match opened(config).await {
        Ok((answered, adapter, schema)) => {
            (Seen { section, connections_max, answered: Ok(answered) }, Some((adapter, schema)))
        }
        Err(error) => (Seen { section, connections_max, answered: Err(error) }, None),
    }
}

async fn opened(config: &SqlConfig) -> Result<(Answered, SqlAdapter, SourceSchema), AdapterError> {
    let adapter = SqlAdapter::open(config).await?;
    let health = adapter.health().await?;
    let excess = adapter.excess().await?;
    let schema = adapter.schema().await?;
    let before = SystemTime::now();
    let server = adapter.server().await?;
    let after = SystemTime::now();
    // Its answer was made between the two, as far as anybody knows in the middle.
    let middle = (unix_ms(before) + unix_ms(after)) / 2;
    let clock_ahead_ms = server.unix_time_ms.map(|time| time - middle);
    let answered = Answered { health, excess, server, tables: schema.tables.len(), clock_ahead_ms };
    Ok((answered, adapter, schema))
}

fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn judge(seen: &Seen) -> Vec<Finding> {
    let Seen { section, connections_max, answered } = seen;
    let answered = match answered {
        Ok(answered) => answered,
        Err(error) => return vec![silent(section, error)],
    };
    let product = &answered.health.product;
    let mut findings = account(section, product, answered);
    if findings.iter().any(|finding| finding.blame().is_some()) {
        return findings;
    }
    let encoding = answered.server.encoding.as_deref().unwrap_or("-");
    let tables = answered.tables;
    findings.push(Finding::ok((
        format!("{section} {product}, {encoding}, read only, {tables} tables"),
        format!("{section} {product}、{encoding}、読み取り専用、{tables} 表"),
    )));
    if tables == 0 {
        let message = (
            format!("{section} the account sees no table"),
            format!("{section} このアカウントから見える表がありません"),
        );
        findings.push(Finding::warning("GKN-734", message).remedy((
            "grant SELECT on the tables of the rules, and look at `schema`",
            "規則が読む表の SELECT 権限と schema の設定を確認します",
        )));
    }
    let most = answered.server.connections_max;
    findings.extend(most.map(|most| connections(section, u64::from(*connections_max), most)));
    findings.extend(answered.clock_ahead_ms.map(|ahead| clock(section, ahead)));
    findings
}

/// Every right too many, with the command that takes it away.
fn account(section: &str, product: &str, answered: &Answered) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !answered.health.read_only {
        let message = (
            format!("{section} {product} does not keep the session read-only"),
            format!("{section} {product} の接続が読み取り専用になりません"),
        );
        findings.push(Finding::error("GKN-731", Blame::Configuration, message));
    }
    findings.extend(answered.excess.iter().take(RIGHTS_MAX).map(|excess| {
        let Excess { right, remedy, gravity } = excess;
        let remedy = (remedy.clone(), remedy.clone());
        match gravity {
            Gravity::Writes => Finding::error(
                "GKN-731",
                Blame::Configuration,
                (
                    format!("{section} the account can do more than read: {right}"),
                    format!("{section} アカウントに読み取り以外の権限があります: {right}"),
                ),
            ),
            Gravity::Outside => Finding::warning(
                "GKN-735",
                (
                    format!("{section} is opened read-only, but this process has {right}"),
                    format!("{section} 読み取り専用で開きますが、プロセスに余分な権限があります: {right}"),
                ),
            ),
        }
        .remedy(remedy)
    }));
    findings
}

fn connections(section: &str, wanted: u64, most: u64) -> Finding {
    if wanted.saturating_mul(CONNECTIONS_PART) <= most {
        return Finding::ok((
            format!("{section} takes at most {wanted} of the server's {most} connections"),
            format!("{section} サーバーの {most} 接続のうち最大 {wanted} を使います"),
        ));
    }
    let message = (
        format!("{section} connections_max = {wanted}, and the server has only {most} for all"),
        format!(
            "{section} connections_max = {wanted} ですが、サーバー全体で {most} しかありません"
        ),
    );
    Finding::warning("GKN-732", message).remedy((
        format!("connections_max = {} leaves the rest to the hospital's own system", part(most)),
        format!("connections_max = {} とし、残りは院内システムに残します", part(most)),
    ))
}

fn part(most: u64) -> u64 {
    (most / CONNECTIONS_PART).max(1)
}

fn clock(section: &str, ahead_ms: i64) -> Finding {
    if ahead_ms.unsigned_abs() <= CLOCK_SECS_MAX * 1000 {
        return Finding::ok((
            format!("{section} its clock is ours, within {CLOCK_SECS_MAX} s"),
            format!("{section} 時計の差は {CLOCK_SECS_MAX} 秒以内です"),
        ));
    }
    let seconds = ahead_ms / 1000;
    let message = (
        format!("{section} its clock is {seconds} s ahead of this machine's"),
        format!("{section} 時計がこのコンピューターより {seconds} 秒進んでいます"),
    );
    Finding::warning("GKN-733", message)
        .remedy(("let both follow the same time server", "両方を同じ時刻サーバーに合わせます"))
}

/// Why a source did not answer, and what to do about it.
fn silent(section: &str, failed: &AdapterError) -> Finding {
    let AdapterError { category, message, .. } = failed;
    let blame = match category {
        ErrorCategory::Denied | ErrorCategory::Mismatch => Blame::Configuration,
        _ => Blame::Surroundings,
    };
    let said = Text::new(format!("{section} {message}"), format!("{section} {message}"));
    Finding::error(error::source_code(*category), blame, said).remedy(match category {
        ErrorCategory::Unreachable => (
            "is the server running, and do name, port and firewall let this machine through?",
            "サーバーが動いているか、名前・ポート・ファイアウォールを確認します",
        ),
        ErrorCategory::Denied => (
            "look at the account, its password_file and what the server lets in (pg_hba.conf, host \
             of the account)",
            "アカウント、password_file、サーバー側の接続許可（pg_hba.conf など）を確認します",
        ),
        ErrorCategory::Busy => (
            "others hold it: try again, and see who takes all connections or locks the file",
            "他が使用中です。少し待ってから再実行し、接続やロックを占有しているものを調べます",
        ),
        ErrorCategory::LimitExceeded => (
            "it did not answer in statement_timeout_ms: is the server overloaded?",
            "statement_timeout_ms 以内に応答がありません。サーバーの負荷を確認します",
        ),
        ErrorCategory::Mismatch => (
            "`genkan config example` shows every key of a source",
            "genkan config example に接続先の設定項目があります",
        ),
        ErrorCategory::Unreadable => (
            "is it the database that it should be, and text_encoding right?",
            "正しいデータベースか、text_encoding が正しいかを確認します",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::codes;
    use super::*;
    use crate::sources::CATEGORIES;

    fn answered() -> Answered {
        Answered {
            health: Health { product: "PostgreSQL 15.4".to_owned(), read_only: true },
            excess: Vec::new(),
            server: SourceServer {
                encoding: Some("UTF8".to_owned()),
                connections_max: Some(97),
                unix_time_ms: Some(0),
            },
            tables: 12,
            clock_ahead_ms: Some(40),
        }
    }

    fn seen(answered: Result<Answered, AdapterError>) -> Seen {
        Seen { section: "[source]".to_owned(), connections_max: 4, answered }
    }

    #[test]
    fn what_a_source_says_of_itself_is_judged() {
        let few = |most| SourceServer { connections_max: most, ..answered().server };
        let writes = Health { read_only: false, ..answered().health };
        let right = |gravity| {
            let (right, remedy) = ("INSERT on table PT".to_owned(), "REVOKE …".to_owned());
            vec![Excess { right, remedy, gravity }]
        };
        for (answered, expected) in [
            (answered(), vec![]),
            (Answered { health: writes, ..answered() }, vec!["GKN-731"]),
            (Answered { excess: right(Gravity::Writes), ..answered() }, vec!["GKN-731"]),
            (Answered { excess: right(Gravity::Outside), ..answered() }, vec!["GKN-735"]),
            (Answered { server: few(Some(15)), ..answered() }, vec!["GKN-732"]),
            (Answered { server: few(Some(16)), ..answered() }, vec![]),
            (Answered { server: few(None), ..answered() }, vec![]),
            (Answered { clock_ahead_ms: Some(5001), ..answered() }, vec!["GKN-733"]),
            (Answered { clock_ahead_ms: Some(-5001), ..answered() }, vec!["GKN-733"]),
            (Answered { clock_ahead_ms: None, ..answered() }, vec![]),
            (Answered { tables: 0, ..answered() }, vec!["GKN-734"]),
        ] {
            let findings = judge(&seen(Ok(answered)));
            assert_eq!(codes(&findings), expected, "{findings:?}");
        }
    }

    #[test]
    fn a_source_that_does_not_answer_has_the_code_that_requests_get_and_a_remedy() {
        for (category, name) in CATEGORIES {
            let findings = judge(&seen(Err(AdapterError::new(category, "away"))));
            assert_eq!(codes(&findings), [error::source_code(category)], "{name}");
            assert!(findings.iter().all(|finding| finding.remedy.is_some()), "{name}");
        }
    }
}
