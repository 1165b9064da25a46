//! Code maps against the masters: is each code one of its system, until when, by which name, and do the
//! codes of one house code belong together.

use chrono::{Days, NaiveDate};
use genkan_masters::{Crosswalk, Fact, Kind, Standing, Unchecked, system};

use super::Target;
use super::table::{Row, RowProblem, Rows};
use super::together::{Disagreement, disagreements};
use crate::diagnostic::Text;

/// How far the rows of one target could be compared with the masters. What could not be is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub map: String,
    pub target: String,
    pub system: String,
    pub rows: usize,
    /// Rows whose code is one of the system.
    pub known: usize,
    /// Rows about which nothing that is loaded can tell, by the reason.
    pub unchecked: Vec<(Text, usize)>,
}

/// Compares the rows of a map; without any master there is nothing to compare with but the letters of
/// a code.
pub(crate) fn verify(
    map: &str,
    targets: &[Target],
    rows: &Rows,
    masters: &Crosswalk<'_>,
) -> (Vec<RowProblem>, Vec<Compared>) {
    let mut compared: Vec<Compared> = targets
        .iter()
        .map(|Target { id, system, .. }| Compared {
            map: map.to_owned(),
            target: id.clone(),
            system: system.clone(),
            rows: 0,
            known: 0,
            unchecked: Vec::new(),
        })
        .collect();
    let mut of = Verify { targets, masters, problems: Vec::new() };
    for rows in rows.values() {
        for row in rows.iter().filter(|row| !row.derived) {
            if let Some(place) = targets.iter().position(|target| target.id == row.target) {
                of.row((row, rows), &targets[place], &mut compared[place]);
            }
        }
        let wrong = disagreements(targets, rows, masters);
        of.problems.extend(wrong.iter().map(disagreement));
    }
    (of.problems, compared)
}

struct Verify<'a, 'm> {
    targets: &'a [Target],
    masters: &'a Crosswalk<'m>,
    problems: Vec<RowProblem>,
}

impl Verify<'_, '_> {
    fn row(&mut self, (row, all): (&Row, &[Row]), target: &Target, compared: &mut Compared) {
        compared.rows += 1;
        match self.masters.standing(&target.system, &row.code) {
            Standing::Known(fact) => {
                compared.known += 1;
                self.days(row, target, &fact);
                self.display(row, &fact);
                self.parts((row, all), target);
                self.item(row, target);
            }
            Standing::Unknown => self.unknown(row, target),
            Standing::Elsewhere(of) => self.elsewhere(row, target, of),
            Standing::Unchecked(why) => {
                let text = reason(why);
                match compared.unchecked.iter_mut().find(|(known, _)| *known == text) {
                    Some((_, count)) => *count += 1,
                    None => compared.unchecked.push((text, 1)),
                }
            }
        }
    }

    /// The code has ended while the row holds, or begins only after it.
    fn days(&mut self, row: &Row, target: &Target, fact: &Fact) {
        let code = &row.code;
        let next = fact.until.and_then(|last| last.checked_add_days(Days::new(1)));
        if let (Some(last), Some(next)) = (fact.until, next)
            && row.until.is_none_or(|until| next < until)
        {
            let en = format!("`{code}` was in use until {last}, and the row holds longer");
            let ja = format!("「{code}」は {last} で廃止されましたが、この行はその後も有効です");
            let (hint, hint_ja) = self.ending(&target.system, code, (last, next));
            self.problems.push(RowProblem::new(row.code_at, "W0621", en, ja).hint(hint, hint_ja));
        }
        if let (Some(first), Some(until)) = (fact.from, row.until)
            && until <= first
        {
            let en = format!("`{code}` is in use from {first} on, after the row has ended");
            let ja = format!("「{code}」は {first} からのコードで、この行の期間には使えません");
            self.problems.push(RowProblem::new(row.code_at, "W0629", en, ja).hint(
                "give the code that was in use then, or mend valid_to",
                "当時のコードにするか、valid_to を直します",
            ));
        }
    }

