//! Who is treated, by whom, when, and who pays.

use super::Draft;
use crate::scan::draft::text::is_word;
use crate::vocabulary::Meaning as M;

impl Draft<'_, '_> {
    pub(super) fn patient(&mut self) {
        let key = self.tables.root().key.first().cloned().unwrap_or_default();
        let number = self.find(M::PatientNumber).map(|cell| cell.text());
        let number = number.or_else(|| is_word(&key).then(|| format!("r.{key}")));
        if let Some(number) = number {
            self.element([
                "identifier:".to_owned(),
                "  - system: = \"urn:oid:1.2.392.100495.20.3.51.1$(site.institution_no)\""
                    .to_owned(),
                format!("    value: = {number}"),
            ]);
        }
        self.names();
        let phones = [(M::Phone, "home"), (M::Mobile, "mobile")].into_iter();
        let phones = phones.filter_map(|(means, uses)| {
            let cell = self.find(means)?;
            Some(format!("  - {{system: phone, use: {uses}, value: = {} | phone}}", cell.text()))
        });
        let phones: Vec<String> = phones.collect();
        if !phones.is_empty() {
            self.element(std::iter::once("telecom:".to_owned()).chain(phones));
        }
        self.gender();
        self.moment("birthDate", M::BirthDate);
        self.moment("deceasedDateTime", M::DeathDate);
        let address = self.find(M::Address).map(|cell| format!("text: = {}", cell.text()));
        let zip = self.find(M::PostalCode);
        let zip = zip.map(|cell| format!("postalCode: = {} | postal", cell.text()));
        let parts: Vec<String> = address.into_iter().chain(zip).collect();
        if !parts.is_empty() {
            self.element(["address:".to_owned(), format!("  - {{{}}}", parts.join(", "))]);
        }
    }

    fn names(&mut self) {
        let mut lines = vec!["name:".to_owned()];
        let url = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
        for (means, code) in [(M::PersonName, "IDE"), (M::PersonKana, "SYL")] {
            let Some(cell) = self.find(means) else { continue };
            let half = cell.column.half_kana > 0;
            let name = format!("{}{}", cell.text(), if half { " | kana.full" } else { "" });
            lines.extend([
                format!("  - extension: [{{url: {url}, valueCode: {code}}}]"),
                "    use: official".to_owned(),
                format!("    text: = {name} | squeeze"),
                format!("    family: = {name} | name.family"),
                format!("    given: [= {name} | name.given]"),
            ]);
        }
        if lines.len() > 1 {
            self.element(lines);
        }
    }

    fn gender(&mut self) {
        let Some(cell) = self.find(M::Sex) else { return };
        let (codes, _) = cell.column.codes().unwrap_or_default();
        let pairs: Vec<String> = codes.iter().map(|(code, _)| format!("{code}=unknown")).collect();
        let pairs = if pairs.is_empty() { "1=unknown".to_owned() } else { pairs.join(" ") };
        let counts = cell.counts();
        let todo = self.say(
            format!("which is male, which female? {counts}"),
            format!("male・female はどの値ですか？ {counts}"),
        );
        self.element([format!(
            "gender: = {} | map {pairs} else unknown   # TODO: {todo}",
            cell.text()
        )]);
    }

    pub(super) fn practitioner(&mut self) {
        if let Some(cell) = self.find(M::StaffNumber) {
            let todo = self.say("an address of your own", "自院の URL に");
            self.element([
                "identifier:".to_owned(),
                format!("  - system: http://hospital.example.jp/staff-number   # TODO: {todo}"),
                format!("    value: = {}", cell.text()),
            ]);
        }
        match self.find(M::PersonName) {
            Some(_) => self.names(),
            None => {
                if let Some(cell) = self.find(M::StaffName) {
                    self.element([format!("name: [{{text: = {} | squeeze}}]", cell.text())]);
                }
            }
        }
    }

    pub(super) fn encounter(&mut self) {
        let todo =
            self.say("planned, in-progress, finished, cancelled …", "finished・cancelled など");
        self.element([format!("status: unknown   # TODO: {todo}")]);
        let todo = self.say(
            "system http://terminology.hl7.org/CodeSystem/v3-ActCode, code AMB, IMP or EMER",
            "system http://terminology.hl7.org/CodeSystem/v3-ActCode、code は外来 AMB・入院 IMP・救急 EMER",
        );
        self.element([format!("class: {{display: 不明}}   # TODO: {todo}")]);
        self.subject("subject");
        let start = self.find(M::AdmittedAt).or_else(|| self.find(M::VisitDate));
        let start = start.map(|cell| format!("start: = {}", cell.date()));
        let end = self.find(M::DischargedAt).map(|cell| format!("end: = {}", cell.date()));
        let parts: Vec<String> = start.into_iter().chain(end).collect();
        if !parts.is_empty() {
            self.element([format!("period: {{{}}}", parts.join(", "))]);
        }
    }

    pub(super) fn coverage(&mut self) {
        let todo =
            self.say("active, cancelled: which cards are in use?", "使用中の保険だけを active に");
        self.element([format!("status: draft   # TODO: {todo}")]);
        self.subject("beneficiary");
        if let Some(cell) = self.find(M::InsurerNumber) {
            self.element([format!(
                "payor: [{{identifier: {{value: = {} | insurer}}}}]",
                cell.text()
            )]);
        }
    }
}
