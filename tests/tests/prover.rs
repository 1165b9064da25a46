//! The capability prover: everything that `/metadata` declares of searching is asked of the served
//! hospital, on every engine, and compared with what the resources themselves say by R4's FHIRPath.
//! A declaration without an answer that holds something and one that leaves something out is
//! unproven, and fails the test as a wrong answer does.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use genkan_tests::harness::{Genkan, available_engines};
use genkan_tests::hospital;
use genkan_tests::oracle::{
    Archive, Declared, Proof, Question, address, ask, candidates, declared, difference, matches,
    pair, sort_key,
};
use serde_json::Value;

/// Questions of one declaration; each costs the server a search.
const QUESTIONS_MAX: usize = 4;
/// Enough for every kind of value; each search answers with all of its resources.
const PATIENTS: u32 = 12;

struct Prover<'a> {
    genkan: &'a Genkan,
    archive: &'a Archive,
    proof: Proof,
}

#[test]
fn everything_that_is_declared_is_true() -> Result<()> {
    for engine in available_engines()? {
        let Some(served) = hospital::serve_patients(engine, PATIENTS)? else { continue };
        let proof = prove(&served.genkan)?;
        println!("{engine:?}: {proof}");
        for said in proof.wrong().iter().take(40) {
            println!("wrong: {said}");
        }
        for open in proof.unproven() {
            println!("unproven: {open}");
        }
        let complete =
            proof.wrong().is_empty() && proof.unproven().is_empty() && proof.declared() > 100;
        ensure!(complete, "{engine:?}: {proof}");
    }
    Ok(())
}

fn prove(genkan: &Genkan) -> Result<Proof> {
    let now = chrono::Utc::now()
        .with_timezone(&chrono::FixedOffset::east_opt(9 * 3600).context("a zone")?);
    let archive = Archive::read(genkan, now)?;
    let mut prover = Prover { genkan, archive: &archive, proof: Proof::default() };
    for declared in declared(genkan)? {
        prover.parameters(&declared)?;
        prover.sorts(&declared)?;
        prover.includes(&declared)?;
        prover.chains(&declared)?;
    }
    Ok(prover.proof)
}

impl Prover<'_> {
    fn parameters(&mut self, declared: &Declared) -> Result<()> {
        for parameter in &declared.parameters {
            let mut asked: BTreeMap<String, usize> = BTreeMap::new();
            let offered = (parameter.modifiers.as_slice(), parameter.prefixes.as_slice());
            for modifier in std::iter::once(None).chain(parameter.modifiers.iter().map(Some)) {
                for prefix in parameter.prefixes_of(modifier) {
                    self.proof.declare(&parameter.declaration(
                        &declared.resource_type,
                        modifier,
                        prefix,
                    ));
                }
            }
            for question in
                candidates(self.archive, &declared.resource_type, &parameter.code, offered)
            {
                let name = parameter.declaration(
                    &declared.resource_type,
                    question.modifier.as_ref(),
                    question.prefix,
                );
                let count = asked.entry(name.clone()).or_default();
                if *count < QUESTIONS_MAX {
                    *count += 1;
                    self.question(&name, &question)?;
                }
            }
        }
        Ok(())
    }

    fn question(&mut self, name: &str, question: &Question) -> Result<()> {
        let resources = self.archive.of(&question.resource_type);
        let mut expected = BTreeSet::new();
        for resource in resources {
            match matches(self.archive, resource, question) {
                Some(true) => {
                    expected.insert(address(resource));
                }
                Some(false) => {}
                // R4 leaves it open: nothing to compare with.
                None => return Ok(()),
            }
        }
        let query = pair(&question.name(), &question.value());
        let answer =
            match ask(self.genkan, &question.resource_type, &format!("{query}&_count=1000")) {
                Ok(found) => match difference(&found.set(), &expected) {
                    None => Ok((expected.len(), resources.len())),
                    Some(said) => Err(format!("{query}: {said}")),
                },
                Err(error) => Err(format!("{query}: {error:#}")),
            };
        self.proof.note(name, answer);
        Ok(())
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

    fn chains(&mut self, declared: &Declared) -> Result<()> {
        let resource_type = &declared.resource_type;
        let resources = self.archive.of(resource_type);
        for chain in &declared.chains {
            let name = format!("{resource_type}?{}", chain.name());
            self.proof.declare(&name);
            let asked_type = chain.asked_type();
            let offered = (&[][..], &[genkan_tests::oracle::Prefix::None][..]);
            let questions = candidates(self.archive, asked_type, &chain.code, offered);
            for question in questions.iter().take(QUESTIONS_MAX) {
                let Some(holding) = self.archive.answering(question) else { continue };
                let expected: BTreeSet<String> = resources
                    .iter()
                    .filter(|resource| self.archive.linked(resource, chain, &holding))
                    .map(address)
                    .collect();
                let query = pair(&chain.name(), &question.value());
                let answer = match ask(self.genkan, resource_type, &format!("{query}&_count=1000"))
                {
                    Ok(found) => match difference(&found.set(), &expected) {
                        None => Ok((expected.len(), resources.len())),
                        Some(said) => Err(format!("{query}: {said}")),
                    },
                    Err(error) => Err(format!("{query}: {error:#}")),
                };
                self.proof.note(&name, answer);
            }
        }
        Ok(())
    }
}
