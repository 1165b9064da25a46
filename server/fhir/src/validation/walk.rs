//! One walk over a resource: R4's rules, and those of the profiles beside them.

mod binding;
mod bundle;
mod compare;
mod contained;
mod definition;
mod element;
mod extension;
mod invariant;
mod narrative;
mod path;
mod primitive;
mod reference;
mod report;
mod slice;
mod vital_signs;

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use smallvec::SmallVec;

use super::{
    code::Code,
    finding::Finding,
    limits::Limits,
    profile::{Discriminator, ElementRule, Profile, Profiles, core_type},
    shape::{Child, Shape, Variant},
    terminology::{Lookup, ValueSets},
    tree::Node,
};
use crate::{
    fhirpath::Node as PathNode,
    names::{Name, Table},
};
use contained::Contained;
use extension::Holder;
use path::{Part, Path};

/// No trial is assumed.
const NOTHING: usize = usize::MAX;

/// What came out of a trial, and the outermost one around it that this rests on.
struct Tried {
    found: Vec<Finding>,
    assumed: usize,
}

/// The rules of profiles on one element.
type Rules<'w> = SmallVec<[&'w ElementRule; 4]>;

/// What the walk is given.
#[derive(Clone, Copy)]
pub(super) struct Outside<'w> {
    pub profiles: &'w Profiles,
    pub value_sets: &'w ValueSets,
    pub lookup: Option<&'w Lookup<'w>>,
    /// Starts of the urls of extensions that may be unknown.
    pub unknown_extensions: &'w [&'w str],
    /// A text that looks like HTML is an error.
    pub refuses_html: bool,
    pub limits: Limits,
    pub root: Node<'w>,
}

/// A resource that the walk is in.
#[derive(Clone, Copy)]
struct Frame<'w> {
    node: Node<'w>,
    /// The same for FHIRPath.
    seen: PathNode<'w>,
    name: &'w str,
    /// How many parts of the path lead to it.
    path: usize,
    /// Inside another one, as `contained`.
    is_contained: bool,
}

pub(super) struct Walk<'w> {
    outside: Outside<'w>,
    path: Path<'w>,
    frames: Vec<Frame<'w>>,
    /// Of the elements of each of these resources, the ids.
    ids: Vec<HashSet<&'w str>>,
    findings: Vec<Finding>,
    /// Profiles on resources and types that are being tried.
    trials: Vec<(u32, *const ElementRule)>,
    /// What came out of those that were tried.
    tried: HashMap<(u32, *const ElementRule), Tried>,
    /// Those whose result rests on a trial that isn't over, in the order of their ends.
    open: Vec<(u32, *const ElementRule)>,
    /// The outermost trial that what is being tried has taken for good.
    assumed: usize,
    is_too_deep: bool,
    /// Of slices, by discriminator: what they say of the elements there.
    subrules: Table<(*const ElementRule, *const Discriminator), Rc<slice::Subrules<'w>>>,
    steps: u64,
    /// Steps of all expressions, and how many there may be.
    path_steps: Cell<u64>,
    path_steps_max: u64,
    /// The contained resources of each resource that was asked for one.
    contained: RefCell<Table<u32, Contained<'w>>>,
    used: Vec<&'w Arc<Profile>>,
    bundle: bundle::Index<'w>,
}

/// An element of a type, where it stands.
#[derive(Clone, Copy)]
struct Spot<'w> {
    child: &'static Child,
    variant: &'static Variant,
    node: Node<'w>,
}

impl<'w> Walk<'w> {
    pub fn new(outside: Outside<'w>) -> Self {
        Self {
            outside,
            path: Path::default(),
            frames: Vec::new(),
            ids: Vec::new(),
            findings: Vec::new(),
            trials: Vec::new(),
            tried: HashMap::new(),
            open: Vec::new(),
            assumed: NOTHING,
            is_too_deep: false,
            subrules: Table::default(),
            steps: 0,
            path_steps: Cell::new(0),
            path_steps_max: outside.limits.expression_steps(outside.root.size()),
            contained: RefCell::default(),
            used: Vec::new(),
            bundle: bundle::Index::default(),
        }
    }

