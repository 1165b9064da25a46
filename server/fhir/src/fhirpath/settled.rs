//! When an invariant needs no evaluation: most begin with an element that most resources don't have,
//! and without it they are true (`contained.meta.empty()`, `period.exists() implies …`).

use super::{
    function::{Elements, Function, Items, Lambda, Surroundings},
    program::{Head, Operation, OperationId, Operator, Program, Step, StepKind},
};
use crate::names::Name;

/// The children of the focus without any one of which the expression is true.
pub(super) fn without(program: &Program) -> Box<[Name]> {
    let mut names: Vec<Name> = program.steps.iter().filter_map(name_of).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| truth(program, program.root, *name) == Some(true));
    names.into()
}

fn name_of(step: &Step) -> Option<Name> {
    match step.kind {
        StepKind::Child(name, _) => Some(name).filter(|name| *name != Name::OTHER),
        _ => None,
    }
}

/// The truth of an operation on a focus without this child, where nothing else can change it: it is
/// reached in the order of evaluation, and nothing on the way can fail.
fn truth(program: &Program, id: OperationId, absent: Name) -> Option<bool> {
    match program.operation(id) {
        Operation::Path { head: Head::This, steps } => {
            let (first, rest) = program.steps(steps).split_first()?;
            (name_of(first)? == absent).then(|| of_steps(program, Found::Nothing, rest))?
        }
        Operation::Path { head: Head::Operation(inner), steps } => {
            let inner = Found::Boolean(truth(program, *inner, absent)?);
            of_steps(program, inner, program.steps(steps))
        }
        Operation::Chain { first, links } => {
            let known = |id| truth(program, id, absent);
            let mut left = known(*first);
            let mut is_safe = left.is_some() || is_safe(program, *first);
            for link in program.links(links) {
                let right = known(link.right);
                left = match (link.operator, left, right) {
                    (Operator::And | Operator::Or | Operator::Implies, ..) if !is_safe => {
                        return None;
                    }
                    (Operator::And, Some(false), _) | (Operator::Or, Some(true), _) => left,
                    (Operator::And | Operator::Implies, Some(true), _)
                    | (Operator::Or, Some(false), _) => right,
                    (Operator::Implies, Some(false), _) => Some(true),
                    // The left one is asked, and doesn't matter.
                    (Operator::And, None, Some(false)) => right,
                    (Operator::Or | Operator::Implies, None, Some(true)) => right,
                    _ => return None,
                };
                is_safe = left.is_some();
            }
            left
        }
        _ => None,
    }
}

/// Whether evaluating an operation can't fail, and doesn't need what only some callers give: names, and a
/// question at their end.
fn is_safe(program: &Program, id: OperationId) -> bool {
    let Operation::Path { head: Head::This, steps } = program.operation(id) else { return false };
    let Some((last, before)) = program.steps(steps).split_last() else { return false };
    let is_question = match &last.kind {
        StepKind::Call { function, arguments } => {
            arguments.is_empty()
                && matches!(
                    function,
                    Function::Lambda(Lambda::Exists) | Function::Items(Items::Empty)
                )
        }
        _ => false,
    };
    is_question && before.iter().all(|step| matches!(step.kind, StepKind::Child(..)))
}

/// What the steps before have found.
enum Found {
    Nothing,
    Boolean(bool),
}

fn of_steps(program: &Program, start: Found, steps: &[Step]) -> Option<bool> {
    let mut found = start;
    for step in steps {
        found = match (found, &step.kind) {
            (Found::Nothing, kind) => of_nothing(program, kind)?,
            (Found::Boolean(truth), StepKind::Call { function, .. })
                if *function == Function::Items(Items::Not) =>
            {
                Found::Boolean(!truth)
            }
            (Found::Boolean(_), _) => return None,
        };
    }
    match found {
        Found::Boolean(truth) => Some(truth),
        Found::Nothing => None,
    }
}

