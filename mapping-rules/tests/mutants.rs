//! Broken on purpose: for each constraint of the profiles, and of R4, that an official example meets,
//! the example is broken in just that place, and must be refused; and changed where it is left free,
//! and must stay valid. The label is known by construction.
//!
//! The examples lie in `../shared`, or where `GENKAN_SHARED` says; without them this skips.
//! `GENKAN_MUTANTS_DIR=FOLDER` writes what was made under the oldest guide to it, for another validator
//! to judge: a folder for each profile, and `mutants.tsv` with a line for each file: its name, the
//! profile that it is to be held against, `broken` or `free`, and what was done to which example.

#[path = "mutants/base.rs"]
mod base;
#[path = "mutants/broken.rs"]
mod broken;
#[path = "mutants/corpus.rs"]
mod corpus;
#[path = "mutants/free.rs"]
mod free;
#[path = "mutants/kind.rs"]
mod kind;
#[path = "mutants/known.rs"]
mod known;
#[path = "mutants/place.rs"]
mod place;
#[path = "mutants/rules.rs"]
mod rules;
#[path = "mutants/twins.rs"]
mod twins;

use std::collections::{BTreeMap, BTreeSet};

use broken::Spot;
use corpus::Corpus;
use genkan_fhir::validation::Report;
use kind::{Kind, Mutant};
use known::{Known, examples, known};
use place::{Place, Step, at};
use serde_json::Value;

/// The oldest guide, which the official examples are made for, and the newest.
const GUIDES: [&str; 2] = ["1.5.3", "1.12.0"];
/// Of a thousand.
const KILLED_MIN: usize = 990;
/// Those that are refused for the reason that they were broken for, of a thousand.
const TOLD_MIN: usize = 990;

#[derive(Default)]
struct Score {
    all: usize,
    right: usize,
    told: usize,
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.right += other.right;
        self.told += other.told;
    }
}

/// The resources of a document that claim a profile that is known.
fn claims(known: &Known, document: &Value) -> Vec<(Place, String)> {
    let mut places: Vec<Place> = vec![Vec::new()];
    let key = |name: &str| Step::Key(name.to_owned());
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    for index in 0..count(&document["entry"]) {
        places.push(vec![key("entry"), Step::At(index), key("resource")]);
    }
    for place in places.clone() {
        let contained = count(&at(document, &place)["contained"]);
        let one = |index| [place.as_slice(), &[key("contained"), Step::At(index)]].concat();
        places.extend((0..contained).map(one));
    }
    let claimed = |place: Place| {
        let url = at(document, &place)["meta"]["profile"][0].as_str()?;
        let url = url.split('|').next()?.to_owned();
        known.elements.contains_key(&url).then_some((place, url))
    };
    places.into_iter().filter_map(claimed).collect()
}

/// All changes of one document.
fn changes(
    known: &Known,
    spoken: &free::Spoken,
    document: &Value,
    seen: &mut base::Seen,
) -> Vec<Mutant> {
    let mut made = twins::whole(document);
    for (base, url) in claims(known, document) {
        for id in known.elements[&url].keys() {
            let spot = Spot { known, url: &url, id, document, base: &base };
            let all = broken::mutants(spot).into_iter().chain(twins::twins(spot));
            // Twice at each element says what there is to say.
            made.extend(all.filter(|one| {
                let what =
                    format!("{} {}", one.what, if one.kind.stays_valid() { "" } else { "profile" });
                seen.is_new(&url, one.kind, &what)
                    || seen.is_new(&url, one.kind, &format!("{what} again"))
            }));
        }
        if base.is_empty() {
            made.extend(base::mutants(known, document, seen));
            made.extend(free::twins(spoken, document, seen));
        }
    }
    made
}

/// Whether one of the errors, or of what follows from it, has a code of this kind.
fn is_told(report: &Report, kind: &Kind) -> bool {
    let errors = report.findings.iter().filter(|one| one.is_error());
    let mut all = errors.flat_map(|one| std::iter::once(one).chain(&one.consequences));
    all.any(|one| kind.told.contains(&one.id()))
}

