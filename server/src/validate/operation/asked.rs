//! What a call asks for, from its address and its Parameters.

use genkan_fhir::validation::Node;

use crate::error::{Error, Refusal};
use crate::terminology::Given;

const MODE: &str = "mode";
const PROFILE: &str = "profile";
const RESOURCE: &str = "resource";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub mode: Option<Mode>,
    /// The canonical of a profile beside those that the resource claims.
    pub profile: Option<String>,
}

/// `http://hl7.org/fhir/resource-validation-mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Create,
    Update,
    Delete,
    Profile,
}

impl Mode {
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Profile];

    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Profile => "profile",
        }
    }

    /// It asks whether something may be done that is never done here.
    pub fn writes(self) -> bool {
        self != Self::Profile
    }
}

impl Asked {
    /// # Errors
    /// Everything that is wrong with the call.
    pub fn of(mut given: Given) -> Result<Self, Error> {
        let mode = given.text(MODE);
        let known = mode
            .as_deref()
            .and_then(|mode| Mode::ALL.into_iter().find(|known| known.name() == mode));
        if mode.is_some() && known.is_none() {
            let (en, ja) = (
                "has to be create, update, delete or profile",
                "は create、update、delete、profile のいずれかです",
            );
            given.refuse(MODE, Refusal::Invalid, en, ja);
        }
        let profile = given.text(PROFILE);
        if known == Some(Mode::Profile) && profile.is_none() {
            let (en, ja) =
                ("is needed for the mode `profile`", "は mode が profile のとき必要です");
            given.refuse(PROFILE, Refusal::Invalid, en, ja);
        }
        given.end()?;
        Ok(Asked { mode: known, profile })
    }
}

/// The resource that Parameters hold.
pub fn resource_in<'t>(parameters: Node<'t>) -> Option<Node<'t>> {
    let mut all = parameters.all("parameter");
    let one = all.find(|one| one.child_text("name") == Some(RESOURCE))?;
    one.child(RESOURCE)
}

/// Everything else that they hold.
pub fn others_in(parameters: Node<'_>, given: &mut Given) {
    for one in parameters.all("parameter") {
        let name = one.child_text("name").unwrap_or_default();
        if name == RESOURCE && one.child(RESOURCE).is_some() {
            continue;
        }
        let value = one.children().find(|child| child.name().starts_with("value"));
        given.add(name, value.and_then(Node::text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminology::of_query;

    fn asked(pairs: &[(&str, &str)]) -> Result<Asked, Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Asked::of(of_query(pairs.collect())).map_err(|error| match error {
            Error::Parameters(refused) => refused.into_iter().map(|one| one.message.en).collect(),
            other => vec![other.code().to_owned()],
        })
    }

    #[test]
    fn what_is_asked_for_is_said_by_mode_and_profile() {
        let nothing = Asked { mode: None, profile: None };
        assert_eq!(asked(&[]), Ok(nothing.clone()));
        assert_eq!(asked(&[("_format", "json")]), Ok(nothing));
        let by_profile = Asked { mode: Some(Mode::Profile), profile: Some("http://p".to_owned()) };
        assert_eq!(asked(&[("mode", "profile"), ("profile", "http://p")]), Ok(by_profile));
    }

    #[test]
    fn a_call_that_nobody_understands_is_refused_with_everything_that_is_wrong() {
        for (pairs, said) in [
            (&[("mode", "destroy")][..], &["mode: has to be create"][..]),
            (&[("mode", "profile")], &["profile: is needed"]),
            (&[("profile", "a"), ("profile", "b")], &["profile: may stand once"]),
            (
                &[("usageContext", "x"), ("mode", "")],
                &["mode: has to be a text", "usageContext: not a"],
            ),
        ] {
            let refused = asked(pairs).expect_err("refused");
            let alike = refused.iter().zip(said).all(|(one, said)| one.starts_with(said));
            assert!(alike && refused.len() == said.len(), "{pairs:?}: {refused:?}");
        }
    }
}
