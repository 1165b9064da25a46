//! `one`, `maybe` and `many`: how a table hangs on those before it.

use genkan_adapter::{
    ColumnKind, ColumnRef, Comparison, Join, JoinKind, Operand, Order, Predicate, TableAlias,
};

use super::{Alias, Result, Scope};
use crate::compile::structure::{Entries, text_list};
use crate::diagnostic::{Diagnostic, Span};
use crate::emit::column_name;
use crate::expression::{self, Expression, ExpressionKind};
use crate::image;
use crate::program::{Child, ColumnUse, Place, RecordSet, Term};
use crate::yaml::Yaml;

impl<'a> Scope<'a> {
    pub(super) fn join(
        &mut self,
        alias: &str,
        mut entry: Alias<'a>,
        target: TableAlias,
        entries: &Entries,
        span: Span,
    ) -> Result<()> {
        let kinds = ["one", "maybe", "many"].map(|kind| entries.get(kind).map(|yaml| (kind, yaml)));
        let mut given = kinds.into_iter().flatten();
        let (Some((kind, conditions)), None) = (given.next(), given.next()) else {
            let en = "a joined table needs exactly one of `one`, `maybe`, `many`";
            let ja = "結合する表には one / maybe / many のいずれか 1 つが必要です";
            return Err(Diagnostic::error("E0407", span, en, ja));
        };
        let pairs = self.conditions(&entry, conditions)?;
        let child = pairs.iter().find_map(|(_, right)| match place_of(right) {
            Some(Place::Child(index)) => Some(index),
            _ => None,
        });
        if kind == "many" {
            if child.is_some() {
                let en = "`many` inside `many` is not part of the language";
                let ja = "many の中に many は書けません";
                return Err(Diagnostic::error("E0408", span, en, ja)
                    .hint("make a rule of its own", "別の規則に分けてください"));
            }
            return self.open_child(alias, entry, target, entries, pairs);
        }
        if pairs.is_empty() {
            let en = format!("`{kind}` needs a condition, or every row would match every other");
            let ja = format!("{kind} に結合条件がありません");
            return Err(Diagnostic::error("E0409", conditions.span, en, ja));
        }
        if entries.get("valid").is_none() {
            let columns: Vec<&str> = pairs.iter().map(|((column, _), _)| column.as_str()).collect();
            self.check_single((&entry.table_name, entry.table), &columns, conditions.span);
        }
        entry.place = child.map_or(Place::Root, Place::Child);
        let place = entry.place;
        for (_, right) in &pairs {
            self.same_select(place, right)?;
        }
        self.aliases.insert(alias.to_owned(), entry);
        let mut on = Predicate::TRUE;
        for (left, right) in pairs {
            let left = self.plain_column(alias, &left)?;
            on = on.and(equality(&left, &right)?);
        }
        if let Some(condition) = self.condition(entries.get("where"), place)? {
            on = on.and(condition);
        }
        if entries.get("at").or(entries.get("valid")).is_some() {
            let valid = entries.required("valid")?;
            on = on.and(self.validity(alias, valid, entries)?);
        }
        let kind = if kind == "one" { JoinKind::One } else { JoinKind::Maybe };
        self.set_of(place).joins.push(Join { kind, target, on });
        Ok(())
    }

    /// A joined table belongs to one SELECT, and a column of another is not there.
    pub(super) fn same_select(&self, place: Place, term: &Term) -> Result<()> {
        let mut elsewhere = None;
        term.names(&mut |column| {
            if column.place != place {
                elsewhere = Some(column_name(column));
            }
        });
        let Some(column) = elsewhere else { return Ok(()) };
        let (en, ja) = match place {
            Place::Root => ("the root".to_owned(), "根の表".to_owned()),
            Place::Child(index) => {
                let alias = &self.children[index].set.root.alias;
                (format!("`{alias}`"), format!("「{alias}」"))
            }
        };
        let en = format!("this table is joined to {en} and its SELECT can't see `{column}`");
        let ja = format!("この表は{ja}の SELECT に結合されるため「{column}」は使えません");
        Err(Diagnostic::error("E0410", term.span, en, ja).hint(
            "join it with columns of one `many` table, or of the root's SELECT alone",
            "結合条件と at には、1 つの many の表か、根の SELECT の列だけを使います",
        ))
    }

