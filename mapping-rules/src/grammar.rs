//! The words of rule files: which keys may stand where, and which words may stand behind some of them.
//! The compiler refuses what is not here; the JSON Schema for editors is made of the same lists.

/// Sections of a rule.
pub(crate) const SECTIONS: [&str; 12] = [
    "rule", "resource", "profile", "source", "from", "where", "updated", "version", "blank",
    "emit", "search", "tests",
];
pub(crate) const SECTIONS_REQUIRED: [&str; 4] = ["rule", "resource", "from", "emit"];
/// A section of a later release, which is refused with the reason.
pub(crate) const WRITE: &str = "write";

/// The root of `from`.
pub(crate) const ROOT: [&str; 2] = ["table", "key"];
pub(crate) const MANY: [&str; 4] = ["table", "many", "order", "where"];
/// A table of which a row has one, or perhaps one.
pub(crate) const SINGLE: [&str; 6] = ["table", "one", "maybe", "where", "valid", "at"];
/// Of which nothing says yet which it is.
pub(crate) const JOINED: [&str; 8] =
    ["table", "one", "maybe", "many", "order", "where", "valid", "at"];
/// Aliases with a meaning of their own.
pub(crate) const RESERVED_ALIASES: [&str; 2] = ["site", "with"];

/// `updated`, where the source has no such column.
pub(crate) const HASH: &str = "hash";
/// `version`: of everything that the rule reads, or of the columns of `updated`.
pub(crate) const IMAGE: &str = "image";
pub(crate) const UPDATED: &str = "updated";
/// `search: {parameter: off}`
pub(crate) const OFF: &str = "off";
pub(crate) const SEARCH: [&str; 1] = ["column"];

pub(crate) const FIRST: &str = "$first";
/// The forms of `emit`.
pub(crate) const RESERVED: [&str; 8] =
    ["$if", "$each", "$use", "$value", "$code", "$ref", "$contained", FIRST];
/// What stands beside the elements of an object.
pub(crate) const BESIDE: [&str; 2] = ["$if", "$each"];
pub(crate) const VALUE: [&str; 3] = ["$value", "$if", "$each"];
pub(crate) const CODE: [&str; 9] =
    ["$code", "from", "text", "display", "extension", "at", "with", "$if", "$each"];
pub(crate) const REFERENCE: [&str; 6] = ["$ref", "$contained", "key", "display", "$if", "$each"];

/// What a test says of its rows; one that says nothing would pass whatever the rule does.
pub(crate) const CLAIMS: [&str; 6] =
    ["expect", "absent", "issues", "finds", "misses", "statements"];
pub(crate) const TEST_REQUIRED: [&str; 2] = ["name", "rows"];
pub(crate) const ISSUE: [&str; 4] = ["severity", "code", "map", "local"];

/// `codes/codemaps.yaml`
pub(crate) const CODE_MAP: [&str; 3] = ["local", "targets", "unmapped"];
pub(crate) const LOCAL: [&str; 2] = ["system", "emit"];
pub(crate) const LOCAL_EMIT: [&str; 3] = ["always", "when-unmapped", "never"];
pub(crate) const TARGET: [&str; 5] = ["id", "system", "only-if-none", "derive", "extension"];
/// A target whose codes follow from those of another one.
pub(crate) const DERIVE: [&str; 2] = ["from", "table"];
pub(crate) const UNMAPPED: [&str; 4] = ["policy", "severity", "codings", "by"];
pub(crate) const POLICIES: [&str; 4] = ["error", "warn", "text-only", "uncoded"];
pub(crate) const SEVERITIES: [&str; 3] = ["error", "warning", "information"];
pub(crate) const CODING: [&str; 5] = ["target", "system", "version", "code", "display"];

/// `schema.yaml`
pub(crate) const TABLE: [&str; 4] = ["key", "columns", "indexes", "unique"];
