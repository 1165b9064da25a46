//! `$use`: a template of `fragments/` with the values that its place gives it.

use std::collections::BTreeSet;

use super::{Arguments, EmitCompiler, Slot};
use crate::compile::fragments::parameters;
use crate::compile::structure::{Entries, text};
use crate::diagnostic::{Diagnostic, Span};
use crate::expression::{Expression, ExpressionKind as K};
use crate::program::Node;
use crate::yaml::{Key, Yaml, YamlKind};

/// Fragments inside fragments.
const DEPTH_MAX: usize = 8;

impl EmitCompiler<'_, '_> {
    /// `$use: name` with its arguments under `with`; further keys are added to the fragment's.
    pub(super) fn fragment(
        &mut self,
        yaml: &Yaml,
        entries: &[(Key, Yaml)],
        slot: Slot,
    ) -> Option<Node> {
        let (_, name_yaml) = entries.iter().find(|(key, _)| key.name == "$use")?;
        let name = self.complain(text(name_yaml))?.to_owned();
        let shared = self.shared;
        let Some(body) = shared.fragments.get(&name) else {
            if shared.broken.fragments {
                return None;
            }
            let en = format!("there is no fragment `{name}`");
            let ja = format!("断片「{name}」がありません");
            let known = shared.fragments.keys().map(String::as_str);
            self.found
                .push(Diagnostic::error("E0516", name_yaml.span, en, ja).nearest(&name, known));
            return None;
        };
        if self.fragments.contains(&name) || self.fragments.len() >= DEPTH_MAX {
            let en = format!("fragment `{name}` uses itself, or too many others");
            let ja = format!("断片「{name}」の参照が循環しているか、深すぎます");
            self.found.push(Diagnostic::error("E0517", name_yaml.span, en, ja));
            return None;
        }
        let given = entries.iter().find(|(key, _)| key.name == "with").map(|(_, given)| given);
        let arguments = given.map_or(Ok(Vec::new()), |given| self.arguments(given));
        let arguments = self.complain(arguments)?;
        let extra = entries
            .iter()
            .filter(|(key, _)| !matches!(key.name.as_str(), "$use" | "with" | "$if" | "$each"));
        let extra = extra.map(|(key, value)| Ok((key.clone(), self.closed(value)?))).collect();
        let extra: Vec<(Key, Yaml)> = self.complain(extra)?;
        let known = parameters(body);
        let body = self.with_more(yaml.span, body, extra)?;
        self.check_arguments((&name, name_yaml.span), given, &known, &parameters(&body))?;
        let outer = std::mem::replace(&mut self.arguments, arguments);
        self.fragments.push(name);
        let node = self.node(&body, slot);
        self.fragments.pop();
        self.arguments = outer;
        node
    }

    /// The fragment with the keys that its use adds or replaces.
    fn with_more(&mut self, span: Span, body: &Yaml, extra: Vec<(Key, Yaml)>) -> Option<Yaml> {
        let Some((first, _)) = extra.first() else { return Some(body.clone()) };
        let Some(entries) = body.as_map() else {
            let en = "the fragment is a single value, to which nothing can be added";
            let ja = "この断片は単一の値のため、要素を追加できません";
            self.found.push(Diagnostic::error("E0511", first.span, en, ja));
            return None;
        };
        let kept = entries.iter().filter(|(key, _)| !extra.iter().any(|(e, _)| e.name == key.name));
        let kept: Vec<(Key, Yaml)> = kept.cloned().collect();
        Some(Yaml { span, kind: YamlKind::Map(kept.into_iter().chain(extra).collect()) })
    }

    /// Each `with.` of the fragment has a value, and each value a `with.`: both are said where the
    /// fragment is used, because that is where they are mended.
    fn check_arguments(
        &mut self,
        (name, span): (&str, Span),
        given: Option<&Yaml>,
        known: &BTreeSet<String>,
        needed: &BTreeSet<String>,
    ) -> Option<()> {
        let given = given.and_then(Yaml::as_map).unwrap_or_default();
        for (key, _) in given.iter().filter(|(key, _)| !known.contains(&key.name)) {
            let en = format!("fragment `{name}` has no `with.{}`", key.name);
            let ja = format!("断片「{name}」に「with.{}」はありません", key.name);
            let known = known.iter().map(String::as_str);
            self.found.push(Diagnostic::error("E0325", key.span, en, ja).nearest(&key.name, known));
        }
        let missing = needed.iter().filter(|name| !given.iter().any(|(key, _)| key.name == **name));
        let mut complete = Some(());
        for parameter in missing {
            let en = format!("this `$use` gives no value for `with.{parameter}`");
            let ja = format!("この $use は「with.{parameter}」に値を渡していません");
            self.found.push(Diagnostic::error("E0321", span, en, ja));
            complete = None;
        }
        complete
    }

    fn arguments(&self, yaml: &Yaml) -> Result<Arguments, Diagnostic> {
        let entries = Entries::of(yaml)?;
        entries.iter().map(|(key, value)| Ok((key.name.clone(), self.written(value)?))).collect()
    }

    /// The same text with the arguments of the fragment that it stands in: what a fragment adds to
    /// another must not see the other's.
    fn closed(&self, yaml: &Yaml) -> Result<Yaml, Diagnostic> {
        let kind = match &yaml.kind {
            YamlKind::List(items) => {
                let items: Result<_, _> = items.iter().map(|item| self.closed(item)).collect();
                YamlKind::List(items?)
            }
            YamlKind::Map(entries) => {
                let closed = |(key, value): &(Key, Yaml)| Ok((key.clone(), self.closed(value)?));
                YamlKind::Map(entries.iter().map(closed).collect::<Result<_, Diagnostic>>()?)
            }
            YamlKind::Scalar { .. } if yaml.as_expression().is_some() => {
                YamlKind::Bound(self.written(yaml)?)
            }
            other => other.clone(),
        };
        Ok(Yaml { span: yaml.span, kind })
    }

    /// A value as it is written, with the arguments of the fragment around it put in.
    pub(super) fn written(&self, yaml: &Yaml) -> Result<Expression, Diagnostic> {
        let written = match yaml.expression() {
            // Bound already, where it was written.
            Some(bound) if matches!(yaml.kind, YamlKind::Bound(_)) => return bound,
            Some(written) => written?,
            None => self.constant(yaml)?,
        };
        written.bind(&mut |name, span| {
            if name.qualifier != "with" {
                return Ok(Expression { kind: K::Name(name.clone()), span });
            }
            let given = self.arguments.iter().find(|(argument, _)| *argument == name.name);
            given.map(|(_, value)| value.clone()).ok_or_else(|| {
                let en = "`with.` names a value of a fragment, and this stands in none";
                let ja = "with. は断片の中でだけ使えます";
                Diagnostic::error("E0321", span, en, ja)
            })
        })
    }
}
