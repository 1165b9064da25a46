//! Where the server is put to the proof: the same hospital on each engine, with the rows that the
//! proof needs, and the archive of what all of them show.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::archive::Archive;
use super::claim::{Claim, Verdict};
use super::rows;
use crate::harness::{Engine, Genkan};
use crate::hospital::{Served, fill_patients, serve_database};

/// Enough for every kind of value; each search answers with all of its resources.
const PATIENTS: u32 = 20;
/// Claims that wait; their sets are large.
const WAITING_MAX: usize = 64;
/// They mostly wait for the servers.
const ASKING: usize = 3;

/// The engines' hospitals, and what they show.
pub struct Ground {
    pub archive: Archive,
    pub hospitals: Vec<Served>,
}

/// Fills, reads and compares the hospitals of those engines that are there.
pub fn proving_ground(engines: &[Engine]) -> Result<Ground> {
    let mut hospitals = Vec::new();
    for engine in engines {
        let Some(database) = fill_patients(*engine, 1, PATIENTS)? else { continue };
        rows::add(&database)?;
        hospitals.push(serve_database(database, "")?);
    }
    let (first, others) = hospitals.split_first().context("an engine")?;
    let archive = Archive::read(&first.genkan)?;
    let says = declares(&first.genkan)?;
    for other in others {
        let engine = other.database.engine;
        alike(&archive, &Archive::read(&other.genkan)?).with_context(|| format!("{engine:?}"))?;
        let same = declares(&other.genkan)? == says;
        ensure!(same, "{engine:?} declares something else");
    }
    Ok(Ground { archive, hospitals })
}

/// What `/metadata` says of every type, without the server's own address.
fn declares(genkan: &Genkan) -> Result<String> {
    let metadata = genkan.get("/fhir/metadata")?.json()?;
    Ok(metadata["rest"][0]["resource"].to_string().replace(&genkan.base, ""))
}

/// The same rows are the same resources, whatever keeps them. SQLite keeps no zeros at the end of a
/// decimal, and so neither its digits nor a version of them.
fn alike(first: &Archive, other: &Archive) -> Result<()> {
    let by_address = |archive: &'_ Archive| -> BTreeMap<String, String> {
        let all = archive.resources();
        all.map(|held| (held.address.clone(), compared(held.value.clone()).to_string())).collect()
    };
    let (first, other) = (by_address(first), by_address(other));
    let different = first.iter().find(|(address, value)| other.get(*address) != Some(value));
    if let Some((address, value)) = different {
        let other = other.get(address).map_or("nothing", String::as_str);
        anyhow::bail!("{address} is\n{other}\nand not\n{value}");
    }
    ensure!(first.len() == other.len(), "{} resources, not {}", other.len(), first.len());
    Ok(())
}

fn compared(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.remove("versionId");
            members.values_mut().for_each(|member| *member = compared(member.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = compared(item.take())),
        Value::Number(number) => {
            let text = number.to_string();
            if text.contains('.') {
                value = text.trim_end_matches('0').trim_end_matches('.').into();
            } else {
                value = text.into();
            }
        }
        _ => {}
    }
    value
}

/// Judges claims on every hospital, in threads of their own while more are made. Of each hospital the
/// verdicts, in the order of the claims.
pub fn judged<T: Clone + Send>(
    hospitals: &[Served],
    make: impl FnOnce(&dyn Fn(T, Claim)) -> Result<()>,
) -> Result<Vec<Vec<(T, Verdict)>>> {
    let servers: Vec<&Genkan> = hospitals.iter().map(|served| &served.genkan).collect();
    let verdicts = Mutex::new(vec![BTreeMap::new(); servers.len()]);
    let (sender, receiver) = sync_channel::<(usize, T, Claim)>(WAITING_MAX);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..ASKING {
            scope.spawn(|| {
                while let Some((turn, of, claim)) = next(&receiver) {
                    for (index, genkan) in servers.iter().enumerate() {
                        let verdict = claim.judge(genkan);
                        let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                        verdicts[index].insert(turn, (of.clone(), verdict));
                    }
                }
            });
        }
        let turn = std::cell::Cell::new(0);
        let made = make(&|of, claim| {
            turn.set(turn.get() + 1);
            // Nobody takes it only where all threads panicked, and then the scope does too.
            let _ = sender.send((turn.get(), of, claim));
        });
        drop(sender);
        made
    })?;
    let verdicts = verdicts.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(verdicts.into_iter().map(|of| of.into_values().collect()).collect())
}

fn next<T>(receiver: &Mutex<Receiver<T>>) -> Option<T> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
