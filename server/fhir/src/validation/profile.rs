//! Profiles, compiled from StructureDefinitions to a tree of rules that the walk carries along.
//!
//! A profile's tree holds only what it asks for beyond R4: R4's own rules are checked once, however
//! many profiles there are. What can't be compiled is an error of the profile, never left out.

mod describe;
mod discriminators;
mod error;
mod layout;
mod merge;
mod prune;
mod read;
mod slicing;
mod slim;

use std::{
    fmt,
    sync::{Arc, LazyLock, OnceLock},
};

use serde_json::Value;

use super::shape::Shape;
use crate::{
    canonical,
    definitions::{BindingStrength, Definitions, Severity},
    fhirpath::Expression,
    names::{Name, Table},
};

pub use error::{ProfileError, ProfileFault};
use layout::Layouts;
pub(super) use slicing::{
    Discriminator, DiscriminatorKind, SliceIndex, SliceRules, Slicing, Step, extension_url, plain,
};
pub use slim::slim;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// A compiled profile, or the definition of an extension.
#[derive(Debug)]
pub struct Profile {
    /// With `|version` when the definition has one.
    pub canonical: String,
    pub url: String,
    /// The type that it constrains: `Patient`, `Extension`.
    pub of_type: String,
    pub(super) root: ElementRule,
    /// Of an extension: where it may be.
    pub(super) contexts: Vec<ExtensionContext>,
    pub(super) context_invariants: Vec<Expression>,
    /// Of an extension: it must be in `modifierExtension`.
    pub(super) is_modifier: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExtensionContext {
    /// An element or type by its id: `Patient.name`, `Address`, `Element`.
    Element(String),
    /// Another extension.
    Extension(String),
    /// FHIRPath from the resource.
    Path(String),
}

/// What a profile says of one element. What it leaves to R4 is `None` or empty.
#[derive(Debug, Clone, Default)]
pub(super) struct ElementRule {
    /// Of its name; see [`ElementRule::finish`].
    pub number: Name,
    /// Whether it, or something below it, says what a value is; see [`ElementRule::finish`].
    pub expects: bool,
    /// Whether it says more than how many there are; see [`ElementRule::finish`].
    pub says_content: bool,
    /// Whether it says something of the value itself; see [`ElementRule::finish`].
    pub says_value: bool,
    /// How it stands to the types that it was used on.
    pub layouts: Layouts,
    /// `Observation.code.coding:local.system`
    pub id: String,
    pub min: Option<u32>,
    pub max: Option<u32>,
    pub types: Vec<TypeRule>,
    pub fixed: Option<Arc<Value>>,
    pub pattern: Option<Arc<Value>>,
    pub min_value: Option<Arc<Value>>,
    pub max_value: Option<Arc<Value>>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub value_required: bool,
    pub binding: Option<BindingRule>,
    /// Bindings beside it (R5's, by an extension).
    pub more_bindings: Vec<BindingRule>,
    pub invariants: Vec<Arc<InvariantRule>>,
    /// By name without `[x]`.
    pub children: Vec<(String, ElementRule)>,
    pub slicing: Option<Slicing>,
    pub slices: Vec<(String, ElementRule)>,
    /// The slicing that R4 gives where the profile leaves it out; see [`ElementRule::finish`].
    pub implied: Option<Arc<Slicing>>,
    /// Of the slices; see [`ElementRule::finish`].
    pub index: Arc<SliceIndex>,
    /// The canonical of the profile that says so.
    pub origin: Arc<str>,
    pub must_support: bool,
    /// The path whose rules hold here too.
    pub content_reference: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeRule {
    pub code: String,
    /// Profiles on the type itself; one of them must hold.
    pub profiles: Vec<String>,
    /// Profiles and types that a reference may point to.
    pub targets: Vec<String>,
    pub aggregation: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BindingRule {
    pub strength: BindingStrength,
    pub value_set: String,
}

#[derive(Debug)]
pub(super) struct InvariantRule {
    pub key: String,
    pub severity: Severity,
    /// What the profile's author says of it.
    pub human: String,
    pub expression: Expression,
}

impl ElementRule {
    pub fn child(&self, name: &str) -> Option<&ElementRule> {
        self.children.iter().find(|(known, _)| known == name).map(|(_, rule)| rule)
    }

    /// What the walk would find out again at each element, once the profile is complete.
    pub fn finish(&mut self) {
        for (name, child) in &mut self.children {
            child.number = Name::of(name);
            child.finish();
        }
        self.slices.iter_mut().for_each(|(_, slice)| slice.finish());
        let is_required = |of: &BindingRule| of.strength == BindingStrength::Required;
        self.expects = self.fixed.is_some()
            || self.pattern.is_some()
            || self.binding.as_ref().is_some_and(is_required)
            || self.children.iter().any(|(_, child)| child.expects);
        slicing::finish(self);
        self.says_value = self.has_value();
        self.says_content = self.has_content();
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.min.is_none()
            && self.max.is_none()
            && self.slicing.is_none()
            && self.slices.is_empty()
            && !self.has_content()
    }

    fn has_content(&self) -> bool {
        self.has_value()
            || !self.types.is_empty()
            || self.min_length.is_some()
            || self.max_length.is_some()
            || self.value_required
            || !self.invariants.is_empty()
            || !self.children.is_empty()
            || self.content_reference.is_some()
    }

    fn has_value(&self) -> bool {
        self.fixed.is_some()
            || self.pattern.is_some()
            || self.min_value.is_some()
            || self.max_value.is_some()
            || self.binding.is_some()
            || !self.more_bindings.is_empty()
    }
}

/// The StructureDefinitions at hand. Each is compiled when it is first asked for.
#[derive(Debug, Default)]
pub struct Profiles {
    by_url: Table<String, Vec<Source>>,
    /// By type: the profiles that a guide makes binding for all resources of it.
    of_all: Table<String, Vec<String>>,
}

/// Makes a StructureDefinition when it is needed.
pub type MakeDefinition = Box<dyn FnOnce() -> Value + Send>;

struct Source {
    version: Option<String>,
    definition: LazyLock<Value, MakeDefinition>,
    compiled: OnceLock<Result<Arc<Profile>, ProfileError>>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source of version {:?}", self.version)
    }
}

impl Profiles {
    /// Adds a StructureDefinition. Its rules are read when they are first needed; see
    /// [`Profiles::check`].
    ///
    /// # Errors
    /// When it has no url.
    pub fn add(&mut self, mut definition: Value) -> Result<(), ProfileError> {
        let url = definition.get("url").and_then(Value::as_str);
        let url = url.ok_or_else(|| ProfileError::new("", ProfileFault::NoUrl))?.to_owned();
        let version = definition.get("version").and_then(Value::as_str).map(str::to_owned);
        slim(&mut definition);
        self.add_later(url, version, Box::new(move || definition));
        Ok(())
    }

