//! Searches of texts: by their beginning, as a whole, or anywhere inside.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#string>

use genkan_adapter::Predicate;
use genkan_fhir::search::Modifier;

use super::PlaceKind;
use crate::diagnostic::Text;
use crate::image::{Blocked, Imaged, Imaging, any};
use crate::lens::{Lens, LensContext, TextTarget};
use crate::program::Term;

/// The rows whose text meets the search; none for a place that holds no text.
pub(super) fn image(
    imaging: Imaging,
    place: &PlaceKind,
    text: &str,
    modifier: Option<&Modifier>,
) -> Imaged {
    match place {
        PlaceKind::Text(term) => string(imaging, term, text, modifier),
        PlaceKind::Folded { term, lens } => folded(imaging, (term, lens), text, modifier),
        PlaceKind::Words(term) => words(imaging, term, text, modifier),
        _ => Ok(Predicate::FALSE),
    }
}

pub(super) fn string(
    imaging: Imaging,
    term: &Term,
    text: &str,
    modifier: Option<&Modifier>,
) -> Imaged {
    let folding = Imaging { ignore_case: true, ..imaging };
    match modifier {
        Some(Modifier::Exact) => imaging.text(term, &TextTarget::equals(text)),
        Some(Modifier::Contains) => folding.text(term, &TextTarget::Contains(text.to_owned())),
        _ => folding.text(term, &TextTarget::StartsWith(text.to_owned())),
    }
}

fn folded(
    imaging: Imaging,
    (term, lens): (&Term, &Lens),
    text: &str,
    modifier: Option<&Modifier>,
) -> Imaged {
    // What the converter makes nothing of is not in the column either.
    match lens.forward(text, &LensContext { zone: imaging.zone }).ok().flatten() {
        Some(folded) => string(imaging, term, &folded, modifier),
        None => Ok(Predicate::FALSE),
    }
}

fn words(imaging: Imaging, term: &Term, text: &str, modifier: Option<&Modifier>) -> Imaged {
    let folding = Imaging { ignore_case: true, ..imaging };
    match modifier {
        Some(Modifier::Exact) => {
            let text = Text::new(
                "the name is stored as a whole; search without `:exact`",
                "姓名が一つの列に格納されているため :exact は使えません",
            );
            Err(Blocked { span: term.span, text })
        }
        Some(Modifier::Contains) => folding.text(term, &TextTarget::Contains(text.to_owned())),
        _ => {
            let begins =
                [' ', '\u{3000}', '\t'].map(|blank| TextTarget::Contains(format!("{blank}{text}")));
            let ways: Result<_, _> =
                begins.iter().map(|target| folding.text(term, target)).collect();
            Ok(any(ways?))
        }
    }
}
