//! Where the package isn't R4: it carries elements of later releases and of its maker.
//!
//! Found by comparing every path with the element map of fhirbolt's R4 release, and every line with
//! HL7's own definitions of 4.0.1. A new version of the package needs the comparison again.
//!
//! Left as the package has them: the invariants app-4, bdl-8 and tim-9, whose expressions in 4.0.1
//! are slips that were mended later, and the targets of `clinical-patient`, where 4.0.1 names Group
//! although the expressions admit patients only.

/// Types that R4 doesn't have.
pub const FOREIGN_TYPES: &[&str] = &["SubscriptionStatus", "MetadataResource"];

/// Elements that R4 doesn't have; what is below them goes with them.
const FOREIGN_ELEMENTS: &[&str] = &[
    "Binary.url",
    "DeviceDefinition.bodySite",
    "DeviceDefinition.classification",
    "Meta.account",
    "Meta.accounts",
    "Meta.author",
    "Meta.compartment",
    "Meta.onBehalfOf",
    "Meta.project",
    "ObservationDefinition.publisher",
    "ResearchStudy.associatedParty",
    "ResearchStudy.classifier",
    "ResearchStudy.comparisonGroup",
    "ResearchStudy.descriptionSummary",
    "ResearchStudy.label",
    "ResearchStudy.name",
    "ResearchStudy.objective.description",
    "ResearchStudy.outcomeMeasure",
    "ResearchStudy.progressStatus",
    "ResearchStudy.recruitment",
    "ResearchStudy.region",
    "ResearchStudy.result",
    "ResearchStudy.studyDesign",
    "ResearchStudy.whyStopped",
];

/// The package has R5's content of this element; this is R4's.
const EVIDENCE_VARIABLE_CHARACTERISTIC: &str = "EvidenceVariable.characteristic";
const EVIDENCE_VARIABLE_CHARACTERISTIC_R4: &str = "\
E\tEvidenceVariable.characteristic\t1\t*\ts\tBackboneElement\t
E\tEvidenceVariable.characteristic.description\t0\t1\t\tstring\t
E\tEvidenceVariable.characteristic.definition[x]\t1\t1\ts\tReference(Group)|canonical(ActivityDefinition)|CodeableConcept|Expression|DataRequirement|TriggerDefinition\t
E\tEvidenceVariable.characteristic.usageContext\t0\t*\t\tUsageContext\t
E\tEvidenceVariable.characteristic.exclude\t0\t1\t\tboolean\t
E\tEvidenceVariable.characteristic.participantEffective[x]\t0\t1\t\tdateTime|Period|Duration|Timing\t
E\tEvidenceVariable.characteristic.timeFromStart\t0\t1\t\tDuration\t
E\tEvidenceVariable.characteristic.groupMeasure\t0\t1\t\tcode\tr http://hl7.org/fhir/ValueSet/group-measure|4.0.1
";

/// The package has other types, targets or value sets for these elements; this is R4.
const R4_ELEMENTS: &[(&str, &str)] = &[
    (
        "AuditEvent.source.observer",
        "E\tAuditEvent.source.observer\t1\t1\ts\tReference(PractitionerRole,Practitioner,Organization,Device,Patient,RelatedPerson)\t\n",
    ),
    ("Bundle.entry.response.outcome", "E\tBundle.entry.response.outcome\t0\t1\ts\tResource\t\n"),
    (
        "DetectedIssue.status",
        "E\tDetectedIssue.status\t1\t1\tsm\tcode\tr http://hl7.org/fhir/ValueSet/observation-status|4.0.1\n",
    ),
    (
        "MeasureReport.subject",
        "E\tMeasureReport.subject\t0\t1\ts\tReference(Patient,Practitioner,PractitionerRole,Location,Device,RelatedPerson,Group)\t\n",
    ),
    ("ResearchStudy.site", "E\tResearchStudy.site\t0\t*\ts\tReference(Location)\t\n"),
];

/// Search parameters that R4 doesn't have, though they carry its version.
const FOREIGN_PARAMETERS: &[&str] = &["DetectedIssue-status", "ServiceRequest-order-detail"];

const MEASURE_REPORT_SUBJECT: &str = "MeasureReport-subject";
const MEASURE_REPORT_SUBJECT_R4: &str = "\
P\tsubject\treference\tMeasureReport\tPractitioner,Group,Device,Patient,PractitionerRole,RelatedPerson,Location\t\t\tMeasureReport-subject\tMeasureReport.subject
";

pub enum Correction {
    Keep,
    Drop,
    /// Fact lines to write in its place.
    Replace(&'static str),
}

/// What to do with the element at this path.
pub fn correction(path: &str) -> Correction {
    if path == EVIDENCE_VARIABLE_CHARACTERISTIC {
        return Correction::Replace(EVIDENCE_VARIABLE_CHARACTERISTIC_R4);
    }
    if let Some((_, lines)) = R4_ELEMENTS.iter().find(|(known, _)| *known == path) {
        return Correction::Replace(lines);
    }
    let foreign = FOREIGN_ELEMENTS.iter().chain([&EVIDENCE_VARIABLE_CHARACTERISTIC]);
    if foreign.into_iter().any(|element| is_at_or_below(path, element)) {
        Correction::Drop
    } else {
        Correction::Keep
    }
}

/// What to do with the search parameter of this id.
pub fn parameter_correction(id: &str) -> Correction {
    if id == MEASURE_REPORT_SUBJECT {
        Correction::Replace(MEASURE_REPORT_SUBJECT_R4)
    } else if FOREIGN_PARAMETERS.contains(&id) {
        Correction::Drop
    } else {
        Correction::Keep
    }
}

fn is_at_or_below(path: &str, element: &str) -> bool {
    path.strip_prefix(element).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