/// Changes the examples that are valid under a guide, and counts what is said of them.
fn judge(
    guide: &str,
    examples: &[(String, Value)],
) -> (BTreeMap<&'static str, Score>, Vec<String>) {
    let known = known(guide);
    let mut corpus = if guide == GUIDES[0] { Corpus::of_environment() } else { Corpus::default() };
    let (mut scores, mut wrong) = (BTreeMap::<&str, Score>::new(), Vec::new());
    let (spoken, mut seen) = (free::Spoken::of(&known), base::Seen::default());
    for (file, document) in examples {
        let claimed = document["meta"]["profile"][0].as_str().unwrap_or_default();
        let url = claimed.split('|').next().unwrap_or_default();
        if !known.elements.contains_key(url) || !known.validate(document, url).is_valid() {
            continue;
        }
        for mutant in changes(&known, &spoken, document, &mut seen) {
            corpus.add(url, file, &mutant);
            let Mutant { what, kind, document } = mutant;
            let report = known.validate(&document, url);
            let is_right = report.is_valid() == kind.stays_valid();
            let is_told = is_told(&report, kind);
            let score = scores.entry(kind.name).or_default();
            score.all += 1;
            score.right += usize::from(is_right);
            score.told += usize::from(is_told);
            if !is_right || !kind.stays_valid() && !is_told {
                let said = report.findings.iter().find(|one| one.is_error());
                let said = said.map(|one| format!("{} {}", one.id(), one.english()));
                let said = said.unwrap_or_default();
                wrong.push(format!("{guide} {file}: {} {what}: {said}", kind.name));
            }
        }
    }
    corpus.finish();
    (scores, wrong)
}

#[test]
fn what_is_broken_is_refused_and_what_is_free_is_not() {
    let Some(examples) = examples() else {
        println!("skipped: no official examples");
        return;
    };
    let judged = std::thread::scope(|scope| {
        let started = GUIDES.map(|guide| scope.spawn(|| judge(guide, &examples)));
        started.map(|one| one.join().expect("judged"))
    });
    let (mut scores, mut wrong) = (BTreeMap::<&str, Score>::new(), Vec::new());
    for (of_guide, wrong_of_guide) in judged {
        for (name, score) in of_guide {
            scores.entry(name).or_default().add(&score);
        }
        wrong.extend(wrong_of_guide);
    }
    wrong.iter().take(60).for_each(|one| println!("  {one}"));
    let (mut broken, mut free) = (Score::default(), Score::default());
    for (name, score) in &scores {
        let is_twin = name.starts_with("twin");
        if is_twin { &mut free } else { &mut broken }.add(score);
        let Score { all, right, told } = score;
        println!("{name:36} {all:>6} {right:>6} {told:>6}");
    }
    let thousandth = |part: usize| part * 1000 / broken.all.max(1);
    println!(
        "{} of {} mutants killed ({} of 1000), {} for their reason ({} of 1000); {} false alarms of {} twins",
        broken.right,
        broken.all,
        thousandth(broken.right),
        broken.told,
        thousandth(broken.told),
        free.all - free.right,
        free.all,
    );
    assert!(broken.all > 4_000 && free.all > 1_500, "{} mutants, {} twins", broken.all, free.all);
    assert!(thousandth(broken.right) >= KILLED_MIN && thousandth(broken.told) >= TOLD_MIN);
    assert_eq!(free.all - free.right, 0, "false alarms");
}

#[test]
fn each_rule_of_the_guide_is_told_by_its_id() {
    let Some(examples) = examples() else {
        println!("skipped: no official examples");
        return;
    };
    let known = known(GUIDES[0]);
    let mut missed = BTreeSet::new();
    for (name, pointer, value, rule) in rules::broken() {
        let (_, example) = examples.iter().find(|(file, _)| file.starts_with(name)).expect(name);
        let claimed = base::claim(example);
        let claimed = claimed.split('|').next().unwrap_or_default();
        let mut document = example.clone();
        *document.pointer_mut(pointer).expect(pointer) = value;
        let told = |document: &Value| {
            let report = known.validate(document, claimed);
            let all = report.findings.iter();
            let all = all.flat_map(|one| std::iter::once(one).chain(&one.consequences));
            all.map(|one| one.english()).collect::<Vec<String>>()
        };
        let is_told = |told: &[String]| told.iter().any(|one| one.contains(&format!("{rule}: ")));
        assert!(!is_told(&told(example)), "{rule}: {name} keeps it");
        let told = told(&document);
        if !is_told(&told) {
            missed.insert(format!("{rule} {name}: {told:#?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
