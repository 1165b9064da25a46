//! Bundles and documents: fullUrls, references between entries, and what must come first.
//!
//! Spec: <https://hl7.org/fhir/R4/bundle.html#references>

use std::collections::{HashMap, HashSet};

use super::{Code, Node, Part, Path, Walk, primitive::is_absolute, reference::type_of_url};

/// The entries of the bundle that is validated.
#[derive(Debug, Default)]
pub(super) struct Index<'w> {
    entries: Vec<Entry<'w>>,
    by_url: HashMap<&'w str, Vec<usize>>,
    by_id: HashMap<(&'w str, &'w str), Vec<usize>>,
    /// By the type and id at the end of the fullUrl.
    by_tail: HashMap<&'w str, Vec<usize>>,
    by_node: HashMap<u32, usize>,
    is_bundle: bool,
}

#[derive(Debug)]
struct Entry<'w> {
    node: Node<'w>,
    resource: Option<Node<'w>>,
    full_url: Option<&'w str>,
    index: usize,
}

impl<'w> Index<'w> {
    pub fn of(bundle: Node<'w>) -> Self {
        let mut index = Self { is_bundle: true, ..Self::default() };
        for (at, node) in bundle.all("entry").enumerate() {
            let resource = node.child("resource");
            let full_url = node.child_text("fullUrl");
            if let Some(url) = full_url {
                index.by_url.entry(url).or_default().push(at);
                if let Some(tail) = rest_base(url).and_then(|base| url.get(base.len()..)) {
                    index.by_tail.entry(tail).or_default().push(at);
                }
            }
            if let Some(resource) = resource {
                index.by_node.insert(resource.index(), at);
                if let (Some(name), Some(id)) =
                    (resource.resource_type(), resource.child_text("id"))
                {
                    index.by_id.entry((name, id)).or_default().push(at);
                }
            }
            index.entries.push(Entry { node, resource, full_url, index: at });
        }
        index
    }

    pub fn is_some(&self) -> bool {
        self.is_bundle
    }

    /// The entries that a reference in the resource `from` may mean.
    fn matches(&self, reference: &str, from: Node<'w>) -> Vec<usize> {
        let plain = reference.split(['|', '#']).next().unwrap_or(reference);
        let plain = plain.split("/_history/").next().unwrap_or(plain);
        let by_url = |url: &str| self.by_url.get(url).cloned().unwrap_or_default();
        if is_absolute(plain) {
            return by_url(plain);
        }
        let entry = self.by_node.get(&from.index()).and_then(|at| self.entries.get(*at));
        let own = entry.and_then(|entry| entry.full_url).unwrap_or_default();
        if let Some(base) = rest_base(own) {
            return by_url(&format!("{base}{plain}"));
        }
        // Without a base only the types and ids are left to go by.
        match plain.split_once('/') {
            Some(by) => {
                let found = self.by_id.get(&by).or_else(|| self.by_tail.get(plain));
                // A type with the id of a urn:uuid: no right reference, but clear enough to judge it.
                found.cloned().unwrap_or_else(|| by_url(&format!("urn:uuid:{}", by.1)))
            }
            None => by_url(plain),
        }
    }

    pub fn find(&self, reference: &str, from: Node<'w>) -> Option<(Node<'w>, Path<'w>)> {
        let at = *self.matches(reference, from).first()?;
        let entry = self.entries.get(at)?;
        Some((entry.resource?, entry.path()))
    }

    /// The resource with this fullUrl, or of this type and id.
    pub fn resource(&self, reference: &str) -> Option<Node<'w>> {
        let known = self.by_url.get(reference);
        let found = known.or_else(|| self.by_id.get(&reference.split_once('/')?));
        self.entries.get(*found?.first()?)?.resource
    }
}

impl<'w> Entry<'w> {
    fn path(&self) -> Path<'w> {
        let mut path = Path::of("Bundle");
        path.push(Part::Item("entry", self.index));
        path.push(Part::One("resource"));
        path
    }
}

/// `http://server/fhir/` of `http://server/fhir/Patient/1`.
fn rest_base(url: &str) -> Option<&str> {
    let name = type_of_url(url).filter(|_| url.starts_with("http"))?;
    let id_at = url.rfind('/')?;
    url.get(..id_at)?.strip_suffix(name)
}

impl<'w> Walk<'w> {
    pub(super) fn check_bundle(&mut self, bundle: Node<'w>) {
        let kind = bundle.child_text("type").unwrap_or_default();
        let count = self.bundle.entries.len();
        for at in 0..count {
            self.check_entry(at, kind);
            self.check_found(at, kind);
        }
        self.check_links(bundle);
        let first = match kind {
            "document" => "Composition",
            "message" => "MessageHeader",
            _ => return,
        };
        let Some(entry) = self.bundle.entries.first() else { return };
        let (node, resource) = (entry.node, entry.resource);
        let found = resource.and_then(Node::resource_type).unwrap_or_default();
        if found != first {
            self.at_entry(0, |walk| walk.report(node, Code::FirstEntry, "", found, first));
        } else if kind == "document" {
            self.check_document();
        }
        self.check_reached();
    }

    fn at_entry(&mut self, index: usize, tell: impl FnOnce(&mut Self)) {
        self.path.push(Part::Item("entry", index));
        tell(self);
        self.path.pop();
    }

