//! CodeSystem, ValueSet and ConceptMap with their operations. Their searches take what `/metadata`
//! declares, and nothing that needs a rule.

use genkan_fhir::definitions::Definitions;
use serde_json::{Value, json};

use super::answers::{self, fhir};
use super::parameters::{self, Declared};
use super::{READS, Writing, in_path, in_query, json_body, parameters_of};
use crate::error::kinds::Asked;
use crate::service::Service;
use crate::terminology::{self, Operation};

/// Whether there is anything to be asked of codes.
pub fn is_offered(service: &Service) -> bool {
    terminology::types(service).next().is_some()
}

impl Writing<'_> {
    pub fn terminology(&mut self) {
        let types: Vec<&str> = terminology::types(self.service).collect();
        if types.is_empty() {
            return;
        }
        let name = "Parameters".to_owned();
        self.schemas.named.insert(name, answers::resource("Parameters"));
        for resource_type in &types {
            // They have no versions.
            self.reads(resource_type, &READS[..1]);
            let known = terminology::PARAMETERS.into_iter();
            let known =
                known.filter_map(|code| Definitions::r4().search_parameter(resource_type, code));
            let declared =
                parameters::of_listed(self.service, resource_type, known, &mut self.schemas);
            self.searches(resource_type, &declared);
        }
        for operation in Operation::ALL {
            if types.contains(&operation.resource_type()) {
                self.of_codes(operation, false);
                if operation.on_instance() {
                    self.of_codes(operation, true);
                }
            }
        }
    }

    fn of_codes(&mut self, operation: Operation, of_one: bool) {
        let of = operation.resource_type();
        let declared = of_operation(operation, of_one, self.service.codes.expand_codes_max);
        let all: Vec<Declared> = declared.iter().cloned().chain(parameters::forms()).collect();
        let id: Vec<Value> = of_one.then(|| in_path("id")).into_iter().collect();
        let name = operation.name().replace("-c", "C");
        let name = format!("{name}{}{of}", if of_one { "OfOne" } else { "" });
        let text = format!("`${}` of {of}", operation.name());
        let answer = || match operation {
            Operation::Expand => fhir("ValueSet"),
            _ => fhir("Parameters"),
        };
        let own = id.iter().cloned().chain(in_query(&all)).collect();
        let by_get = self.operation_object(Asked::Terminology, (&name, &text), own, answer());
        let name = format!("{name}ByBody");
        let own = id.into_iter().chain(in_query(&parameters::forms())).collect();
        let mut by_body =
            self.operation_object(Asked::TerminologyByBody, (&name, &text), own, answer());
        by_body["requestBody"] = json_body(&in_body(&declared));
        let end = if of_one { "/{id}" } else { "" };
        let path = format!("/{of}{end}/${}", operation.name());
        self.paths.insert(path, json!({"get": by_get, "post": by_body}));
    }
}

/// With codings, which an address can't hold.
fn in_body(declared: &[Declared]) -> Value {
    let mut schema = parameters_of(declared);
    let parameter = &mut schema["properties"]["parameter"]["items"]["properties"];
    if let Some(names) = parameter["name"]["enum"].as_array_mut() {
        names.extend(["coding", "codeableConcept", "codingA", "codingB"].map(Value::from));
    }
    for (name, kind) in [
        ("valueUri", "string"),
        ("valueDateTime", "string"),
        ("valueInteger", "integer"),
        ("valueCoding", "object"),
        ("valueCodeableConcept", "object"),
    ] {
        parameter[name] = json!({"type": kind});
    }
    schema
}

fn of_operation(operation: Operation, of_one: bool, codes_max: usize) -> Vec<Declared> {
    let named = !of_one;
    let needed = |name, text| Declared { required: true, ..text_of(name, text) };
    let url = |text| named.then(|| needed("url", text));
    let own: Vec<Option<Declared>> = match operation {
        Operation::Lookup => vec![
            Some(needed("code", "The code")),
            Some(needed("system", "Its code system")),
            Some(text_of("version", "Of the system; only the one that is loaded is answered")),
            Some(Declared::once("property", terminology::property_names(), "What is told of it")),
        ],
        Operation::ValidateCode => vec![
            url("The code system"),
            Some(needed("code", "The code")),
            Some(text_of("display", "Its display, to be judged too")),
            named.then(|| text_of("version", "Of the system")),
        ],
        Operation::ValidateIn => vec![
            url("The value set"),
            Some(needed("code", "The code")),
            Some(text_of("system", "Its code system")),
            Some(text_of("display", "Its display, to be judged too")),
        ],
        Operation::Subsumes => vec![
            Some(needed("codeA", "A code")),
            Some(needed("codeB", "Another one")),
            named.then(|| needed("system", "Their code system")),
        ],
        Operation::Expand => vec![
            url("The value set"),
            Some(text_of("filter", "Words of code, names and reading")),
            Some(number("offset", i32::MAX as usize, "Codes that are left out at the beginning")),
            Some(number("count", codes_max, "Codes that are shown")),
            Some(truth("activeOnly", "Without codes that are not in use")),
            Some(truth("includeDesignations", "With readings and other names")),
        ],
        Operation::Translate => vec![
            named.then(|| text_of("url", "The code map; all that lead there if not given")),
            Some(needed("code", "The code")),
            Some(needed("system", "Its code system")),
            Some(text_of("targetsystem", "Only into this code system")),
            Some(truth("reverse", "From a standard code to the house's")),
        ],
    };
    let dated = operation != Operation::Subsumes;
    let day = json!({"type": "string", "pattern": super::values::day()});
    let day = Declared::once("date", day, "The day for which the answer holds; today if not given");
    own.into_iter().flatten().chain(dated.then_some(day)).collect()
}

fn text_of(name: &str, text: &str) -> Declared {
    Declared::once(name, json!({"type": "string", "minLength": 1}), text)
}

fn truth(name: &str, text: &str) -> Declared {
    Declared::once(name, json!({"type": "boolean"}), text)
}

fn number(name: &str, max: usize, text: &str) -> Declared {
    Declared::once(name, json!({"type": "integer", "minimum": 0, "maximum": max}), text)
}
