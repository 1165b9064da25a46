//! `--format html`: a page that stands by itself, to hand on or to print.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use genkan_fhir::outcome::IssueSeverity;
use genkan_fhir::validation::{Finding, Report};
use genkan_mapping::{Language, Text};

use super::told::{severity, words};

const STYLE: &str = "body{font:15px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid #bbb;overflow-wrap:anywhere}\
table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2rem .6rem;text-align:left;vertical-align:top}\
td.n{text-align:right}ul{list-style:none;padding-left:1.2rem}.top{padding-left:0}li{margin:.7rem 0}\
b.error{color:#a00}b.warning{color:#850}b.note{color:#046}code{overflow-wrap:anywhere}.at,.rule{color:#555}\
@media print{body{margin:0;max-width:none}li{break-inside:avoid}}";

/// What was told so far.
pub struct Page {
    language: Language,
    files: String,
    /// By code: how many, and what it is about.
    counts: BTreeMap<&'static str, Count>,
}

struct Count {
    severity: IssueSeverity,
    count: usize,
    files: usize,
    mend: &'static str,
}

impl Page {
    pub fn new(language: Language) -> Self {
        Self { language, files: String::new(), counts: BTreeMap::new() }
    }

    /// The findings of a resource; of one without any the count says enough.
    pub fn add(&mut self, file: &Path, line: Option<u32>, report: &Report) {
        if report.findings.is_empty() {
            return;
        }
        let mut here: BTreeMap<&'static str, usize> = BTreeMap::new();
        for finding in &report.findings {
            *here.entry(finding.id()).or_default() += 1;
            let mend = words(finding, self.language).1;
            let severity = finding.severity;
            self.counts.entry(finding.id()).or_insert(Count { severity, count: 0, files: 0, mend });
        }
        for (id, number) in here {
            if let Some(count) = self.counts.get_mut(id) {
                count.count += number;
                count.files += 1;
            }
        }
        let mut name = file.display().to_string();
        if let Some(line) = line {
            let _ = write!(name, ":{line}");
        }
        let _ = write!(self.files, "<section><h2>{}</h2>\n<ul class=\"top\">\n", escaped(&name));
        for finding in &report.findings {
            self.finding(finding);
        }
        self.files.push_str("</ul></section>\n");
    }

    fn finding(&mut self, finding: &Finding) {
        let (text, mend) = words(finding, self.language);
        let kind = severity(finding.severity);
        let class = kind.en.clone();
        let kind = kind.in_language(self.language);
        let at = Text::new("line", "行").in_language(self.language).to_owned();
        let _ = write!(
            self.files,
            "<li><b class=\"{class}\">{} {kind}</b> {}<br><span class=\"at\">{at} {}:{} <code>{}</code></span>",
            finding.id(),
            escaped(&text),
            finding.place.line,
            finding.place.column,
            escaped(&finding.expression)
        );
        if let Some(profile) = &finding.profile {
            let (profile, element) = (escaped(profile), escaped(&finding.element));
            let _ = write!(
                self.files,
                "<br><span class=\"rule\"><code>{profile} {element}</code></span>"
            );
        }
        let _ = write!(self.files, "<br>→ {}", escaped(mend));
        if !finding.consequences.is_empty() {
            self.files.push_str("<ul>\n");
            for consequence in &finding.consequences {
                self.finding(consequence);
            }
            self.files.push_str("</ul>");
        }
        self.files.push_str("</li>\n");
    }

    pub fn finish(self, files: usize, count: usize, refused: usize) -> String {
        let says = |en: &'static str, ja: &'static str| match self.language {
            Language::Japanese => ja,
            Language::English => en,
        };
        let title = says("Validation of FHIR resources", "FHIR リソースの検証結果");
        let language = says("en", "ja");
        let summary = super::summary(files, count, refused);
        let summary = escaped(summary.in_language(self.language));
        let mut rows = String::new();
        for (id, Count { severity: of, count, files, mend }) in &self.counts {
            let kind = severity(*of);
            let (class, kind) = (kind.en.clone(), kind.in_language(self.language).to_owned());
            let _ = writeln!(
                rows,
                "<tr><td>{id}</td><td><b class=\"{class}\">{kind}</b></td><td class=\"n\">{count}</td>\
                 <td class=\"n\">{files}</td><td>{}</td></tr>",
                escaped(mend)
            );
        }
        let heads = [
            says("Code", "コード"),
            says("Kind", "種類"),
            says("Findings", "件数"),
            says("Resources", "リソース数"),
            says("What to do", "対処"),
        ];
        let heads: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
        let table = if rows.is_empty() {
            String::new()
        } else {
            format!("<table><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table>\n")
        };
        format!(
            "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n<p>{summary}</p>\n{table}{}</body></html>",
            self.files
        )
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
