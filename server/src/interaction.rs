//! What a request asks for, in FHIR's words, from its method and path: for metrics and traces. Every
//! answer is one of a few, whatever a client writes; no id of a path comes through.
//!
//! Spec: <https://hl7.org/fhir/R4/http.html>,
//! <https://hl7.org/fhir/R4/valueset-type-restful-interaction.html>

use std::collections::HashSet;
use std::sync::LazyLock;

use actix_web::http::Method;
use genkan_fhir::definitions::Definitions;

/// One of R4's resource types, or this.
pub const OTHER: &str = "other";
/// The interaction is about no resource type.
pub const NONE: &str = "none";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interaction {
    pub name: &'static str,
    pub resource_type: &'static str,
}

/// What stands in the place of a type.
const NO_TYPES: [&str; 4] = ["", "metadata", "openapi.json", "_history"];

static TYPES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| Definitions::r4().resource_names().collect());

impl Interaction {
    pub fn of(method: &Method, path: &str) -> Self {
        let mut segments = path.strip_prefix("/fhir").unwrap_or_default().split('/').skip(1);
        let parts: [Option<&str>; 5] = std::array::from_fn(|_| segments.next());
        let operation = parts.iter().flatten().any(|part| part.starts_with('$'));
        let read = matches!(*method, Method::GET | Method::HEAD);
        let post = *method == Method::POST;
        let name = match parts {
            _ if !path.starts_with("/fhir") => OTHER,
            _ if operation && (read || post) => "operation",
            [None | Some(""), None, ..] if post => "batch",
            [None | Some(""), None, ..] if read => "search-system",
            [Some("metadata"), None, ..] if read => "capabilities",
            // FHIR has no name for it.
            [Some("openapi.json"), None, ..] => OTHER,
            [Some("_history"), None, ..] if read => "history-system",
            [Some(_), None, ..] if read => "search-type",
            [Some(_), Some("_search"), None, ..] if post => "search-type",
            [Some(_), Some("_history"), None, ..] if read => "history-type",
            [Some(_), Some(_), None, ..] if read => "read",
            [Some(_), Some(_), Some("_history"), None, ..] if read => "history-instance",
            [Some(_), Some(_), Some("_history"), Some(_), None] if read => "vread",
            _ => OTHER,
        };
        let resource_type = match parts[0] {
            Some(text) => match TYPES.get(text) {
                Some(known) => known,
                None if NO_TYPES.contains(&text) || text.starts_with('$') => NONE,
                None => OTHER,
            },
            None => NONE,
        };
        Interaction { name, resource_type }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_name_that_fhir_gives_it() {
        let (get, post) = (Method::GET, Method::POST);
        for (method, path, name, resource_type) in [
            (&get, "/fhir/metadata", "capabilities", "none"),
            (&get, "/fhir/openapi.json", "other", "none"),
            (&get, "/fhir/Patient/a123", "read", "Patient"),
            (&Method::HEAD, "/fhir/Patient/a123", "read", "Patient"),
            (&get, "/fhir/Patient/a123/_history", "history-instance", "Patient"),
            (&get, "/fhir/Patient/a123/_history/1", "vread", "Patient"),
            (&get, "/fhir/Patient/_history", "history-type", "Patient"),
            (&get, "/fhir/_history", "history-system", "none"),
            (&get, "/fhir/Observation", "search-type", "Observation"),
            (&post, "/fhir/Observation/_search", "search-type", "Observation"),
            (&post, "/fhir", "batch", "none"),
            (&post, "/fhir/", "batch", "none"),
            (&get, "/fhir/Patient/a123/$everything", "operation", "Patient"),
            (&get, "/fhir/$export", "operation", "none"),
            (&post, "/fhir/Patient/a123/$jp-clins-bundle", "operation", "Patient"),
            (&post, "/fhir/Patient", "other", "Patient"),
            (&Method::DELETE, "/fhir/Patient/a123", "other", "Patient"),
            (&get, "/fhir/Patient/a/b/c/d/e", "other", "Patient"),
            (&get, "/fhir/Patient/a/_history/1/2", "other", "Patient"),
        ] {
            let expected = Interaction { name, resource_type };
            assert_eq!(Interaction::of(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn nothing_that_a_client_writes_comes_through() {
        for path in
            ["/0000000001", "/fhir/0000000001", "/fhir/Patientt", "/fhir/山田/太郎", "", "x"]
        {
            let Interaction { name, resource_type } = Interaction::of(&Method::GET, path);
            assert!(!path.contains(resource_type) && !path.contains(name), "{path}");
        }
    }
}
