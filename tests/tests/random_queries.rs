//! Generated queries: combinations of what `/metadata` declares, drawn by a seed, are asked of the
//! served hospital on every engine and compared with what the resources themselves say. A wrong answer
//! is told as the shortest query that is still answered wrongly.
//!
//! `GENKAN_RANDOM_QUERIES=20000 GENKAN_RANDOM_SEED=7` asks more and others.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Result, ensure};
use genkan_tests::harness::{Engine, Genkan};
use genkan_tests::oracle::{
    Archive, Claim, Drawing, Query, Verdict, declared, judged, proving_ground, simplest,
};

const SEED: u64 = 1;
const QUERIES: u64 = 600;
/// The other engines are asked one query of so many.
const OTHERS_STEP: usize = 3;
/// Refused, in percent: each for a value that the server does not take alone either.
const REFUSED_MAX: usize = 12;
/// Queries that find something and leave something out, in percent: the others prove little.
const TELLING_MIN: usize = 33;
/// What parameters need of a statement adds up: each may be taken, and all together not.
const TOO_MUCH: &str = "GKN-125";
const WRONG_SHOWN: usize = 10;

#[test]
fn queries_of_many_parameters_find_what_the_resources_say() -> Result<()> {
    let started = Instant::now();
    let ground = proving_ground(&Engine::ALL)?;
    let archive = &ground.archive;
    let (first, others) = (&ground.hospitals[..1], &ground.hospitals[1..]);
    let declared = declared(&first[0].genkan)?;
    let (seed, count) =
        (variable("GENKAN_RANDOM_SEED", SEED), variable("GENKAN_RANDOM_QUERIES", QUERIES));
    let mut drawing = Drawing::new(archive, &declared);
    let mut claims: Vec<(u64, Query, Claim)> = Vec::new();
    let mut telling = 0;
    let mut verdicts = judged(first, |send| {
        // Each query has a seed of its own, so that one alone can be asked again.
        for seed in seed..seed.saturating_add(count) {
            let query = drawing.query(seed);
            let Some(claim) = query.claim(archive) else { continue };
            let all = archive.of(&query.resource_type).len();
            telling += usize::from(!claim.matches.is_empty() && claim.matches.len() < all);
            send(claims.len(), claim.clone());
            claims.push((seed, query, claim));
        }
        Ok(())
    })?;
    verdicts.extend(judged(others, |send| {
        for (index, (_, _, claim)) in claims.iter().enumerate().step_by(OTHERS_STEP) {
            send(index, claim.clone());
        }
        Ok(())
    })?);
    let mut wrong = 0;
    for (served, verdicts) in ground.hospitals.iter().zip(verdicts) {
        let engine = served.database.engine;
        let asked = verdicts.len();
        let refused = Told { genkan: &served.genkan, archive, claims: &claims }.tell(&verdicts)?;
        wrong += refused.wrong;
        println!(
            "{engine:?} after {:?}: {asked} queries from seed {seed}, {} refused, {} wrong",
            started.elapsed(),
            refused.explained,
            refused.wrong
        );
        ensure!(refused.explained * 100 <= asked * REFUSED_MAX, "{engine:?} refuses too many");
    }
    println!("{telling} of {} find something and leave something out", claims.len());
    ensure!(wrong == 0, "{wrong} answers are wrong");
    ensure!(telling * 100 >= claims.len() * TELLING_MIN, "the queries tell too little");
    Ok(())
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What became of the queries on one engine.
#[derive(Default)]
struct Outcome {
    explained: usize,
    wrong: usize,
}

struct Told<'a> {
    genkan: &'a Genkan,
    archive: &'a Archive,
    claims: &'a [(u64, Query, Claim)],
}

impl Told<'_> {
    /// Prints what is wrong and why queries were refused.
    fn tell(&self, verdicts: &[(usize, Verdict)]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for (index, verdict) in verdicts {
            let (seed, query, _) = &self.claims[*index];
            let said = match verdict {
                Verdict::Right => continue,
                Verdict::Wrong(said) => said.clone(),
                Verdict::Refused(reason) if reason.contains(TOO_MUCH) || self.explains(query) => {
                    *reasons.entry(reason.clone()).or_default() += 1;
                    outcome.explained += 1;
                    continue;
                }
                Verdict::Refused(reason) => format!("refused though each value is taken: {reason}"),
            };
            outcome.wrong += 1;
            if outcome.wrong <= WRONG_SHOWN {
                let simple = simplest(query, |query| self.is_wrong(query));
                let (asked, now) = (simple.text(), self.judged(&simple));
                println!("wrong (seed {seed}): {}?{}: {said}", query.resource_type, query.text());
                println!("  at its shortest: {}?{asked}: {now:?}", simple.resource_type);
            }
        }
        for (reason, times) in reasons {
            println!("refused {times} times: {reason}");
        }
        Ok(outcome)
    }

    /// The server does not take some value of it alone either.
    fn explains(&self, query: &Query) -> bool {
        let refused = |one: &Query| matches!(self.judged(one), Some(Verdict::Refused(_)));
        query.single_values().iter().any(refused)
    }

    fn is_wrong(&self, query: &Query) -> bool {
        match self.judged(query) {
            Some(Verdict::Wrong(_)) => true,
            Some(Verdict::Refused(reason)) => !reason.contains(TOO_MUCH) && !self.explains(query),
            _ => false,
        }
    }

    fn judged(&self, query: &Query) -> Option<Verdict> {
        Some(query.claim(self.archive)?.judge(self.genkan))
    }
}