    /// The whole document.
    pub fn document(&mut self, profiles: &[&str]) {
        let root = self.outside.root;
        let Some(name) = root.resource_type() else {
            self.report(root, Code::NoResourceType, "", "", "");
            return;
        };
        self.path = Path::of(name);
        if name == "Bundle" {
            self.bundle = bundle::Index::of(root);
        }
        let mut rules = Rules::new();
        for canonical in profiles {
            self.add_profile(root, canonical, name, &mut rules, Code::UnknownProfile);
        }
        self.resource(root, rules, false);
        if name == "Bundle" {
            self.check_bundle(root);
        }
        self.path = Path::of(name);
        if self.path_steps.get() >= self.path_steps_max {
            self.stop(&format!("{} steps of expressions", self.path_steps_max));
        }
        if self.is_too_deep {
            let nested_max = self.outside.limits.profiles_nested_max;
            self.stop(&format!("{nested_max} profiles in each other"));
        }
    }

    pub fn used_profiles(&self) -> Vec<String> {
        self.used.iter().map(|profile| profile.canonical.clone()).collect()
    }

    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// A resource with its profiles: those that are asked for and those that it claims.
    fn resource(&mut self, node: Node<'w>, mut rules: Rules<'w>, is_contained: bool) {
        let Some(name) = node.resource_type() else {
            self.report(node, Code::NoResourceType, "", "", "");
            return;
        };
        let Some(shape) = Shape::of(name).filter(|shape| shape.is_resource) else {
            self.report(node, Code::UnknownResourceType, "", name, "");
            return;
        };
        for canonical in self.outside.profiles.of_all(name) {
            self.add_profile(node, canonical, name, &mut rules, Code::UnknownProfile);
        }
        self.claimed(node, name, &mut rules);
        if name == "Observation" {
            self.vital_signs(node, &mut rules);
        }
        let (seen, path) = (shape.seen(node), self.path.depth());
        self.frames.push(Frame { node, seen, name, path, is_contained });
        self.ids.push(HashSet::new());
        let holder = Holder { node, path: shape.path, code: shape.path, url: None };
        let present = self.children(node, shape, &rules, &holder);
        self.invariants(node, shape, &[], &rules, present);
        self.check_contained(node, is_contained);
        self.definition(node, name);
        self.ids.pop();
        self.frames.pop();
    }

    /// The profiles in `meta.profile`.
    fn claimed(&mut self, node: Node<'w>, name: &'w str, rules: &mut Rules<'w>) {
        let Some(meta) = node.get(Name::META) else { return };
        self.path.push(Part::One("meta"));
        for (index, claimed) in meta.all_of(Name::PROFILE).enumerate() {
            if let Some(canonical) = claimed.text() {
                self.path.push(Part::Item("profile", index));
                let unknown = Code::ProfileNotChecked;
                self.add_profile(claimed, canonical, name, rules, unknown);
                self.path.pop();
            }
        }
        self.path.pop();
    }

    /// `unknown` is what is said of one that isn't loaded: a resource may claim what it likes, but
    /// who asks for a profile gets it.
    fn add_profile(
        &mut self,
        node: Node<'w>,
        canonical: &str,
        of_type: &str,
        rules: &mut Rules<'w>,
        unknown: Code,
    ) {
        if core_type(canonical).is_some_and(|core| core == of_type || core == "Resource") {
            return;
        }
        match self.outside.profiles.get(canonical) {
            None => self.report(node, unknown, "", canonical, ""),
            Some(Err(error)) => {
                let error = error.to_string();
                self.report(node, Code::UnknownProfile, "", &error, "");
            }
            Some(Ok(profile)) if profile.of_type != of_type => {
                self.report(node, Code::ProfileType, "", canonical, &profile.of_type);
            }
            Some(Ok(profile)) => self.add_rules(profile, rules),
        }
    }

    fn add_rules(&mut self, profile: &'w Arc<Profile>, rules: &mut Rules<'w>) {
        if !self.used.iter().any(|known| Arc::ptr_eq(known, profile)) {
            self.used.push(profile);
        }
        add(rules, &profile.root);
    }

