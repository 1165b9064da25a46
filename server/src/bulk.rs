//! What operations that bring many resources have in common: why they are refused, how their parameters
//! are read, and `_type` and `_since`.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, Timelike as _, Utc};
use genkan_fhir::datetime;
use genkan_fhir::definitions::Definitions;
use genkan_fhir::search::{self, Filter};
use genkan_mapping::diagnostic::{Text, nearest_name};
use genkan_mapping::program::RuleSet;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{Error, Refusal, RefusedParameter};
use crate::parse::Pairs;
use crate::service::Service;
use crate::sources::Source;

/// Why such an operation is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkRefusal {
    /// A status or a file of no export of ours, or of one that has ended or expired.
    NoSuchExport,
    /// It has to wait for the hours that the configuration allows.
    OutsideWindow {
        opens_in_secs: u64,
    },
    /// `$export` without `Prefer: respond-async`.
    OnlyAsync,
    /// What is made while it is sent has one form.
    OnlyCompactJson,
    /// A client that could not tell a whole answer from one that broke off.
    OnlyHttp11,
    GroupTooLarge {
        members_max: usize,
    },
    /// So many files of exports are being sent, or rows read for reviewers, already.
    TooManyFiles {
        files_max: usize,
    },
    /// What is asked for does not fit into an address.
    AddressTooLong {
        bytes_max: usize,
    },
}

impl BulkRefusal {
    pub fn message(&self) -> Text {
        match self {
            BulkRefusal::NoSuchExport => Text::new(
                "there is no such export here: its address is not one of this server, or the export \
                 was ended or has expired; begin a new one",
                "このエクスポートはありません（このサーバーのものでないか、終了または期限切れです）。\
                 新しく始めてください",
            ),
            BulkRefusal::OutsideWindow { opens_in_secs: secs } => Text::new(
                format!("bulk work is not allowed at this hour; the next window opens in {secs} s"),
                format!("この時間帯は一括処理できません。次の時間帯は {secs} 秒後に始まります"),
            ),
            BulkRefusal::OnlyAsync => Text::new(
                "an export is asynchronous; send `Prefer: respond-async`",
                "エクスポートは非同期です。`Prefer: respond-async` を付けてください",
            ),
            BulkRefusal::OnlyCompactJson => Text::new(
                "without `_count` the answer is sent while it is made, as compact JSON; pages also \
                 come as XML or indented",
                "_count がない場合、応答は作りながら送るため、字下げのない JSON だけです。XML や字下げは \
                 _count を付けると使えます",
            ),
            BulkRefusal::OnlyHttp11 => Text::new(
                "an answer that is sent while it is made needs HTTP/1.1: before, nobody could tell that it \
                 broke off (nginx: `proxy_http_version 1.1`)",
                "作りながら送る応答には HTTP/1.1 が必要です。HTTP/1.0 では途中で切れたことが分かりません\
                 （nginx では proxy_http_version 1.1）",
            ),
            BulkRefusal::GroupTooLarge { members_max: max } => Text::new(
                format!("the group has more than {max} members, the most that are exported"),
                format!("この Group の構成員は {max} 人を超えるため、エクスポートできません"),
            ),
            BulkRefusal::TooManyFiles { files_max: max } => Text::new(
                format!(
                    "{max} files of exports and questions of reviewers are in work; come again when one of \
                     them has ended"
                ),
                format!(
                    "エクスポートのファイルなど {max} 件の一括処理中です。いずれかが終わってから再度お試しください"
                ),
            ),
            BulkRefusal::AddressTooLong { bytes_max: max } => Text::new(
                format!(
                    "the addresses of this export would be longer than {max} bytes; ask for less in \
                     `_typeFilter`, `_elements` or `_type`"
                ),
                format!(
                    "このエクスポートのアドレスが {max} バイトを超えます。_typeFilter、_elements、_type を\
                     減らしてください"
                ),
            ),
        }
    }
}

/// Whether bulk work may begin on a source at this hour.
pub fn check_window(source: &Source, now: DateTime<Utc>) -> Result<(), Error> {
    match source.governor.opens_in(now) {
        None => Ok(()),
        Some(wait) => {
            let opens_in_secs = wait.as_secs().max(1);
            Err(Error::Bulk(BulkRefusal::OutsideWindow { opens_in_secs }))
        }
    }
}

/// Bulk work that waits for other bulk work's statements is a request in work: it must not be all of them.
pub fn place(service: &Service) -> Result<OwnedSemaphorePermit, Error> {
    let files_max = service.export.files_max;
    let refused = |_| Error::Bulk(BulkRefusal::TooManyFiles { files_max });
    Arc::clone(&service.export_places).try_acquire_owned().map_err(refused)
}

