//! Why a question about codes has no answer, for a person. Codes and statuses are in the table of errors.

use genkan_mapping::Text;
use genkan_mapping::terminology::{Holding, Unanswered};

/// Systems that are named here are ours, and never what a client wrote.
pub fn message(unanswered: &Unanswered) -> Text {
    match unanswered {
        Unanswered::UnknownSystem => Text::new(
            "this code system is not known here; `CodeSystem` lists those that are",
            "このコード体系はここにありません。CodeSystem の検索で一覧できます",
        ),
        Unanswered::NotLoaded { system, masters } => not_loaded(system, masters),
        Unanswered::UnknownValueSet => Text::new(
            "this value set is not known here; `ValueSet` lists those that are",
            "この値集合はここにありません。ValueSet の検索で一覧できます",
        ),
        Unanswered::UnknownMap => Text::new(
            "this code map is not known here; `ConceptMap` lists those that are",
            "このコード対応表はここにありません。ConceptMap の検索で一覧できます",
        ),
        Unanswered::NoSuchCode { system, holding } => no_such_code(system, *holding),
        Unanswered::OtherVersion { here: Some(version), earlier } => {
            other_version(version, earlier)
        }
        Unanswered::OtherVersion { here: None, .. } => {
            Text::new("it has no versions here", "ここでは版がありません")
        }
        Unanswered::NoHierarchy { system } => Text::new(
            format!("no master that is loaded says which code of {system} is above which"),
            format!("{system} の上下関係を示すマスタは取り込まれていません"),
        ),
        Unanswered::NoWay => Text::new(
            "no code map leads from this code system to that one",
            "このコード体系からその体系へのコード対応表はありません",
        ),
        Unanswered::TooCostly { codes_max } => Text::new(
            format!(
                "it has more than {codes_max} codes; ask for pages with `count` and `offset`, or `filter`"
            ),
            format!(
                "コードが {codes_max} 件を超えます。count と offset で分けるか filter で絞ってください"
            ),
        ),
    }
}

fn other_version(version: &str, earlier: &[String]) -> Text {
    if earlier.is_empty() {
        return Text::new(
            format!("only version {version} is here"),
            format!("ここにあるのは版 {version} だけです"),
        );
    }
    let days = earlier.join(", ");
    Text::new(
        format!(
            "version {version} is here, and of those before it {days}; or ask for a day with `date`"
        ),
        format!(
            "ここにある版は {version} と、それより前の {days} です。date で日を指定することもできます"
        ),
    )
}

fn not_loaded(system: &str, masters: &[genkan_masters::Kind]) -> Text {
    let words: Vec<&str> = masters.iter().map(|master| master.word()).collect();
    if words.is_empty() {
        return Text::new(
            format!("nothing is loaded for {system}, so that nothing can be said of its codes"),
            format!("{system} のコード表は取り込まれていないため、判定できません"),
        );
    }
    let words = words.join(", ");
    Text::new(
        format!(
            "the master of {system} is not loaded, so that nothing can be said of its codes; \
             import {words} with `genkan codes import`"
        ),
        format!(
            "{system} のマスタが取り込まれていないため、判定できません。`genkan codes import` で\
             {words} を取り込んでください"
        ),
    )
}

fn no_such_code(system: &str, holding: Holding) -> Text {
    match holding {
        Holding::Part => Text::new(
            format!("{system}: not among the codes that are here, which are a part of all"),
            format!("{system}: ここにあるコード（全体の一部）にはありません"),
        ),
        Holding::Whole | Holding::Nothing => Text::new(
            format!("{system} has no such code"),
            format!("{system} にこのコードはありません"),
        ),
    }
}
