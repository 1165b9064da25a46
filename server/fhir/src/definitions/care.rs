//! When the care was given that a resource tells of (診療日): `start` and `end` of
//! `Patient/[id]/$everything` are about this, not about the date of the record.
//!
//! Spec: <https://hl7.org/fhir/R4/patient-operation-everything.html>. R4 names no parameter for it;
//! `clinical-date` comes near and is one for seventeen types only.

use super::Definitions;

/// Types without `clinical-date`: what comes first is nearest to the care itself.
const PARAMETERS: [(&str, &[&str]); 33] = [
    // Recorded at some time, it holds at all times.
    ("AllergyIntolerance", &[]),
    ("AdverseEvent", &["date"]),
    ("Appointment", &["date"]),
    ("AuditEvent", &["date"]),
    ("ChargeItem", &["occurrence", "entered-date"]),
    ("Claim", &["created"]),
    ("ClaimResponse", &["created"]),
    ("Communication", &["sent", "received"]),
    ("CommunicationRequest", &["occurrence", "authored"]),
    ("Condition", &["onset-date", "recorded-date"]),
    ("CoverageEligibilityRequest", &["created"]),
    ("CoverageEligibilityResponse", &["created"]),
    ("DetectedIssue", &["identified"]),
    ("DeviceRequest", &["event-date", "authored-on"]),
    ("DocumentManifest", &["created"]),
    ("DocumentReference", &["period", "date"]),
    ("ExplanationOfBenefit", &["created"]),
    ("Goal", &["start-date"]),
    ("ImagingStudy", &["started"]),
    ("ImmunizationEvaluation", &["date"]),
    ("ImmunizationRecommendation", &["date"]),
    ("Invoice", &["date"]),
    ("Media", &["created"]),
    ("MedicationAdministration", &["effective-time"]),
    ("MedicationDispense", &["whenhandedover", "whenprepared"]),
    ("MedicationRequest", &["date", "authoredon"]),
    ("MedicationStatement", &["effective"]),
    ("NutritionOrder", &["datetime"]),
    ("QuestionnaireResponse", &["authored"]),
    ("RequestGroup", &["authored"]),
    ("ServiceRequest", &["occurrence", "authored"]),
    ("Specimen", &["collected"]),
    ("VisionPrescription", &["datewritten"]),
];

impl Definitions {
    /// The search parameters that tell when the care was given, the best first; empty for types that
    /// tell of no time (保険, アレルギー).
    pub fn care_dates(&self, resource: &str) -> &'static [&'static str] {
        if let Some((_, parameters)) = PARAMETERS.iter().find(|(name, _)| *name == resource) {
            return parameters;
        }
        match self.search_parameter(resource, "date") {
            Some(date) if date.id == "clinical-date" => &["date"],
            _ => &[],
        }
    }
}
