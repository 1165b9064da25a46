//! What can't be fairly judged by what is here.

/// Runs that can't be judged by what is here, and why: case, run (`*` for both), reason.
pub const EXCLUDED: &[(&str, &str, &str)] = &[
    ("patient-circle1-bad-linked1", "profile", TARGET),
    ("patient-circle1-bad-source1", "profile", TARGET),
    ("patient-circle1-bad-source2", "profile", TARGET),
    ("patient-circle2-bad-linked", "profile", TARGET),
    ("patient-circle2-bad-source1", "profile", TARGET),
    ("patient-circle2-bad-source2", "profile", TARGET),
    ("parameters-reference-bad", "*", TARGET),
    ("bundle-bad-by-param", "*", "HL7's -bundle option gives a profile to one entry by its place"),
    ("res-inv-example-bad", "*", "its extensions are of hl7.fhir.uv.extensions, not here"),
    ("extension-version-restriction-range-r4", "*", "the extension's definition isn't here"),
    ("PulseOxBundle_25Oct2022", "profile", "its profile is of hl7.fhir.us.core, not here"),
    ("ref-policy-default-r4", "*", "it is R5"),
    ("aggregation-apart-good4", "*", "the outcome was recorded with R5, where class is 0..*"),
    ("vs-bad-ecl", "*", "the expression constraint is parsed by a terminology server"),
    ("vs-bad-ecl-us", "*", "the expression constraint is parsed by a terminology server"),
];
const TARGET: &str = "the target of the reference is on HL7's test server, not here";

/// Parts of recorded errors that only a terminology server can tell. A run with no other errors is
/// left out as a whole.
pub const NEEDS_TERMINOLOGY: &[&str] = &[
    // Displays.
    "for http://loinc.org#",
    "for http://snomed.info/sct#",
    "for http://hl7.org/fhir/sid/cvx#",
    "for http://terminology.hl7.org/CodeSystem/v2-",
    // Codes that look right and don't exist.
    "Unknown code '35901911000001104' in the CodeSystem 'http://snomed.info/sct'",
    "Unknown code '39695211000001102' in the CodeSystem 'http://snomed.info/sct'",
    "Unknown code '56248011000036107' in the CodeSystem 'http://snomed.info/sct'",
    "Unknown code 'E10.3211+TT1.2' in the CodeSystem 'http://hl7.org/fhir/sid/icd-10-cm'",
    "in the ValueSet 'http://hl7.org/fhir/ValueSet/mimetypes",
    // What a property of SNOMED CT may be compared by.
    "The operation 'not-in' is not allowed for property '1142143009'",
];

pub const TERMINOLOGY: &str = "only a terminology server can tell what is wrong";
