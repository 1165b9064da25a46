//! How good suggestions are, on the published masters: top 1 and top 5 on pairs of codes and names that
//! stand in different masters, or in forms that hospitals write. `fit` prints weights that fit one half of
//! the pairs; `measure` reports the other half.
//!
//! ```console
//! cargo run --release -p genkan-masters --example suggest -- measure ../shared/masters
//! ```

mod fit;
mod forms;
mod pairs;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use genkan_masters::suggest::{Candidate, Domain, Weights};
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

/// Likelihoods of the first candidates, and whether they were right: tenths.
#[derive(Default)]
struct Calibration([(f64, f64, f64); 10]);

/// As in the fit: so many house codes without a standard code come with each that has one.
const NONE_WEIGHT: f64 = 0.15;

impl Calibration {
    fn take(&mut self, score: f64, is_right: bool, weight: f64) {
        // 0 to 9.
        let place = ((score * 10.0).floor().clamp(0.0, 9.0)) as usize;
        let (asked, right, sum) = &mut self.0[place];
        *asked += weight;
        *right += weight * f64::from(is_right);
        *sum += weight * score;
    }

    /// The answer to a house code, and the answer if its right codes were none.
    fn answer(&mut self, ranked: &[Candidate], right: &[String]) {
        let Some(best) = ranked.first() else { return };
        let is_right = |one: &Candidate| right.contains(&one.code);
        // Several right codes of one item are one answer.
        let all: f64 = ranked.iter().filter(|one| is_right(one)).map(|one| one.score).sum();
        let score = if is_right(best) { all } else { best.score };
        self.take(score, is_right(best), 1.0);
        if let Some(other) = ranked.iter().find(|one| !is_right(one)) {
            self.take(other.score / (1.0 - all).max(1e-12), false, NONE_WEIGHT);
        }
    }

    fn print(&self, name: &str) {
        println!("\n{name}: likelihood said, and how often the first candidate was right");
        let mut error = 0.0;
        let all: f64 = self.0.iter().map(|(asked, ..)| asked).sum();
        for (asked, right, sum) in self.0.iter().filter(|(asked, ..)| *asked > 0.0) {
            let (said, was) = (sum / asked, right / asked);
            error += (said - was).abs() * asked / all;
            println!("  said {said:.2}  was {was:.2}  of {asked:.0}");
        }
        println!("  mean difference {error:.3} of {all:.0}");
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (command, folder) = (arguments.next(), arguments.next());
    let (Some(command), Some(folder)) = (command, folder) else {
        eprintln!("suggest fit|measure FOLDER: the folder of the published masters");
        return ExitCode::from(64);
    };
    let sets = pairs::all(Path::new(&folder));
    match command.as_str() {
        "fit" => fit(&sets),
        _ => measure(&sets),
    }
    ExitCode::SUCCESS
}

/// Half of the codes are for tuning, by a hash of the code: what is reported was never tuned to.
fn is_tuned(pair: &Pair) -> bool {
    blake3::hash(pair.item.as_bytes()).as_bytes()[0].is_multiple_of(2)
}

fn fit(sets: &[Set]) {
    for domain in [Domain::Disease, Domain::Drug, Domain::Lab, Domain::Allergen] {
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
    let mut calibrations: Vec<(Domain, Calibration)> = Vec::new();
    let (mut asked, mut weighed, mut seconds) = (0usize, 0usize, 0f64);
    for set in sets {
        let domain = set.index.domain();
        if !calibrations.iter().any(|(known, _)| *known == domain) {
            calibrations.push((domain, Calibration::default()));
        }
        let of_domain = calibrations.iter_mut().find(|(known, _)| *known == domain);
        let Some((_, calibration)) = of_domain else { continue };
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
            calibration.answer(&ranked, &pair.right);
        }
        let percent = |part: usize| 100.0 * part as f64 / count.asked.max(1) as f64;
        let (first, five) = (percent(count.first), percent(count.five));
        let found = percent(count.found);
        println!("{:<58} {:>6} {first:>6.1}% {five:>6.1}% {found:>6.1}%", set.name, count.asked);
    }
    for (domain, calibration) in &calibrations {
        calibration.print(&format!("{domain:?}"));
    }
    println!(
        "\n{asked} house codes in {seconds:.1} s: {:.0} a second, {:.0} candidates weighed a second",
        asked as f64 / seconds,
        weighed as f64 / seconds
    );
}
