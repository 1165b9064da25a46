//! How many official eCS examples are validated in a second on one core, with reading. Nothing is
//! asserted about time: run it on a quiet machine and read what it prints.
//!
//! ```text
//! cargo test --release -p genkan-fhir --test validator_speed -- --ignored --nocapture
//! ```

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use genkan_fhir::validation::{Package, Profiles, Text, Validator, ValueSets};

/// The best of so many batches counts: what else the machine does only makes others slower.
const BATCHES: u32 = 60;
const BATCH: u32 = 20;

fn shared() -> PathBuf {
    env::var_os("GENKAN_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

fn best(mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        for _ in 0..BATCH {
            work();
        }
        start.elapsed()
    };
    (0..BATCHES).map(run).min().unwrap_or_default() / BATCH
}

#[test]
#[ignore = "a measurement"]
fn validations_per_second() {
    let (mut profiles, mut value_sets) = (Profiles::default(), ValueSets::default());
    let start = Instant::now();
    for name in ["jp-core.r4-1.1.2-url.tgz", "jp-clins.r4-1.5.2-snap.tgz"] {
        let Ok(tgz) = fs::read(shared().join("packages").join(name)) else {
            println!("skipped: no {name}");
            return;
        };
        for resource in Package::read(&tgz).expect("a package").resources {
            if resource["resourceType"] == "StructureDefinition" {
                profiles.add(resource).expect("a url");
            } else {
                value_sets.add(&resource);
            }
        }
    }
    println!("packages unpacked: {:?}", start.elapsed());
    let start = Instant::now();
    let errors = profiles.check();
    println!("profiles compiled: {:?}, {} can't be", start.elapsed(), errors.len());
    let validator = Validator::new(&profiles, &value_sets);
    for name in [
        "Observation-Example-JP-Obs-LabResult-eCS-eGFR.json",
        "Condition-Example-JP-Condition-eCS-01.json",
        "Patient-Example-JP-Patient-eCS-MAKINO.json",
        "Bundle-Bundle-CLINS-Referral-Example-01.json",
    ] {
        let source = fs::read(shared().join("examples/clins").join(name)).expect("the example");
        let reading = best(|| assert!(Text::of(&source).read(None).tree.is_some()));
        let whole = best(|| drop(validator.validate(&source, None, &[])));
        let rate = 1.0 / whole.as_secs_f64();
        println!(
            "{name}: {} bytes, {rate:.0}/s, {whole:?} of which reading {reading:?}",
            source.len()
        );
    }
}
