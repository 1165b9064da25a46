//! The ways to cut a text over the parts that it was put together from.

use crate::expression::ExpressionKind as K;
use crate::program::Term;

/// More ways than these can't be told apart in a query.
pub(super) const SPLITS_MAX: usize = 64;

/// Cuts that are tried. The text comes from a request, and the ways to cut it grow with the power
/// of its parts.
const STEPS_MAX: usize = 20_000;

/// All ways to cut `text` over `parts`; constant parts must stand where they stand. `gaps`: a part
/// may be empty. More than [`SPLITS_MAX`] if there are, or might be, too many.
pub(super) fn split<'t>(parts: &[Term], text: &'t str, gaps: bool) -> Vec<Vec<&'t str>> {
    let mut splitting = Splitting { gaps, steps: STEPS_MAX, taken: Vec::new(), ways: Vec::new() };
    splitting.rest(parts, text);
    if splitting.steps == 0 {
        splitting.ways.resize(SPLITS_MAX + 1, Vec::new());
    }
    splitting.ways
}

struct Splitting<'t> {
    gaps: bool,
    steps: usize,
    taken: Vec<&'t str>,
    ways: Vec<Vec<&'t str>>,
}

impl<'t> Splitting<'t> {
    fn rest(&mut self, parts: &[Term], text: &'t str) {
        let Some((first, rest)) = parts.split_first() else {
            if text.is_empty() {
                self.ways.push(self.taken.clone());
            }
            return;
        };
        if let K::Text(constant) = &first.kind {
            if let Some(after) = text.strip_prefix(constant.as_str()) {
                self.take(rest, text, text.len() - after.len());
            }
            return;
        }
        if rest.is_empty() {
            if self.gaps || !text.is_empty() {
                self.take(rest, text, text.len());
            }
            return;
        }
        let gaps = self.gaps;
        let ends = text.char_indices().map(|(index, _)| index).chain([text.len()]);
        for end in ends.filter(move |end| gaps || *end > 0) {
            self.take(rest, text, end);
        }
    }

    fn take(&mut self, rest: &[Term], text: &'t str, end: usize) {
        if self.steps == 0 || self.ways.len() > SPLITS_MAX {
            return;
        }
        self.steps -= 1;
        let (piece, after) = text.split_at(end);
        self.taken.push(piece);
        self.rest(rest, after);
        self.taken.pop();
    }
}
