//! The capability prover: everything that `/metadata` declares of searching is asked of the served
//! hospital and compared with what the resources themselves say by R4's FHIRPath.
//! A wrong answer fails the test. A declaration without an answer that holds something and one that
//! leaves something out is unproven: their number is printed, and may only fall.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Engine, Genkan, available_engines};
use genkan_tests::hospital;
use genkan_tests::oracle::{
    Archive, Declared, Proof, Question, Refused, address, ask, candidates, declared, difference,
    pair, sort_key,
};
use serde_json::Value;

/// Questions of one declaration that tell most; each costs the server a search.
const QUESTIONS_MAX: usize = 2;
/// What the demo's rows can't show yet: an order where all rows have one time, a tag that nobody has.
const UNPROVEN_MAX: usize = 165;
const WRONG_SHOWN: usize = 40;
const DECLARED_MIN: usize = 1_800;
/// Questions are looked for among so many.
const TRIED_MAX: usize = 24;
/// Enough for every kind of value; each search answers with all of its resources.
const PATIENTS: u32 = 20;

struct Prover<'a> {
    genkan: &'a Genkan,
    archive: &'a Archive,
    proof: Proof,
}

#[test]
fn everything_that_is_declared_is_true() -> Result<()> {
    for engine in engines()? {
        let Some(served) = hospital::serve_patients(engine, PATIENTS, "")? else { continue };
        let proof = prove(&served.genkan)?;
        println!("{engine:?}: {proof}");
        for said in proof.wrong().iter().take(WRONG_SHOWN) {
            println!("wrong: {said}");
        }
        for open in proof.unproven() {
            println!("unproven: {open}");
        }
        let open = proof.unproven().len();
        let complete =
            proof.wrong().is_empty() && open <= UNPROVEN_MAX && proof.declared() > DECLARED_MIN;
        ensure!(complete, "{engine:?}: {proof}");
    }
    Ok(())
}

/// Each engine costs minutes; `GENKAN_PROVER_ENGINES=all` asks every one that is there.
fn engines() -> Result<Vec<Engine>> {
    match std::env::var("GENKAN_PROVER_ENGINES").as_deref() {
        Ok("all") => available_engines(),
        _ => Ok(vec![Engine::Sqlite]),
    }
}

fn prove(genkan: &Genkan) -> Result<Proof> {
    let now = chrono::Utc::now()
        .with_timezone(&chrono::FixedOffset::east_opt(9 * 3600).context("a zone")?);
    let archive = Archive::read(genkan, now)?;
    let mut prover = Prover { genkan, archive: &archive, proof: Proof::default() };
    for declared in declared(genkan)? {
        prover.parameters(&declared);
        prover.sorts(&declared)?;
        prover.includes(&declared)?;
        prover.chains(&declared);
    }
    Ok(prover.proof)
}

