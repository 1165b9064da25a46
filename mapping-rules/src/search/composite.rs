//! Composite parameters: several values that have to be met by one object, or by one repetition of an
//! element.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#composite>

use genkan_fhir::definitions::{Component, Definitions, ParameterPath, SearchParameter};

use super::derive::{Derived, Deriving, Override, Refusal, branch, nothing_emitted, paths};
use super::walk::{Around, Found, Trail, follow, follow_in};
use super::{Branch, PlaceKind};
use crate::diagnostic::Text;
use crate::program::{NodeKind, Property};

/// What the components look into.
enum Base<'a> {
    Resource,
    Element(Found<'a>, &'a [Property]),
}

/// One place for each object that a path finds.
pub(super) fn branches<'a>(deriving: &Deriving<'a>, definition: &'a SearchParameter) -> Derived {
    let mut found = Vec::new();
    for path in paths(definition)? {
        for base in bases(deriving, path) {
            let components = definition.components.iter();
            let places = components.map(|component| component_of(deriving, component, &base));
            match places.collect::<Result<Vec<_>, Refusal>>() {
                Ok(places) => found.push(base.branch(PlaceKind::Composite(places))),
                // Without one of its parts the object never matches.
                Err(Refusal { never_matches: true, .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
    }
    if found.is_empty() { Err(nothing_emitted()) } else { Ok(found) }
}

fn bases<'a>(deriving: &Deriving<'a>, path: &'a ParameterPath) -> Vec<Base<'a>> {
    if path.steps.is_empty() {
        return vec![Base::Resource];
    }
    let elements = follow(deriving.rows.rule, path).into_iter();
    let objects = elements.filter_map(|found| match &found.node.kind {
        NodeKind::Object { properties, .. } => Some(Base::Element(found, properties)),
        _ => None,
    });
    objects.collect()
}

impl<'a> Base<'a> {
    fn branch(&self, place: PlaceKind) -> Branch {
        match self {
            Base::Resource => Branch::whole(place),
            Base::Element(found, _) => branch(found, place, false),
        }
    }

    /// Seen from inside: what leads to the base is asked once, for all components.
    fn trail(&self) -> Trail<'a> {
        let Base::Element(Found { node, trail, .. }, _) = self else { return Trail::default() };
        let own = Around { node, each: trail.each };
        Trail { each: trail.each, disappears: node.from_row.then_some(own), ..Trail::default() }
    }
}

/// The places of one component in a base.
fn component_of<'a>(deriving: &Deriving<'a>, component: &'a Component, base: &Base<'a>) -> Derived {
    let rule = deriving.rows.rule;
    let Some(parameter) = Definitions::r4().search_parameter_of_id(component.parameter) else {
        let en = format!("its part `{}` is no search parameter of R4", component.parameter);
        let ja = format!("構成要素「{}」が R4 にありません", component.parameter);
        return Err(Text::new(en, ja).into());
    };
    if let (Some(over), Base::Resource) = (deriving.overrides.get(parameter.code), base) {
        let code = parameter.code;
        return match over {
            Override::Off => {
                let en = format!("its part `{code}` is switched off by the rule (`search:`)");
                let ja = format!("構成要素「{code}」が規則の search: で無効にされています");
                Err(Text::new(en, ja).into())
            }
            Override::Column(_) => deriving.answerable(deriving.places_of(parameter)?),
        };
    }
    let paths = component
        .paths
        .as_deref()
        .map_err(|outside| Text::new(outside.to_string(), "検索パラメータの式が対応範囲外です"))?;
    let object = match base {
        Base::Resource => (rule.resource.as_str(), rule.emit.as_slice()),
        Base::Element(found, properties) => (found.node.type_path.as_str(), *properties),
    };
    let mut places = Vec::new();
    for path in paths {
        for found in follow_in(object, &path.steps, &base.trail()) {
            deriving.places(parameter.kind, path, &found, &mut places)?;
        }
    }
    deriving.answerable(places)
}
