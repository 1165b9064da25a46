//! From the name of a function to what it does.

use super::{
    convert,
    error::{Fault, Needed},
    evaluate::{Evaluation, Failure, Scope},
    exactness,
    function::{Elements, Function, Surroundings},
    item::{Collection, Item},
    items, math, navigate, operator,
    place::Scalar,
    program::OperationId,
    resolve, text,
};

impl<'c: 'a, 'a> Evaluation<'c, 'a> {
    pub fn call(
        &self,
        function: Function,
        arguments: &[OperationId],
        input: Collection<'a>,
        scope: Scope<'_, 'a>,
        at: u32,
    ) -> Result<Collection<'a>, Failure> {
        if let Function::Lambda(lambda) = function {
            return self.lambda(lambda, arguments, input, scope, at);
        }
        let arguments = self.arguments(arguments, scope)?;
        let (arguments, budget) = (arguments.as_slice(), &self.budget);
        let result = match function {
            Function::Lambda(_) => Ok(input),
            Function::Items(name) => items::call(name, input, arguments, budget),
            Function::Elements(name) => self.elements(name, input, arguments),
            Function::Conversion(name) => convert::call(name, &input, arguments, budget),
            Function::Text(name) => text::call(name, &input, arguments, budget),
            Function::Math(name) => math::call(name, &input, arguments),
            Function::Exactness(name) => exactness::call(name, &input, arguments),
            Function::Surroundings(name) => self.surroundings(name, &input, arguments),
        };
        result.map_err(self.fail(at))
    }

    fn elements(
        &self,
        name: Elements,
        input: Collection<'a>,
        arguments: &[Collection<'a>],
    ) -> Result<Collection<'a>, Fault> {
        match name {
            Elements::Children => navigate::children(self, &input),
            Elements::Descendants => navigate::descendants(self, &input),
            Elements::Extension => match url(arguments)? {
                Some(url) => navigate::extensions(self, &input, &url),
                None => Ok(Collection::default()),
            },
            Elements::HasValue => Ok(Collection::of_boolean(Some(has_value(input.items())))),
            Elements::GetValue => match input.single()? {
                Some(Item::Node(node)) if node.is_primitive() => {
                    Ok(node.system_value()?.into_iter().collect())
                }
                Some(item) if item.system_type().is_some() => Ok(Collection::of(item.clone())),
                _ => Ok(Collection::default()),
            },
            Elements::CheckModifiers => {
                let mut known = Vec::new();
                for argument in arguments {
                    known.extend(operator::string(argument)?);
                }
                let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
                navigate::check_modifiers(self, input, &known)
            }
            Elements::Type => {
                Ok(input.items().iter().map(|item| Item::Type(item.type_name())).collect())
            }
        }
    }

    fn surroundings(
        &self,
        name: Surroundings,
        input: &Collection<'a>,
        arguments: &[Collection<'a>],
    ) -> Result<Collection<'a>, Fault> {
        let needed = |what: Needed| Fault::NotGiven { what };
        let now = || self.context.now.ok_or(needed(Needed::Clock));
        Ok(match name {
            Surroundings::Now => Collection::of(Item::Temporal(now()?)),
            Surroundings::Today => Collection::of(Item::Temporal(now()?.date())),
            Surroundings::TimeOfDay => Collection::of(Item::Temporal(now()?.time_of_day())),
            Surroundings::Resolve => resolve::targets(self, input)?,
            Surroundings::ConformsTo | Surroundings::MemberOf => {
                let (Some(item), Some(url)) = (input.single()?, url(arguments)?) else {
                    return Ok(Collection::default());
                };
                let (check, what) = match name {
                    Surroundings::ConformsTo => (self.context.profiles, Needed::Profiles),
                    _ => (self.context.terminology, Needed::Terminology),
                };
                let check = check.ok_or(needed(what))?;
                let answer = check(item, &url);
                let unknown = || Fault::UnknownCanonical { url: url.into_owned() };
                Collection::of_boolean(Some(answer.ok_or_else(unknown)?))
            }
            Surroundings::HtmlChecks => match input.single()? {
                Some(Item::Node(node)) if node.type_name().name == "xhtml" => {
                    let check = self.context.html_checks.ok_or(needed(Needed::HtmlChecks))?;
                    let answer = match node.scalar() {
                        Some(Scalar::Text(text)) => Some(check(text)),
                        _ => None,
                    };
                    Collection::of_boolean(answer)
                }
                _ => Collection::default(),
            },
        })
    }
}

/// Whether there is one item, and it has a value of FHIRPath's own types.
pub(super) fn has_value(items: &[Item<'_>]) -> bool {
    match items {
        [Item::Node(node)] => node.has_value(),
        [item] => item.system_type().is_some(),
        _ => false,
    }
}

fn url<'a>(arguments: &[Collection<'a>]) -> Result<Option<std::borrow::Cow<'a, str>>, Fault> {
    arguments.first().map_or(Ok(None), operator::string)
}
