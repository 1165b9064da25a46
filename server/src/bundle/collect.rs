//! Collects a registration unit: plans through the rules, fetches, emits. Whatever stands against
//! the unit is gathered, so that all of it can be told at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{Datelike, Months, NaiveDate};
use genkan_fhir::definitions::Definitions;
use genkan_fhir::reference::Reference;
use genkan_fhir::search::Shape;
use genkan_mapping::diagnostic::Text;
use genkan_mapping::emit::{Emitted, Issue, Record, duplicate_key};
use genkan_mapping::plan::{self as mapping_plan, Position, ReadPlan, SearchPlan, key_texts};
use genkan_mapping::program::{Property, Rule, RuleSet};
use serde_json::{Map, Value};

use super::issue::{NoBundle, UnitIssue};
use super::kind::{Kind, is_profile};
use super::{BYTES_MAX, Built, Part, Place, Places, Unit, build, conformity, flags, links, report};
use crate::emit;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::fetch::Fetch;
use crate::parse;
use crate::plan;
use crate::service::Service;
use crate::stages::Stage;

/// A unit of more is refused: with so many it would be larger than what can be sent.
pub const RESOURCES_MAX: usize = 20_000;
/// Conditions that ended longer ago are not registered.
const YEARS_AFTER_END: u32 = 5;

/// What is asked for: one registration unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// As of this day.
    Conditions(NaiveDate),
    /// As of this day, which gives the identifier its year.
    Allergies(NaiveDate),
    /// Of the report with this number; of the only one if there is none.
    Observations(Option<String>),
}

impl Wanted {
    pub fn kind(&self) -> Kind {
        match self {
            Wanted::Conditions(_) => Kind::Condition,
            Wanted::Allergies(_) => Kind::Allergy,
            Wanted::Observations(_) => Kind::Observation,
        }
    }
}

/// The Bundle of a unit, held against its profiles.
pub async fn bundle(
    service: &Service,
    exchange: &Exchange,
    patient_id: &str,
    wanted: &Wanted,
) -> Result<Built, Error> {
    let built = built(service, exchange, patient_id, wanted).await?;
    exchange.stages.enter(Stage::Validate);
    conformity::checked(service, built).await
}

/// The Bundle as the rows make it, room by room.
pub async fn built(
    service: &Service,
    exchange: &Exchange,
    patient_id: &str,
    wanted: &Wanted,
) -> Result<Built, Error> {
    exchange.stages.enter(Stage::Parse);
    parse::known_type(service, "Patient")?;
    exchange.stages.enter(Stage::Plan);
    let patient_plan = plan::read(service, "Patient", patient_id, &Shape::Whole)?;
    let rules = declared(&service.rules, wanted.kind())?;
    let search_plan = search_plan(service, patient_id, wanted, &rules)?;
    exchange.stages.enter(Stage::Fetch);
    let fetch = Fetch::new(&service.sources, &service.rules).until(exchange.deadline());
    let mut collection = Collection { service, fetch, places: BTreeMap::new(), issues: Vec::new() };
    let unit = collection.unit(&patient_plan, search_plan, wanted).await;
    let fetch = &collection.fetch;
    exchange.stages.count_statements(fetch.statements(), fetch.in_source());
    exchange.stages.enter(Stage::Emit);
    build(unit?).map_err(Error::NoBundle)
}

/// The rules whose resources are of the unit: those that declare its profile.
fn declared(rules: &RuleSet, kind: Kind) -> Result<HashSet<usize>, Error> {
    let declares = |profile: &Option<String>| {
        profile.as_deref().is_some_and(|profile| is_profile(profile, kind.profile()))
    };
    let of_type = rules.rules_of(kind.resource_type());
    let found: HashSet<usize> =
        of_type.filter(|(_, rule)| declares(&rule.profile)).map(|(index, _)| index).collect();
    if found.is_empty() {
        return Err(Error::NoBundle(NoBundle::NotMapped(kind)));
    }
    let mut issues = Vec::new();
    for rule in found.iter().map(|index| &rules.rules[*index]) {
        if let Some(node) = flags::constant_in(rule) {
            let message = Text::new(
                "a flag has to come from a column that holds a physician's decision",
                "長期保存・未告知・未提供フラグは医師の判断を持つ列から設定してください",
            );
            let expression = format!("{}.meta.tag", rule.resource);
            let mut issue = UnitIssue::of_unit("flag-constant", &expression, message);
            issue.place = rules.place(node.span);
            issues.push(issue);
        }
    }
    if issues.is_empty() { Ok(found) } else { Err(Error::NoBundle(NoBundle::Refused(issues))) }
}

/// Can a unit of this kind be made with these rules? For `/metadata`.
pub fn is_offered(rules: &RuleSet, kind: Kind) -> bool {
    declared(rules, kind).is_ok()
}

