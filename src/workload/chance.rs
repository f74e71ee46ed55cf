//! Chance that repeats itself: the same seed gives the same numbers everywhere.

/// SplitMix64, by Steele, Lea and Flood ("Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Numbers of a seed. `stream` makes them independent of those of other streams.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut chance = Chance(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        // So that near seeds and streams have nothing in common.
        chance.0 = chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `limit`, each as likely; 0 if the limit is 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        let product = u128::from(self.next()) * u128::from(limit);
        u32::try_from(product >> 64).unwrap_or_default()
    }

    /// A number below `limit`, small ones more likely: the lowest tenth is drawn a third of the time.
    pub fn low(&mut self, limit: u32) -> u32 {
        let (a, b) = (self.below(limit), self.below(limit));
        u32::try_from(u64::from(a) * u64::from(b) / u64::from(limit.max(1))).unwrap_or_default()
    }

    /// A number from `from` to `to`.
    pub fn between(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// A number from `from` to `to` as sizes are by Zipf's law: half as many are twice as large.
    pub fn zipf(&mut self, from: u32, to: u32) -> u32 {
        let (least, most) = (u64::from(from.max(1)), u64::from(to.max(from).max(1)));
        // The inverse of the share that is smaller, (1/least - 1/size) / (1/least - 1/most), in fractions
        // of `WHOLE`.
        const WHOLE: u32 = 1 << 24;
        let share = u64::from(self.below(WHOLE));
        let whole = u64::from(WHOLE);
        let size = u128::from(least * most) * u128::from(whole)
            / u128::from(most * whole - share * (most - least));
        u32::try_from(size).unwrap_or(to)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn half_as_many_sizes_are_twice_as_large() {
        let mut chance = Chance::new(1, 1);
        let sizes: Vec<u32> = (0..100_000).map(|_| chance.zipf(500, 500_000)).collect();
        for (size, expected) in [
            (500, 100_000),
            (1_000, 50_000),
            (2_000, 25_000),
            (50_000, 900),
        ] {
            let found = sizes.iter().filter(|found| **found >= size).count();
            assert!(
                found.abs_diff(expected) <= expected / 10,
                "{found} of {size}"
            );
        }
        assert!(sizes.iter().all(|size| (500..=500_000).contains(size)));
        assert_eq!(Chance::new(1, 1).zipf(7, 7), 7);
        assert!(Chance::new(1, 1).zipf(0, u32::MAX) > 0);
    }
}
