//! What a server declares: `/metadata`, and the SearchParameter resources that its parameters are
//! defined by, which say modifiers, comparators and chains.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::question::{Modifier, Prefix};
use crate::harness::Genkan;

/// Of one resource type.
#[derive(Debug)]
pub struct Declared {
    pub resource_type: String,
    pub parameters: Vec<Parameter>,
    pub sorts: Vec<String>,
    /// `_include` or `_revinclude`, and `Observation:subject:Patient`.
    pub includes: Vec<(&'static str, String)>,
    pub chains: Vec<Chain>,
}

#[derive(Debug)]
pub struct Parameter {
    pub code: String,
    pub kind: String,
    pub modifiers: Vec<Modifier>,
    /// With `Prefix::None`, where values have none.
    pub prefixes: Vec<Prefix>,
    targets: Vec<String>,
    chain: Vec<String>,
}

/// `subject:Patient.birthdate` or `_has:Observation:subject:code`.
#[derive(Debug, Clone)]
pub struct Chain {
    pub reverse: bool,
    /// The reference parameter, and the type that holds it.
    pub reference: (String, String),
    /// The type at the other end of a forward chain.
    pub target: String,
    pub code: String,
}

impl Chain {
    pub fn name(&self) -> String {
        let Chain { reference: (source, reference), target, code, .. } = self;
        match self.reverse {
            false => format!("{reference}:{target}.{code}"),
            true => format!("_has:{source}:{reference}:{code}"),
        }
    }

    /// The type whose parameter is asked.
    pub fn asked_type(&self) -> &str {
        if self.reverse { &self.reference.0 } else { &self.target }
    }
}

impl Parameter {
    /// Prefixes go with values of their own; `:missing` has a truth for a value.
    pub fn prefixes_of(&self, modifier: Option<&Modifier>) -> Vec<Prefix> {
        match modifier {
            None => self.prefixes.clone(),
            Some(_) => vec![Prefix::None],
        }
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

/// Everything that a server declares of searching.
pub fn declared(genkan: &Genkan) -> Result<Vec<Declared>> {
    let metadata = genkan.get("/fhir/metadata")?.json()?;
    let mut all = Vec::new();
    for resource in list(&metadata["rest"][0]["resource"]) {
        let resource_type = text(&resource["type"]).context("a type")?;
        let mut parameters = Vec::new();
        for parameter in list(&resource["searchParam"]) {
            parameters.push(defined(genkan, parameter)?);
        }
        let mut includes = Vec::new();
        for (kind, element) in [("_include", "searchInclude"), ("_revinclude", "searchRevInclude")]
        {
            includes
                .extend(list(&resource[element]).iter().filter_map(text).map(|one| (kind, one)));
        }
        let documentation = text(&resource["documentation"]).unwrap_or_default();
        all.push(Declared {
            resource_type,
            parameters,
            sorts: sorts(&documentation),
            includes,
            chains: Vec::new(),
        });
    }
    chains(&mut all);
    Ok(all)
}

/// The definition that `/metadata` names, as this server answers it.
fn defined(genkan: &Genkan, parameter: &Value) -> Result<Parameter> {
    let code = text(&parameter["name"]).context("a name")?;
    let url = text(&parameter["definition"]).context("a definition")?;
    if !url.starts_with(&genkan.base) {
        let kind = text(&parameter["type"]).context("type")?;
        let modifiers = match kind.as_str() {
            "token" => vec![Modifier::Missing, Modifier::Not],
            "string" => vec![Modifier::Missing, Modifier::Exact, Modifier::Contains],
            _ => vec![Modifier::Missing],
        };
        let prefixes = match kind.as_str() {
            "date" | "number" | "quantity" => Prefix::ALL[..9].to_vec(),
            _ => vec![Prefix::None],
        };
        return Ok(Parameter {
            code,
            kind,
            modifiers,
            prefixes,
            targets: Vec::new(),
            chain: Vec::new(),
        });
    }
    let path =
        url.strip_prefix(&genkan.base).with_context(|| format!("{code}: {url} is not ours"))?;
    let answer = genkan.get(path)?;
    ensure!(answer.status == 200, "{url}: {}", answer.status);
    let definition = answer.json()?;
    ensure!(
        definition["url"] == *url && definition["code"] == *code,
        "{url} defines something else"
    );
    ensure!(definition["type"] == parameter["type"], "{url}: another type");
    let texts =
        |element: &str| list(&definition[element]).iter().filter_map(text).collect::<Vec<_>>();
    let modifiers = texts("modifier")
        .iter()
        .map(|name| modifier(name, &definition))
        .collect::<Result<Vec<_>>>()?;
    let mut prefixes = vec![Prefix::None];
    for name in texts("comparator") {
        let known = Prefix::ALL.into_iter().find(|prefix| prefix.text() == name);
        prefixes.push(known.with_context(|| format!("{url}: comparator {name}"))?);
    }
    Ok(Parameter {
        kind: text(&definition["type"]).context("a type")?,
        modifiers: modifiers.into_iter().flatten().collect(),
        prefixes,
        targets: texts("target"),
        chain: texts("chain"),
        code,
    })
}

/// `type` stands for each target.
fn modifier(name: &str, definition: &Value) -> Result<Vec<Modifier>> {
    let one = match name {
        "missing" => Modifier::Missing,
        "exact" => Modifier::Exact,
        "contains" => Modifier::Contains,
        "text" => Modifier::Text,
        "not" => Modifier::Not,
        "ofType" => Modifier::OfType,
        "identifier" => Modifier::Identifier,
        "type" => {
            let targets = list(&definition["target"]);
            return Ok(targets.iter().filter_map(text).map(Modifier::Type).collect());
        }
        _ => anyhow::bail!("a modifier that nobody can prove: {name}"),
    };
    Ok(vec![one])
}

fn chains(all: &mut [Declared]) {
    let mut found: Vec<(String, Chain)> = Vec::new();
    for declared in all.iter() {
        for parameter in &declared.parameters {
            for target in &parameter.targets {
                let Some(end) = all.iter().find(|one| one.resource_type == *target) else {
                    continue;
                };
                let reference = (declared.resource_type.clone(), parameter.code.clone());
                for code in &parameter.chain {
                    if end.parameters.iter().any(|one| one.code == *code) {
                        let chain = Chain {
                            reverse: false,
                            reference: reference.clone(),
                            target: target.clone(),
                            code: code.clone(),
                        };
                        found.push((declared.resource_type.clone(), chain));
                    }
                }
                for asked in declared.parameters.iter().filter(|_| !parameter.chain.is_empty()) {
                    let chain = Chain {
                        reverse: true,
                        reference: reference.clone(),
                        target: target.clone(),
                        code: asked.code.clone(),
                    };
                    found.push((target.clone(), chain));
                }
            }
        }
    }
    for (resource_type, chain) in found {
        let own = all.iter_mut().find(|one| one.resource_type == resource_type);
        own.into_iter().for_each(|own| own.chains.push(chain.clone()));
    }
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
