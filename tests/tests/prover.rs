//! The capability prover: everything that `/metadata` declares of searching is asked of the served
//! hospital and compared with what the resources themselves say by R4's FHIRPath.
//! A wrong answer fails the test, and so does a declaration without an answer that holds something
//! and one that leaves something out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use anyhow::{Result, ensure};
use genkan_tests::harness::Engine;
use genkan_tests::oracle::{
    Archive, Chain, Claim, Declared, Include, Modifier, Prefix, Proof, Question, Set, candidates,
    declared, judged, pair, proving_ground, references, sort_key,
};

/// Questions of one declaration that tell most; each costs the server a search.
const QUESTIONS_MAX: usize = 3;
/// Questions are looked for among so many, and after one that tells among so many more.
const TRIED_MAX: usize = 2_000;
const TRIED_MORE: usize = 24;
/// Questions with one answer: a server may refuse some.
const ALIKE_MAX: usize = 6;
/// Resources whose includes are asked for at once: half of them with something to include.
const INCLUDING: usize = 40;
const DECLARED_MIN: usize = 1_800;
const WRONG_SHOWN: usize = 40;

#[test]
fn everything_that_is_declared_is_true() -> Result<()> {
    let started = std::time::Instant::now();
    let ground = proving_ground(&engines())?;
    let declared = declared(&ground.hospitals[0].genkan)?;
    let mut names = Vec::new();
    let judged = judged(&ground.hospitals, |send| {
        let (pools, declared_names) = (RefCell::default(), RefCell::default());
        let archive = &ground.archive;
        let examiner = Examiner { archive, pools, send, names: declared_names };
        declared.iter().for_each(|of_type| examiner.examine(of_type));
        names = examiner.names.into_inner();
        Ok(())
    })?;
    let mut incomplete = Vec::new();
    for (served, verdicts) in ground.hospitals.iter().zip(judged) {
        let mut proof = Proof::default();
        names.iter().for_each(|name| proof.declare(name));
        for (Part { declaration, query, found, all }, verdict) in verdicts {
            proof.note(&declaration, &query, (found, all), verdict);
        }
        println!("{:?} after {:?}: {proof}", served.database.engine, started.elapsed());
        incomplete.extend((!is_complete(&proof)).then_some(served.database.engine));
    }
    ensure!(incomplete.is_empty(), "not everything is true on {incomplete:?}");
    Ok(())
}

/// Every engine that is there, or `GENKAN_PROVER_ENGINES=sqlite`.
fn engines() -> Vec<Engine> {
    match std::env::var("GENKAN_PROVER_ENGINES").as_deref() {
        Ok("sqlite") => vec![Engine::Sqlite],
        _ => Engine::ALL.to_vec(),
    }
}

/// Prints what is wrong, and what is unproven with what was refused of it.
fn is_complete(proof: &Proof) -> bool {
    for said in proof.wrong().iter().take(WRONG_SHOWN) {
        println!("wrong: {said}");
    }
    for declaration in proof.unproven() {
        println!("unproven: {declaration}");
        let own = |said: &&String| said.starts_with(&format!("{declaration}: "));
        proof.refused().iter().filter(own).for_each(|said| println!("  refused: {said}"));
    }
    proof.wrong().is_empty() && proof.unproven().is_empty() && proof.declared() > DECLARED_MIN
}

/// What a claim shows of a declaration: it holds so many out of so many.
#[derive(Clone)]
struct Part {
    declaration: String,
    query: String,
    found: usize,
    all: usize,
}

/// Makes the claims.
struct Examiner<'a> {
    archive: &'a Archive,
    /// Of a parameter with these modifiers and prefixes.
    pools: RefCell<HashMap<String, Rc<Vec<Question>>>>,
    names: RefCell<Vec<String>>,
    send: &'a dyn Fn(Part, Claim),
}

