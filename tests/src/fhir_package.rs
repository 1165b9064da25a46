//! FHIR packages, as tests need them: archives made of a few files.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

/// R4's own type, which profiles build on.
pub const PATIENT: &str = "http://hl7.org/fhir/StructureDefinition/Patient";

/// Writes a package of these files.
pub fn write(path: &Path, files: &[(&str, Value)]) -> Result<()> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    for (name, content) in files {
        let content = content.to_string();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, format!("package/{name}"), content.as_bytes())?;
    }
    Ok(fs::File::create(path)?.write_all(&archive.into_inner()?.finish()?)?)
}

/// What a package says of itself.
pub fn manifest(name: &str, version: &str, needs: Value) -> (&'static str, Value) {
    let manifest =
        json!({"name": name, "version": version, "fhirVersions": ["4.0.1"], "dependencies": needs});
    ("package.json", manifest)
}

/// A profile on Patient, version 1: the element must be there.
pub fn profile(name: &str, base: &str, element: &str) -> (&'static str, Value) {
    let path = format!("Patient.{element}");
    (
        "StructureDefinition-a.json",
        json!({
            "resourceType": "StructureDefinition", "url": format!("http://x.jp/{name}"), "version": "1",
            "name": name, "status": "active", "kind": "resource", "abstract": false, "type": "Patient",
            "baseDefinition": base, "derivation": "constraint", "differential": {"element": [
                {"id": "Patient", "path": "Patient"}, {"id": path, "path": path, "min": 1}]}
        }),
    )
}
