//! Vital signs: R4 makes its profiles binding for every Observation with one of these codes.
//!
//! Spec: <https://hl7.org/fhir/R4/observation-vitalsigns.html>

use super::{Node, Rules, Walk};

const LOINC: &str = "http://loinc.org";

/// LOINC codes, and R4's profiles for them.
const PROFILES: [(&str, &str); 10] = [
    ("85353-1", "vitalspanel"),
    ("9279-1", "resprate"),
    ("8867-4", "heartrate"),
    ("2708-6", "oxygensat"),
    ("8310-5", "bodytemp"),
    ("8302-2", "bodyheight"),
    ("9843-4", "headcircum"),
    ("29463-7", "bodyweight"),
    ("39156-5", "bmi"),
    ("85354-9", "bp"),
];

impl<'w> Walk<'w> {
    pub(super) fn vital_signs(&mut self, node: Node<'w>, rules: &mut Rules<'w>) {
        let Some(code) = node.child("code") else { return };
        for coding in code.all("coding") {
            if coding.child_text("system") != Some(LOINC) {
                continue;
            }
            let code = coding.child_text("code");
            let known = PROFILES.iter().find(|(known, _)| code == Some(known));
            if let Some((_, name)) = known {
                let canonical = format!("http://hl7.org/fhir/StructureDefinition/{name}");
                if let Some(profile) = self.outside.profiles.good(&canonical) {
                    self.add_rules(profile, rules);
                }
            }
        }
    }
}
