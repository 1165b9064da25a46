//! What a search would ask of its sources, without asking for a row: for `__explain` and
//! `genkan rules explain`.

use genkan_adapter::{RowQuery, Statement};
use genkan_mapping::plan::SearchPlan;

use super::{Fetch, Fetched, limited};

/// One statement of a page.
#[derive(Debug)]
pub struct Explained {
    /// The id of the rule.
    pub rule: String,
    /// `None` of a source without a query language.
    pub statement: Option<Statement>,
    /// How the database would run it, and the rows that it expects to match in all.
    pub database: Option<DatabasePlan>,
}

#[derive(Debug)]
pub struct DatabasePlan {
    /// Or why it says nothing: the account may not be allowed to ask.
    pub lines: Fetched<Vec<String>>,
    pub rows_expected: Option<u64>,
}

impl Fetch<'_> {
    /// The statements of the scans; what children and includes are asked depends on the rows. Without
    /// `ask` the databases are left alone.
    pub async fn explain(&mut self, plan: &SearchPlan, ask: bool) -> Vec<Explained> {
        let mut all = Vec::with_capacity(plan.scans.len());
        for scan in &plan.scans {
            let rule = &self.rules.rules[scan.rule];
            let query = limited(&scan.query, plan.count + 1);
            let source = self.sources.at(rule.source);
            let statement = source.adapter().explain(&query);
            let database = match ask {
                true => Some(self.database_plan(scan.rule, &query).await),
                false => None,
            };
            all.push(Explained { rule: rule.id.clone(), statement, database });
        }
        all
    }

    /// Two statements, which read no row of the hospital.
    async fn database_plan(&mut self, rule: usize, query: &RowQuery) -> DatabasePlan {
        let source = self.sources.at(self.rules.rules[rule].source);
        let lines = self.ask(source, source.adapter().database_plan(query), |_| 0).await;
        let all = RowQuery { limit: None, ..query.clone() };
        let expected = self.ask(source, source.adapter().estimate(&all), |_| 0).await;
        DatabasePlan { lines, rows_expected: expected.ok().flatten() }
    }
}
