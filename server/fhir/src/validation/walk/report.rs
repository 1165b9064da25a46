//! How a finding is put down: once, with its place and its origin.

use super::{Node, Walk};
use crate::validation::{code::Code, finding::Finding, profile::ElementRule, read::Place};

impl<'w> Walk<'w> {
    pub(super) fn report(
        &mut self,
        node: Node<'w>,
        code: Code,
        element: &str,
        found: &str,
        allowed: &str,
    ) {
        let finding = self.finding(node, code, element, found, allowed);
        self.put(finding);
    }

    /// The same of a list as a whole.
    pub(super) fn report_list(&mut self, node: Node<'w>, code: Code, element: &str, found: &str) {
        let mut finding = self.finding(node, code, element, found, "");
        finding.expression = self.path.list();
        self.put(finding);
    }

    /// The same, as a profile asks for it.
    pub(super) fn report_rule(
        &mut self,
        node: Node<'w>,
        code: Code,
        rule: &ElementRule,
        found: &str,
        allowed: &str,
    ) {
        let mut finding = self.finding(node, code, &rule.id, found, allowed);
        finding.profile = Some(rule.origin.to_string());
        self.put(finding);
    }

    pub(super) fn finding(
        &self,
        node: Node<'w>,
        code: Code,
        element: &str,
        found: &str,
        allowed: &str,
    ) -> Finding {
        let expression = self.path.text();
        let element = if element.is_empty() { &expression } else { element };
        Finding {
            code,
            severity: code.entry().severity,
            at: node.at(),
            place: Place { line: 1, column: 1 },
            element: element.to_owned(),
            expression,
            found: found.to_owned(),
            allowed: allowed.to_owned(),
            profile: None,
            consequences: Vec::new(),
        }
    }

    /// The validation isn't complete: that is an error of its own.
    pub(super) fn stop(&mut self, limit: &str) {
        if self.findings.last().map(|last| last.code) != Some(Code::TooManyFindings) {
            let last = self.finding(self.outside.root, Code::TooManyFindings, "", "", limit);
            self.findings.push(last);
        }
    }

    /// Once: R4 and several profiles may ask for the same.
    pub(super) fn put(&mut self, finding: Finding) {
        let findings_max = self.outside.limits.findings_max;
        if self.findings.len() >= findings_max {
            self.stop(&format!("{findings_max} findings"));
            return;
        }
        // Of a value set that isn't loaded, once is enough.
        let is_said = |known: &Finding| {
            finding.code == Code::NotChecked
                && known.code == Code::NotChecked
                && known.allowed == finding.allowed
        };
        let is_known = self.findings.iter().any(|known| is_said(known) || is_same(known, &finding));
        if !is_known {
            self.findings.push(finding);
        }
    }
}

fn is_same(known: &Finding, finding: &Finding) -> bool {
    known.code == finding.code
        && known.at == finding.at
        && known.expression == finding.expression
        && known.found == finding.found
        && known.allowed == finding.allowed
        && last_name(&known.element) == last_name(&finding.element)
}

fn last_name(element: &str) -> &str {
    element.rsplit('.').next().unwrap_or(element)
}
