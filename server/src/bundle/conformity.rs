//! A unit that was built, held against its profiles before anybody gets it: what the service would refuse
//! is refused here, with the rule line and the columns that it comes from.

use std::collections::BTreeMap;

use genkan_fhir::outcome::IssueSeverity as FhirSeverity;
use genkan_fhir::validation::{Code, Finding};
use genkan_mapping::diagnostic::Text;
use genkan_mapping::emit::IssueSeverity;

use super::issue::{NoBundle, UnitIssue};
use super::{Built, Origin};
use crate::error::Error;
use crate::service::Service;
use crate::validate;

/// The unit with what is to be said of it.
pub async fn checked(service: &Service, built: Built) -> Result<Built, Error> {
    let service = service.clone();
    validate::apart(move || judged(&service, built)).await
}

fn judged(service: &Service, mut built: Built) -> Result<Built, Error> {
    let masters = service.terminology.masters();
    // It claims its profiles itself.
    let report = service.validation.validate(masters, &built.json, &[])?;
    let mut notes: BTreeMap<(&str, String), (usize, UnitIssue)> = BTreeMap::new();
    let is_valid = report.is_valid();
    let is_target = |finding: &&Finding| finding.code == Code::TargetProfile;
    let mut errors = report.findings.iter().filter(|finding| finding.is_error());
    // That a patient who is wrong is referred to is no further fault of each resource.
    let has_cause = errors.any(|finding| !is_target(&finding));
    for finding in report.findings.iter().filter(|finding| !(has_cause && is_target(finding))) {
        let issue = of_finding(finding, &built.origins);
        if issue.severity == IssueSeverity::Information {
            // One of each kind: a master that is not loaded concerns every code of it.
            let key = (issue.code, issue.message.en.clone());
            notes.entry(key).or_insert((0, issue)).0 += 1;
        } else {
            built.issues.push(issue);
        }
    }
    built.issues.extend(notes.into_values().map(|(count, issue)| counted(issue, count)));
    if is_valid { Ok(built) } else { Err(Error::NoBundle(NoBundle::Refused(built.issues))) }
}

fn counted(mut issue: UnitIssue, count: usize) -> UnitIssue {
    if count > 1 {
        let Text { en, ja } = issue.message;
        issue.message = Text::new(
            format!("{en} ({count} places; the first is told)"),
            format!("{ja}（{count} 箇所。最初の箇所を示します）"),
        );
    }
    issue
}

fn of_finding(finding: &Finding, origins: &[Origin]) -> UnitIssue {
    let severity = match finding.severity {
        FhirSeverity::Fatal | FhirSeverity::Error => IssueSeverity::Error,
        FhirSeverity::Warning => IssueSeverity::Warning,
        FhirSeverity::Information => IssueSeverity::Information,
    };
    let message = with_profile(validate::text(finding), finding.profile.as_deref());
    let Some(((name, places), inside)) = origin(&finding.expression, origins) else {
        let issue = UnitIssue::of_unit(finding.id(), &finding.expression, message);
        return UnitIssue { severity, ..issue };
    };
    let of_type = name.split('/').next().unwrap_or_default();
    let expression = format!("{of_type}{inside}");
    // What is missing has no place of its own: the definition names it.
    let element = places.element(&expression).or_else(|| places.element(&finding.element));
    UnitIssue {
        severity,
        code: finding.id(),
        resource: Some(name.clone()),
        place: element.map_or(&places.rule, |element| &element.place).clone(),
        columns: element.map(|element| element.columns.clone()).unwrap_or_default(),
        expression,
        message,
    }
}

fn with_profile(text: Text, profile: Option<&str>) -> Text {
    match profile {
        None => text,
        Some(profile) => {
            Text::new(format!("{} ({profile})", text.en), format!("{}（{profile}）", text.ja))
        }
    }
}

/// The resource that `Bundle.entry[2].resource.code` is in, and what stands behind it.
fn origin<'o, 'e>(expression: &'e str, origins: &'o [Origin]) -> Option<(&'o Origin, &'e str)> {
    let (index, rest) = expression.strip_prefix("Bundle.entry[")?.split_once(']')?;
    let inside = rest.strip_prefix(".resource")?;
    Some((origins.get(index.parse::<usize>().ok()?)?, inside))
}