impl Examiner<'_> {
    fn examine(&self, declared: &Declared) {
        self.parameters(declared);
        self.sorts(declared);
        declared.includes.iter().for_each(|include| self.include(declared, include));
        declared.chains.iter().for_each(|chain| self.chain(declared, chain));
    }

    fn claim(&self, declaration: &str, (found, all): (usize, usize), claim: Claim) {
        let (declaration, query) = (declaration.to_owned(), claim.query.clone());
        (self.send)(Part { declaration, query, found, all }, claim);
    }

    fn parameters(&self, declared: &Declared) {
        let resource_type = &declared.resource_type;
        for parameter in &declared.parameters {
            let mut questions: BTreeMap<String, Vec<&Question>> = BTreeMap::new();
            for (modifier, prefix) in parameter.forms() {
                let name = parameter.declaration(resource_type, modifier, prefix);
                self.names.borrow_mut().push(name.clone());
                questions.insert(name, Vec::new());
            }
            let offered = (parameter.modifiers.as_slice(), parameter.prefixes.as_slice());
            let pool = self.pool(resource_type, &parameter.code, offered);
            for question in pool.iter() {
                let (modifier, prefix) = (question.modifier.as_ref(), question.prefix);
                let name = parameter.declaration(resource_type, modifier, prefix);
                // Not where a value without a modifier finds nothing.
                if let Some(of_name) = questions.get_mut(&name) {
                    of_name.push(question);
                }
            }
            for (name, questions) in questions {
                let known = questions.into_iter().filter_map(|question| {
                    // R4 may leave it open: nothing to compare with.
                    let expected = self.archive.answering(question)?;
                    Some((pair(&question.name(), &question.value()), Set::clone(&expected)))
                });
                self.telling(&name, resource_type, known);
            }
        }
    }

    fn pool(
        &self,
        resource_type: &str,
        code: &str,
        offered: (&[Modifier], &[Prefix]),
    ) -> Rc<Vec<Question>> {
        let key = format!("{resource_type}?{code}{offered:?}");
        let known = self.pools.borrow().get(&key).map(Rc::clone);
        known.unwrap_or_else(|| {
            let made = Rc::new(candidates(self.archive, resource_type, code, offered));
            self.pools.borrow_mut().insert(key, Rc::clone(&made));
            made
        })
    }

    /// Of many questions with their answers, claims of those that tell most: they hold something and
    /// leave something out. Where there are none, what holds nothing and everything.
    fn telling(
        &self,
        declaration: &str,
        resource_type: &str,
        questions: impl Iterator<Item = (String, Set)>,
    ) {
        let all = self.archive.of(resource_type).len();
        let mut by_answer: HashMap<Set, Vec<(usize, String)>> = HashMap::new();
        let (mut tried, mut enough) = (0, TRIED_MAX);
        for (query, expected) in questions {
            if !expected.is_empty() && expected.len() < all {
                enough = enough.min(tried + TRIED_MORE);
            }
            let alike = by_answer.entry(expected).or_default();
            if alike.len() < ALIKE_MAX {
                // Only ids are needed to compare.
                alike.push((tried, format!("{query}&_count=1000&_elements=id")));
            }
            tried += 1;
            if tried > enough {
                break;
            }
        }
        let mut answers: Vec<_> = by_answer.into_iter().collect();
        let tells = |expected: &Set| !expected.is_empty() && expected.len() < all;
        answers.sort_by_key(|(expected, alike)| (!tells(expected), alike[0].0));
        // The first ones, which differ most, and the smallest, which costs least.
        if let Some(others) = answers.get_mut(QUESTIONS_MAX - 1..) {
            others.sort_by_key(|(expected, _)| (!tells(expected), expected.len()));
        }
        for (expected, alike) in answers.into_iter().take(QUESTIONS_MAX) {
            let matches = self.archive.addresses(resource_type, &expected);
            let mut queries = alike.into_iter().map(|(_, query)| query);
            let mut claim = Claim::new(resource_type, queries.next().unwrap_or_default(), matches);
            claim.others = queries.collect();
            self.claim(declaration, (expected.len(), all), claim);
        }
    }

    /// Ascending and descending, and the resources without a value at the end where NULL sorts.
    fn sorts(&self, declared: &Declared) {
        let resource_type = &declared.resource_type;
        let resources = self.archive.of(resource_type);
        let count = (resources.len() / 12).max(7);
        for code in &declared.sorts {
            let column = self.archive.column(resource_type, code);
            let keys = column.iter().map(|elements| sort_key(self.archive, elements));
            let addresses = resources.iter().map(|held| held.address.clone());
            let keys: HashMap<_, _> = addresses.zip(keys).collect();
            // One value proves no order.
            let different = keys.values().collect::<BTreeSet<_>>().len();
            for (minus, descending) in [("", false), ("-", true)] {
                let name = format!("{resource_type}?_sort={minus}{code}");
                self.names.borrow_mut().push(name.clone());
                let query = format!("_sort={minus}{code}&_count={count}&_elements=id");
                let mut claim = Claim::new(resource_type, query, keys.keys().cloned().collect());
                claim.order.push((keys.clone(), descending));
                claim.count = Some(count);
                self.claim(&name, (different.saturating_sub(1), different), claim);
            }
        }
    }

    /// Of some resources that have something to include, and of some that have not.
    fn include(&self, declared: &Declared, include: &Include) {
        let resource_type = &declared.resource_type;
        let (kind, value) = include.pair();
        let name = format!("{resource_type}?{kind}={value}");
        self.names.borrow_mut().push(name.clone());
        let resources = self.archive.of(resource_type);
        let column = self.archive.column(&include.source, &include.code);
        let (with, without): (Vec<usize>, Vec<usize>) = match include.reverse {
            false => (0..resources.len()).partition(|place| {
                let mut found = references(&column[*place]);
                found.any(|one| self.archive.place(one).is_some() && include.wants(one))
            }),
            true => {
                let sought: BTreeSet<&str> =
                    column.iter().flat_map(|elements| references(elements)).collect();
                let is_sought = |place: &usize| sought.contains(resources[*place].address.as_str());
                (0..resources.len()).partition(is_sought)
            }
        };
        let some = |places: Vec<usize>| -> Set {
            let step = (places.len() * 2 / INCLUDING).max(1);
            places.into_iter().step_by(step).take(INCLUDING / 2).collect()
        };
        let mut matched = some(with);
        // What is included is not a match, or it would not be seen.
        let included = self.archive.included((resource_type, &matched), include);
        let beside = |place: &usize| !included.contains(&resources[*place].address);
        matched.extend(some(without.into_iter().filter(beside).collect()));
        let ids = matched.iter().filter_map(|place| resources[*place].value["id"].as_str());
        let ids = ids.collect::<Vec<_>>().join(",");
        let query = format!("{}&{}&_count=1000", pair("_id", &ids), pair(kind, &value));
        let matches = self.archive.addresses(resource_type, &matched);
        let mut claim = Claim::new(resource_type, query, matches);
        claim.includes = self.archive.included((resource_type, &matched), include);
        claim.includes.retain(|one| !claim.matches.contains(one));
        let found = claim.includes.len();
        self.claim(&name, (found, self.archive.resources().count()), claim);
    }

    fn chain(&self, declared: &Declared, chain: &Chain) {
        let resource_type = &declared.resource_type;
        let name = format!("{resource_type}?{}", chain.name());
        self.names.borrow_mut().push(name.clone());
        let pool = self.pool(chain.link.to(), &chain.code, (&[], &[Prefix::None]));
        let links = std::slice::from_ref(&chain.link);
        let known = pool.iter().filter_map(|question| {
            let expected = self.archive.linked(links, std::slice::from_ref(question))?;
            Some((pair(&chain.name(), &question.value()), expected))
        });
        self.telling(&name, resource_type, known);
    }
}
