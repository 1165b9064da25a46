//! Is this code in that value set? The value sets of R4 and of packages answer; what they don't hold
//! is asked of the caller, who has the imported masters.

mod form;

use std::{collections::HashSet, sync::LazyLock};

use serde_json::Value;

use super::MakeDefinition;
use crate::{canonical, definitions::Definitions, names::Table};

/// What is known of a code. "Not loaded" is no answer, and never counts as valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    Member,
    /// A member, but this is its display.
    WrongDisplay {
        right: String,
    },
    NotMember,
    NotLoaded,
}

/// A code as an element has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeQuestion<'q> {
    /// The canonical of the value set; `None` asks whether the code system has the code.
    pub value_set: Option<&'q str>,
    /// `None` for an element of type `code`: its value set says the system.
    pub system: Option<&'q str>,
    pub code: &'q str,
    pub display: Option<&'q str>,
}

/// The caller's terminology: masters and whatever else it has.
pub type Lookup<'l> = dyn Fn(&CodeQuestion<'_>) -> Membership + 'l;

const VALUE_SET: &str = "ValueSet";
const CODE_SYSTEM: &str = "CodeSystem";

/// Value sets that include each other are followed this far.
const MAX_INCLUDES: usize = 8;

/// The ValueSets and CodeSystems of packages. Each is read when it is first asked for.
#[derive(Debug, Default)]
pub struct ValueSets {
    sets: Table<String, Later<ValueSet>>,
    systems: Table<String, Later<CodeSystem>>,
}

/// `None` of what turns out to be none.
type Later<T> = LazyLock<Option<T>, Box<dyn FnOnce() -> Option<T> + Send>>;

#[derive(Debug)]
struct ValueSet {
    includes: Vec<Part>,
    excludes: Vec<Part>,
}

/// One `include` or `exclude`: all that it names must hold.
#[derive(Debug)]
struct Part {
    system: Option<String>,
    codes: Option<Table<String, Option<String>>>,
    filters: Vec<Filter>,
    value_sets: Vec<String>,
}

#[derive(Debug)]
enum Filter {
    /// The code itself, or only those below it.
    Under {
        code: String,
        with_itself: bool,
    },
    NotSupported,
}

#[derive(Debug)]
struct CodeSystem {
    /// It only adds to another one, and is none itself.
    is_supplement: bool,
    is_complete: bool,
    /// The codes in small letters, if large and small ones are the same.
    folded: Option<HashSet<String>>,
    concepts: Table<String, Concept>,
    /// The types of its properties.
    properties: Table<String, String>,
}

#[derive(Debug)]
struct Concept {
    displays: Vec<String>,
    parent: Option<String>,
}

/// The answer of one part: `None` is "not loaded".
type Answer = Option<bool>;

impl ValueSets {
    /// Adds a ValueSet or a CodeSystem; anything else, and what has no url, is not of this kind.
    pub fn add(&mut self, resource: &Value) -> bool {
        let Some(url) = text(resource, "url") else { return false };
        match text(resource, "resourceType") {
            Some(VALUE_SET) => {
                let set = ValueSet::of(resource);
                self.sets.insert(url.to_owned(), Later::new(Box::new(move || Some(set))));
            }
            Some(CODE_SYSTEM) => {
                let system = CodeSystem::of(resource);
                self.systems.insert(url.to_owned(), Later::new(Box::new(move || Some(system))));
            }
            _ => return false,
        }
        true
    }

    /// Adds a ValueSet that is made when it is first asked for. One that can't be made is not loaded; see
    /// [`ValueSets::unread`].
    pub fn add_value_set_later(&mut self, url: String, make: MakeDefinition) {
        self.sets.insert(url, later(VALUE_SET, make, ValueSet::of));
    }

    /// The same of a CodeSystem.
    pub fn add_code_system_later(&mut self, url: String, make: MakeDefinition) {
        self.systems.insert(url, later(CODE_SYSTEM, make, CodeSystem::of));
    }

    /// Makes all: the urls of those that can't be made, in order.
    pub fn unread(&self) -> Vec<&str> {
        let sets = self.sets.iter().filter(|(_, set)| set.is_none()).map(|(url, _)| url);
        let systems =
            self.systems.iter().filter(|(_, system)| system.is_none()).map(|(url, _)| url);
        let mut urls: Vec<&str> = sets.chain(systems).map(String::as_str).collect();
        urls.sort_unstable();
        urls
    }

    fn set(&self, url: &str) -> Option<&ValueSet> {
        self.sets.get(canonical::url(url))?.as_ref()
    }

