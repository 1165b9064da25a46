//! What a server declares in `/metadata`. Modifiers, prefixes, orders and chains stand in its texts,
//! because a CapabilityStatement of R4 has no other place for them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::question::{Modifier, Prefix};
use crate::harness::{Genkan, NO_ROWS};

/// Of one resource type.
#[derive(Debug)]
pub struct Declared {
    pub resource_type: String,
    pub parameters: Vec<Parameter>,
    pub sorts: Vec<String>,
    pub includes: Vec<Include>,
    pub chains: Vec<Chain>,
}

#[derive(Debug)]
pub struct Parameter {
    pub code: String,
    pub kind: String,
    pub modifiers: Vec<Modifier>,
    /// With `Prefix::None`, where values have none.
    pub prefixes: Vec<Prefix>,
    /// A value can be asked for without a modifier; else by chains or with one.
    pub plain: bool,
}

/// One step of a chain: `subject:Patient.` or `_has:Observation:subject:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub reverse: bool,
    /// The type that holds the reference, and the parameter by which it is searched.
    pub source: String,
    pub parameter: String,
    /// The type at the other end of the reference.
    pub target: String,
}

impl Link {
    /// As it stands in front of what follows.
    pub fn text(&self) -> String {
        let Link { source, parameter, target, .. } = self;
        match self.reverse {
            false => format!("{parameter}:{target}."),
            true => format!("_has:{source}:{parameter}:"),
        }
    }

    pub fn from(&self) -> &str {
        if self.reverse { &self.target } else { &self.source }
    }

    pub fn to(&self) -> &str {
        if self.reverse { &self.source } else { &self.target }
    }
}

/// `subject:Patient.birthdate` or `_has:Observation:subject:code`.
#[derive(Debug, Clone)]
pub struct Chain {
    pub link: Link,
    pub code: String,
}

impl Chain {
    pub fn name(&self) -> String {
        format!("{}{}", self.link.text(), self.code)
    }
}

/// `_include=Observation:subject:Patient`, or `_revinclude`, perhaps with `:iterate`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Include {
    pub reverse: bool,
    pub iterate: bool,
    pub source: String,
    pub code: String,
    pub target: Option<String>,
}

impl Include {
    fn of(reverse: bool, text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(str::to_owned);
        let (source, code) = (parts.next()?, parts.next()?);
        Some(Include { reverse, iterate: false, source, code, target: parts.next() })
    }

    /// A resource of this address is of the type that is named.
    pub fn wants(&self, address: &str) -> bool {
        let of_type = address.split('/').next();
        self.target.as_deref().is_none_or(|target| of_type == Some(target))
    }

    /// The parameter and its value.
    pub fn pair(&self) -> (&'static str, String) {
        let name = match (self.reverse, self.iterate) {
            (false, false) => "_include",
            (false, true) => "_include:iterate",
            (true, false) => "_revinclude",
            (true, true) => "_revinclude:iterate",
        };
        let target = self.target.as_ref().map(|target| format!(":{target}")).unwrap_or_default();
        (name, format!("{}:{}{target}", self.source, self.code))
    }
}

impl Parameter {
    /// Prefixes go with values of their own; `:missing` has a truth for a value.
    pub fn prefixes_of(&self, modifier: Option<&Modifier>) -> Vec<Prefix> {
        match modifier {
            None if !self.plain => Vec::new(),
            None => self.prefixes.clone(),
            Some(_) => vec![Prefix::None],
        }
    }

    /// Every way to ask it.
    pub fn forms(&self) -> Vec<(Option<&Modifier>, Prefix)> {
        let modifiers = std::iter::once(None).chain(self.modifiers.iter().map(Some));
        modifiers
            .flat_map(|modifier| {
                self.prefixes_of(modifier).into_iter().map(move |prefix| (modifier, prefix))
            })
            .collect()
    }

    pub fn declaration(
        &self,
        resource_type: &str,
        modifier: Option<&Modifier>,
        prefix: Prefix,
    ) -> String {
        let modifier = modifier.map(|modifier| format!(":{}", modifier.text())).unwrap_or_default();
        let prefix = match prefix {
            Prefix::None => String::new(),
            prefix => format!("={}", prefix.text()),
        };
        format!("{resource_type}?{}{modifier}{prefix}", self.code)
    }
}

/// What `/metadata` says of each type that is made of rows.
pub(super) fn types(metadata: &Value) -> impl Iterator<Item = &Value> {
    let all = list(&metadata["rest"][0]["resource"]).iter();
    let is_of_rows = |name: &str| !NO_ROWS.contains(&name);
    all.filter(move |resource| resource["type"].as_str().is_some_and(is_of_rows))
}

