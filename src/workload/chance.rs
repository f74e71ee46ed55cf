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
}