    fn system(&self, url: &str) -> Option<&CodeSystem> {
        self.systems.get(canonical::url(url))?.as_ref()
    }

    /// Whether the code system only adds to another one.
    pub fn is_supplement(&self, url: &str) -> bool {
        self.system(url).is_some_and(|system| system.is_supplement)
    }

    pub fn has_value_set(&self, url: &str) -> bool {
        self.sets.contains_key(canonical::url(url))
    }

    /// The type of a property that the code system gives its concepts.
    pub(super) fn property_type(&self, system: &str, property: &str) -> Option<&str> {
        let system = self.system(system)?;
        system.properties.get(property).map(String::as_str)
    }

    /// What packages and R4 know.
    pub fn ask(&self, question: &CodeQuestion<'_>) -> Membership {
        let is_member = match question.value_set {
            Some(url) => self.in_value_set(url, question, 0),
            None => question.system.and_then(|system| self.in_system(system, question.code)),
        };
        match is_member {
            Some(true) => self.display(question),
            Some(false) => Membership::NotMember,
            None => Membership::NotLoaded,
        }
    }

    fn in_value_set(&self, url: &str, question: &CodeQuestion<'_>, depth: usize) -> Answer {
        if depth > MAX_INCLUDES {
            return None;
        }
        let Some(set) = self.set(url) else {
            return in_r4(url, question);
        };
        let is_in = |parts: &[Part]| {
            let mut is_known = true;
            for part in parts {
                match self.in_part(part, question, depth) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => is_known = false,
                }
            }
            is_known.then_some(false)
        };
        match is_in(&set.excludes) {
            Some(true) => Some(false),
            Some(false) => is_in(&set.includes),
            None => None,
        }
    }

    fn in_part(&self, part: &Part, question: &CodeQuestion<'_>, depth: usize) -> Answer {
        for url in &part.value_sets {
            match self.in_value_set(url, question, depth + 1) {
                Some(true) => {}
                other => return other,
            }
        }
        let Some(system) = &part.system else { return Some(!part.value_sets.is_empty()) };
        if question.system.is_some_and(|asked| asked != system) {
            return Some(false);
        }
        if let Some(codes) = &part.codes {
            return Some(codes.contains_key(question.code));
        }
        if !self.in_system(system, question.code)? {
            return Some(false);
        }
        for filter in &part.filters {
            if !self.passes(system, filter, question.code)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn passes(&self, system: &str, filter: &Filter, code: &str) -> Answer {
        let Filter::Under { code: root, with_itself } = filter else { return None };
        let system = self.system(system)?;
        if code == root {
            return Some(*with_itself);
        }
        let (mut at, mut seen) = (code, HashSet::new());
        while let Some(parent) = system.concepts.get(at).and_then(|of| of.parent.as_deref()) {
            if parent == root {
                return Some(true);
            }
            if !seen.insert(parent) {
                break;
            }
            at = parent;
        }
        Some(false)
    }

    fn in_system(&self, system: &str, code: &str) -> Answer {
        if form::is_impossible(canonical::url(system), code) {
            return Some(false);
        }
        let Some(system) = self.system(system) else {
            return in_r4_system(system, code);
        };
        if system.concepts.contains_key(code) {
            return Some(true);
        }
        let folded = system.folded.as_ref();
        if folded.is_some_and(|codes| codes.contains(&code.to_ascii_lowercase())) {
            return Some(true);
        }
        system.is_complete.then_some(false)
    }

    fn display(&self, question: &CodeQuestion<'_>) -> Membership {
        let (Some(display), Some(system)) = (question.display, question.system) else {
            return Membership::Member;
        };
        let concept = self.system(system).and_then(|of| of.concepts.get(question.code));
        let Some(concept) = concept else { return Membership::Member };
        let is_right = |right: &String| same_display(right, display);
        match concept.displays.first() {
            Some(right) if !concept.displays.iter().any(is_right) => {
                Membership::WrongDisplay { right: right.clone() }
            }
            _ => Membership::Member,
        }
    }
}

fn later<T: 'static>(
    of_type: &'static str,
    make: MakeDefinition,
    read: fn(&Value) -> T,
) -> Later<T> {
    Later::new(Box::new(move || {
        let resource = make();
        (text(&resource, "resourceType") == Some(of_type)).then(|| read(&resource))
    }))
}

/// R4's own value sets, as far as the fact table spells them out.
fn in_r4(url: &str, question: &CodeQuestion<'_>) -> Answer {
    let codes = Definitions::r4().value_set_codes(url)?;
    Some(codes.iter().any(|known| {
        known.code == question.code && question.system.is_none_or(|asked| asked == known.system)
    }))
}

