//! The kinds of registration unit and what `JP_Bundle_CLINS` asks of each: one table, so that no
//! other module decides by kind.

use genkan_mapping::diagnostic::Text;

/// What one registration holds (登録単位).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 傷病名: all of the patient that have no end or ended within five years.
    Condition,
    /// アレルギー・薬剤禁忌: all of the patient.
    Allergy,
    /// 検査・感染症: all results of one report.
    Observation,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Condition, Kind::Allergy, Kind::Observation];

    /// As a person writes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Condition => "condition",
            Kind::Allergy => "allergy",
            Kind::Observation => "observation",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Also the code of the Bundle's `BundleResourceType` tag.
    pub fn resource_type(self) -> &'static str {
        match self {
            Kind::Condition => "Condition",
            Kind::Allergy => "AllergyIntolerance",
            Kind::Observation => "Observation",
        }
    }

    pub fn text(self) -> Text {
        match self {
            Kind::Condition => Text::new("conditions", "傷病名"),
            Kind::Allergy => {
                Text::new("allergies and drug contraindications", "アレルギー・薬剤禁忌")
            }
            Kind::Observation => Text::new("laboratory results", "検査結果"),
        }
    }

    /// The profile that a resource has to declare to be part of the unit.
    pub fn profile(self) -> &'static str {
        match self {
            Kind::Condition => "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Condition_eCS",
            Kind::Allergy => {
                "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_AllergyIntolerance_eCS"
            }
            Kind::Observation => {
                "http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Observation_LabResult_eCS"
            }
        }
    }

    /// The element that refers to the patient.
    pub fn subject(self) -> &'static str {
        match self {
            Kind::Condition | Kind::Observation => "subject",
            Kind::Allergy => "patient",
        }
    }

    /// Department extension (R9014C/O) and contained Encounter (R9013C/O) are demanded.
    pub fn needs_encounter_and_department(self) -> bool {
        match self {
            Kind::Condition | Kind::Observation => true,
            Kind::Allergy => false,
        }
    }

    /// `meta.tag` codes of 長期保存・未告知・未提供 that the profile admits.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Kind::Condition => &["LTS", "UNINFORMED", "UNDELIVERED"],
            Kind::Allergy | Kind::Observation => &["LTS"],
        }
    }

    /// Letter in the Bundle's identifier.
    pub fn letter(self) -> char {
        match self {
            Kind::Condition => 'C',
            Kind::Allergy => 'A',
            Kind::Observation => 'O',
        }
    }
}

/// Is this canonical the profile, in any version?
pub fn is_profile(canonical: &str, profile: &str) -> bool {
    canonical.split('|').next() == Some(profile)
}
