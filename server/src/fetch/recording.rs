//! All rows behind one resource, with every column that its rule reads: what a test has to hold so
//! that the rule makes the same of it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use genkan_adapter::{ColumnKind, ColumnRef, JoinKind, Name, Row, SourceSchema, Value};
use genkan_mapping::SourceSchemas;
use genkan_mapping::emit::reference_key;
use genkan_mapping::plan::{ReadPlan, child_query, target_query};
use genkan_mapping::program::{Child, Place, RecordSet, Rule};
use genkan_mapping::reads;
use genkan_mapping::record::RawRow;

use super::{CONTAINED_DEPTH_MAX, Fetch, Fetched, limited};

impl Fetch<'_> {
    /// The rows of every resource that the plan finds: none if there is none, two if the key is not
    /// unique.
    pub async fn behind(
        &mut self,
        plan: &ReadPlan,
        schemas: &SourceSchemas,
    ) -> Fetched<Vec<Vec<RawRow>>> {
        let mut found = Vec::new();
        for row in self.wide(plan, schemas).await? {
            found.push(self.around(plan.rule, &row, schemas, 0).await?);
        }
        Ok(found)
    }

    async fn wide(&mut self, plan: &ReadPlan, schemas: &SourceSchemas) -> Fetched<Vec<Row>> {
        let rule = &self.rules.rules[plan.rule];
        let mut query = limited(&plan.query, 2);
        query.columns = widened(rule, Place::Root, schemas.at(rule.source)).columns;
        self.rows(plan.rule, &query).await
    }

    fn around<'f>(
        &'f mut self,
        index: usize,
        row: &'f Row,
        schemas: &'f SourceSchemas,
        depth: usize,
    ) -> BoxFuture<'f, Fetched<Vec<RawRow>>> {
        async move {
            let rules = self.rules;
            let rule = &rules.rules[index];
            let schema = schemas.at(rule.source);
            let mut found = apart(rule, &widened(rule, Place::Root, schema), row);
            for (at, child) in rule.children.iter().enumerate() {
                let set = widened(rule, Place::Child(at), schema);
                let wide = Child {
                    set: set.clone(),
                    link: child.link.clone(),
                    filter: child.filter.clone(),
                    order: child.order.clone(),
                };
                if let Some(query) = child_query(&wide, None, &[row]) {
                    for row in self.rows(index, &query).await? {
                        found.extend(apart(rule, &set, &row));
                    }
                }
            }
            if depth >= CONTAINED_DEPTH_MAX {
                return Ok(found);
            }
            for contained in &rule.contained {
                let reference = &contained.reference;
                let Some(key) = reference_key(rules, reference, row, None) else { continue };
                let Some(query) = target_query(rules, reference.rule, &[key]) else { continue };
                let plan = ReadPlan { rule: reference.rule, query, part: None };
                for row in self.wide(&plan, schemas).await? {
                    found.extend(self.around(reference.rule, &row, schemas, depth + 1).await?);
                }
            }
            Ok(found)
        }
        .boxed()
    }
}

/// What a SELECT reads, and behind that every other column that it names or that tells rows apart.
fn widened(rule: &Rule, place: Place, schema: &SourceSchema) -> RecordSet {
    let set = match place {
        Place::Root => &rule.root,
        Place::Child(index) => &rule.children[index].set,
    };
    let mut wide = set.clone();
    let named = reads::columns(rule).into_iter().filter(|(at, _)| *at == place);
    let keys =
        reads::tables(rule).into_iter().filter(|(at, _)| *at == place).flat_map(|(_, of)| {
            let table = schema.table(&of.table);
            let key = table.map_or(&[] as &[String], |table| &table.primary_key);
            let column =
                |name: &String| ColumnRef::new(of.alias.clone(), Name::from(name.as_str()));
            key.iter().map(column).collect::<Vec<_>>()
        });
    let carried = |column: &ColumnRef| {
        let of = reads::tables(rule).into_iter().find(|(_, table)| table.alias == column.alias);
        let known = of.and_then(|(_, of)| schema.table(&of.table)?.column(&column.column));
        known.is_some_and(|known| known.kind != ColumnKind::Unsupported)
    };
    for column in named.map(|(_, column)| column).chain(keys) {
        if !wide.columns.contains(&column) && carried(&column) {
            wide.columns.push(column);
        }
    }
    wide
}

/// The rows of the tables that one row of a SELECT was joined from.
fn apart(rule: &Rule, set: &RecordSet, row: &Row) -> Vec<RawRow> {
    let joined = set.joins.iter().map(|join| (&join.target, join.kind == JoinKind::Maybe));
    let tables = std::iter::once((&set.root, false)).chain(joined);
    let mut found = Vec::new();
    for (of, maybe) in tables {
        let cells = set.columns.iter().zip(row.values());
        let cells: Vec<(String, Value)> = cells
            .filter(|(column, _)| column.alias == of.alias)
            .map(|(column, value)| (column.column.to_string(), value.clone()))
            .collect();
        // No partner: all of it is NULL.
        if maybe && cells.iter().all(|(_, value)| value.is_null()) {
            continue;
        }
        found.push(RawRow { source: rule.source, table: of.table.to_string(), cells });
    }
    found
}
