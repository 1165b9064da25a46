//! The words for how two codes stand to each other: R4's, and those of R5 that a CSV may hold.
//! Spec: <https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html>

const R4: [&str; 10] = [
    "relatedto",
    "equivalent",
    "equal",
    "wider",
    "subsumes",
    "narrower",
    "specializes",
    "inexact",
    "unmatched",
    "disjoint",
];

/// What R4 calls the relationship of a row.
pub fn equivalence(relationship: &str, status: &str) -> &'static str {
    if status == "no-map" {
        return "unmatched";
    }
    let known = R4.into_iter().find(|word| *word == relationship);
    known.unwrap_or(match relationship {
        "source-is-narrower-than-target" => "wider",
        "source-is-broader-than-target" => "narrower",
        "not-related-to" => "disjoint",
        // Nothing more was said of it.
        _ => "relatedto",
    })
}

/// Seen from the other side.
pub fn reversed(equivalence: &'static str) -> &'static str {
    match equivalence {
        "wider" => "narrower",
        "narrower" => "wider",
        "subsumes" => "specializes",
        "specializes" => "subsumes",
        same => same,
    }
}
