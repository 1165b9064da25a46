//! How good suggestions are, on the published masters: top 1 and top 5 on pairs of codes and names that
//! stand in different masters, or in forms that hospitals write. `fit` prints weights that fit one half of
//! the pairs; `measure` reports the other half.
//!
//! ```console
//! cargo run --release -p genkan-masters --example suggest -- measure ../shared/masters
//! ```

mod calibrate;
mod fit;
mod forms;
mod pairs;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use calibrate::Answers;
use genkan_masters::suggest::{Domain, Weights};
use pairs::{Pair, Set};

/// Of one row of the report.
#[derive(Default)]
struct Count {
    asked: usize,
    first: usize,
    five: usize,
    /// The right code was among those that were weighed.
    found: usize,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (command, folder) = (arguments.next(), arguments.next());
    let (Some(command), Some(folder)) = (command, folder) else {
        eprintln!("suggest fit|calibrate|measure FOLDER: the folder of the published masters");
        return ExitCode::from(64);
    };
    let sets = pairs::all(Path::new(&folder));
    match command.as_str() {
        "fit" => fit(&sets),
        "calibrate" => calibrated(&sets),
        _ => measure(&sets),
    }
    ExitCode::SUCCESS
}

/// Half of the codes are for tuning, by a hash of the code: what is reported was never tuned to.
fn is_tuned(pair: &Pair) -> bool {
    blake3::hash(pair.item.as_bytes()).as_bytes()[0].is_multiple_of(2)
}

const DOMAINS: [Domain; 4] = [Domain::Disease, Domain::Drug, Domain::Lab, Domain::Allergen];

/// The points of the half that is for tuning.
fn calibrated(sets: &[Set]) {
    for domain in DOMAINS {
        let mut answers = Answers::default();
        for set in sets.iter().filter(|set| set.index.domain() == domain) {
            for pair in set.pairs.iter().filter(|pair| is_tuned(pair)).take(set.reported) {
                answers.take_likely(set, pair);
            }
        }
        let points: Vec<String> =
            answers.points().iter().map(|(said, was)| format!("({said:.3}, {was:.3})")).collect();
        println!("{domain:?}: {} answers\n    {}", answers.count(), points.join(", "));
    }
}

fn fit(sets: &[Set]) {
    for domain in DOMAINS {
        let mut samples = Vec::new();
        for set in sets.iter().filter(|set| set.index.domain() == domain) {
            for pair in set.pairs.iter().filter(|pair| is_tuned(pair)).take(set.tuned) {
                samples.extend(fit::samples(set, pair));
            }
        }
        let weights = fit::fitted(&samples, Weights::of(domain));
        println!("{domain:?}: {} samples", samples.len());
        let each: Vec<String> = weights.each.iter().map(|weight| format!("{weight:.2}")).collect();
        println!("  [{}], none {:.2}", each.join(", "), weights.none);
    }
}

fn measure(sets: &[Set]) {
    println!("{:<58} {:>6} {:>7} {:>7} {:>7}", "pairs", "asked", "top 1", "top 5", "weighed");
    let mut answers: Vec<(Domain, Answers)> =
        DOMAINS.map(|domain| (domain, Answers::default())).into();
    let (mut asked, mut weighed, mut seconds) = (0usize, 0usize, 0f64);
    for set in sets {
        let domain = set.index.domain();
        let of_domain = answers.iter_mut().find(|(known, _)| *known == domain);
        let Some((_, of_domain)) = of_domain else { continue };
        let mut count = Count::default();
        for pair in set.pairs.iter().filter(|pair| !is_tuned(pair)).take(set.reported) {
            let start = Instant::now();
            let ranked = set.index.rank(&pair.house, usize::MAX);
            seconds += start.elapsed().as_secs_f64();
            asked += 1;
            weighed += ranked.len();
            let place = ranked.iter().position(|one| pair.right.contains(&one.code));
            count.asked += 1;
            count.first += usize::from(place == Some(0));
            count.five += usize::from(place.is_some_and(|place| place < 5));
            count.found += usize::from(place.is_some());
            of_domain.take_shown(set, pair, &ranked);
        }
        let percent = |part: usize| 100.0 * part as f64 / count.asked.max(1) as f64;
        let (first, five) = (percent(count.first), percent(count.five));
        let found = percent(count.found);
        println!("{:<58} {:>6} {first:>6.1}% {five:>6.1}% {found:>6.1}%", set.name, count.asked);
    }
    for (domain, answers) in &answers {
        answers.print(&format!("{domain:?}"));
    }
    println!(
        "\n{asked} house codes in {seconds:.1} s: {:.0} a second, {:.0} candidates weighed a second",
        asked as f64 / seconds,
        weighed as f64 / seconds
    );
}
