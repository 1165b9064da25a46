//! `meta.lastUpdated`: the latest of what the rule names under `updated`.

use chrono::{DateTime, FixedOffset};
use genkan_fhir::definitions::check_primitive;

use super::Record;
use super::writer::{Step, Writer};
use crate::evaluate::Frame;
use crate::program::{Place, Rule, Term};

impl<'a> Writer<'a, '_> {
    pub(super) fn last_updated(
        &mut self,
        rule: &'a Rule,
        record: &'a Record,
        frame: &Frame<'a>,
    ) -> Option<String> {
        self.path.extend([Step::Name("meta"), Step::Name("lastUpdated")]);
        let mut latest: Option<(DateTime<FixedOffset>, String)> = None;
        for term in &rule.updated {
            let rows = child_of(term).and_then(|child| Some((child, record.children.get(child)?)));
            let frames: Vec<Frame<'a>> = match rows {
                Some((child, rows)) => {
                    rows.iter().map(|row| Frame { child: Some((child, row)), ..*frame }).collect()
                }
                None => vec![*frame],
            };
            for frame in &frames {
                let found = self.moment(term, frame);
                if found > latest {
                    latest = found;
                }
            }
        }
        self.path.truncate(1);
        latest.map(|(_, text)| text)
    }

    fn moment(
        &mut self,
        term: &'a Term,
        frame: &Frame<'a>,
    ) -> Option<(DateTime<FixedOffset>, String)> {
        let text = self.term_text(Some(term), frame)?;
        let instant = instant(&text, self.emitter.rules.site.zone);
        if instant.is_none() {
            self.bad_value("instant", term);
        }
        instant
    }
}

/// The child whose rows a term reads; the compiler allows one.
fn child_of(term: &Term) -> Option<usize> {
    let mut child = None;
    term.names(&mut |column| {
        if let Place::Child(index) = column.place {
            child = Some(index);
        }
    });
    child
}

/// A day alone is its first second, local time takes the zone.
fn instant(text: &str, zone: FixedOffset) -> Option<(DateTime<FixedOffset>, String)> {
    let forms = [text.to_owned(), format!("{text}{zone}"), format!("{text}T00:00:00{zone}")];
    let form = forms.into_iter().find(|form| check_primitive("instant", form).is_ok())?;
    Some((DateTime::parse_from_rfc3339(&form).ok()?, form))
}