    fn ending(
        &self,
        of: &str,
        code: &str,
        (last, next): (NaiveDate, NaiveDate),
    ) -> (String, String) {
        let successors = self.masters.successors(of, code, next);
        match successors.iter().find(|successor| successor.named) {
            Some(to) => (
                format!(
                    "valid_to {last}, and a row from {next} on with `{}` {}, which follows it",
                    to.code, to.name
                ),
                format!(
                    "valid_to を {last} とし、移行先「{} {}」の行を {next} から追加します",
                    to.code, to.name
                ),
            ),
            None => (
                format!("valid_to {last}, and a row from {next} on with the code that follows it"),
                format!("valid_to を {last} とし、後継のコードの行を {next} から追加します"),
            ),
        }
    }

    fn display(&mut self, row: &Row, fact: &Fact) {
        let (Some(display), Some(name)) = (&row.display, fact.names.first()) else { return };
        if fact.names.contains(display) {
            return;
        }
        let en = format!("the display is `{display}`, and the master's is `{name}`");
        let ja = format!("表示名「{display}」がマスタの「{name}」と異なります");
        let mut problem = RowProblem::new(row.display_at, "W0623", en, ja);
        let differing = display.chars().zip(name.chars()).position(|(own, other)| own != other);
        if let Some(place) = differing
            && display.chars().count() == name.chars().count()
            && let (Some(own), Some(other)) = (display.chars().nth(place), name.chars().nth(place))
        {
            // They may look the same.
            let (own, other) = (u32::from(own), u32::from(other));
            let at = place + 1;
            problem = problem.hint(
                format!("character {at} is U+{own:04X}, and U+{other:04X} there"),
                format!("{at} 文字目が U+{own:04X}（マスタでは U+{other:04X}）です"),
            );
        }
        self.problems.push(problem);
    }

    /// A name with modifiers, for which the code of the disease alone stands.
    fn parts(&mut self, (row, all): (&Row, &[Row]), target: &Target) {
        let Some(name) = row.name.as_ref().filter(|_| target.system == system::DISEASE_KEY) else {
            return;
        };
        let split = self.masters.split(name).filter(|split| split.has_modifiers());
        let Some(split) = split.filter(|split| split.disease.key == row.code) else { return };
        let places: Vec<&Target> =
            self.targets.iter().filter(|target| target.extension.is_some()).collect();
        let is_there = |key: &str| {
            let own = |other: &&Row| other.code == key && other.meets(row);
            all.iter().filter(own).any(|other| places.iter().any(|of| of.id == other.target))
        };
        let modifiers = split.prefixes.iter().chain(&split.suffixes);
        let list: Vec<String> = modifiers
            .filter(|part| !is_there(&part.key))
            .map(|part| format!("{} ({})", part.name, part.key))
            .collect();
        if list.is_empty() {
            return;
        }
        let (list, base) = (list.join(", "), &split.disease.name);
        let en = format!("`{name}` is `{base}` with {list}, which this code leaves out");
        let ja = format!(
            "「{name}」は「{base}」に修飾語 {list} が付いた病名ですが、コードに含まれません"
        );
        let ids: Vec<&str> = places.iter().map(|target| target.id.as_str()).collect();
        let ids = ids.join(", ");
        let problem = RowProblem::new(row.code_at, "W0628", en, ja);
        self.problems.push(match ids.is_empty() {
            true => problem.hint(
                "give the map targets with `extension:` for 接頭語 and 接尾語, and a row for each",
                "接頭語・接尾語の target（extension: 付き）を定義し、それぞれの行を追加します",
            ),
            false => problem.hint(
                format!("add a row for each, with the target that it belongs to ({ids})"),
                format!("それぞれの行を追加します（target: {ids}）"),
            ),
        });
    }