    /// What would be found if this resource or element had these rules too. The rules of R4 and of
    /// what it claims itself are checked elsewhere.
    fn trial(&mut self, what: Trial<'w>, rule: &'w ElementRule) -> Vec<Finding> {
        let key = (what.node().index(), std::ptr::from_ref(rule));
        if let Some(tried) = self.tried.get(&key) {
            self.assumed = self.assumed.min(tried.assumed);
            return tried.found.clone();
        }
        if let Some(at) = self.trials.iter().position(|open| *open == key) {
            // Already being tried further out: it holds if the rest holds.
            self.assumed = self.assumed.min(at);
            return Vec::new();
        }
        if self.trials.len() >= self.outside.limits.profiles_nested_max {
            // Told once, of the document: neither this nor what rests on it is known.
            self.is_too_deep = true;
            return Vec::new();
        }
        let (around, first_open) = (std::mem::replace(&mut self.assumed, NOTHING), self.open.len());
        self.trials.push(key);
        let before = std::mem::take(&mut self.findings);
        match what {
            Trial::Resource(node, path) => {
                let path = std::mem::replace(&mut self.path, path);
                let is_contained = is_in_contained(&self.path);
                let kept = if is_contained { self.outer_frames() } else { Vec::new() };
                let frames = std::mem::replace(&mut self.frames, kept);
                self.resource(node, Rules::from_slice(&[rule]), is_contained);
                self.path = path;
                self.frames = frames;
            }
            Trial::Element(spot) => {
                // Extensions say for themselves where they may be: that was checked.
                let holder = Holder { node: spot.node, path: "", code: "", url: None };
                self.contents(spot, &Rules::from_slice(&[rule]), &holder);
            }
        }
        self.trials.pop();
        let found = std::mem::replace(&mut self.findings, before);
        let found = bounded(found, self.outside.limits.trial_findings_max);
        self.conclude(key, &found, first_open);
        self.assumed = self.assumed.min(around);
        found
    }

    /// Keeps the result of a trial. What failed fails whatever was assumed; what holds while an outer
    /// trial is taken for good holds as long as that one does.
    fn conclude(&mut self, key: (u32, *const ElementRule), found: &[Finding], first_open: usize) {
        let depth = self.trials.len();
        let failed = found.iter().any(Finding::is_error);
        if failed || self.assumed >= depth {
            self.assumed = NOTHING;
            for rested in self.open.drain(first_open..) {
                if failed {
                    self.tried.remove(&rested);
                } else if let Some(tried) = self.tried.get_mut(&rested) {
                    tried.assumed = NOTHING;
                }
            }
        } else {
            self.open.push(key);
        }
        self.tried.insert(key, Tried { found: found.to_vec(), assumed: self.assumed });
    }

    /// The frames up to the resource that contains the others.
    fn outer_frames(&self) -> Vec<Frame<'w>> {
        let outer = self.frames.iter().rposition(|frame| !frame.is_contained);
        outer.and_then(|outer| self.frames.get(..=outer)).unwrap_or_default().to_vec()
    }

    /// Whether the walk may go on: it is bounded, however profiles multiply it.
    fn step(&mut self) -> bool {
        self.steps += 1;
        let Limits { findings_max, elements_max, .. } = self.outside.limits;
        let is_full = self.findings.len() >= findings_max;
        if is_full {
            self.stop(&format!("{findings_max} findings"));
        } else if self.steps >= elements_max {
            self.stop(&format!("{elements_max} elements"));
        }
        !is_full && self.steps < elements_max
    }
}

/// What one trial found goes into what is told of the trials around it, and so can multiply: the
/// errors first, and no more than help to mend them.
fn bounded(mut found: Vec<Finding>, mut left: usize) -> Vec<Finding> {
    if count(&found) > left {
        found.sort_by_key(|one| !one.is_error());
        keep(&mut found, &mut left);
    }
    found
}

fn count(found: &[Finding]) -> usize {
    found.iter().map(|one| 1 + count(&one.consequences)).sum()
}

fn keep(found: &mut Vec<Finding>, left: &mut usize) {
    found.truncate(*left);
    *left -= found.len();
    for one in found {
        keep(&mut one.consequences, left);
    }
}

/// What a profile is tried on.
#[derive(Clone)]
enum Trial<'w> {
    /// A resource, and where it is.
    Resource(Node<'w>, Path<'w>),
    /// The element that the walk is at.
    Element(Spot<'w>),
}

impl<'w> Trial<'w> {
    fn node(&self) -> Node<'w> {
        match self {
            Self::Resource(node, _) => *node,
            Self::Element(spot) => spot.node,
        }
    }
}

fn is_in_contained(path: &Path<'_>) -> bool {
    path.last() == Some("contained")
}

/// Adds a rule once.
fn add<'w>(rules: &mut Rules<'w>, rule: &'w ElementRule) {
    if !rules.iter().any(|known| std::ptr::eq(*known, rule)) {
        rules.push(rule);
    }
}
