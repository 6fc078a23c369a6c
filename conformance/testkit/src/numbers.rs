//! Numbers that look random and can be had again (SplitMix64).

/// A source of them.
pub struct Numbers(u64);

impl Numbers {
    /// Those of this seed.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    /// Any.
    pub fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`, which is not 0.
    #[allow(clippy::cast_possible_truncation, reason = "it is less than a usize")]
    pub fn below(&mut self, end: usize) -> usize {
        // The bias is of no interest here.
        (self.any() % end as u64) as usize
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these, of which there is one at least.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;

    #[test]
    fn the_same_seed_makes_the_same_numbers() {
        let (mut one, mut two) = (Numbers::new(7), Numbers::new(7));
        assert!((0..100).all(|_| one.any() == two.any()));
        assert_ne!(Numbers::new(7).any(), Numbers::new(8).any());
    }
}