fn search_plan(
    service: &Service,
    patient_id: &str,
    wanted: &Wanted,
    rules: &HashSet<usize>,
) -> Result<SearchPlan, Error> {
    let resource_type = wanted.kind().resource_type();
    let page_size = service.limits.page_size_max.to_string();
    let mut pairs = vec![
        ("patient".to_owned(), format!("Patient/{patient_id}")),
        ("_count".to_owned(), page_size),
    ];
    let offered = mapping_plan::offered(&service.rules, resource_type);
    if let Wanted::Observations(Some(number)) = wanted
        && offered.iter().any(|parameter| parameter.code == "identifier")
        && by_identifier(service, rules)
    {
        let system = &service.bundle.report_identifier_system;
        pairs.push(("identifier".to_owned(), format!("{}|{}", escaped(system), escaped(number))));
    }
    let search = parse::search(service, "", resource_type, pairs)?;
    let mut plan = plan::search(service, &search.request, service.wall_clock())?;
    plan.scans.retain(|scan| rules.contains(&scan.rule));
    Ok(plan)
}

/// Every rule of the unit writes the number of the report as an identifier, so that the source can
/// be asked for it; otherwise the results of the patient are looked through.
fn by_identifier(service: &Service, rules: &HashSet<usize>) -> bool {
    let system = &service.bundle.report_identifier_system;
    let mut rules = rules.iter().map(|index| &service.rules.rules[*index]);
    rules.all(|rule| report::writes_identifier(rule, system))
}

/// Letters with a meaning in a search value.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | ',' | '|' | '$') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

fn places(rules: &RuleSet, rule: &Rule) -> Places {
    let element = |property: &Property| Place {
        name: property.name.clone(),
        place: rules.place(property.node.span),
        columns: property.node.columns(),
    };
    Places { rule: rules.place(rule.span), elements: rule.emit.iter().map(element).collect() }
}

struct Collection<'s> {
    service: &'s Service,
    fetch: Fetch<'s>,
    /// Of each rule that emitted something.
    places: BTreeMap<usize, Arc<Places>>,
    issues: Vec<UnitIssue>,
}

impl<'s> Collection<'s> {
    async fn unit(
        &mut self,
        patient_plan: &ReadPlan,
        search_plan: SearchPlan,
        wanted: &Wanted,
    ) -> Result<Unit, Error> {
        let rules = &self.service.rules;
        let not_found = || Error::NotFound { resource_type: "Patient".to_owned() };
        let found = self.fetch.of_key(patient_plan).await?;
        let rule = &rules.rules[patient_plan.rule];
        let key = found.first().and_then(|record| key_texts(rules, rule, &record.row));
        let key = key.ok_or_else(not_found)?;
        let records = self.records(search_plan).await?;
        let patient =
            emit::watched(self.service, patient_plan.rule, &found).ok_or_else(not_found)?;
        let patient = self.emission(patient_plan.rule, patient);
        let parts = self.emissions(&records);
        let (resources, year, report) = self.chosen(parts, wanted)?;
        let Some(patient) = self.accepted(patient) else { return Err(self.refused()) };
        if self.issues.iter().any(UnitIssue::is_error) {
            return Err(self.refused());
        }
        let referred = self.referred(&patient, &resources).await?;
        let institution_no =
            rules.site.constants.get("institution_no").cloned().unwrap_or_default();
        let unique = self.unique(&institution_no, wanted.kind(), &rule.id, &key, report.as_deref());
        Ok(Unit {
            kind: wanted.kind(),
            institution_no,
            year,
            unique,
            zone: rules.site.zone,
            patient,
            resources,
            referred,
            issues: std::mem::take(&mut self.issues),
            bytes_max: BYTES_MAX,
        })
    }

    /// A hash of what the unit is. The rule is part of it, because two rules may have patients of
    /// the same number.
    fn unique(
        &self,
        institution_no: &str,
        kind: Kind,
        rule: &str,
        key: &[String],
        report: Option<&str>,
    ) -> [u8; 16] {
        let mut parts = vec![institution_no, kind.name(), rule];
        parts.extend(key.iter().map(String::as_str));
        parts.extend(report);
        self.service.identity.pseudonym("Bundle.identifier", &parts)
    }

