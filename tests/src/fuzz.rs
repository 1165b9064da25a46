//! Bounded fuzzing: good inputs, changed by a seed, against what takes input from outside. A panic
//! fails the run; what else may not happen is the target's to check.
//!
//! Not guided by coverage, which needs a nightly compiler; so the dictionary of a target holds the
//! words of its language. The same seed makes the same inputs: a failure says which one to repeat.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// More runs than the default, for a night: `GENKAN_FUZZ_RUNS=1000000`.
pub const RUNS_VARIABLE: &str = "GENKAN_FUZZ_RUNS";
/// A changed input grows no further; most faults of size are those of one repetition more.
const INPUT_BYTES_MAX: usize = 16 * 1024;

/// One thing that takes input.
pub struct Target<'t> {
    pub name: &'t str,
    /// Inputs that are right.
    pub corpus: Vec<Vec<u8>>,
    /// Words and signs of the language.
    pub dictionary: &'t [&'t str],
    /// `Err` says what must not be.
    pub check: &'t dyn Fn(&[u8]) -> Result<(), String>,
}

/// How many inputs: of the environment, or these.
pub fn runs(default: u64) -> u64 {
    std::env::var(RUNS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs a target; the first input that breaks it is the error.
pub fn run(target: &Target, runs: u64) -> Result<(), String> {
    for input in &target.corpus {
        judge(target, 0, input)?;
    }
    for seed in 1..=runs {
        let input = Mutation::of(target, seed).input();
        judge(target, seed, &input)?;
    }
    Ok(())
}

fn judge(target: &Target, seed: u64, input: &[u8]) -> Result<(), String> {
    let said = match catch_unwind(AssertUnwindSafe(|| (target.check)(input))) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(said)) => said,
        Err(_) => "it panicked".to_owned(),
    };
    let shown = String::from_utf8_lossy(input);
    Err(format!("{}: input {seed} ({shown:?}): {said}", target.name))
}

/// The changes of one seed.
struct Mutation<'t> {
    target: &'t Target<'t>,
    random: ChaCha8Rng,
}

impl<'t> Mutation<'t> {
    fn of(target: &'t Target<'t>, seed: u64) -> Self {
        Mutation { target, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.random.next_u64()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    fn input(&mut self) -> Vec<u8> {
        let count = self.target.corpus.len();
        let mut input = match count {
            0 => Vec::new(),
            _ => self.target.corpus[self.below(count)].clone(),
        };
        for _ in 0..=self.below(6) {
            self.change(&mut input);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(8) {
            0 => input.truncate(at),
            1 if at < input.len() => input[at] ^= 1 << self.below(8),
            2 if at < input.len() => input[at] = u8::try_from(self.below(256)).unwrap_or(0),
            3 if at < input.len() => {
                input.remove(at);
            }
            // A stretch of itself once more, or of another good input.
            4 => {
                let end = at + self.below(input.len() + 1 - at);
                let stretch = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, stretch);
            }
            5 if !self.target.corpus.is_empty() => {
                let other = self.below(self.target.corpus.len());
                let other = &self.target.corpus[other];
                let from = usize::min(at, other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                const SIGNS: [&str; 12] = [
                    "\0",
                    "\u{3000}",
                    "%",
                    "|",
                    "$",
                    ",",
                    "\\",
                    "-",
                    "9999999999999999999",
                    "\u{feff}",
                    "🏥",
                    "\u{fffd}",
                ];
                let words = self.target.dictionary.len();
                let chosen = self.below(words + SIGNS.len());
                let word = match chosen.checked_sub(words) {
                    Some(sign) => SIGNS[sign],
                    None => self.target.dictionary[chosen],
                };
                input.splice(at..at, word.bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target<'t>(check: &'t dyn Fn(&[u8]) -> Result<(), String>) -> Target<'t> {
        let corpus = vec![b"date=2026-04-01".to_vec()];
        Target { name: "x", corpus, dictionary: &["_sort"], check }
    }

    #[test]
    fn a_panic_and_a_broken_promise_are_found_and_can_be_repeated() {
        let panics = |input: &[u8]| {
            assert!(!input.windows(5).any(|part| part == b"_sort"), "as a fault would");
            Ok(())
        };
        let first = run(&target(&panics), 500).expect_err("a word of the dictionary comes in");
        assert!(first.contains("it panicked"), "{first}");
        assert_eq!(run(&target(&panics), 500).expect_err("again"), first);
        let refuses = |input: &[u8]| match input.len() {
            0..100 => Ok(()),
            _ => Err("too long".to_owned()),
        };
        let told = run(&target(&refuses), 50_000).expect_err("inputs grow");
        assert!(told.contains("too long"), "{told}");
        assert_eq!(run(&target(&|_| Ok(())), 500), Ok(()));
    }
}