    /// A code of the service's items under JLAC's own system.
    fn item(&mut self, row: &Row, target: &Target) {
        let systems: &[&str] = match target.system.as_str() {
            system::JLAC10 => &[system::CORE_JLAC10, system::INFECTION_JLAC10],
            system::JLAC11 => &[system::CORE_JLAC11, system::INFECTION_JLAC11],
            _ => return,
        };
        for of in systems {
            let Standing::Known(fact) = self.masters.standing(of, &row.code) else { continue };
            let (code, name) = (&row.code, fact.names.first().map_or("", String::as_str));
            let en = format!("`{code}` is the item `{name}` of the service, whose system is {of}");
            let ja = format!(
                "「{code}」は電子カルテ情報共有サービスの項目「{name}」で、system は {of} です"
            );
            let problem = RowProblem::new(row.code_at, "W0630", en, ja);
            self.problems.push(self.with_target(problem, of));
            return;
        }
    }

    fn unknown(&mut self, row: &Row, target: &Target) {
        let (code, of) = (&row.code, &target.system);
        let en = format!("`{code}` is in no loaded master of {of}");
        let ja = format!("「{code}」は {of} のマスタにありません");
        let problem = RowProblem::new(row.code_at, "W0620", en, ja);
        // Any code that ends in ZZZ may be an ingredient's: that helps nobody.
        let mut others = self.masters.systems_of(code).into_iter();
        let problem = match others.find(|of| *of != system::INGREDIENT) {
            Some(other) => self.with_target(problem, other),
            None => problem.hint(
                "mend the code, or import the master that has it",
                "コードを直すか、新しいマスタを取り込みます",
            ),
        };
        self.problems.push(problem);
    }

    fn elsewhere(&mut self, row: &Row, target: &Target, of: &str) {
        let (code, own) = (&row.code, &target.system);
        let en = format!("`{code}` is a code of {of}, not of {own}");
        let ja = format!("「{code}」は {of} のコードで、{own} のものではありません");
        let problem = RowProblem::new(row.code_at, "E0622", en, ja);
        self.problems.push(self.with_target(problem, of));
    }

    /// Names the target of the map that has this system, if there is one.
    fn with_target(&self, problem: RowProblem, of: &str) -> RowProblem {
        match self.targets.iter().find(|target| target.system == of) {
            Some(Target { id, .. }) => problem.hint(
                format!("target `{id}` of this map has that system"),
                format!("この対応表では target「{id}」がその体系です"),
            ),
            None => problem.hint(
                format!("it is a code of {of}: give the map a target with that system"),
                format!("{of} のコードです。その system の target を対応表に加えます"),
            ),
        }
    }
}

fn disagreement(found: &Disagreement<'_>) -> RowProblem {
    let Disagreement { target, row, of, other, given } = found;
    let given = given.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let (code, line) = (&other.code, other.line);
    let (id, of, own) = (&target.id, &of.id, &row.code);
    let en = format!(
        "`{code}` ({of}, line {line}) has the {id} code {given} by the master, not `{own}`"
    );
    let ja = format!(
        "マスタでは「{code}」（{of}、{line} 行目）の {id} は {given} で、「{own}」ではありません"
    );
    RowProblem::new(row.code_at, "W0624", en, ja)
        .hint("mend one of the two rows", "どちらかの行を直します")
}

fn reason(why: Unchecked) -> Text {
    let words = |kinds: &[Kind], or: &str| {
        kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(or)
    };
    match why {
        Unchecked::NotLoaded(kinds) => Text::new(
            format!("master {} is not loaded", words(kinds, " or ")),
            format!("マスタ {} が取り込まれていません", words(kinds, "・")),
        ),
        Unchecked::Partial([]) => Text::new(
            "the loaded masters hold only a part of this system",
            "取り込んだマスタはこの体系の一部だけです",
        ),
        Unchecked::Partial(kinds) => Text::new(
            format!(
                "master {} is not loaded, and the others hold only a part",
                words(kinds, " or ")
            ),
            format!("マスタ {} が取り込まれておらず、他のマスタは一部だけです", words(kinds, "・")),
        ),
        Unchecked::NoMaster => {
            Text::new("there is no master of this system", "この体系のマスタはありません")
        }
    }
}
