//! How a parameter may be asked beside its plain form: the modifiers that R4 has for its type, each
//! answered exactly or withheld with the reason, and the prefixes.
//!
//! Spec: <https://hl7.org/fhir/R4/search.html#modifiers>

use std::sync::Arc;

use genkan_fhir::definitions::{ParameterType, SearchParameter};
use genkan_fhir::search::{Modifier, Prefix};

use super::derive::{Derived, Deriving, Refusal, branch, paths};
use super::places::{coded_text, identifier_of, texts_of_tokens, types_of_identifiers};
use super::probe::{probe, probe_form};
use super::walk::{Found, follow};
use super::{Answer, Branch, Form, PlaceKind};
use crate::diagnostic::Text;
use crate::program::NodeKind;

/// The prefixes that every parameter of a type answers.
pub fn prefixes(kind: ParameterType) -> &'static [Prefix] {
    match kind {
        ParameterType::Date | ParameterType::Number | ParameterType::Quantity => &Prefix::ALL,
        _ => &[],
    }
}

/// R4's modifiers; resource types stand for themselves.
fn modifiers(kind: ParameterType) -> &'static [Modifier] {
    use Modifier::{
        Above, Below, Contains, Exact, Identifier, In, Missing, Not, NotIn, OfType, Text,
    };
    match kind {
        ParameterType::String => &[Missing, Exact, Contains, Text],
        ParameterType::Token => &[Missing, Not, Text, OfType, Above, Below, In, NotIn],
        ParameterType::Reference => &[Missing, Identifier, Above, Below],
        ParameterType::Uri => &[Missing, Below, Above],
        ParameterType::Date | ParameterType::Number | ParameterType::Quantity => &[Missing],
        ParameterType::Composite | ParameterType::Special => &[],
    }
}

/// Each modifier of a parameter with these places of its own.
pub(super) fn forms<'a>(
    deriving: &Deriving<'a>,
    definition: &'a SearchParameter,
    own: &[Branch],
) -> Vec<Form> {
    let deriving = Forming { deriving, definition, own };
    let form = |modifier: &Modifier| Form {
        modifier: modifier.clone(),
        answer: deriving.answer(modifier).unwrap_or_else(|refusal| match refusal {
            Refusal { reason, never_matches: true } => Answer::Never(reason),
            Refusal { reason, .. } => Answer::Withheld(reason),
        }),
    };
    modifiers(definition.kind).iter().map(form).collect()
}

/// Some modifier has places of its own, so that the parameter finds something.
pub(super) fn find_something(forms: &[Form]) -> bool {
    let elsewhere = |form: &&Form| matches!(form.answer, Answer::Elsewhere(_));
    forms.iter().filter(elsewhere).any(|form| form.modifier != Modifier::Missing)
}

struct Forming<'d, 'a> {
    deriving: &'d Deriving<'a>,
    definition: &'a SearchParameter,
    own: &'d [Branch],
}

