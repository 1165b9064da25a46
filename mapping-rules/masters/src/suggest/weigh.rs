//! From what was compared to how likely each candidate is: a conditional logit. Each candidate has a sum
//! of weighted features, "none of these" has a constant one, and the likelihoods of all add up to 1.
//!
//! The weights were fitted by `examples/suggest.rs` on one half of the pairs that it makes of the
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
        0.0, 2.78, 2.0, 0.0, 3.51, 1.28, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.09, 0.0,
        -6.99, 6.1, 0.0, 0.0, 0.0, 0.77, -1.16, 2.33,
    ],
    none: 7.88,
};

const ALLERGEN: Weights = Weights {
    each: [
        0.0, 0.63, 3.29, 0.0, 9.37, 6.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    ],
    none: 6.08,
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
