//! Canonical URLs (正準 URL): `url|version`.
//!
//! Spec: <https://hl7.org/fhir/R4/references.html#canonical>

/// The url, and the version where one is said.
pub(crate) fn split(canonical: &str) -> (&str, Option<&str>) {
    let bar = memchr::memchr(b'|', canonical.as_bytes());
    match bar.and_then(|bar| Some((canonical.get(..bar)?, canonical.get(bar + 1..)?))) {
        Some((url, version)) => (url, Some(version)),
        None => (canonical, None),
    }
}

/// The url without a version.
pub(crate) fn url(canonical: &str) -> &str {
    split(canonical).0
}