impl Prover<'_> {
    fn parameters(&mut self, declared: &Declared) {
        for parameter in &declared.parameters {
            let offered = (parameter.modifiers.as_slice(), parameter.prefixes.as_slice());
            for modifier in std::iter::once(None).chain(parameter.modifiers.iter().map(Some)) {
                for prefix in parameter.prefixes_of(modifier) {
                    let name = parameter.declaration(&declared.resource_type, modifier, prefix);
                    self.proof.declare(&name);
                }
            }
            let mut questions: BTreeMap<String, Vec<Question>> = BTreeMap::new();
            let resource_type = &declared.resource_type;
            for question in candidates(self.archive, resource_type, &parameter.code, offered) {
                let (modifier, prefix) = (question.modifier.as_ref(), question.prefix);
                let name = parameter.declaration(resource_type, modifier, prefix);
                questions.entry(name).or_default().push(question);
            }
            for (name, questions) in questions {
                let known = questions.iter().filter_map(|question| {
                    // R4 may leave it open: nothing to compare with.
                    let expected = self.archive.answering(question)?;
                    Some((pair(&question.name(), &question.value()), expected))
                });
                for (query, expected) in telling(known, self.archive.of(resource_type).len()) {
                    self.compare(&name, (resource_type, &query), &expected);
                }
            }
        }
    }

    /// Asks, and notes how the answer stands to what is expected. Only ids are needed for that.
    fn compare(
        &mut self,
        name: &str,
        (resource_type, query): (&str, &str),
        expected: &BTreeSet<String>,
    ) {
        let asked = format!("{query}&_count=1000&_elements=id");
        let answer = match ask(self.genkan, resource_type, &asked) {
            Ok(found) => match difference(&found.set(), expected) {
                None => Ok((expected.len(), self.archive.of(resource_type).len())),
                Some(said) => Err(format!("{query}: {said}")),
            },
            Err(error) if error.is::<Refused>() => {
                return self.proof.refuse(name, format!("{query}: {error}"));
            }
            Err(error) => Err(format!("{query}: {error:#}")),
        };
        self.proof.note(name, answer);
    }

    /// Ascending and descending, and the resources without a value at the end where NULL sorts.
    fn sorts(&mut self, declared: &Declared) -> Result<()> {
        let resource_type = &declared.resource_type;
        let resources = self.archive.of(resource_type);
        let by_address: BTreeMap<String, &Value> =
            resources.iter().map(|resource| (address(resource), resource)).collect();
        for code in &declared.sorts {
            for minus in ["", "-"] {
                let name = format!("{resource_type}?_sort={minus}{code}");
                let query = format!("_sort={minus}{code}&_count=37");
                let found = match ask(self.genkan, resource_type, &query) {
                    Ok(found) => found,
                    Err(error) => {
                        self.proof.note(&name, Err(format!("{error:#}")));
                        continue;
                    }
                };
                let keys: Vec<_> = found
                    .matches
                    .iter()
                    .filter_map(|one| Some(sort_key(self.archive, by_address.get(one)?, code)))
                    .collect();
                let ordered = match minus {
                    "" => keys.is_sorted(),
                    _ => keys.is_sorted_by(|a, b| a >= b),
                };
                let different = keys.iter().collect::<BTreeSet<_>>().len();
                let expected: BTreeSet<String> = by_address.keys().cloned().collect();
                let answer = match difference(&found.set(), &expected) {
                    Some(said) => Err(said),
                    None if !ordered => Err("out of order".to_owned()),
                    // One value proves no order.
                    None => Ok((different.saturating_sub(1), different)),
                };
                self.proof.note(&name, answer);
            }
        }
        Ok(())
    }

    fn includes(&mut self, declared: &Declared) -> Result<()> {
        let resource_type = &declared.resource_type;
        for (kind, include) in &declared.includes {
            let name = format!("{resource_type}?{kind}={include}");
            let mut parts = include.split(':');
            let (source, code) =
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let target = parts.next();
            // Each id alone would be too many searches; a few pages see enough.
            let some: Vec<&Value> =
                self.archive.of(resource_type).iter().step_by(7).take(40).collect();
            let ids: Vec<&str> =
                some.iter().filter_map(|resource| resource["id"].as_str()).collect();
            let matched: BTreeSet<String> = some.iter().map(|resource| address(resource)).collect();
            let expected = self.archive.included(&matched, (kind, source, code, target));
            let query =
                format!("{}&{}&_count=1000", pair("_id", &ids.join(",")), pair(kind, include));
            let found = match ask(self.genkan, resource_type, &query) {
                Ok(found) => found,
                Err(error) => {
                    self.proof.note(&name, Err(format!("{error:#}")));
                    continue;
                }
            };
            let answer = match difference(&found.includes, &expected) {
                Some(said) => Err(said),
                None => Ok((expected.len(), self.archive.types.values().map(Vec::len).sum())),
            };
            self.proof.note(&name, answer);
        }
        Ok(())
    }

    fn chains(&mut self, declared: &Declared) {
        let resource_type = &declared.resource_type;
        let resources = self.archive.of(resource_type);
        for chain in &declared.chains {
            let name = format!("{resource_type}?{}", chain.name());
            self.proof.declare(&name);
            let asked_type = chain.asked_type();
            let offered = (&[][..], &[genkan_tests::oracle::Prefix::None][..]);
            let questions = candidates(self.archive, asked_type, &chain.code, offered);
            let known = questions.iter().filter_map(|question| {
                let expected = self.archive.linked(resource_type, chain, question)?;
                Some((pair(&chain.name(), &question.value()), expected))
            });
            for (query, expected) in telling(known, resources.len()) {
                self.compare(&name, (resource_type, &query), &expected);
            }
        }
    }
}

/// Of many questions with their answers, those that tell most: some that hold something and leave
/// something out. Where there is none, one that holds nothing and one that holds everything.
fn telling(
    questions: impl Iterator<Item = (String, BTreeSet<String>)>,
    all: usize,
) -> Vec<(String, BTreeSet<String>)> {
    let (mut telling, mut others) = (Vec::new(), BTreeMap::new());
    for (query, expected) in questions.take(TRIED_MAX) {
        match expected.len() {
            found if found == 0 || found == all => {
                others.entry(found).or_insert((query, expected));
            }
            _ => telling.push((query, expected)),
        }
        if telling.len() == QUESTIONS_MAX {
            break;
        }
    }
    if telling.is_empty() { others.into_values().collect() } else { telling }
}
