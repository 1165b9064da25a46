//! A disease with modifiers, for maps that show these as extensions.

use genkan_masters::{Masters, read};

use super::*;
use crate::codemap::{LocalEmit, Unmapped, UnmappedPolicy, UnmappedSeverity};
use crate::diagnostic::Span;

const JP_CORE: &str = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/";

fn line(columns: usize, fields: &[(usize, &str)]) -> String {
    let value = |number| fields.iter().find(|(own, _)| *own == number).map_or("", |(_, text)| text);
    let all: Vec<String> = (1..=columns).map(|number| format!("\"{}\"", value(number))).collect();
    all.join(",") + "\n"
}

fn day() -> NaiveDate {
    "2026-04-01".parse().expect("a day")
}

/// 胃炎 with 急性 and の疑い: of the receipt masters, or 急性 and の疑い of MEDIS.
fn suggester(is_medis: bool) -> Suggester {
    let open = (24, "99999999");
    let disease = [(1, "0"), (3, "8830001"), (6, "胃炎"), (11, "20050001"), (16, "K297"), open];
    let modifier = |code, name, key, exchange, kind| {
        let own = [(1, "0"), (3, code), (7, name), (16, "99999999")];
        line(19, &[&own[..], &[(17, key), (18, exchange), (19, kind)]].concat())
    };
    let medis = |key, name, exchange, code, kind| {
        line(10, &[(1, "0"), (2, key), (3, name), (5, exchange), (7, kind), (9, code)])
    };
    let modifiers = match is_medis {
        false => {
            modifier("4012", "急性", "27000225", "1051", "A1")
                + &modifier("8002", "の疑い", "27000001", "8002", "A8")
        }
        true => {
            medis("27000225", "急性", "1051", "4012", "A1")
                + &medis("27000001", "の疑い", "8002", "8002", "A8")
        }
    };
    let name = if is_medis { "mdfy500.txt" } else { "z_1.txt" };
    let mut masters = Masters::default();
    for (name, text) in [("b_1.txt", line(46, &disease)), (name, modifiers)] {
        let reading = read(name, text.as_bytes()).unwrap_or_else(|why| panic!("{name}: {why}"));
        let hash = *blake3::hash(text.as_bytes()).as_bytes();
        masters.apply(&reading, (name, hash, day())).expect(name);
    }
    Suggester::new(Arc::new(Store::open(masters.pack()).expect("packed")))
}

/// A map of diseases with these targets: id, system, extension.
fn map(targets: &[(&str, &str, Option<&str>)]) -> CodeMap {
    let target = |(id, system, extension): &(&str, &str, Option<&str>)| Target {
        id: (*id).to_owned(),
        system: (*system).to_owned(),
        only_if_none: Vec::new(),
        derive: None,
        extension: extension.map(str::to_owned),
    };
    let unmapped = Unmapped {
        policy: UnmappedPolicy::Warn,
        severity: UnmappedSeverity::Warning,
        codings: Vec::new(),
        by: Vec::new(),
    };
    let local = ("urn:l".to_owned(), LocalEmit::Always);
    let targets = targets.iter().map(target).collect();
    CodeMap::new("disease".to_owned(), Span::default(), local, targets, unmapped)
}

fn found(suggester: &Suggester, map: &CodeMap, name: &str) -> Vec<(String, String, String)> {
    let house =
        HouseCode { code: "X1".to_owned(), names: vec![name.to_owned()], ..HouseCode::default() };
    let all = suggester.suggest(map, &house, (1, 0.01), day());
    let word = |one: &Suggestion| one.candidate.reasons.first().map_or("", Reason::word).to_owned();
    let mut all: Vec<_> =
        all.iter().map(|one| (one.target.clone(), one.candidate.code.clone(), word(one))).collect();
    all.sort();
    all
}

fn expected(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    let owned = |(a, b, c): &(&str, &str, &str)| ((*a).into(), (*b).into(), (*c).into());
    all.iter().map(owned).collect()
}

#[test]
fn each_modifier_is_proposed_for_the_extension_that_it_belongs_to() {
    let (prefix, suffix) = (
        format!("{JP_CORE}JP_Condition_DiseasePrefixModifier"),
        format!("{JP_CORE}JP_Condition_DiseasePostfixModifier"),
    );
    let (disease, key) = (system::DISEASE_KEY, system::MODIFIER_KEY);
    let exchange = system::MODIFIER_EXCHANGE;
    let own = ("medis", "20050001", "parts");
    for is_medis in [false, true] {
        let suggester = suggester(is_medis);
        let two = [("pre", key, Some(&*prefix)), ("post", key, Some(&*suffix))];
        let two = map(&[&[("medis", disease, None)], &two[..]].concat());
        assert_eq!(
            found(&suggester, &two, "急性胃炎の疑い"),
            expected(&[own, ("post", "27000001", "part"), ("pre", "27000225", "part")]),
        );
        assert_eq!(
            found(&suggester, &two, "急性胃炎"),
            expected(&[own, ("pre", "27000225", "part")]),
        );
        let plain = found(&suggester, &two, "胃炎");
        assert_eq!(plain, expected(&[("medis", "20050001", "exact-name")]));
        // An extension that says neither has both, in the codes of its own system.
        let both = map(&[("medis", disease, None), ("any", exchange, Some("urn:any"))]);
        assert_eq!(
            found(&suggester, &both, "急性胃炎の疑い"),
            expected(&[("any", "1051", "part"), ("any", "8002", "part"), own]),
        );
        // Who has no place for modifiers is not given any.
        let none = map(&[("medis", disease, None)]);
        assert_eq!(found(&suggester, &none, "急性胃炎の疑い"), expected(&[own]));
    }
}
