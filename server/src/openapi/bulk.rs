//! The operations that bring many resources: `$everything`, `$export`, and the addresses of an export.
//! Their parameters are those of the tables by which they are read.

use serde_json::{Value, json};

use super::answers::{fhir, reference};
use super::parameters::{self, Declared};
use super::{Writing, in_path, in_query, json_body, parameters_of};
use crate::error::kinds::Asked;
use crate::everything;
use crate::export;

impl Writing<'_> {
    pub fn everything(&mut self) {
        let made = self.service.rules.resource_types();
        for of in everything::TYPES.into_iter().filter(|of| made.contains(of)) {
            let declared = parameters::of_bulk(self.service, &everything::parameters(of));
            let text = format!("What is in the compartment of one {of}, and what that refers to");
            let own = [in_path("id")].into_iter().chain(in_query(&declared)).collect();
            let name = format!("everythingOf{of}");
            let named = (name.as_str(), text.as_str());
            let searchset = || fhir("Searchset");
            let by_get = self.operation_object(Asked::Everything, named, own, searchset());
            let name = format!("everythingOf{of}ByBody");
            let own = [in_path("id")].into_iter().chain(in_query(&parameters::forms())).collect();
            let named = (name.as_str(), text.as_str());
            let mut by_body =
                self.operation_object(Asked::EverythingByBody, named, own, searchset());
            by_body["requestBody"] = body(&declared);
            let path = format!("/{of}/{{id}}/${}", everything::NAME);
            self.paths.insert(path, json!({"get": by_get, "post": by_body}));
        }
    }

    pub fn export(&mut self) {
        let made = self.service.rules.resource_types();
        for (of, name, path) in [
            (None, "export", String::new()),
            (Some("Patient"), "exportOfPatients", "/Patient".to_owned()),
            (Some("Group"), "exportOfGroup", "/Group/{id}".to_owned()),
        ] {
            if of.is_none_or(|of| made.contains(&of)) {
                let id = path.ends_with("{id}").then(|| in_path("id"));
                self.kick_off(name, format!("{path}/${}", export::NAME), id);
            }
        }
        self.addresses();
    }

    fn kick_off(&mut self, name: &str, path: String, id: Option<Value>) {
        let declared = parameters::of_bulk(self.service, &export::PARAMETERS.each_ref());
        let text = "The export was accepted, and has an address";
        let own = |declared: &[Declared]| -> Vec<Value> {
            id.iter().cloned().chain([respond_async()]).chain(in_query(declared)).collect()
        };
        let outcome = || fhir("OperationOutcome");
        let by_get = self.operation_object(Asked::KickOff, (name, text), own(&declared), outcome());
        let name = format!("{name}ByBody");
        let named = (name.as_str(), text);
        let own = own(&parameters::forms());
        let mut by_body = self.operation_object(Asked::KickOffByBody, named, own, outcome());
        by_body["requestBody"] = body(&declared);
        self.paths.insert(path, json!({"get": by_get, "post": by_body}));
    }

    /// Status, end and files.
    fn addresses(&mut self) {
        let forms = || std::iter::once(token()).chain(in_query(&parameters::forms())).collect();
        let manifest = json!({"application/json": {"schema": reference("Manifest")}});
        let text = "The files of the export";
        let named = ("exportStatus", text);
        let status = self.operation_object(Asked::ExportStatus, named, forms(), manifest);
        let named = ("exportEnd", "The export has ended");
        let outcome = fhir("OperationOutcome");
        let end = self.operation_object(Asked::ExportEnd, named, forms(), outcome);
        let path = format!("/{}/{{token}}", export::STATUS);
        self.paths.insert(path, json!({"get": status, "delete": end}));
        let own = std::iter::once(token()).chain(in_query(&parameters::of_file())).collect();
        let named = ("exportFile", "Resources, one on each line");
        let lines = json!({export::CONTENT_TYPE: {}});
        let file = self.operation_object(Asked::ExportFile, named, own, lines);
        self.paths.insert(format!("/{}/{{token}}", export::FILE), json!({"get": file}));
    }
}

/// R4 lets a call without parameters have no body.
fn body(declared: &[Declared]) -> Value {
    let mut schema = parameters_of(declared);
    schema["required"] = json!(["resourceType"]);
    let mut body = json_body(&schema);
    body["required"] = false.into();
    body
}

fn respond_async() -> Value {
    json!({"name": "Prefer", "in": "header", "required": true, "schema": {"enum": ["respond-async"]}})
}

/// What an address of ours ends with.
fn token() -> Value {
    let schema = json!({"type": "string", "pattern": "^[A-Za-z0-9_\\-]+$"});
    json!({"name": "token", "in": "path", "required": true, "schema": schema})
}