impl<'a> Forming<'_, 'a> {
    fn answer(&self, modifier: &Modifier) -> Result<Answer, Refusal> {
        match (modifier, self.definition.kind) {
            (Modifier::Missing, _) => self.elements().map(Answer::Elsewhere),
            (Modifier::Text, ParameterType::Token) => {
                self.elsewhere(texts, "the element has no text beside its codes", "文字列")
            }
            (Modifier::OfType, _) => self.elsewhere(types, "the identifier has no type", "型"),
            (Modifier::Identifier, _) => {
                let en = "the reference has no identifier: it is made of a row's key";
                self.elsewhere(identifiers, en, "identifier")
            }
            (Modifier::Text, _) => Err(Refusal::from(Text::new(
                "it needs an index of all words, which the source does not have",
                "全文検索の索引がないため対応していません",
            ))),
            (Modifier::Above | Modifier::Below, ParameterType::Token) => {
                Err(Refusal::from(Text::new(
                    "it needs the hierarchy of the code system, which is not here; list the codes",
                    "コード体系の階層が必要なため対応していません。コードを列挙してください",
                )))
            }
            (Modifier::Above | Modifier::Below, ParameterType::Reference) => {
                Err(Refusal::from(Text::new(
                    "the hierarchy of resources is not followed; list the resources",
                    "リソースの階層はたどれません。リソースを列挙してください",
                )))
            }
            (Modifier::In | Modifier::NotIn, _) => Err(Refusal::from(Text::new(
                "it needs the codes of value sets, which are not here; list the codes",
                "値集合の展開が必要なため対応していません。コードを列挙してください",
            ))),
            _ => self.same(modifier),
        }
    }

    /// By the parameter's own places.
    fn same(&self, modifier: &Modifier) -> Result<Answer, Refusal> {
        if self.own.is_empty() {
            return Err(nothing("the element holds no value", "値"));
        }
        let rows = self.deriving.rows;
        for branch in self.own {
            match modifier {
                Modifier::Not => probe(rows, branch, true).map(drop)?,
                _ => probe_form(rows, branch, modifier)?,
            }
        }
        Ok(Answer::Same)
    }

    /// Where the elements themselves are, whatever they hold.
    fn elements(&self) -> Derived {
        if matches!(self.definition.code, "_id" | "_lastUpdated") {
            return Ok(self.own.to_vec());
        }
        let places = self.element_places()?;
        match self.deriving.answerable(places) {
            // A column that is named for an element which the rule does not write stands for it.
            Err(Refusal { never_matches: true, .. })
                if self.own.iter().any(|branch| branch.stated) =>
            {
                Ok(self.own.to_vec())
            }
            // No resource is without it, whatever the source can be asked.
            Err(Refusal { never_matches: false, .. }) if self.is_required() => {
                Ok(vec![Branch::whole(PlaceKind::Id)])
            }
            answered => answered,
        }
    }

    /// The parameter looks at an element of the resource without which a row is none.
    fn is_required(&self) -> bool {
        let required = &self.deriving.rows.rule.required;
        paths(self.definition).is_ok_and(|paths| {
            paths.iter().any(|path| match path.steps.as_slice() {
                [step] => {
                    let whole = step.of_type.is_none() && step.filter.is_none();
                    whole && path.target.is_none() && required.contains(&step.name)
                }
                _ => false,
            })
        })
    }

    fn element_places(&self) -> Result<Vec<Branch>, Refusal> {
        let rule = self.deriving.rows.rule;
        let mut places = Vec::new();
        for path in paths(self.definition)? {
            if path.exists {
                let en = "the parameter has a value in every resource, true or false";
                let ja = "この項目は必ず true か false の値を持ちます";
                return Err(Text::new(en, ja).into());
            }
            for found in follow(rule, path) {
                let mut push = |found: &Found, place, constant| {
                    places.push(branch(found, place, constant));
                };
                match (&found.node.kind, found.beyond) {
                    (NodeKind::Coded(coded), Some("text")) => {
                        coded_text(&found, coded, &mut push);
                    }
                    (NodeKind::Reference(to), _) if !self.deriving.is_target(path, to.rule) => {}
                    // Only what resolves has a type.
                    (NodeKind::Object { .. } | NodeKind::Primitive { .. }, _)
                        if path.target.is_some() => {}
                    _ => {
                        let place = PlaceKind::Element(Arc::new(found.node.clone()));
                        push(&found, place, !found.node.from_row);
                    }
                }
            }
        }
        // Every row declares the profile of its rule.
        if rule.profile.is_some() && self.definition.code == "_profile" {
            places.extend(self.own.iter().cloned());
        }
        Ok(places)
    }

    fn elsewhere(
        &self,
        look: impl Fn(&Found<'a>, &mut dyn FnMut(&Found, PlaceKind, bool)) -> Result<(), Text>,
        en: &str,
        ja: &str,
    ) -> Result<Answer, Refusal> {
        if self.own.iter().any(|branch| branch.stated) {
            return Err(Refusal::from(Text::new(
                "the rule names a column for this parameter, of which only the value is known",
                "規則の search: が列を指定しており、値以外は分かりません",
            )));
        }
        let mut places = Vec::new();
        for path in paths(self.definition)?.iter().filter(|path| path.target.is_none()) {
            for found in follow(self.deriving.rows.rule, path) {
                let mut push = |found: &Found, place, constant| {
                    places.push(branch(found, place, constant));
                };
                look(&found, &mut push)?;
            }
        }
        match self.deriving.answerable(places) {
            Ok(places) => Ok(Answer::Elsewhere(places)),
            Err(Refusal { never_matches: true, .. }) => Err(nothing(en, ja)),
            Err(refusal) => Err(refusal),
        }
    }
}

type Push<'p> = &'p mut dyn FnMut(&Found, PlaceKind, bool);

fn texts(found: &Found, mut push: Push) -> Result<(), Text> {
    texts_of_tokens(found, &mut push);
    Ok(())
}

fn types(found: &Found, mut push: Push) -> Result<(), Text> {
    types_of_identifiers(found, &mut push)
}

fn identifiers(found: &Found, mut push: Push) -> Result<(), Text> {
    identifier_of(found, &mut push)
}

fn nothing(en: &str, what: &str) -> Refusal {
    let ja = format!("この要素に検索対象の{what}がありません");
    Refusal { reason: Text::new(en, ja), never_matches: true }
}
