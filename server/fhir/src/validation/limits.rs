//! How far a validation goes: what is beyond is told as an error of its own, never passed over.

use crate::fhirpath;

/// The bounds of one validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of a document.
    pub document_bytes_max: usize,
    /// Of elements in each other. The walk goes down by calls, so that it is 256 at most whatever is
    /// asked for.
    pub depth_levels_max: usize,
    /// Of one JSON object: each new name is compared with those before it.
    pub object_names_max: usize,
    /// Of how a document is written: a broken one can have a problem in every byte.
    pub problems_max: usize,
    /// Of one document: one with more is broken as a whole.
    pub findings_max: usize,
    /// Elements that are looked at: profiles on profiles can multiply them.
    pub elements_max: u64,
    /// Profiles that refer to each other are followed this deep.
    pub profiles_nested_max: usize,
    /// Findings of one trial of a profile that are kept, with their consequences.
    pub trial_findings_max: usize,
    /// Of each invariant.
    pub expression: fhirpath::Limits,
    /// Steps of all expressions on one document: these, and as many for each of its elements as the
    /// next one says.
    pub expression_steps_max: u64,
    pub expression_steps_of_element_max: u64,
}

impl Limits {
    const DEPTH_LEVELS_CEILING: usize = 256;

    /// Of all expressions on a document of so many elements.
    pub(super) fn expression_steps(&self, elements: u64) -> u64 {
        let of_elements = self.expression_steps_of_element_max.saturating_mul(elements);
        self.expression_steps_max.saturating_add(of_elements)
    }

    pub(super) fn depth_levels(&self) -> usize {
        self.depth_levels_max.min(Self::DEPTH_LEVELS_CEILING)
    }
}

impl Default for Limits {
    /// Larger, deeper and longer than any real document with its attachments.
    fn default() -> Self {
        Self {
            document_bytes_max: 64 * 1024 * 1024,
            depth_levels_max: 128,
            object_names_max: 500,
            problems_max: 100,
            findings_max: 1_000,
            elements_max: 20_000_000,
            profiles_nested_max: 12,
            trial_findings_max: 100,
            expression: fhirpath::Limits::default(),
            expression_steps_max: 20_000_000,
            expression_steps_of_element_max: 500,
        }
    }
}
