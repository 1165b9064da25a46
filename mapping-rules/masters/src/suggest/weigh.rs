//! From what was compared to how likely each candidate is: a conditional logit. Each candidate has a sum
//! of weighted features, "none of these" has a constant one, and the likelihoods of all add up to 1.
//!
//! What the first candidate is then said to be is calibrated: of those that are said to be right with 0.7,
//! seven of ten are.
//!
//! Weights and calibration were fitted by `examples/suggest` on one half of the pairs that it makes of the
//! published masters; server/SUGGEST.md has what they do on the other half.

use super::Domain;

/// Places in [`Features`].
pub mod feature {
    pub const CODE: usize = 0;
    pub const NAME: usize = 1;
    pub const READING: usize = 2;
    pub const SHORT: usize = 3;
    pub const SIMILAR: usize = 4;
    pub const BASE: usize = 5;
    pub const PARTS: usize = 6;
    pub const STRENGTH_SAME: usize = 7;
    pub const STRENGTH_OTHER: usize = 8;
    pub const FORM_SAME: usize = 9;
    pub const FORM_OTHER: usize = 10;
    pub const MAKER_SAME: usize = 11;
    pub const MAKER_OTHER: usize = 12;
    pub const INGREDIENT: usize = 13;
    pub const UNIT_SAME: usize = 14;
    pub const UNIT_OTHER: usize = 15;
    pub const MATERIAL_SAME: usize = 16;
    pub const MATERIAL_OTHER: usize = 17;
    pub const METHOD: usize = 18;
    pub const METHOD_EXACT: usize = 19;
    pub const VALUES_SAME: usize = 20;
    pub const VALUES_OTHER: usize = 21;
    pub const RESULT_SAME: usize = 22;
    pub const RESULT_OTHER: usize = 23;
    pub const COMMON: usize = 24;
}

pub const FEATURES: usize = 25;

/// What was compared of a candidate.
pub type Features = [f64; FEATURES];

/// What each feature weighs, and "none of these".
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub each: Features,
    pub none: f64,
}

/// No pair of the masters has these: the code is the code, and results of hospitals are nowhere
/// published. Set by judgement.
const JUDGED: [(usize, f64); 3] =
    [(feature::CODE, 10.0), (feature::VALUES_SAME, 0.7), (feature::VALUES_OTHER, -3.0)];

const DISEASE: Weights = Weights {
    each: [
        0.0, 0.39, 4.46, 4.0, 12.06, 7.57, 5.15, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    ],
    none: 8.87,
};

const DRUG: Weights = Weights {
    each: [
        0.0, 2.29, 2.0, 0.0, 9.97, 1.47, 0.0, 1.38, -3.77, 0.0, -3.86, 0.0, -7.51, 4.94, 0.0, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    ],
    none: 6.35,
};

const LAB: Weights = Weights {
    each: [
        0.0, 2.58, 2.0, 0.0, 3.31, 1.65, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.09, 0.0,
        -6.99, 6.1, 0.0, 0.0, 0.0, 0.76, -1.14, 2.32,
    ],
    none: 7.84,
};

const ALLERGEN: Weights = Weights {
    each: [
        0.0, 3.61, 3.03, 0.0, 11.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    ],
    none: 6.68,
};

impl Weights {
    pub fn of(domain: Domain) -> Self {
        let mut weights = match domain {
            // Modifiers are names as diseases are; there are no pairs of theirs.
            Domain::Disease | Domain::Modifier => DISEASE,
            Domain::Drug => DRUG,
            Domain::Lab => LAB,
            Domain::Allergen => ALLERGEN,
        };
        for (place, weight) in JUDGED {
            weights.each[place] = weight;
        }
        weights
    }

    /// Likelihoods of candidates; what is missing to 1 is that of none.
    pub fn scores(&self, candidates: &[Features]) -> Vec<f64> {
        let sum = |features: &Features| -> f64 {
            features.iter().zip(&self.each).map(|(feature, weight)| feature * weight).sum()
        };
        let sums: Vec<f64> = candidates.iter().map(sum).collect();
        let most = sums.iter().copied().fold(self.none, f64::max);
        let all: f64 = sums.iter().map(|sum| (sum - most).exp()).sum();
        let all = all + (self.none - most).exp();
        sums.into_iter().map(|sum| (sum - most).exp() / all).collect()
    }
}

/// From what the weights say of the first candidate to how often it is right: points of a line that never
/// falls.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration(Vec<(f64, f64)>);