    /// All pages, by rule and key: a database sorts texts in its own way.
    async fn records(&mut self, mut plan: SearchPlan) -> Result<Vec<(usize, Record)>, Error> {
        let mut records = Vec::new();
        loop {
            let page = self.fetch.page(&plan).await?;
            records.extend(page.matches);
            if records.len() > RESOURCES_MAX {
                let resources_max = RESOURCES_MAX;
                return Err(Error::NoBundle(NoBundle::TooManyResources { resources_max }));
            }
            let Some(next) = page.next else { break };
            for (scan, position) in plan.scans.iter_mut().zip(next.0) {
                if let Position::After(values) = &position {
                    scan.query.after = Some(values.clone());
                }
                scan.position = position;
            }
        }
        let rules = &self.service.rules;
        records.sort_by_cached_key(|(rule, record)| {
            (*rule, key_texts(rules, &rules.rules[*rule], &record.row))
        });
        Ok(records)
    }

    fn emissions(&mut self, records: &[(usize, Record)]) -> Vec<Emission> {
        let mut names = HashSet::new();
        let mut emissions = Vec::with_capacity(records.len());
        let emitter = emit::watching(self.service);
        for (rule, record) in records {
            let mut emitted = emitter.emit(emitter.rule(*rule), record);
            if !emitted.id.is_empty() && !names.insert((*rule, emitted.id.clone())) {
                let issue = duplicate_key(&self.service.rules.rules[*rule]);
                (emitted.json, emitted.issues) = (None, vec![issue]);
            }
            emissions.push(self.emission(*rule, emitted));
        }
        emissions
    }

    fn emission(&mut self, rule: usize, emitted: Emitted) -> Emission {
        let rules = &self.service.rules;
        let Emitted { id, json, issues, .. } = emitted;
        let compiled = &rules.rules[rule];
        let name = (!id.is_empty()).then(|| format!("{}/{id}", compiled.resource));
        let told = |issue: Issue| {
            let place = rules.place(issue.span);
            UnitIssue::of_row(issue, name.clone(), place)
        };
        let issues: Vec<UnitIssue> = issues.into_iter().map(told).collect();
        let resource: Option<Map<String, Value>> =
            json.and_then(|json| serde_json::from_slice(&json).ok());
        let places = self.places.entry(rule).or_insert_with(|| Arc::new(places(rules, compiled)));
        let part = resource.map(|resource| Part { resource, places: Arc::clone(places) });
        Emission { part, place: places.rule.clone(), name, issues }
    }

    /// The part, with its issues kept. Without a resource there is always an error.
    fn accepted(&mut self, emission: Emission) -> Option<Part> {
        let Emission { part, place, name, issues } = emission;
        let told = issues.iter().any(UnitIssue::is_error);
        self.issues.extend(issues);
        if part.is_none() && !told {
            let message = Text::new("the row is no resource", "行をリソースにできません");
            let mut issue = UnitIssue::of_unit("unmappable", "Bundle.entry", message);
            (issue.resource, issue.place) = (name, place);
            self.issues.push(issue);
        }
        part
    }

    fn refused(&mut self) -> Error {
        Error::NoBundle(NoBundle::Refused(std::mem::take(&mut self.issues)))
    }

    /// What of the emitted resources is in the unit; the year and the report of its identifier.
    fn chosen(
        &mut self,
        emissions: Vec<Emission>,
        wanted: &Wanted,
    ) -> Result<(Vec<Part>, i32, Option<String>), Error> {
        let nothing = || Error::NoBundle(NoBundle::NothingToRegister(wanted.kind()));
        let (mut emissions, year, report) = match wanted {
            Wanted::Conditions(day) => {
                let is_in = |emission: &Emission| emission.is_current(*day);
                (emissions.into_iter().filter(is_in).collect(), day.year(), None)
            }
            Wanted::Allergies(day) => (emissions, day.year(), None),
            Wanted::Observations(number) => {
                let (emissions, number) = self.report(emissions, number.as_deref())?;
                let year = emissions.iter().filter_map(Emission::year).min();
                // Without any date there is no year, and the builder refuses this one.
                (emissions, year.unwrap_or(0), Some(number))
            }
        };
        if emissions.is_empty() {
            return Err(nothing());
        }
        let parts = emissions.drain(..).filter_map(|emission| self.accepted(emission)).collect();
        Ok((parts, year, report))
    }

    /// The results of one report, and its number. A row that is no resource may belong to any.
    fn report(
        &mut self,
        emissions: Vec<Emission>,
        wanted: Option<&str>,
    ) -> Result<(Vec<Emission>, String), Error> {
        if emissions.is_empty() {
            return Err(Error::NoBundle(match wanted {
                Some(_) => NoBundle::NoSuchReport,
                None => NoBundle::NothingToRegister(Kind::Observation),
            }));
        }
        let system = &self.service.bundle.report_identifier_system;
        let order_key = |name: &str| order_key(self.service, name);
        let number = |emission: &Emission| {
            let part = emission.part.as_ref()?;
            report::number(&part.resource, system, &order_key)
        };
        let numbered: Vec<(Option<String>, Emission)> =
            emissions.into_iter().map(|emission| (number(&emission), emission)).collect();
        let wanted = match wanted {
            Some(wanted) => wanted.to_owned(),
            None => the_only_report(&numbered)?,
        };
        let mut chosen = Vec::new();
        for (number, mut emission) in numbered {
            let unnumbered = number.is_none();
            if unnumbered && emission.part.is_some() {
                emission.issues.push(emission.without_report());
            }
            if unnumbered || number.as_ref() == Some(&wanted) {
                chosen.push(emission);
            }
        }
        if chosen.is_empty() {
            return Err(Error::NoBundle(NoBundle::NoSuchReport));
        }
        Ok((chosen, wanted))
    }