/// Everything that a server declares of searching.
pub fn declared(genkan: &Genkan) -> Result<Vec<Declared>> {
    let metadata = genkan.get("/fhir/metadata")?.json()?;
    let mut all = Vec::new();
    for resource in types(&metadata) {
        let resource_type = text(&resource["type"]).context("a type")?;
        let documentation = text(&resource["documentation"]).unwrap_or_default();
        let mut chains = reverse_chains(&resource_type, &documentation)?;
        let mut parameters = Vec::new();
        for declared in list(&resource["searchParam"]) {
            let parameter = parameter(declared)?;
            let told = text(&declared["documentation"]).unwrap_or_default();
            chains.extend(forward_chains(&resource_type, &parameter.code, &told)?);
            parameters.push(parameter);
        }
        let mut includes = Vec::new();
        for (reverse, element) in [(false, "searchInclude"), (true, "searchRevInclude")] {
            for declared in list(&resource[element]) {
                let include = text(declared).and_then(|one| Include::of(reverse, &one));
                includes.push(include.with_context(|| format!("an include: {declared}"))?);
            }
        }
        let sorts = sorts(&documentation);
        all.push(Declared { resource_type, parameters, sorts, includes, chains });
    }
    Ok(all)
}

/// "Modifiers: :missing :exact. Prefixes: eq ne."
fn parameter(declared: &Value) -> Result<Parameter> {
    let code = text(&declared["name"]).context("a name")?;
    let kind = text(&declared["type"]).context("a type")?;
    let told = text(&declared["documentation"]).unwrap_or_default();
    let named = |label: &str| sentence(&told, label).unwrap_or_default();
    let modifiers = named("Modifiers: ").split(' ').filter(|name| !name.is_empty()).map(modifier);
    let modifiers = modifiers.collect::<Result<Vec<_>>>()?;
    let mut prefixes = vec![Prefix::None];
    for name in named("Prefixes: ").split(' ').filter(|name| !name.is_empty()) {
        let known = Prefix::ALL.into_iter().find(|prefix| prefix.text() == name);
        prefixes.push(known.with_context(|| format!("{code}: prefix {name}"))?);
    }
    let plain = !["Only with chains", "Only with modifiers"].iter().any(|only| told.contains(only));
    Ok(Parameter { code, kind, modifiers, prefixes, plain })
}

fn modifier(name: &str) -> Result<Modifier> {
    let known = [
        Modifier::Missing,
        Modifier::Exact,
        Modifier::Contains,
        Modifier::Text,
        Modifier::Not,
        Modifier::OfType,
        Modifier::Identifier,
        Modifier::Below,
        Modifier::Above,
    ];
    let name = name.strip_prefix(':').with_context(|| format!("no modifier: {name}"))?;
    if let Some(known) = known.into_iter().find(|known| known.text() == name) {
        return Ok(known);
    }
    ensure!(name.starts_with(char::is_uppercase), "a modifier that nobody can prove: {name}");
    Ok(Modifier::Type(name.to_owned()))
}

/// "Chains: `subject:Patient.` with birthdate, name; `subject:Group.` with code."
fn forward_chains(resource_type: &str, parameter: &str, told: &str) -> Result<Vec<Chain>> {
    let mut chains = Vec::new();
    for (link, codes) in linked(told, "Chains: ")? {
        let target = link.strip_suffix('.').and_then(|link| link.split_once(':'));
        let (reference, target) = target.with_context(|| format!("a chain: {link}"))?;
        ensure!(reference == parameter, "{link} stands under {parameter}");
        chains.extend(codes.into_iter().map(|code| Chain {
            link: Link {
                reverse: false,
                source: resource_type.to_owned(),
                parameter: reference.to_owned(),
                target: target.to_owned(),
            },
            code,
        }));
    }
    Ok(chains)
}

/// "Reverse chains: `_has:Observation:subject:` with code, date."
fn reverse_chains(resource_type: &str, told: &str) -> Result<Vec<Chain>> {
    let mut chains = Vec::new();
    for (link, codes) in linked(told, "Reverse chains: ")? {
        let parts: Vec<&str> = link.split(':').collect();
        let ["_has", source, reference, ""] = parts.as_slice() else {
            anyhow::bail!("a reverse chain: {link}")
        };
        chains.extend(codes.into_iter().map(|code| Chain {
            link: Link {
                reverse: true,
                source: (*source).to_owned(),
                parameter: (*reference).to_owned(),
                target: resource_type.to_owned(),
            },
            code,
        }));
    }
    Ok(chains)
}

/// What stands between backticks, and the codes that it is told with.
fn linked(told: &str, label: &str) -> Result<Vec<(String, Vec<String>)>> {
    let Some((_, rest)) = told.split_once(label) else { return Ok(Vec::new()) };
    let mut links = Vec::new();
    for part in rest.split("; ") {
        let (link, codes) = part.split_once(" with ").with_context(|| format!("{part:?}"))?;
        // The last one ends with the sentence.
        let codes = codes.split('.').next().unwrap_or(codes);
        let codes = codes.split(", ").map(str::to_owned).collect();
        links.push((link.trim_matches('`').to_owned(), codes));
    }
    Ok(links)
}

/// What follows a label, to the end of its sentence.
fn sentence<'t>(told: &'t str, label: &str) -> Option<&'t str> {
    told.split_once(label)?.1.split('.').next()
}

/// "`_sort` by: date, code."
fn sorts(documentation: &str) -> Vec<String> {
    let Some((_, rest)) = documentation.split_once("`_sort` by: ") else { return Vec::new() };
    let list = rest.split('.').next().unwrap_or_default();
    list.split(", ").map(str::to_owned).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
