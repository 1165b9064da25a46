//! The operations that this server offers, each said once: `/metadata` and the OpenAPI document are
//! made of this list, and who adds an operation adds it here.
//!
//! Spec: <https://hl7.org/fhir/R4/operations.html>

use serde_json::{Value, json};

use crate::bundle::operation as clins_bundle;
use crate::service::Service;

/// What an operation is called on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `[type]/[id]/$name`
    Instance,
}

/// One operation of ours.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Without the `$`.
    pub name: &'static str,
    pub level: Level,
    pub resource_type: &'static str,
    /// The address of its OperationDefinition, below the base.
    pub definition: String,
    pub documentation: String,
    pub parameters: Vec<Parameter>,
    /// What it answers.
    pub returns: &'static [&'static str],
}

/// A parameter that is called with.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: &'static str,
    pub required: bool,
    /// FHIR's type.
    pub kind: &'static str,
    /// The values that there are, if they are few.
    pub values: Vec<&'static str>,
    pub documentation: &'static str,
}

/// Everything that these rules let us offer.
pub fn offered(service: &Service) -> Vec<Operation> {
    [clins_bundle::offered(service)].into_iter().flatten().collect()
}

impl Operation {
    /// `rest.resource.operation` of the CapabilityStatement.
    pub fn declared(&self, base: &str) -> Value {
        json!({
            "name": self.name,
            "definition": format!("{base}/{}", self.definition),
            "documentation": self.documentation,
        })
    }

    /// Below the base, with `{id}` where the id is.
    pub fn path(&self) -> String {
        match self.level {
            Level::Instance => format!("{}/{{id}}/${}", self.resource_type, self.name),
        }
    }
}
