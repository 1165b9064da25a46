//! `meta.lastUpdated`: the latest of what the rule names under `updated`.

use chrono::{DateTime, FixedOffset};
use genkan_fhir::definitions::check_primitive;

use super::writer::{Step, Writer};
use super::{Record, frame};
use crate::evaluate::{self, Frame};
use crate::program::{Place, Rule, RuleSet, Term};

type Moment = (DateTime<FixedOffset>, String);

impl<'a> Writer<'a, '_> {
    pub(super) fn last_updated(
        &mut self,
        rule: &'a Rule,
        record: &'a Record,
        frame: &Frame<'a>,
    ) -> Option<String> {
        self.path.extend([Step::Name("meta"), Step::Name("lastUpdated")]);
        let updated = latest(rule, record, frame, &mut |term, frame| self.moment(term, frame));
        self.path.truncate(1);
        updated
    }

    fn moment(&mut self, term: &'a Term, frame: &Frame<'a>) -> Option<Moment> {
        let text = self.term_text(Some(term), frame)?;
        let instant = instant(&text, self.emitter.rules.site.zone);
        if instant.is_none() {
            self.bad_value("instant", term);
        }
        instant
    }
}

/// The same without a word on what could not be read.
pub(super) fn of_record(rules: &RuleSet, rule: &Rule, record: &Record) -> Option<String> {
    let frame = frame(rules, record);
    latest(rule, record, &frame, &mut |term, frame| {
        let text = evaluate::text(term, frame, &mut Vec::new())?;
        instant(&text, rules.site.zone)
    })
}

fn latest<'a>(
    rule: &'a Rule,
    record: &'a Record,
    frame: &Frame<'a>,
    moment: &mut dyn FnMut(&'a Term, &Frame<'a>) -> Option<Moment>,
) -> Option<String> {
    let mut latest: Option<Moment> = None;
    for term in &rule.updated {
        let rows = child_of(term).and_then(|child| Some((child, record.children.get(child)?)));
        let frames: Vec<Frame<'a>> = match rows {
            Some((child, rows)) => {
                rows.iter().map(|row| Frame { child: Some((child, row)), ..*frame }).collect()
            }
            None => vec![*frame],
        };
        for frame in &frames {
            let found = moment(term, frame);
            if found > latest {
                latest = found;
            }
        }
    }
    latest.map(|(_, text)| text)
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
