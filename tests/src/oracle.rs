//! What a search must find, said by somebody else: everything that a server shows is read once, and
//! a question is answered by evaluating the parameter's FHIRPath on each resource and comparing what
//! it finds, as R4 words it. Nothing here knows rules, columns or SQL, and nothing is shared with
//! the product's own reading of search values.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html>

mod archive;
mod ask;
mod candidates;
mod claim;
mod declared;
mod drawing;
mod ground;
mod linked;
mod matching;
mod number;
mod proof;
mod query;
mod question;
mod rows;
mod span;

pub use archive::{Archive, Element, Resource, Set, fold};
pub use ask::{Found, Refused, address, ask, difference, pair};
pub use candidates::candidates;
pub use claim::{Claim, Verdict};
pub use declared::{Chain, Declared, Include, Link, Parameter, declared};
pub use drawing::Drawing;
pub use ground::{Ground, judged, proving_ground};
pub use linked::{SortKey, references, sort_key};
pub use matching::matches;
pub use proof::Proof;
pub use query::{Query, Term, simplest};
pub use question::{Asked, Modifier, Prefix, Question, TokenSystem};