    /// Adds one that is made when it is first asked for: of many that could be claimed, few are.
    pub fn add_later(&mut self, url: String, version: Option<String>, make: MakeDefinition) {
        let sources = self.by_url.entry(url).or_default();
        sources.retain(|source| source.version != version);
        // The one that was added last is the one without a version in its canonical.
        let definition = LazyLock::new(make);
        sources.insert(0, Source { version, definition, compiled: OnceLock::new() });
    }

    /// Adds an ImplementationGuide: what it says of all resources of a type (`global`). Whether it is
    /// one.
    pub fn add_guide(&mut self, guide: &Value) -> bool {
        if guide.get("resourceType").and_then(Value::as_str) != Some("ImplementationGuide") {
            return false;
        }
        let globals = guide.get("global").and_then(Value::as_array);
        for global in globals.into_iter().flatten() {
            let text = |name: &str| global.get(name).and_then(Value::as_str);
            if let (Some(of_type), Some(profile)) = (text("type"), text("profile")) {
                let profiles = self.of_all.entry(of_type.to_owned()).or_default();
                profiles.push(profile.to_owned());
            }
        }
        true
    }

    /// The profiles that hold for all resources of a type.
    pub(super) fn of_all(&self, of_type: &str) -> &[String] {
        self.of_all.get(of_type).map(Vec::as_slice).unwrap_or_default()
    }