/// R4's own code systems. What R4 only took over from HL7's terminology goes on without it: a code that
/// is missing there may have come since.
fn in_r4_system(system: &str, code: &str) -> Answer {
    let has = Definitions::r4().system_has_code(system, code)?;
    (has || system.starts_with("http://hl7.org/fhir/")).then_some(has)
}

/// Displays are compared without regard to case and white space, as HL7's validator does.
fn same_display(right: &str, found: &str) -> bool {
    if right == found {
        return true;
    }
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    fold(right) == fold(found)
}

impl ValueSet {
    fn of(resource: &Value) -> Self {
        let compose = resource.get("compose");
        let parts = |name: &str| {
            compose.map(|compose| items(compose, name).map(Part::of).collect()).unwrap_or_default()
        };
        let mut set = Self { includes: parts("include"), excludes: parts("exclude") };
        if let Some(expansion) = resource.get("expansion")
            && set.includes.is_empty()
        {
            set.includes = expanded(expansion);
        }
        set
    }
}

fn expanded(expansion: &Value) -> Vec<Part> {
    let mut by_system: Table<String, Table<String, Option<String>>> = Table::default();
    let mut open: Vec<&Value> = items(expansion, "contains").collect();
    while let Some(concept) = open.pop() {
        open.extend(items(concept, "contains"));
        let is_abstract = concept.get("abstract").and_then(Value::as_bool) == Some(true);
        if let (Some(system), Some(code)) = (text(concept, "system"), text(concept, "code"))
            && !is_abstract
        {
            let display = text(concept, "display").map(str::to_owned);
            by_system.entry(system.to_owned()).or_default().insert(code.to_owned(), display);
        }
    }
    let part = |(system, codes)| Part {
        system: Some(system),
        codes: Some(codes),
        filters: Vec::new(),
        value_sets: Vec::new(),
    };
    by_system.into_iter().map(part).collect()
}

impl Part {
    fn of(include: &Value) -> Self {
        let code = |concept: &Value| {
            let display = text(concept, "display").map(str::to_owned);
            Some((text(concept, "code")?.to_owned(), display))
        };
        let texts = items(include, "valueSet").filter_map(Value::as_str);
        Self {
            system: text(include, "system").map(str::to_owned),
            codes: include
                .get("concept")
                .map(|_| items(include, "concept").filter_map(code).collect()),
            filters: items(include, "filter").map(Filter::of).collect(),
            value_sets: texts.map(str::to_owned).collect(),
        }
    }
}

impl Filter {
    fn of(filter: &Value) -> Self {
        let (property, op) = (text(filter, "property"), text(filter, "op"));
        match (property, op, text(filter, "value")) {
            (Some("concept"), Some("is-a"), Some(code)) => {
                Self::Under { code: code.to_owned(), with_itself: true }
            }
            (Some("concept"), Some("descendent-of"), Some(code)) => {
                Self::Under { code: code.to_owned(), with_itself: false }
            }
            _ => Self::NotSupported,
        }
    }
}

impl CodeSystem {
    fn of(resource: &Value) -> Self {
        let mut concepts = Table::default();
        let mut open: Vec<(&Value, Option<&str>)> =
            items(resource, "concept").map(|concept| (concept, None)).collect();
        while let Some((concept, parent)) = open.pop() {
            let Some(code) = text(concept, "code") else { continue };
            let designations = items(concept, "designation").filter_map(|of| text(of, "value"));
            let displays = text(concept, "display").into_iter().chain(designations);
            let displays = displays.map(str::to_owned).collect();
            let parent = parent.map(str::to_owned);
            concepts.insert(code.to_owned(), Concept { displays, parent });
            open.extend(items(concept, "concept").map(|below| (below, Some(code))));
        }
        let is_folded = resource.get("caseSensitive").and_then(Value::as_bool) == Some(false);
        Self {
            is_supplement: text(resource, "content") == Some("supplement")
                || resource.get("supplements").is_some(),
            is_complete: text(resource, "content") == Some("complete"),
            folded: is_folded
                .then(|| concepts.keys().map(|code| code.to_ascii_lowercase()).collect()),
            concepts,
            properties: items(resource, "property").filter_map(property).collect(),
        }
    }
}

fn property(of: &Value) -> Option<(String, String)> {
    Some((text(of, "code")?.to_owned(), text(of, "type")?.to_owned()))
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}
