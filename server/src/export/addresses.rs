//! The addresses of an export hold all that there is of it, sealed with the site key: nobody else can
//! read or make one, and no number of a patient stands in an address or a log of addresses.

use chrono::{DateTime, TimeDelta, Utc};
use genkan_fhir::definitions::Definitions;
use genkan_mapping::identity::Identity;

use super::request::{Export, Level};
use crate::exchange::Exchange;
use crate::service::Service;

pub const STATUS: &str = "$export-status";
pub const FILE: &str = "$export-file";
/// What the length of an address leaves for scheme, host and headers in front of it.
pub const BASE_BYTES: usize = 256;

const OF_STATUS: &[u8] = b"status of a bulk data export";
const OF_FILE: &[u8] = b"file of a bulk data export";
/// Of what stands in an address.
const FORM: &str = "1";

/// An export that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// One for each kick-off.
    pub id: String,
    /// `transactionTime`
    pub kicked_off: DateTime<Utc>,
    pub export: Export,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Resources of one rule.
    Output,
    /// The rows of one rule that are no resource.
    Error,
    /// What is to be said of the export as a whole.
    Notes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub ticket: Ticket,
    pub kind: Kind,
    /// The id of the rule.
    pub rule: String,
}

impl Kind {
    const ALL: [(Kind, &str); 3] =
        [(Kind::Output, "output"), (Kind::Error, "error"), (Kind::Notes, "notes")];

    fn name(self) -> &'static str {
        let mut all = Kind::ALL.iter();
        all.find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

impl Ticket {
    pub fn expires(&self, service: &Service) -> DateTime<Utc> {
        self.kicked_off + TimeDelta::hours(i64::from(service.export.token_hours))
    }

    pub fn status_url(&self, service: &Service, exchange: &Exchange) -> String {
        format!("{}/{STATUS}/{}", exchange.base, seal(&service.identity, OF_STATUS, &self.texts()))
    }

    pub fn file_url(
        &self,
        service: &Service,
        exchange: &Exchange,
        kind: Kind,
        rule: &str,
    ) -> String {
        let mut texts = vec![kind.name().to_owned(), rule.to_owned()];
        texts.extend(self.texts());
        format!("{}/{FILE}/{}", exchange.base, seal(&service.identity, OF_FILE, &texts))
    }

    pub fn of_status(service: &Service, token: &str) -> Option<Self> {
        let mut texts = service.identity.open(OF_STATUS, token)?.into_iter();
        Self::opened(&mut texts)
    }

    fn texts(&self) -> Vec<String> {
        let export = &self.export;
        let (level, group) = match &export.level {
            Level::System => ("system", ""),
            Level::Patient => ("patient", ""),
            Level::Group(id) => ("group", id.as_str()),
        };
        let types = export.types.as_ref().map_or_else(String::new, |types| types.join(","));
        let some = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut texts = vec![
            FORM.to_owned(),
            self.id.clone(),
            self.kicked_off.timestamp_millis().to_string(),
            level.to_owned(),
            group.to_owned(),
            if export.by_post { "post" } else { "" }.to_owned(),
            some(&export.output_format),
            some(&export.since),
            types,
            export.elements.len().to_string(),
        ];
        texts.extend(export.elements.iter().chain(&export.type_filters).cloned());
        texts
    }

    fn opened(texts: &mut impl Iterator<Item = String>) -> Option<Self> {
        if texts.next()? != FORM {
            return None;
        }
        let id = texts.next()?;
        let kicked_off = DateTime::from_timestamp_millis(texts.next()?.parse().ok()?)?;
        let (level, group) = (texts.next()?, texts.next()?);
        let level = match level.as_str() {
            "system" => Level::System,
            "patient" => Level::Patient,
            "group" => Level::Group(group),
            _ => return None,
        };
        let by_post = texts.next()? == "post";
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let (output_format, since) = (some(texts.next()?), some(texts.next()?));
        let types = match some(texts.next()?) {
            None => None,
            Some(list) => Some(list.split(',').map(type_named).collect::<Option<Vec<_>>>()?),
        };
        let elements: usize = texts.next()?.parse().ok()?;
        let elements: Vec<String> = texts.by_ref().take(elements).collect();
        let type_filters = texts.collect();
        let export = Export { level, by_post, types, since, elements, type_filters, output_format };
        Some(Ticket { id, kicked_off, export })
    }
}

impl File {
    pub fn opened(service: &Service, token: &str) -> Option<Self> {
        let mut texts = service.identity.open(OF_FILE, token)?.into_iter();
        let (name, rule) = (texts.next()?, texts.next()?);
        let (kind, _) = *Kind::ALL.iter().find(|(_, known)| *known == name)?;
        Some(File { ticket: Ticket::opened(&mut texts)?, kind, rule })
    }
}

fn seal(identity: &Identity, context: &[u8], texts: &[String]) -> String {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    identity.seal(context, &texts)
}

fn type_named(name: &str) -> Option<&'static str> {
    Definitions::r4().resource_names().find(|known| *known == name)
}