    /// `COL = alias.COL` or `COL = "constant"`, in the names of the joined table.
    fn conditions(&mut self, entry: &Alias, yaml: &Yaml) -> Result<Vec<((String, Span), Term)>> {
        let mut pairs = Vec::new();
        for (text, span) in text_list(yaml)? {
            let sides = text.split_once('=').filter(|(_, right)| !right.starts_with('='));
            let Some((left, right)) = sides else {
                let en = "a join condition is written `COLUMN = alias.COLUMN`";
                let ja = "結合条件は「列 = 別名.列」と書きます";
                return Err(Diagnostic::error("E0409", span, en, ja));
            };
            let offset = left.chars().count() + 1;
            let right = expression::parse(right, span.part(offset, right.chars().count()))?;
            let own = |e: &Expression| matches!(&e.kind, ExpressionKind::Name(n) if n.qualifier == *entry.name);
            if own(&right) {
                let en = "the right side must name another table, or be a quoted constant";
                let ja = "右辺には他の表の列か、引用符付きの定数を書きます";
                return Err(Diagnostic::error("E0409", span, en, ja));
            }
            let right = self.resolve(&right)?;
            pairs
                .push(((left.trim().to_owned(), span.part(0, left.trim().chars().count())), right));
        }
        Ok(pairs)
    }

    fn open_child(
        &mut self,
        alias: &str,
        mut entry: Alias<'a>,
        target: TableAlias,
        entries: &Entries,
        pairs: Vec<((String, Span), Term)>,
    ) -> Result<()> {
        let index = self.children.len();
        entry.place = Place::Child(index);
        self.aliases.insert(alias.to_owned(), entry);
        let set = RecordSet { root: target, joins: Vec::new(), columns: Vec::new() };
        let (filter, order) = (Predicate::TRUE, Vec::new());
        self.children.push(Child { set, link: Vec::new(), filter, order });
        for ((column, span), right) in pairs {
            let left = self.column(alias, &column, span)?;
            match right.kind {
                ExpressionKind::Name(parent) => {
                    same_kind(&left, &parent, span)?;
                    self.children[index].link.push((left.index, parent));
                }
                _ => {
                    let condition = equality(&self.plain_column(alias, &(column, span))?, &right)?;
                    self.and_child_filter(index, condition);
                }
            }
        }
        if self.children[index].link.is_empty() {
            let span = entries.get("many").map_or(Span::default(), |yaml| yaml.span);
            let en = "`many` needs a column of the parent to join on";
            return Err(Diagnostic::error(
                "E0409",
                span,
                en,
                "many に親の列との結合条件が必要です",
            ));
        }
        if let Some(condition) = self.condition(entries.get("where"), Place::Child(index))? {
            self.and_child_filter(index, condition);
        }
        if let Some(order) = entries.get("order") {
            for (column, span) in text_list(order)? {
                let column = self.plain_column(alias, &(column, span))?.0;
                self.children[index].order.push(Order::new(column, false));
            }
        }
        Ok(())
    }

    fn and_child_filter(&mut self, index: usize, condition: Predicate) {
        let child = &mut self.children[index];
        child.filter = std::mem::replace(&mut child.filter, Predicate::TRUE).and(condition);
    }
}

fn place_of(term: &Term) -> Option<Place> {
    match &term.kind {
        ExpressionKind::Name(column) => Some(column.place),
        _ => None,
    }
}

fn equality((left, kind): &(ColumnRef, ColumnKind), right: &Term) -> Result<Predicate> {
    let operand = match &right.kind {
        ExpressionKind::Name(column) => {
            let left = ColumnUse { column: left.clone(), kind: *kind, ..column.clone() };
            same_kind(&left, column, right.span)?;
            Operand::Column(column.column.clone())
        }
        ExpressionKind::Text(text) => match image::value_of_kind(*kind, text) {
            Some(value) => Operand::Value(value),
            None => {
                let en = format!("the constant does not fit the type of `{}`", left.column);
                let ja = format!("定数が列「{}」の型に合いません", left.column);
                return Err(Diagnostic::error("E0405", right.span, en, ja));
            }
        },
        _ => {
            let en = "a join compares with a column or a constant";
            let ja = "結合条件に書けるのは列か定数だけです";
            return Err(Diagnostic::error("E0409", right.span, en, ja));
        }
    };
    let left = Operand::Column(left.clone());
    Ok(Predicate::Compare { left, comparison: Comparison::Equal, right: operand })
}

/// Text joins text, numbers join numbers: a database would refuse the rest at the first request.
fn same_kind(left: &ColumnUse, right: &ColumnUse, span: Span) -> Result<()> {
    if image::comparable(left.kind, right.kind) {
        return Ok(());
    }
    let (a, b) = (&left.column.column, &right.column.column);
    let en = format!("`{a}` and `{b}` have types that can't be compared");
    let ja = format!("列「{a}」と「{b}」は型が異なり比較できません");
    Err(Diagnostic::error("E0405", span, en, ja))
}