/// A parameter that is refused. `en` and `ja` come behind its name.
pub fn refused(name: &str, reason: Refusal, en: &str, ja: &str) -> RefusedParameter {
    let message = Text::new(format!("{name}: {en}"), format!("「{name}」{ja}"));
    RefusedParameter { name: name.to_owned(), reason, message }
}

/// A parameter of such an operation, for who reads it and for who tells of it.
pub struct Parameter<T: 'static> {
    pub name: &'static str,
    pub repeats: bool,
    /// `None`: only links of ours have it.
    pub text: Option<&'static str>,
    /// Notes a value in what is asked for.
    pub note: fn(&mut T, &Service, &str) -> Result<(), RefusedParameter>,
}

/// Read before any operation is: they choose the form of the answer.
const CONTROL: [&str; 2] = ["_format", "_pretty"];

/// Notes what is asked for. What is unknown, malformed or there twice is a problem, all of it at once.
pub fn note<T>(
    service: &Service,
    offered: &[&Parameter<T>],
    pairs: &Pairs,
    asked: &mut T,
) -> Vec<RefusedParameter> {
    let mut problems = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in pairs.iter().filter(|(name, _)| !CONTROL.contains(&name.as_str())) {
        let noted = match offered.iter().find(|parameter| parameter.name == name) {
            None => {
                let en = "not a parameter of this operation";
                Err(refused(
                    name,
                    Refusal::NotSupported,
                    en,
                    "はこの操作のパラメータではありません",
                ))
            }
            Some(known) if !known.repeats && seen.contains(&known.name) => {
                Err(refused(name, Refusal::Invalid, "may stand once", "は一度しか書けません"))
            }
            Some(known) => (known.note)(asked, service, value),
        };
        problems.extend(noted.err());
        seen.push(name);
    }
    problems
}

/// `_type`: a list of resource types, beside those of other lists. Sorted.
pub fn types(
    rules: &RuleSet,
    list: &str,
    types: &mut Option<Vec<&'static str>>,
) -> Result<(), RefusedParameter> {
    let known = rules.resource_types();
    let types = types.get_or_insert_default();
    for name in list.split(',') {
        let found = Definitions::r4().resource_names().find(|known| *known == name);
        let Some(offered) = found.filter(|found| known.contains(found)) else {
            // What is no type may be anything, so that it is not repeated.
            let named = found.map_or_else(String::new, |found| format!("`{found}`: "));
            let near = nearest_name(name, known.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!(", perhaps `{near}`"));
            let en = format!("{named}not a type that is offered here{hint}");
            let ja = "に、ここで提供していないリソース型があります";
            return Err(refused("_type", Refusal::NotSupported, &en, ja));
        };
        types.push(offered);
    }
    types.sort_unstable();
    types.dedup();
    Ok(())
}

/// `_since` as a filter. Tables keep the second of a change, or its day, and no more; so what was
/// changed in the second of `_since` comes once more rather than never.
pub fn since(text: &str, zone: FixedOffset) -> Result<Filter, RefusedParameter> {
    let malformed = || {
        let en = "has to be an instant, like 2026-04-01T00:00:00+09:00 (`+` is %2B in an address)";
        let ja = "は 2026-04-01T00:00:00+09:00 の形です（URL では + を %2B と書きます）";
        refused("_since", Refusal::Invalid, en, ja)
    };
    let instant = datetime::parse_instant(text).map_err(|_| malformed())?;
    let moment = instant.period(zone).start;
    let moment = moment.with_nanosecond(0).unwrap_or(moment);
    let value = format!("ge{}{zone}", moment.format("%Y-%m-%dT%H:%M:%S"));
    let pairs = [("_lastUpdated".to_owned(), value)];
    let request =
        search::parse(Definitions::r4(), "Basic", &pairs, zone).map_err(|_| malformed())?;
    request.filters.into_iter().next().ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use genkan_fhir::search::SearchValue;

    #[test]
    fn since_is_taken_to_the_second_in_the_hospitals_clock() {
        let zone = FixedOffset::east_opt(9 * 3600).expect("an offset");
        for (text, expected) in [
            ("2026-04-01T10:00:00+09:00", Some("2026-04-01 10:00:00")),
            ("2026-04-01T10:00:00.999+09:00", Some("2026-04-01 10:00:00")),
            ("2026-04-01T01:00:00Z", Some("2026-04-01 10:00:00")),
            ("2026-04-01T10:00:00", None),
            ("2026-04-01T10:00:00 09:00", None),
            ("2026-04-01", None),
            ("", None),
        ] {
            let start = since(text, zone).ok().map(|filter| match &filter.values[..] {
                [SearchValue::Date { period, .. }] => period.start.to_string(),
                other => panic!("{other:?}"),
            });
            assert_eq!(start.as_deref(), expected, "{text}");
        }
    }
}
