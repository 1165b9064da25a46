//! Whether what is said of the first candidate is true: of those with a score of 0.7, are seven of ten right?

use std::collections::BTreeSet;

use genkan_masters::suggest::{Calibration, Candidate, Features, Weights};

use crate::pairs::{Pair, Set};

/// Of first candidates: what was said, and whether it was right.
#[derive(Default)]
pub struct Answers {
    all: Vec<(f64, bool)>,
    items: BTreeSet<String>,
}

/// Standard codes in a block of the line; fewer say little, however often each of them is asked for.
const BLOCK: usize = 40;
/// Points that are nearer to a line are on it.
const NEAR: f64 = 0.02;
/// Of 256 pairs, so many are asked once more without their right codes, as in the fit: house codes that have
/// no standard code.
const NONE_OF_256: u8 = 38;

impl Answers {
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// What the weights alone say, for who calibrates them.
    pub fn take_likely(&mut self, set: &Set, pair: &Pair) {
        self.take(set, pair, |best, _| best);
    }

    /// What people are shown.
    pub fn take_shown(&mut self, set: &Set, pair: &Pair, ranked: &[Candidate]) {
        let calibration = Calibration::of(set.index.domain());
        self.take(set, pair, |best, is_whole| match ranked.first().filter(|_| is_whole) {
            Some(first) => first.score,
            None => calibration.right(best),
        });
    }

    /// The answer to a house code, and of some the answer if their right codes were none. A pair with several
    /// right codes, between which nobody can choose, tells nothing of one.
    fn take(&mut self, set: &Set, pair: &Pair, said: impl Fn(f64, bool) -> f64) {
        let [right] = pair.right.as_slice() else { return };
        self.items.insert(pair.item.clone());
        let all = set.index.features(&pair.house);
        let weights = Weights::of(set.index.domain());
        let best = |candidates: &[(&str, Features)]| {
            let features: Vec<Features> = candidates.iter().map(|(_, one)| *one).collect();
            let likely = weights.scores(&features).into_iter().zip(candidates);
            let most = likely.max_by(|(a, (one, _)), (b, (other, _))| {
                a.total_cmp(b).then_with(|| other.cmp(one))
            });
            most.map(|(likely, (code, _))| (likely, (*code).to_owned()))
        };
        if let Some((likely, code)) = best(&all) {
            self.all.push((said(likely, true), code == *right));
        }
        let hash = blake3::hash(format!("{}{}", pair.item, pair.house.names.join("")).as_bytes());
        if hash.as_bytes()[1] < NONE_OF_256 {
            let others: Vec<_> = all.into_iter().filter(|(code, _)| code != right).collect();
            if let Some((likely, _)) = best(&others) {
                self.all.push((said(likely, false), false));
            }
        }
    }

    /// Isotonic regression: blocks in the order of what was said, joined until the line never falls.
    pub fn points(&self) -> Vec<(f64, f64)> {
        let mut sorted = self.all.clone();
        let of_item = sorted.len().div_ceil(self.items.len().max(1));
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Sum of what was said, right ones, all.
        let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
        for part in sorted.chunks(BLOCK * of_item) {
            let said: f64 = part.iter().map(|(said, _)| said).sum();
            let right = part.iter().filter(|(_, right)| *right).count() as f64;
            blocks.push((said, right, part.len() as f64));
            while let [.., before, last] = blocks.as_slice()
                && before.1 / before.2 >= last.1 / last.2
            {
                let joined = (before.0 + last.0, before.1 + last.1, before.2 + last.2);
                blocks.truncate(blocks.len() - 2);
                blocks.push(joined);
            }
        }
        // Forty of forty are not always.
        let mut most = 0.0;
        let points = blocks.into_iter().map(|(said, right, all)| {
            most = f64::max(most, (right + 0.5) / (all + 1.0));
            (said / all, most)
        });
        thinned(points.collect())
    }

    pub fn print(&self, name: &str) {
        println!("\n{name}: what was said, and how often the first candidate was right (95 %)");
        let mut error = 0.0;
        for tenth in 0..10u32 {
            let within = |said: f64| (said * 10.0).floor().clamp(0.0, 9.0) == f64::from(tenth);
            let own: Vec<&(f64, bool)> =
                self.all.iter().filter(|(said, _)| within(*said)).collect();
            let all = own.len() as f64;
            if own.is_empty() {
                continue;
            }
            let said = own.iter().map(|(said, _)| said).sum::<f64>() / all;
            let right = own.iter().filter(|(_, right)| *right).count() as f64 / all;
            let (low, high) = wilson(right, all);
            println!("  said {said:.2}  was {right:.2} ({low:.2} to {high:.2})  of {all:.0}");
            error += (said - right).abs() * all / self.all.len() as f64;
        }
        println!("  mean difference {error:.3} of {}", self.all.len());
    }
}

/// Without the points that lie on the line between those that stay.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    let mut begin = 0;
    for end in 1..points.len() {
        let (from, to) = (points[begin], *points.get(end + 1).unwrap_or(&points[end]));
        let off = |point: &(f64, f64)| {
            let part = (point.0 - from.0) / (to.0 - from.0).max(f64::EPSILON);
            (from.1 + part * (to.1 - from.1) - point.1).abs() > NEAR
        };
        if end + 1 == points.len() || points[begin + 1..=end].iter().any(off) {
            kept.push(points[end]);
            begin = end;
        }
    }
    kept
}

/// The interval of a share (Wilson 1927), 95 %.
fn wilson(share: f64, all: f64) -> (f64, f64) {
    const Z: f64 = 1.96;
    let square = Z * Z / all;
    let middle = share + square / 2.0;
    let half = Z * (share * (1.0 - share) / all + square / all / 4.0).sqrt();
    ((middle - half) / (1.0 + square), (middle + half) / (1.0 + square))
}
