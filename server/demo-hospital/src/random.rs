//! Random numbers that depend only on the seed, a topic and a patient: any patient can be made
//! alone, in any order and in any shard, with the same bytes.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The numbers of one topic (mostly a table) for one patient.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    pub fn of(seed: u64, topic: &str, number: u32) -> Self {
        let mut hash = blake3::Hasher::new();
        hash.update(&seed.to_le_bytes());
        hash.update(topic.as_bytes());
        hash.update(&[0]);
        hash.update(&number.to_le_bytes());
        Stream(ChaCha8Rng::from_seed(*hash.finalize().as_bytes()))
    }

    /// Uniform in `0..bound`; 0 for an empty range. The bias of 2^-32 · bound is accepted.
    pub fn below(&mut self, bound: u32) -> u32 {
        let wide = u64::from(self.0.next_u32()) * u64::from(bound);
        u32::try_from(wide >> 32).unwrap_or(0)
    }

    /// Uniform in `low..=high`, for spans below 2^32.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u32::try_from(high - low + 1).unwrap_or(1);
        low + i64::from(self.below(span))
    }

    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `choices`, which is not empty: the type carries the first one apart.
    pub fn pick<'a, T: ?Sized>(&mut self, first: &'a T, others: &[&'a T]) -> &'a T {
        let at = self.below(u32::try_from(others.len() + 1).unwrap_or(1)) as usize;
        if at == 0 { first } else { others.get(at - 1).copied().unwrap_or(first) }
    }

    /// An index into a list of this length; 0 for an empty list.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(u32::try_from(length).unwrap_or(u32::MAX)) as usize
    }

    /// Nearly normal, mean 0, in thousandths of the standard deviation; within ±6000.
    pub fn milli_sigma(&mut self) -> i64 {
        let sum: u32 = (0..6)
            .map(|_| {
                let two = self.0.next_u32();
                (((two & 0xffff) * 1000) >> 16) + (((two >> 16) * 1000) >> 16)
            })
            .sum();
        i64::from(sum) - 5994
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_topic_and_patient_only() {
        let first = |seed, topic, number| Stream::of(seed, topic, number).below(u32::MAX);
        assert_eq!(first(1, "PT_MST", 7), first(1, "PT_MST", 7));
        let others = [first(2, "PT_MST", 7), first(1, "PT_ALG", 7), first(1, "PT_MST", 8)];
        assert!(!others.contains(&first(1, "PT_MST", 7)));
    }

    #[test]
    fn milli_sigma_is_centred_and_has_about_one_sigma() {
        let mut stream = Stream::of(1, "normal", 1);
        let drawn: Vec<i64> = (0..20_000).map(|_| stream.milli_sigma()).collect();
        let mean = drawn.iter().sum::<i64>() / 20_000;
        let variance = drawn.iter().map(|z| z * z / 1000).sum::<i64>() / 20_000;
        assert!(mean.abs() < 30 && (950..1050).contains(&variance), "{mean} {variance}");
    }

    #[test]
    fn bounds_are_kept() {
        let mut stream = Stream::of(1, "bounds", 1);
        assert_eq!(stream.below(0), 0);
        assert!((0..1000).all(|_| (3..=5).contains(&stream.between(3, 5))));
        assert!((0..1000).all(|_| stream.index(4) < 4));
    }
}
