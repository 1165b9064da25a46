//! `$validate`: of any document, of one of a type, of a resource that is here.

use serde_json::{Value, json};

use super::answers::fhir;
use super::parameters::{self, Declared};
use super::{Writing, in_path, in_query};
use crate::error::kinds::Asked;
use crate::validate::operation::{Mode, NAME};

impl Writing<'_> {
    pub fn validate(&mut self) {
        let text = "What a receiver would refuse of a document";
        let path = format!("/${NAME}");
        let by_body = self.by_body(("validate", text), Vec::new());
        self.paths.insert(path, json!({"post": by_body}));
        let types: Vec<String> =
            self.service.rules.resource_types().into_iter().map(str::to_owned).collect();
        for of in types {
            let text = format!("What a receiver would refuse of a {of}");
            let name = format!("validate{of}");
            let by_body = self.by_body((&name, &text), Vec::new());
            self.paths.insert(format!("/{of}/${NAME}"), json!({"post": by_body}));
            let name = format!("validateOne{of}");
            let own = [in_path("id")].into_iter().chain(in_query(&taken())).collect();
            let by_get = self.operation_object(
                Asked::Validate,
                (&name, &text),
                own,
                fhir("OperationOutcome"),
            );
            let name = format!("{name}ByBody");
            let by_body = self.by_body((&name, &text), vec![in_path("id")]);
            let path = format!("/{of}/{{id}}/${NAME}");
            self.paths.insert(path, json!({"get": by_get, "post": by_body}));
        }
    }

    fn by_body(&self, named: (&str, &str), own: Vec<Value>) -> Value {
        let own = own.into_iter().chain(in_query(&taken())).collect();
        let asked = Asked::ValidateByBody;
        let mut by_body = self.operation_object(asked, named, own, fhir("OperationOutcome"));
        // Whatever it is, it is judged: what is no resource is a finding.
        let (json, xml) = (json!({}), json!({"type": "string"}));
        by_body["requestBody"] = json!({
            "required": true,
            "description": "A resource, or Parameters with one as `resource`, and `mode` and `profile`",
            "content": {
                "application/fhir+json": {"schema": json},
                "application/json": {"schema": json},
                "application/fhir+xml": {"schema": xml},
                "application/xml": {"schema": xml},
            },
        });
        by_body
    }
}

fn taken() -> Vec<Declared> {
    let modes: Vec<&str> = Mode::ALL.iter().map(|mode| mode.name()).collect();
    let own = [
        Declared::once("mode", json!({"enum": modes}), "What the resource is validated for"),
        Declared::once(
            "profile",
            json!({"type": "string"}),
            "A profile beside those that it claims",
        ),
    ];
    own.into_iter().chain(parameters::forms()).collect()
}