/// What a step makes of nothing; `None` where it could fail, or isn't looked at here.
fn of_nothing(program: &Program, step: &StepKind) -> Option<Found> {
    let (function, arguments) = match step {
        StepKind::Child(..) | StepKind::As(_) | StepKind::OfType(_) => return Some(Found::Nothing),
        StepKind::Call { function, arguments } => (function, program.arguments(arguments)),
        _ => return None,
    };
    let is_literal = |id: &OperationId| matches!(program.operation(*id), Operation::Literal(_));
    match function {
        Function::Lambda(Lambda::Exists) => Some(Found::Boolean(false)),
        Function::Lambda(Lambda::All)
        | Function::Items(Items::Empty | Items::AllTrue | Items::IsDistinct) => {
            Some(Found::Boolean(true))
        }
        Function::Elements(Elements::HasValue) => Some(Found::Boolean(false)),
        Function::Lambda(Lambda::Where | Lambda::Select | Lambda::Trace)
        | Function::Items(Items::First | Items::Last | Items::Tail | Items::Distinct)
        | Function::Elements(Elements::Children | Elements::Descendants)
        | Function::Surroundings(Surroundings::Resolve) => Some(Found::Nothing),
        Function::Elements(Elements::Extension) if arguments.iter().all(is_literal) => {
            Some(Found::Nothing)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Context, Expression, Item, Node, Resolved};
    use crate::{definitions::Definitions, names::Name};

    #[test]
    fn an_expression_says_without_which_children_it_holds() {
        let cases: &[(&str, &[&str])] = &[
            ("contained.contained.empty()", &["contained"]),
            ("contained.all(meta.empty())", &["contained"]),
            ("contained.meta.id.empty() and contained.meta.security.empty()", &["contained"]),
            ("period.exists().not()", &["period"]),
            ("period.exists() implies start.exists()", &["period"]),
            ("value.empty() or component.where(code = 'x').empty()", &["component", "value"]),
            ("period.where(start > end).exists() implies false", &["period"]),
            ("extension('urn:x').exists() implies name.exists()", &[]),
            ("name.extension('urn:x').empty()", &["name"]),
            ("name.empty() and period.empty()", &[]),
            ("name.exists() or period.empty()", &["period"]),
            ("name.exists() implies period.empty()", &["name", "period"]),
            ("(name.exists() and period.exists()).not()", &["name", "period"]),
            // A left side that isn't known may fail before the right one is asked.
            ("name = 'x' or period.empty()", &[]),
            ("name.single().exists() or period.empty()", &[]),
            ("name.exists() xor period.exists()", &[]),
            ("start <= end", &[]),
            ("name.count() < 2", &[]),
            ("name.exists()", &[]),
            ("name.first() = 'x' implies period.exists()", &[]),
            ("name.take(period.toInteger()).empty()", &[]),
            ("%resource.contained.empty()", &[]),
            ("$this.period.empty()", &["period"]),
            ("name.where($this.period.empty()).empty()", &["name"]),
        ];
        for (text, expected) in cases {
            let expression = Expression::compile(text).expect(text);
            let mut expected: Vec<Name> = expected.iter().map(|name| Name::of(name)).collect();
            expected.sort_unstable();
            assert_eq!(expression.settled_without(), expected, "{text}");
        }
    }

    /// The oracle is the evaluation itself, of all of R4's invariants on all elements of these.
    #[test]
    fn what_is_settled_holds() {
        let contained = json!({"resourceType": "Specimen", "id": "s", "meta": {"versionId": "1"}});
        let resources = [
            json!({"resourceType": "Observation", "status": "final", "contained": [contained],
                "code": {"coding": [{"code": "a", "system": "urn:x"}]}, "specimen": {"reference": "#s"},
                "valueQuantity": {"value": 1, "comparator": "<"}, "dataAbsentReason": {"text": "x"},
                "referenceRange": [{"low": {"value": 1}}, {"text": "x"}], "effectivePeriod": {"start": "2026"}}),
            json!({"resourceType": "Patient", "name": [{"family": "山田"}, {}], "link": [{}],
                "contact": [{"gender": "female"}], "telecom": [{"value": "1"}],
                "extension": [{"url": "urn:x", "valueAge": {"value": 1}}]}),
            json!({"resourceType": "Bundle", "type": "document", "total": 1, "entry": [
                {"resource": {"resourceType": "Basic"}, "search": {"mode": "match"}}, {"link": []}]}),
            json!({"resourceType": "ValueSet", "compose": {"include": [{"concept": [{"code": "x"}]}, {}]},
                "expansion": {"contains": [{"display": "x"}]}}),
        ];
        let settled: usize = resources.iter().map(settled_in).sum();
        assert!(settled > 15, "{settled}");
    }

    fn settled_in(resource: &Value) -> usize {
        let root = Node::of_resource(resource).expect("a resource");
        let all = Expression::compile("descendants()").expect("an expression");
        let below = all.evaluate(&Context::of_node(root)).expect("elements");
        let nothing = |_: &str| Resolved::Nothing;
        let context = Context::of_node(root).with_resolver(&nothing).with_html_checks(&|_| true);
        let mut settled = 0;
        for node in std::iter::once(root).chain(below.items().iter().filter_map(Item::node)) {
            let has = |name: &str| {
                let child = Expression::compile(name).expect("a name");
                !child.evaluate(&Context::of_node(node)).expect("children").is_empty()
            };
            for invariant in Definitions::r4().invariants(node.type_path()) {
                let expression = Expression::compile(invariant.expression).expect("an invariant");
                let names = expression.settled_without().iter();
                let texts: Vec<&str> = Definitions::r4().element_names().collect();
                let text = |name: &Name| texts.iter().copied().find(|text| Name::of(text) == *name);
                if names.filter_map(text).any(|name| !has(name)) {
                    let holds = expression.holds(&context.at(node));
                    assert_eq!(holds, Ok(true), "{} {}", node.type_path(), invariant.expression);
                    settled += 1;
                }
            }
        }
        settled
    }
}
