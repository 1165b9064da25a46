//! Discriminators look at elements that there are: one that looks elsewhere never tells slices apart.

use super::{ElementRule, ProfileError, ProfileFault, Step, prune};
use crate::validation::shape::Shape;

/// Whether all do, as far as the types say which elements there are.
pub(super) fn check(root: &ElementRule, of_type: &str) -> Result<(), ProfileError> {
    children(root, Shape::of(of_type))
}

fn children(rule: &ElementRule, shape: Option<&'static Shape>) -> Result<(), ProfileError> {
    for (name, child) in &rule.children {
        let known = shape.and_then(|shape| prune::known(shape, name));
        let below = known.and_then(|known| prune::below(known, child));
        list(child, below)?;
    }
    Ok(())
}

fn list(rule: &ElementRule, shape: Option<&'static Shape>) -> Result<(), ProfileError> {
    for discriminator in rule.slicing.iter().flat_map(|slicing| &slicing.discriminators) {
        if !is_there(shape, &discriminator.path) {
            let fault = ProfileFault::Discriminator(discriminator.text.clone());
            return Err(ProfileError::new("", fault).at(&rule.id));
        }
    }
    children(rule, shape)?;
    rule.slices.iter().try_for_each(|(_, slice)| list(slice, shape))
}

fn is_there(shape: Option<&'static Shape>, path: &[Step]) -> bool {
    let mut at = shape;
    for step in path {
        // Behind a reference, an extension or a resource there may be anything.
        let (Some(shape), Step::Child(_, name)) = (at, step) else { return true };
        let Some(known) = prune::known(shape, name) else { return false };
        at = match known.variants.as_slice() {
            [only] if !only.is_resource => only.shape(),
            _ => None,
        };
    }
    true
}
