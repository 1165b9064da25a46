//! Codes that follow from others by a master: people map once, to one target, and the rest is looked up.

use chrono::{Days, NaiveDate};
use genkan_masters::{Crosswalk, Standing};

use super::table::{Row, RowProblem, Rows};
use super::{Derive, Target};

/// Adds the rows that the masters make of the rows that are there. A house code whose file has a row
/// for the target is left alone: somebody has decided.
pub(crate) fn complete(
    targets: &[Target],
    rows: &mut Rows,
    masters: &Crosswalk<'_>,
) -> Vec<RowProblem> {
    let mut problems = Vec::new();
    for target in targets {
        let Some(derive) = &target.derive else { continue };
        let Some(from) = targets.iter().find(|known| known.id == derive.from) else { continue };
        if !masters.has(derive.table) {
            continue;
        }
        let way = Way { from, derive, target, masters };
        for rows in rows.values_mut() {
            if rows.iter().any(|row| row.target == target.id) {
                continue;
            }
            let starts: Vec<&Row> = rows.iter().filter(|row| row.target == derive.from).collect();
            let made = starts.into_iter().filter_map(|row| way.follow(row, &mut problems));
            let made: Vec<Row> = made.collect();
            rows.extend(made);
        }
    }
    problems
}

struct Way<'a, 'm> {
    from: &'a Target,
    derive: &'a Derive,
    target: &'a Target,
    masters: &'a Crosswalk<'m>,
}

/// A code that a master gives, with the day after its last one.
struct Candidate {
    code: String,
    names: Vec<String>,
    end: Option<NaiveDate>,
    /// The masters of its own system don't deny it.
    is_code: bool,
}

impl Way<'_, '_> {
    fn follow(&self, row: &Row, problems: &mut Vec<RowProblem>) -> Option<Row> {
        let mut candidates = self.candidates(row);
        let first = candidates.first().map(|candidate| candidate.code.clone());
        candidates.retain(|candidate| candidate.is_code);
        if let (Some(code), true) = (first, candidates.is_empty()) {
            problems.push(self.unknown(row, &code));
            return None;
        }
        if candidates.len() > 1 {
            // One master code for several products: the name that was written down decides.
            let display = row.display.as_ref();
            let named = |candidate: &Candidate| {
                display.is_some_and(|display| candidate.names.contains(display))
            };
            if candidates.iter().filter(|candidate| named(candidate)).count() == 1 {
                candidates.retain(named);
            }
        }
        if candidates.len() > 1 {
            problems.push(self.several(row, &candidates));
            return None;
        }
        let Candidate { code, names, end, .. } = candidates.pop()?;
        let until = match (row.until, end) {
            (Some(row), Some(end)) => Some(row.min(end)),
            (row, end) => row.or(end),
        };
        if until != row.until {
            problems.push(self.ends(row, &code, until));
        }
        Some(Row {
            target: self.target.id.clone(),
            code,
            version: None,
            display: names.into_iter().next().or_else(|| row.display.clone()),
            until,
            derived: true,
            ..row.clone()
        })
    }

    /// What the master gives, without what had ended before the row begins.
    fn candidates(&self, row: &Row) -> Vec<Candidate> {
        let start = (self.from.system.as_str(), row.code.as_str());
        let codes = self.masters.codes(self.derive.table, start, &self.target.system);
        let with_days = codes.into_iter().map(|code| {
            let standing = self.masters.standing(&self.target.system, &code);
            let is_code = !matches!(standing, Standing::Unknown | Standing::Elsewhere(_));
            let (names, last) = match standing {
                Standing::Known(fact) => (fact.names, fact.until),
                _ => (Vec::new(), None),
            };
            let end = last.and_then(|last| last.checked_add_days(Days::new(1)));
            Candidate { code, names, end, is_code }
        });
        let all: Vec<Candidate> = with_days.collect();
        let lasts = |candidate: &Candidate| {
            candidate.end.is_none_or(|end| row.from.is_some_and(|from| from < end))
        };
        // An ended code is right for old data, where nothing else is there.
        match all.iter().any(|candidate| candidate.end.is_none()) {
            true => all.into_iter().filter(lasts).collect(),
            false => all,
        }
    }

    fn several(&self, row: &Row, candidates: &[Candidate]) -> RowProblem {
        let (code, id, table) = (&row.code, &self.target.id, self.derive.table.word());
        let list: Vec<&str> = candidates.iter().map(|one| one.code.as_str()).collect();
        let list = list.join(", ");
        let en =
            format!("master `{table}` gives `{code}` several `{id}` codes ({list}): none is taken");
        let ja = format!(
            "マスタ「{table}」では「{code}」に複数の「{id}」コード（{list}）があるため、どれも使いません"
        );
        RowProblem::new(row.code_at, "W0625", en, ja).hint(
            format!("choose one: add a row with target `{id}`"),
            format!("target を「{id}」とする行を追加して 1 つを選びます"),
        )
    }

    /// The masters are of different ages.
    fn unknown(&self, row: &Row, code: &str) -> RowProblem {
        let (own, id, table) = (&row.code, &self.target.id, self.derive.table.word());
        let of = &self.target.system;
        let en = format!(
            "master `{table}` gives `{own}` the `{id}` code `{code}`, which is in no loaded master of {of}: \
             it is not taken"
        );
        let ja = format!(
            "マスタ「{table}」による「{own}」の「{id}」コード「{code}」は {of} のマスタにないため、使いません"
        );
        RowProblem::new(row.code_at, "W0620", en, ja).hint(
            "import the newer of the two masters, or give the code in a row",
            "古い方のマスタを更新するか、コードを行で指定します",
        )
    }

    fn ends(&self, row: &Row, code: &str, until: Option<NaiveDate>) -> RowProblem {
        let last = until.and_then(|until| until.pred_opt());
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        let (id, table) = (&self.target.id, self.derive.table.word());
        let en =
            format!("the `{id}` code `{code}` that master `{table}` gives was in use until {last}");
        let ja =
            format!("マスタ「{table}」による「{id}」コード「{code}」は {last} で廃止されています");
        RowProblem::new(row.code_at, "W0621", en, ja).hint(
            "nothing is shown for it afterwards; give the code that takes its place in a row",
            "以後このコードは出力されません。後継のコードを行で指定します",
        )
    }
}
