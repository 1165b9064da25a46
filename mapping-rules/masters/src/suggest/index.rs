//! Names found by how alike they are: pairs of letters, rare ones weighing more (TF-IDF), compared by
//! their angle (cosine).

use std::collections::BTreeMap;

use super::normal::pairs;

/// Texts with their owners, by pairs of letters.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// In order; each with the end of its places in `places`.
    pairs: Vec<(u64, u32)>,
    /// Weight of each pair.
    rarity: Vec<f32>,
    /// Text and weight, for one pair after the other.
    places: Vec<(u32, f32)>,
    /// Whose name a text is.
    owners: Vec<u32>,
    exact: BTreeMap<String, Vec<u32>>,
}

impl Names {
    /// Of normalised texts with their owners.
    pub fn new(texts: &[(u32, String)]) -> Self {
        let mut found: Vec<(u64, u32)> = Vec::new();
        let mut exact: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (place, (owner, text)) in (0u32..).zip(texts) {
            found.extend(pairs(text).into_iter().map(|pair| (pair, place)));
            let owners = exact.entry(text.clone()).or_default();
            if !owners.contains(owner) {
                owners.push(*owner);
            }
        }
        found.sort_unstable();
        let count = texts.len() as f32;
        let mut names = Names {
            owners: texts.iter().map(|(owner, _)| *owner).collect(),
            exact,
            ..Names::default()
        };
        let mut lengths = vec![0f32; texts.len()];
        for of_pair in found.chunk_by(|a, b| a.0 == b.0) {
            let texts = of_pair.chunk_by(|a, b| a.1 == b.1);
            let rarity = (count / texts.clone().count() as f32).ln() + 1.0;
            for same in texts {
                let weight = same.len() as f32 * rarity;
                lengths[same[0].1 as usize] += weight * weight;
                names.places.push((same[0].1, weight));
            }
            let end = u32::try_from(names.places.len()).unwrap_or(u32::MAX);
            names.pairs.push((of_pair[0].0, end));
            names.rarity.push(rarity);
        }
        for (text, weight) in &mut names.places {
            *weight /= lengths[*text as usize].sqrt();
        }
        names
    }

    /// Who has this very name.
    pub fn exact(&self, normal: &str) -> &[u32] {
        self.exact.get(normal).map(Vec::as_slice).unwrap_or_default()
    }

    /// How alike (0 to 1) the nearest name of each owner is; into `nearest`, where it is nearer.
    pub fn nearest(&self, normal: &str, nearest: &mut [f32]) {
        let mut wanted = pairs(normal);
        wanted.sort_unstable();
        let mut scores = vec![0f32; self.owners.len()];
        let mut length = 0f32;
        for same in wanted.chunk_by(|a, b| a == b) {
            let Ok(at) = self.pairs.binary_search_by_key(&same[0], |(pair, _)| *pair) else {
                // Nobody has it: as rare as can be.
                let weight = same.len() as f32 * ((self.owners.len() as f32).ln() + 1.0);
                length += weight * weight;
                continue;
            };
            let weight = same.len() as f32 * self.rarity[at];
            length += weight * weight;
            let begin = at.checked_sub(1).map_or(0, |before| self.pairs[before].1 as usize);
            for (text, own) in &self.places[begin..self.pairs[at].1 as usize] {
                scores[*text as usize] += weight * own;
            }
        }
        if length == 0.0 {
            return;
        }
        let length = length.sqrt();
        for (owner, score) in self.owners.iter().zip(scores) {
            if let Some(best) = nearest.get_mut(*owner as usize) {
                *best = best.max((score / length).min(1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_counts_and_the_same_name_is_one() {
        let texts = [(0, "アムロジピン錠"), (0, "アムロジン"), (1, "カンデサルタン錠"), (2, "k")];
        let texts: Vec<(u32, String)> =
            texts.iter().map(|(owner, text)| (*owner, (*text).to_owned())).collect();
        let names = Names::new(&texts);
        for (asked, best, least) in [
            ("アムロジン", 0, 0.99),
            ("アムロジピン", 0, 0.8),
            ("カンデサルタン", 1, 0.8),
            ("k", 2, 0.99),
        ] {
            let mut nearest = [0f32; 3];
            names.nearest(asked, &mut nearest);
            let (owner, score) =
                nearest.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("three");
            assert!(owner == best && *score > least && *score <= 1.0, "{asked}: {nearest:?}");
        }
        let mut nearest = [0f32; 3];
        names.nearest("薬", &mut nearest);
        assert_eq!(nearest, [0.0; 3]);
        assert_eq!(names.exact("アムロジン"), [0]);
        Names::default().nearest("薬", &mut nearest);
    }
}
