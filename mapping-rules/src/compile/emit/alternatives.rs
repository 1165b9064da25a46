//! `$first`: one element from the first of several sources that has data, as when a row belongs to a
//! visit or to an admission and each is another rule.
//!
//! Each alternative becomes a property of its own whose condition excludes those before it. So the
//! emitter and the search see nothing new, and a search follows every alternative.

use super::EmitCompiler;
use crate::diagnostic::Diagnostic;
use crate::expression::{Expression, ExpressionKind as K};
use crate::grammar::FIRST;
use crate::program::{Node, Property, Term};
use crate::search::appears;
use crate::yaml::{Key, Yaml};

impl EmitCompiler<'_, '_> {
    pub(super) fn alternatives(
        &mut self,
        type_path: &str,
        key: &Key,
        yaml: &Yaml,
    ) -> Vec<Property> {
        self.only(yaml, &[FIRST]);
        let items = yaml.get(FIRST).and_then(Yaml::as_list).unwrap_or_default();
        if items.len() < 2 {
            let en = "`$first` holds a list of two or more alternatives";
            let ja = "$first には 2 つ以上の候補のリストが必要です";
            self.found.push(Diagnostic::error("E0524", yaml.span, en, ja));
            return Vec::new();
        }
        let mut properties: Vec<Property> = Vec::with_capacity(items.len());
        let mut earlier: Vec<Term> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let Some(mut property) = self.property(type_path, key, item) else { continue };
            let there = is_there(&property.node);
            if there.is_none() && index + 1 < items.len() {
                let en = "this alternative is always there, so those behind it never are";
                let ja = "この候補は常に値を持つため、後の候補は使われません";
                self.found.push(Diagnostic::error("E0524", item.span, en, ja));
            }
            let own = property.node.condition.take();
            property.node.condition = all(earlier.iter().cloned().chain(own).collect());
            earlier.extend(there.map(negated));
            properties.push(property);
        }
        properties
    }
}

/// The alternative is there: its `$if` holds and it has data. `None`: always.
fn is_there(node: &Node) -> Option<Term> {
    all(node.condition.iter().cloned().chain(appears(node)).collect())
}

fn negated(term: Term) -> Term {
    let span = term.span;
    Expression { kind: K::Not(Box::new(term)), span }
}

fn all(mut terms: Vec<Term>) -> Option<Term> {
    match terms.len() {
        0 | 1 => terms.pop(),
        _ => {
            let span = terms[0].span;
            Some(Expression { kind: K::And(terms), span })
        }
    }
}
