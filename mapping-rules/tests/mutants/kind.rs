//! The ways in which a document is changed, and what the validator then says.

use serde_json::Value;

/// A document that was changed in one place.
pub struct Mutant {
    /// `Patient.name.text`
    pub what: String,
    pub kind: &'static Kind,
    pub document: Value,
}

/// One way to change a document.
pub struct Kind {
    pub name: &'static str,
    /// The codes that tell of it; none for a change that leaves the document valid.
    pub told: &'static [&'static str],
}

impl Kind {
    pub fn stays_valid(&self) -> bool {
        self.told.is_empty()
    }
}

macro_rules! kinds {
    ($($id:ident $name:literal $($told:literal)*;)*) => {
        $(pub static $id: Kind = Kind { name: $name, told: &[$($told),*] };)*
    };
}

kinds! {
    MIN "too few" "V1201" "V1301" "V1303" "V1701";
    MAX "too many" "V1202" "V1302" "V1006";
    NONE "what may not be there" "V1202" "V1302";
    VALUE "another fixed value" "V1401" "V1402" "V1301";
    CODE "a code outside the set" "V1501" "V1301" "V1401" "V1402";
    SYSTEM "a code of another system" "V1501" "V1301" "V1401" "V1402";
    TYPE "another type" "V1009" "V1001" "V1012";
    TARGET "another target" "V1602" "V1605" "V1607";
    CLOSED "an item of no slice" "V1303" "V1202";
    ORDER "slices out of order" "V1304" "V1701";
    LIST "a list for one, or one for a list" "V1005" "V1006";
    FORM "another form of value" "V1101" "V1102" "V1104" "V1105" "V1007" "V1010" "V1501";
    UNKNOWN "an unknown element" "V1001";
    EXTENSION "an unknown extension" "V1013";
    FREE_TEXT "twin: other words";
    FREE_CODE "twin: another code of the set";
    FREE_TYPE "twin: another type that is allowed";
    FREE_TARGET "twin: another target of the type";
    FREE_ITEM "twin: one more item";
    FREE_ABSENT "twin: without what need not be there";
    FREE_FORM "twin: another right form";
    FREE_EXTENSION "twin: an extension of R4";
    FREE_ORDER "twin: a list in another order";
    FREE_ID "twin: an id of the element";
    FREE_WHOLE "twin: the same, written otherwise";
}