    fn check_entry(&mut self, at: usize, kind: &str) {
        let Some(entry) = self.bundle.entries.get(at) else { return };
        let (node, resource, full_url) = (entry.node, entry.resource, entry.full_url);
        let Some(resource) = resource else { return };
        let needs_url = !matches!(
            kind,
            "transaction" | "batch" | "batch-response" | "transaction-response" | "history"
        );
        let id = resource.child_text("id");
        self.at_entry(at, |walk| match full_url {
            None if needs_url => walk.report(node, Code::EntryFullUrl, "", "", ""),
            None => {}
            Some(url) if !is_absolute(url) => walk.report(node, Code::FullUrlForm, "", "", ""),
            Some(url) if rest_base(url).is_some() => {
                let name = resource.resource_type().unwrap_or_default();
                let end = format!("/{name}/{}", id.unwrap_or_default());
                if id.is_none() && !matches!(kind, "transaction" | "batch") {
                    walk.report(node, Code::EntryId, "", "", "");
                } else if id.is_some() && !url.ends_with(&end) {
                    walk.report(node, Code::FullUrlId, "", "", &end);
                }
            }
            Some(_) => {}
        });
    }

    /// What a search found can be read again by its id; what it says of itself isn't stored.
    fn check_found(&mut self, at: usize, kind: &str) {
        let Some(entry) = self.bundle.entries.get(at) else { return };
        let Some(resource) = entry.resource else { return };
        let mode = entry.node.child("search").and_then(|search| search.child_text("mode"));
        let name = resource.resource_type().unwrap_or_default();
        let is_outcome = mode == Some("outcome");
        let (code, allowed) = match kind {
            "searchset" if is_outcome && name != "OperationOutcome" => {
                (Code::ResourceTypeNotAllowed, "OperationOutcome")
            }
            "searchset" if !is_outcome && resource.child("id").is_none() => (Code::EntryId, ""),
            _ => return,
        };
        self.at_entry(at, |walk| {
            walk.path.push(Part::One("resource"));
            walk.report(resource, code, "", name, allowed);
            walk.path.pop();
        });
    }

    fn check_links(&mut self, bundle: Node<'w>) {
        let mut seen = HashSet::new();
        for (index, link) in bundle.all("link").enumerate() {
            let Some(relation) = link.child_text("relation") else { continue };
            if !seen.insert(relation)
                && matches!(relation, "self" | "first" | "last" | "next" | "previous" | "prev")
            {
                self.path.push(Part::Item("link", index));
                self.report(link, Code::LinkTwice, "", relation, "");
                self.path.pop();
            }
        }
    }

    /// What the Composition itself refers to must be in the document.
    fn check_document(&mut self) {
        let Some(composition) = self.bundle.entries.first().and_then(|entry| entry.resource) else {
            return;
        };
        let mut references = Vec::new();
        let Some(path) = self.bundle.entries.first().map(Entry::path) else { return };
        let mut at = path.clone();
        collect_placed(composition, &mut at, &mut references);
        for (reference, path) in references {
            let Some(text) = reference.child_text("reference") else { continue };
            let found = self.bundle.matches(text, composition);
            let name = reference.name();
            let is_own = matches!(name, "subject" | "encounter" | "author" | "custodian" | "entry");
            let code = match found.len() {
                0 if is_own && !text.starts_with('#') => Code::NotInBundle,
                0 | 1 => continue,
                _ => Code::SeveralInBundle,
            };
            let before = std::mem::replace(&mut self.path, path);
            self.report(reference, code, "", text, "");
            self.path = before;
        }
    }

    /// Every entry is reached from the first one, by references in either direction.
    fn check_reached(&mut self) {
        let links: Vec<Vec<usize>> = self
            .bundle
            .entries
            .iter()
            .map(|entry| {
                let Some(resource) = entry.resource else { return Vec::new() };
                let mut references = Vec::new();
                collect(resource, &mut references);
                let texts = references.iter().filter_map(|node| node.child_text("reference"));
                texts.flat_map(|text| self.bundle.matches(text, resource)).collect()
            })
            .collect();
        let mut back: Vec<Vec<usize>> = vec![Vec::new(); links.len()];
        for (from, onward) in links.iter().enumerate() {
            for to in onward {
                back.get_mut(*to).into_iter().for_each(|back| back.push(from));
            }
        }
        let mut reached = HashSet::from([0]);
        let mut open = vec![0];
        while let Some(at) = open.pop() {
            let next = [&links, &back].into_iter().filter_map(|links| links.get(at)).flatten();
            open.extend(next.filter(|next| reached.insert(**next)));
        }
        for at in 0..links.len() {
            let Some(node) = self.bundle.entries.get(at).map(|entry| entry.node) else { continue };
            if !reached.contains(&at) {
                self.at_entry(at, |walk| walk.report(node, Code::Unreachable, "", "", ""));
            }
        }
    }
}

/// All elements that hold a literal reference.
fn collect<'w>(node: Node<'w>, found: &mut Vec<Node<'w>>) {
    for child in node.children() {
        if child.child("reference").is_some_and(|reference| reference.text().is_some()) {
            found.push(child);
        }
        collect(child, found);
    }
}

/// The same with their paths.
fn collect_placed<'w>(node: Node<'w>, path: &mut Path<'w>, found: &mut Vec<(Node<'w>, Path<'w>)>) {
    let mut before: Option<(&str, usize)> = None;
    for child in node.children() {
        let name = child.name();
        let index = before.filter(|(known, _)| *known == name).map_or(0, |(_, index)| index + 1);
        before = Some((name, index));
        let is_list = matches!(name, "author" | "section" | "entry" | "attester" | "event");
        path.push(if is_list { Part::Item(name, index) } else { Part::One(name) });
        if child.child("reference").is_some_and(|reference| reference.text().is_some()) {
            found.push((child, path.clone()));
        }
        collect_placed(child, path, found);
        path.pop();
    }
}
