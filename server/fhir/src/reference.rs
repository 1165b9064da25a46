//! What a reference points at: `Patient/123`, `123`, `https://…/Patient/123`, `urn:uuid:…`.

use std::fmt;

use crate::definitions::{Definitions, PrimitiveFault, check_primitive};

/// A literal reference, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// Relative to this server: `123` (no type), `Patient/123`, `Patient/123/_history/4`.
    Local { resource_type: Option<String>, id: String, version: Option<String> },
    /// On the server at `base`, which has no slash at its end: that may be ours.
    Remote { base: String, resource_type: String, id: String, version: Option<String> },
    /// Any other URI: `urn:uuid:…`, a canonical with its `|version`.
    Uri(String),
    /// `#name`, inside the same resource.
    Contained(String),
}

impl Reference {
    /// Reads a reference; `None` when it can't be one. The type must be one of R4's.
    pub fn parse(definitions: &Definitions, text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix('#') {
            return is_id(name).then(|| Self::Contained(name.to_owned()));
        }
        if is_id(text) {
            let id = text.to_owned();
            return Some(Self::Local { resource_type: None, id, version: None });
        }
        let target = Target::at_end_of(definitions, text);
        match (target, text.contains(':')) {
            (Some(target), false) if target.before.is_empty() => Some(Self::Local {
                resource_type: Some(target.resource_type.to_owned()),
                id: target.id.to_owned(),
                version: target.version.map(str::to_owned),
            }),
            (Some(target), true) if is_http(target.before) => Some(Self::Remote {
                base: target.before.to_owned(),
                resource_type: target.resource_type.to_owned(),
                id: target.id.to_owned(),
                version: target.version.map(str::to_owned),
            }),
            (_, true) if check_primitive("uri", text) == Ok::<(), PrimitiveFault>(()) => {
                Some(Self::Uri(text.to_owned()))
            }
            _ => None,
        }
    }

    /// The same reference as seen by the server at `base`: its own absolute URLs become local.
    #[must_use]
    pub fn seen_from(self, own_base: &str) -> Self {
        match self {
            Self::Remote { base, resource_type, id, version }
                if base == own_base.trim_end_matches('/') =>
            {
                Self::Local { resource_type: Some(resource_type), id, version }
            }
            other => other,
        }
    }

    /// The type it names, if it names one.
    pub fn resource_type(&self) -> Option<&str> {
        match self {
            Self::Local { resource_type, .. } => resource_type.as_deref(),
            Self::Remote { resource_type, .. } => Some(resource_type),
            Self::Uri(_) | Self::Contained(_) => None,
        }
    }
}

/// As it is written in a resource.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self {
            Self::Local { resource_type: None, id, version } => {
                f.write_str(id)?;
                version
            }
            Self::Local { resource_type: Some(of), id, version } => {
                write!(f, "{of}/{id}")?;
                version
            }
            Self::Remote { base, resource_type, id, version } => {
                write!(f, "{base}/{resource_type}/{id}")?;
                version
            }
            Self::Uri(uri) => return f.write_str(uri),
            Self::Contained(name) => return write!(f, "#{name}"),
        };
        version.as_ref().map_or(Ok(()), |version| write!(f, "/_history/{version}"))
    }
}

/// `[before/]Type/id[/_history/version]`
struct Target<'t> {
    before: &'t str,
    resource_type: &'t str,
    id: &'t str,
    version: Option<&'t str>,
}

impl<'t> Target<'t> {
    fn at_end_of(definitions: &Definitions, text: &'t str) -> Option<Self> {
        let (text, version) = match text.rsplit_once("/_history/") {
            Some((_, version)) if !is_id(version) => return None,
            Some((text, version)) => (text, Some(version)),
            None => (text, None),
        };
        let (rest, id) = text.rsplit_once('/')?;
        let (before, resource_type) = rest.rsplit_once('/').unwrap_or(("", rest));
        (definitions.is_resource(resource_type) && is_id(id)).then_some(Self {
            before,
            resource_type,
            id,
            version,
        })
    }
}

fn is_http(base: &str) -> bool {
    let after = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    after.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
}

fn is_id(text: &str) -> bool {
    check_primitive("id", text).is_ok()
}
