//! What the doctor says: how bad, under which code, and what to do.

use genkan_mapping::Text;

/// Whose business an error is; the first of several decides the exit code, as `genkan serve` would
/// end with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blame {
    Configuration,
    Rules,
    /// The machine, or a system of the hospital.
    Surroundings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Ok,
    /// Genkan serves, but somebody should look.
    Warning,
    /// Genkan does not serve, or not what it should.
    Error(Blame),
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Ok => "ok",
            Severity::Warning => "warning",
            Severity::Error(_) => "error",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable; `None` where all is well.
    pub code: Option<&'static str>,
    pub severity: Severity,
    pub message: Text,
    pub remedy: Option<Text>,
}

/// English and Japanese.
pub trait Bilingual {
    fn text(self) -> Text;
}

impl Bilingual for Text {
    fn text(self) -> Text {
        self
    }
}

impl<E: Into<String>, J: Into<String>> Bilingual for (E, J) {
    fn text(self) -> Text {
        Text::new(self.0, self.1)
    }
}

impl Finding {
    pub fn ok(message: impl Bilingual) -> Self {
        Finding { code: None, severity: Severity::Ok, message: message.text(), remedy: None }
    }

    pub fn warning(code: &'static str, message: impl Bilingual) -> Self {
        Finding { code: Some(code), severity: Severity::Warning, ..Finding::ok(message) }
    }

    pub fn error(code: &'static str, blame: Blame, message: impl Bilingual) -> Self {
        Finding { severity: Severity::Error(blame), ..Finding::warning(code, message) }
    }

    pub fn remedy(self, remedy: impl Bilingual) -> Self {
        Finding { remedy: Some(remedy.text()), ..self }
    }

    pub fn blame(&self) -> Option<Blame> {
        match self.severity {
            Severity::Error(blame) => Some(blame),
            Severity::Ok | Severity::Warning => None,
        }
    }
}

/// For tables of tests: the codes of what is not well, in order.
#[cfg(test)]
pub fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().filter_map(|finding| finding.code).collect()
}