const DISEASE_POINTS: &[(f64, f64)] = &[
    (0.004, 0.031),
    (0.010, 0.142),
    (0.072, 0.216),
    (0.136, 0.253),
    (0.199, 0.380),
    (0.321, 0.451),
    (0.342, 0.525),
    (0.378, 0.562),
    (0.416, 0.673),
    (0.546, 0.722),
    (0.662, 0.833),
    (0.806, 0.874),
    (0.962, 0.981),
    (1.000, 0.998),
];
const DRUG_POINTS: &[(f64, f64)] = &[
    (0.006, 0.084),
    (0.032, 0.164),
    (0.071, 0.180),
    (0.111, 0.257),
    (0.140, 0.260),
    (0.183, 0.349),
    (0.345, 0.456),
    (0.389, 0.531),
    (0.479, 0.548),
    (0.693, 0.805),
    (0.725, 0.811),
    (0.765, 0.873),
    (0.905, 0.930),
    (1.000, 0.995),
];
const LAB_POINTS: &[(f64, f64)] = &[(0.130, 0.160), (0.528, 0.586), (0.971, 0.994)];
const ALLERGEN_POINTS: &[(f64, f64)] = &[
    (0.056, 0.157),
    (0.191, 0.410),
    (0.429, 0.609),
    (0.717, 0.709),
    (0.929, 0.828),
    (0.996, 0.994),
    (1.000, 0.996),
];

impl Calibration {
    pub fn of(domain: Domain) -> Self {
        let points = match domain {
            Domain::Disease | Domain::Modifier => DISEASE_POINTS,
            Domain::Drug => DRUG_POINTS,
            Domain::Lab => LAB_POINTS,
            Domain::Allergen => ALLERGEN_POINTS,
        };
        Calibration(points.to_vec())
    }

    /// How often a first candidate with this likelihood is right.
    pub fn right(&self, likelihood: f64) -> f64 {
        let after = self.0.partition_point(|(said, _)| *said < likelihood);
        let (low, low_right) = match after.checked_sub(1) {
            Some(before) => self.0[before],
            None => (0.0, 0.0),
        };
        let Some(&(high, high_right)) = self.0.get(after) else {
            return if self.0.is_empty() { likelihood } else { low_right };
        };
        let part = (likelihood - low) / (high - low).max(f64::EPSILON);
        low_right + part * (high_right - low_right)
    }

    /// Likelihoods, the highest first, with that of the first one set right: the others share what is left
    /// as they did before, and none of them comes before it.
    pub fn set_right(&self, likelihoods: &mut [f64]) {
        let Some((first, others)) = likelihoods.split_first_mut() else { return };
        let said = *first;
        *first = self.right(said);
        let left = (1.0 - *first) / (1.0 - said).max(f64::EPSILON);
        for other in others {
            *other = (*other * left).min(*first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOMAINS: [Domain; 5] =
        [Domain::Disease, Domain::Modifier, Domain::Drug, Domain::Lab, Domain::Allergen];

    #[test]
    fn a_line_goes_through_its_points() {
        let line = Calibration(vec![(0.2, 0.1), (0.6, 0.5), (0.9, 0.98)]);
        for (said, right) in
            [(0.0, 0.0), (0.1, 0.05), (0.2, 0.1), (0.4, 0.3), (0.6, 0.5), (0.9, 0.98), (1.0, 0.98)]
        {
            assert!((line.right(said) - right).abs() < 1e-9, "{said}: {}", line.right(said));
        }
        assert_eq!(Calibration(Vec::new()).right(0.3).to_bits(), 0.3f64.to_bits());
    }

    proptest! {
        #[test]
        fn calibration_keeps_the_order_and_makes_nothing_certain(
            parts in proptest::collection::vec(0.0..1.0f64, 1..9), none in 0.0..1.0f64,
        ) {
            let sum = parts.iter().sum::<f64>() + none + f64::MIN_POSITIVE;
            let mut likely: Vec<f64> = parts.iter().map(|part| part / sum).collect();
            likely.sort_by(|a, b| b.total_cmp(a));
            for domain in DOMAINS {
                let mut right = likely.clone();
                Calibration::of(domain).set_right(&mut right);
                prop_assert!(right.windows(2).all(|pair| pair[0] >= pair[1]), "{likely:?} {right:?}");
                prop_assert!(right[0] < 1.0 && right.iter().all(|one| *one >= 0.0), "{right:?}");
                prop_assert!(right.iter().sum::<f64>() <= 1.0 + 1e-9, "{right:?}");
            }
        }
    }
}
