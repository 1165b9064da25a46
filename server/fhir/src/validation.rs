//! The validator: what a receiver would refuse, found before sending.
//!
//! ```
//! use genkan_fhir::validation::{Profiles, Validator, ValueSets};
//!
//! let (profiles, value_sets) = (Profiles::default(), ValueSets::default());
//! let validator = Validator::new(&profiles, &value_sets);
//! let patient = br#"{"resourceType": "Patient",
//!     "birthDate": "1999-13-01"}"#;
//! let report = validator.validate(patient, None, &[]);
//! let finding = &report.findings[0];
//! assert_eq!((finding.id(), finding.place.line), ("V1101", 2));
//! assert_eq!(finding.expression, "Patient.birthDate");
//! ```
//!
//! # The way of a validation
//!
//! `read → walk → findings`: the bytes become a [`Tree`] in which each element knows its place; one
//! walk over it checks R4's rules and, beside them, those of all profiles that apply; what it finds
//! is a list of [`Finding`]s. Profiles are compiled once, before.
//!
//! # Bounds
//!
//! All of them are in [`Limits`]: a document has so many bytes and levels at most, a report so many
//! findings.
//!
//! Spec: <https://hl7.org/fhir/R4/validation.html>

mod code;
mod extensions;
mod finding;
mod limits;
mod package;
mod profile;
mod read;
mod shape;
mod terminology;
mod to_json;
use crate::tree;
mod walk;

use std::cell::OnceCell;

pub use code::{Code, Entry};
pub use finding::{Finding, outcome};
pub use limits::Limits;
pub use package::{MAX_FILE_BYTES, MAX_FILES, MAX_UNPACKED_BYTES, Package, PackageError};
pub use profile::{MakeDefinition, Profile, ProfileError, ProfileFault, Profiles, slim};
pub use read::{Place, Problem, Reading, Text};
pub use terminology::{CodeQuestion, Lookup, Membership, ValueSets};
pub use tree::{Children, Form, Format, Node, Tree};

use serde_json::Value;

use walk::{Outside, Walk};

/// What a validation goes by. Cheap to make: everything that is compiled is lent to it.
#[derive(Clone, Copy)]
pub struct Validator<'v> {
    profiles: &'v Profiles,
    value_sets: &'v ValueSets,
    lookup: Option<&'v Lookup<'v>>,
    unknown_extensions: &'v [&'v str],
    refuses_html: bool,
    limits: Limits,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// In the order of the document.
    pub findings: Vec<Finding>,
    /// The profiles that it was validated against, beside R4 itself.
    pub profiles: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong; recommendations don't count.
    pub fn is_valid(&self) -> bool {
        !self.findings.iter().any(Finding::is_error)
    }
}

impl<'v> Validator<'v> {
    pub fn new(profiles: &'v Profiles, value_sets: &'v ValueSets) -> Self {
        let (lookup, unknown_extensions, refuses_html) = (None, &[][..], false);
        let limits = Limits::default();
        Self { profiles, value_sets, lookup, unknown_extensions, refuses_html, limits }
    }

    /// Asks the masters for what the packages don't hold.
    #[must_use]
    pub fn with_lookup(self, lookup: &'v Lookup<'v>) -> Self {
        Self { lookup: Some(lookup), ..self }
    }

    /// Takes extensions whose definition isn't loaded for unchecked, and says so, if their url starts
    /// so; without this they are errors.
    #[must_use]
    pub fn with_unknown_extensions(self, starts: &'v [&'v str]) -> Self {
        Self { unknown_extensions: starts, ..self }
    }

    /// Takes a text with what looks like an HTML tag for an error, not a warning: for a receiver that
    /// shows texts as they come.
    #[must_use]
    pub fn refusing_html(self) -> Self {
        Self { refuses_html: true, ..self }
    }

    /// Other bounds than the usual ones.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Validates a document against R4, the profiles that it claims, and `profiles`.
    pub fn validate(&self, source: &[u8], format: Option<Format>, profiles: &[&str]) -> Report {
        let text = Text::within(source, self.limits);
        let reading = text.read(format);
        let root = reading.tree.as_ref().and_then(Tree::root);
        self.validate_part(&text, &reading, root, profiles)
    }

    /// The same of a resource inside a document that was read, as one in Parameters: `root`, which is
    /// the document's own or one below it. Places are those in the document.
    pub fn validate_part(
        &self,
        text: &Text<'_>,
        reading: &Reading<'_>,
        root: Option<Node<'_>>,
        profiles: &[&str],
    ) -> Report {
        let lines = OnceCell::new();
        let place = |at| lines.get_or_init(|| read::Lines::of(text.as_str())).place(at);
        let mut findings: Vec<Finding> =
            reading.problems.iter().cloned().map(Problem::into_finding).collect();
        let mut used = Vec::new();
        if let Some(root) = root {
            let outside = Outside {
                profiles: self.profiles,
                value_sets: self.value_sets,
                lookup: self.lookup,
                unknown_extensions: self.unknown_extensions,
                refuses_html: self.refuses_html,
                limits: self.limits,
                root,
            };
            let mut walk = Walk::new(outside);
            walk.document(profiles);
            used = walk.used_profiles();
            findings.extend(walk.into_findings());
        }
        locate(&mut findings, &place);
        findings.sort_by_key(|finding| finding.at);
        Report { findings, profiles: used }
    }
}

fn locate(findings: &mut [Finding], place: &impl Fn(u32) -> Place) {
    for finding in findings {
        finding.place = place(finding.at);
        locate(&mut finding.consequences, place);
    }
}

/// A definition in XML as JSON, so that it can be added to [`Profiles`] or [`ValueSets`]: the
/// content as R4 knows it, without what is wrong with it.
pub fn definition_from_xml(source: &[u8]) -> Option<Value> {
    let text = Text::of(source);
    let reading = text.read(Some(Format::Xml));
    reading.tree.as_ref().and_then(Tree::root).and_then(to_json::resource)
}

impl Problem {
    fn into_finding(self) -> Finding {
        Finding {
            code: self.code,
            severity: self.code.entry().severity,
            element: self.expression.clone(),
            expression: self.expression,
            at: self.at,
            place: Place { line: 1, column: 1 },
            found: self.found.unwrap_or_default(),
            allowed: self.allowed.unwrap_or_default().to_owned(),
            profile: None,
            consequences: Vec::new(),
        }
    }
}