    /// Everything that the resources refer to and that has to travel with them: one statement for
    /// each rule.
    async fn referred(
        &mut self,
        patient: &Part,
        resources: &[Part],
    ) -> Result<BTreeMap<String, Part>, Error> {
        let mut names = BTreeSet::new();
        for part in resources.iter().chain([patient]) {
            referred_by(part, &mut names);
        }
        let mut keys: BTreeMap<usize, Vec<Vec<String>>> = BTreeMap::new();
        for (resource_type, id) in names {
            if let Some((rule, key)) = key(self.service, &resource_type, &id) {
                keys.entry(rule).or_default().push(key);
            }
        }
        let mut known: BTreeMap<String, Part> = BTreeMap::new();
        for (rule, keys) in keys {
            let records = self.fetch.by_keys(rule, &keys).await?.into_iter();
            let records: Vec<_> = records.map(|record| (rule, record)).collect();
            for emission in self.emissions(&records) {
                if let Some(part) = self.accepted(emission) {
                    known.insert(part.name(), part);
                }
            }
        }
        Ok(known)
    }
}

/// A row as it was emitted.
struct Emission {
    part: Option<Part>,
    /// Of its rule.
    place: String,
    name: Option<String>,
    issues: Vec<UnitIssue>,
}

impl Emission {
    /// No end, or one within the years before the day. Of a year or month alone, its last day
    /// counts; a row that is no resource can't be left out.
    fn is_current(&self, day: NaiveDate) -> bool {
        let resource = self.part.as_ref().map(|part| &part.resource);
        let end = resource.and_then(|resource| resource.get("abatementDateTime")?.as_str());
        let first = day.checked_sub_months(Months::new(12 * YEARS_AFTER_END)).unwrap_or(day);
        // Days of FHIR sort as texts; what is cut off an end is cut off the first day too.
        let first = first.to_string();
        let end = end.map(|end| end.split('T').next().unwrap_or(end));
        end.is_none_or(|end| end >= first.get(..end.len()).unwrap_or(&first))
    }

    fn year(&self) -> Option<i32> {
        let day = report::day(&self.part.as_ref()?.resource)?;
        day.get(..4)?.parse().ok()
    }

    fn without_report(&self) -> UnitIssue {
        let message = Text::new(
            "the rule does not say to which report the result belongs: an identifier of \
             `report_identifier_system`, or `basedOn`",
            "検査結果がどの報告（依頼）のものか規則に書かれていません",
        );
        let mut issue = UnitIssue::of_unit("no-report", "Observation.identifier", message);
        (issue.resource, issue.place) = (self.name.clone(), self.place.clone());
        issue
    }
}

fn the_only_report(numbered: &[(Option<String>, Emission)]) -> Result<String, Error> {
    let results = numbered.iter().filter_map(|(number, emission)| {
        Some((number.as_deref()?, &emission.part.as_ref()?.resource))
    });
    let mut reports = report::reports(results);
    match reports.len() {
        // All results are unnumbered: the issues will say so.
        0 => Ok(String::new()),
        1 => Ok(reports.remove(0).number),
        _ => Err(Error::NoBundle(NoBundle::WhichReport(reports))),
    }
}

fn referred_by(part: &Part, names: &mut BTreeSet<(String, String)>) {
    let mut see = |text: &str| {
        if let Some(Reference::Local { resource_type: Some(resource_type), id, .. }) =
            Reference::parse(Definitions::r4(), text)
            && resource_type != "Patient"
        {
            names.insert((resource_type, id));
        }
    };
    part.resource.values().for_each(|value| links::each(value, &mut see));
}

/// The rule and the key behind an id of ours.
fn key(service: &Service, resource_type: &str, id: &str) -> Option<(usize, Vec<String>)> {
    let mut rules = service.rules.rules_of(resource_type);
    rules.find_map(|(index, rule)| Some((index, service.identity.decode(&rule.id, id)?)))
}

fn order_key(service: &Service, name: &str) -> Option<String> {
    let (resource_type, id) = name.split_once('/')?;
    key(service, resource_type, id).map(|(_, key)| key.join("-"))
}
