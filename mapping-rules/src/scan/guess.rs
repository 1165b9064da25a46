//! Which resource type the rows of a table may be: by what its columns mean, and by its name.

use super::join::Joined;
use super::profile::TableProfile;
use crate::diagnostic::Text;
use crate::vocabulary::{self, Meaning as M};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    Patient,
    Practitioner,
    Encounter,
    Condition,
    AllergyIntolerance,
    Observation,
    MedicationRequest,
    Coverage,
}

/// What a table may be, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub kind: ResourceKind,
    pub score: u32,
    pub reasons: Vec<Text>,
}

/// What speaks for a type: of each group one column has to be there.
struct Evidence {
    kind: ResourceKind,
    needs: &'static [&'static [M]],
    counts: &'static [(M, u32)],
    of_patient: bool,
}

const SCORE_MIN: u32 = 5;
const TABLE_NAME: u32 = 4;

const EVIDENCE: [Evidence; 8] = [
    Evidence {
        kind: ResourceKind::Patient,
        needs: &[&[M::PatientNumber, M::BirthDate], &[M::BirthDate, M::PersonName]],
        counts: &[
            (M::BirthDate, 4),
            (M::PersonName, 2),
            (M::PersonKana, 1),
            (M::Sex, 2),
            (M::PostalCode, 1),
            (M::Address, 1),
            (M::Phone, 1),
        ],
        of_patient: false,
    },
    Evidence {
        kind: ResourceKind::Practitioner,
        needs: &[&[M::StaffNumber], &[M::PersonName, M::StaffName]],
        counts: &[(M::StaffNumber, 2), (M::PersonName, 2), (M::StaffName, 2), (M::PersonKana, 1)],
        of_patient: false,
    },
    Evidence {
        kind: ResourceKind::Encounter,
        needs: &[&[M::VisitDate, M::AdmittedAt]],
        counts: &[
            (M::VisitDate, 2),
            (M::AdmittedAt, 3),
            (M::DischargedAt, 2),
            (M::VisitNumber, 2),
            (M::AdmissionNumber, 2),
            (M::DepartmentCode, 1),
            (M::WardCode, 1),
        ],
        of_patient: true,
    },
    Evidence {
        kind: ResourceKind::Condition,
        needs: &[&[M::DiseaseCode, M::DiseaseName]],
        counts: &[
            (M::DiseaseCode, 3),
            (M::DiseaseName, 3),
            (M::StartDate, 1),
            (M::EndDate, 1),
            (M::Outcome, 2),
            (M::SuspectedFlag, 2),
            (M::MainFlag, 1),
        ],
        of_patient: true,
    },
    Evidence {
        kind: ResourceKind::AllergyIntolerance,
        needs: &[
            &[M::AllergenCode, M::AllergenName, M::DrugCode],
            &[M::AllergenCode, M::AllergenName, M::Severity, M::Reaction],
        ],
        counts: &[
            (M::AllergenCode, 3),
            (M::AllergenName, 3),
            (M::DrugCode, 1),
            (M::Severity, 1),
            (M::Reaction, 1),
            (M::StartDate, 1),
        ],
        of_patient: true,
    },
    Evidence {
        kind: ResourceKind::Observation,
        needs: &[&[M::ResultValue, M::ResultNumber], &[M::ItemCode, M::ItemName]],
        counts: &[
            (M::ResultValue, 3),
            (M::ItemCode, 3),
            (M::ItemName, 2),
            (M::Unit, 1),
            (M::LowerLimit, 1),
            (M::UpperLimit, 1),
            (M::AbnormalFlag, 1),
            (M::CollectedAt, 1),
        ],
        of_patient: true,
    },
    Evidence {
        kind: ResourceKind::MedicationRequest,
        needs: &[
            &[M::DrugCode, M::DrugName],
            &[
                M::Dose,
                M::Quantity,
                M::UsageCode,
                M::UsageName,
                M::Days,
                M::PrescribedAt,
                M::GroupNumber,
            ],
        ],
        counts: &[
            (M::DrugCode, 3),
            (M::DrugName, 2),
            (M::Dose, 2),
            (M::UsageCode, 2),
            (M::UsageName, 1),
            (M::Days, 1),
            (M::PrescribedAt, 2),
            (M::GroupNumber, 1),
            (M::Quantity, 1),
        ],
        of_patient: true,
    },
    Evidence {
        kind: ResourceKind::Coverage,
        needs: &[&[M::InsurerNumber]],
        counts: &[(M::InsurerNumber, 4), (M::InsuranceNumber, 2), (M::InsuranceSymbol, 1)],
        of_patient: true,
    },
];

impl ResourceKind {
    /// FHIR's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            ResourceKind::Patient => "Patient",
            ResourceKind::Practitioner => "Practitioner",
            ResourceKind::Encounter => "Encounter",
            ResourceKind::Condition => "Condition",
            ResourceKind::AllergyIntolerance => "AllergyIntolerance",
            ResourceKind::Observation => "Observation",
            ResourceKind::MedicationRequest => "MedicationRequest",
            ResourceKind::Coverage => "Coverage",
        }
    }
}

/// The likeliest type of each table, if there is one.
pub fn guess(tables: &[TableProfile], joins: &[Joined]) -> Vec<Option<Guess>> {
    let reaches = of_patients(tables, joins);
    let one = |(table, of_patient): (&TableProfile, bool)| {
        let found = EVIDENCE.iter().filter_map(|evidence| weigh(evidence, table, of_patient));
        found.max_by_key(|guess| (guess.score, std::cmp::Reverse(guess.kind)))
    };
    tables.iter().zip(reaches).map(one).collect()
}

/// Whose rows belong to one patient: those with a patient's number, and those that hang on such rows.
fn of_patients(tables: &[TableProfile], joins: &[Joined]) -> Vec<bool> {
    let mut of: Vec<bool> =
        tables.iter().map(|table| table.meaning(M::PatientNumber).is_some()).collect();
    // A line hangs on its group, the group on its order.
    for _ in 0..3 {
        for joined in joins.iter().filter(|joined| joined.is_probable()) {
            let Joined { candidate, .. } = joined;
            of[candidate.from] |= of[candidate.to];
        }
    }
    of
}

fn weigh(evidence: &Evidence, table: &TableProfile, of_patient: bool) -> Option<Guess> {
    let has = |means: &M| table.meaning(*means).is_some();
    let needs = evidence.needs.iter().all(|group| group.iter().any(has));
    if !needs || (evidence.of_patient && !of_patient) {
        return None;
    }
    let mut reasons = Vec::new();
    let mut score = 0;
    for word in vocabulary::of_table(&table.name) {
        if word.means == evidence.kind.name() {
            score += TABLE_NAME;
            reasons.push(Text::new(
                format!("the table has `{}` in its name", word.word),
                format!("表の名前に「{}」がある", word.word),
            ));
        }
    }
    for (means, weight) in evidence.counts {
        let Some(column) = table.meaning(*means) else { continue };
        score += weight;
        let (name, means) = (&column.name, means.name());
        reasons.push(match column.means {
            Some(known) => Text::new(
                format!("{name} ({means}, by `{}`)", known.word),
                format!("{name}（{means}、「{}」から）", known.word),
            ),
            None => Text::new(
                format!("{name} ({means}, by its values)"),
                format!("{name}（{means}、値の形から）"),
            ),
        });
    }
    (score >= SCORE_MIN).then_some(Guess { kind: evidence.kind, score, reasons })
}
