//! Weights that make the right candidates likely: a conditional logit, by gradient ascent. It has one
//! highest point, so that the way there does not matter.

use genkan_masters::suggest::{FEATURES, Features, Weights, feature};

use crate::pairs::{Pair, Set};

/// The candidates of one house code; the right ones, or none of them.
pub struct Sample {
    candidates: Vec<Features>,
    right: Vec<usize>,
    /// Hospitals have fewer codes without a standard one than codes with one.
    weight: f64,
}

/// Of two, one has no right code among its candidates: "none of these" has to be learned too.
const NONE_WEIGHT: f64 = 0.15;
const ROUNDS: usize = 400;
const STEP: f64 = 0.5;
/// Keeps weights small that nothing speaks for.
const SHRINK: f64 = 2e-4;

const AGAINST: [usize; 7] = [
    feature::STRENGTH_OTHER,
    feature::FORM_OTHER,
    feature::MAKER_OTHER,
    feature::UNIT_OTHER,
    feature::MATERIAL_OTHER,
    feature::VALUES_OTHER,
    feature::RESULT_OTHER,
];

pub fn samples(set: &Set, pair: &Pair) -> Vec<Sample> {
    let all = set.index.features(&pair.house);
    let is_right = |code: &str| pair.right.iter().any(|right| right == code);
    // With a letter less, some names are those of another code: no hospital's name for this one.
    let same = |is: bool| {
        let mut alike = all.iter().filter(|(code, _)| is_right(code) == is);
        alike.any(|(_, features)| features[feature::NAME] > 0.0)
    };
    if same(false) && !same(true) {
        return Vec::new();
    }
    let right: Vec<usize> = (0..all.len()).filter(|place| is_right(all[*place].0)).collect();
    let wrong = all.iter().filter(|(code, _)| !is_right(code)).map(|(_, features)| *features);
    let without = Sample { candidates: wrong.collect(), right: Vec::new(), weight: NONE_WEIGHT };
    let with = all.iter().map(|(_, features)| *features).collect();
    let with = Sample { candidates: with, right, weight: 1.0 };
    [with, without].into_iter().filter(|sample| !sample.candidates.is_empty()).collect()
}

pub fn fitted(samples: &[Sample], start: Weights) -> Weights {
    let mut weights = start;
    // Those that no pair has stay as they are.
    let used: Vec<bool> = (0..FEATURES)
        .map(|place| samples.iter().any(|one| one.candidates.iter().any(|c| c[place] != 0.0)))
        .collect();
    let mut squares = [1e-6; FEATURES + 1];
    let total: f64 = samples.iter().map(|sample| sample.weight).sum();
    for _ in 0..ROUNDS {
        let mut gradient = [0.0; FEATURES + 1];
        for sample in samples {
            add(sample, &weights, &mut gradient);
        }
        for (place, slope) in gradient.iter().enumerate() {
            let of = if place < FEATURES { &mut weights.each[place] } else { &mut weights.none };
            if place < FEATURES && !used[place] {
                continue;
            }
            let slope = slope / total - SHRINK * *of;
            squares[place] += slope * slope;
            *of += STEP * slope / squares[place].sqrt();
            // What is the same never speaks against a code, nor what is not for it.
            *of = if AGAINST.contains(&place) { of.min(0.0) } else { of.max(0.0) };
        }
    }
    weights
}

/// What is right minus what is expected.
fn add(sample: &Sample, weights: &Weights, gradient: &mut [f64; FEATURES + 1]) {
    let scores = weights.scores(&sample.candidates);
    let right: f64 = sample.right.iter().map(|place| scores[*place]).sum();
    let none = 1.0 - scores.iter().sum::<f64>();
    for (place, candidate) in sample.candidates.iter().enumerate() {
        let wanted = match sample.right.contains(&place) {
            true => scores[place] / right.max(1e-12),
            false => 0.0,
        };
        let slope = sample.weight * (wanted - scores[place]);
        for (sum, feature) in gradient.iter_mut().zip(candidate) {
            *sum += slope * feature;
        }
    }
    let wanted = f64::from(sample.right.is_empty());
    gradient[FEATURES] += sample.weight * (wanted - none);
}