    /// Compiles all: what can't be is told.
    pub fn check(&self) -> Vec<ProfileError> {
        let mut urls: Vec<_> = self.by_url.keys().collect();
        urls.sort();
        let canonicals = urls.into_iter().flat_map(|url| {
            let sources = self.by_url.get(url).map(Vec::as_slice).unwrap_or_default();
            sources.iter().map(move |source| match &source.version {
                Some(version) => format!("{url}|{version}"),
                None => url.clone(),
            })
        });
        canonicals.filter_map(|canonical| self.get(&canonical)?.err().cloned()).collect()
    }

    pub fn is_known(&self, canonical: &str) -> bool {
        self.get(canonical).is_some()
    }

    /// The profile of a canonical, with or without `|version`; `None` when it isn't loaded.
    pub fn get(&self, canonical: &str) -> Option<Result<&Arc<Profile>, &ProfileError>> {
        let Some(source) = self.source(canonical) else {
            let core = Self::core();
            return (!std::ptr::eq(core, self)).then(|| core.get(canonical))?;
        };
        let compile = || read::compile(self, &source.definition, 0).map(Arc::new);
        Some(source.compiled.get_or_init(compile).as_ref())
    }

    /// R4's own profile on a data type, by its short name.
    pub(super) fn of_type(name: &str) -> Option<&'static ElementRule> {
        Some(&Self::core().good(&format!("{CORE}{name}"))?.root)
    }

    /// R4's own profiles.
    fn core() -> &'static Self {
        static CORE_PROFILES: OnceLock<Profiles> = OnceLock::new();
        CORE_PROFILES.get_or_init(|| {
            let mut profiles = Self::default();
            for definition in Definitions::r4().profiles() {
                // Each has its url from the fact table.
                let _ = profiles.add(definition);
            }
            profiles
        })
    }

    /// What is wrong with a definition that isn't added.
    pub(super) fn fault_of(&self, definition: &Value) -> Option<ProfileError> {
        read::compile(self, definition, 0).err()
    }

    /// The rules of a canonical; with `#id` those of one element of the profile.
    pub(super) fn rules(&self, canonical: &str) -> Option<&ElementRule> {
        let (url, id) = match canonical.split_once('#') {
            Some((url, id)) => (url, Some(id)),
            None => (canonical, None),
        };
        let mut rule = &self.good(url)?.root;
        for part in id.into_iter().flat_map(|id| id.split('.').skip(1)) {
            let (name, slice) = match part.split_once(':') {
                Some((name, slice)) => (name, Some(slice)),
                None => (part, None),
            };
            rule = rule.child(name.trim_end_matches("[x]"))?;
            if let Some(slice) = slice {
                rule =
                    rule.slices.iter().find(|(known, _)| known == slice).map(|(_, rule)| rule)?;
            }
        }
        Some(rule)
    }

    /// Those that can be used.
    pub(super) fn good(&self, canonical: &str) -> Option<&Arc<Profile>> {
        self.get(canonical)?.ok()
    }

    fn source(&self, canonical: &str) -> Option<&Source> {
        let (url, version) = canonical::split(canonical);
        let sources = self.by_url.get(url)?;
        match version {
            Some(version) => {
                sources.iter().find(|source| source.version.as_deref() == Some(version))
            }
            None => sources.first(),
        }
    }

    fn definition(&self, canonical: &str) -> Option<&Value> {
        let source = self.source(canonical).or_else(|| Self::core().source(canonical));
        source.map(|source| &*source.definition)
    }
}

/// The type that a canonical of R4's own stands for: `Patient` of
/// `http://hl7.org/fhir/StructureDefinition/Patient`.
pub(super) fn core_type(canonical: &str) -> Option<&str> {
    let name = canonical::url(canonical).strip_prefix(CORE)?;
    (Shape::of(name).is_some() || Definitions::r4().is_type(name)).then_some(name)
}
