//! What is said of many measurements: middle, tail, whether two differ, how one grows.
//!
//! Not for: measuring. Nothing here knows what the numbers stand for, so that all of it is tried on
//! numbers whose answer is known.
//!
//! Law: no assumption of how times are spread. Times have long tails, so middles are medians, and the
//! interval of a median is that of the sign test, which holds for any spread.

/// The smallest value that a part of all values do not exceed (nearest rank); 0 of none.
pub fn quantile(sorted: &[u64], part: f64) -> u64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    let at = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or_default()
}

/// The middle value, or the mean of the two in the middle; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |at: usize| sorted.get(at).copied().unwrap_or_default();
    match sorted.len() {
        0 => 0.0,
        len if len % 2 == 1 => at(len / 2),
        len => (at(len / 2 - 1) + at(len / 2)) / 2.0,
    }
}

/// An interval that holds the median of what the values are drawn from, but for a chance of `risk`;
/// `None` if the values are too few to say so.
///
/// Each value lies below that median as likely as above it. So the number of those below is binomial,
/// and the interval goes from one value to another, counted from both ends.
pub fn median_interval(values: &[f64], risk: f64) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = sorted.len();
    // The chance that at most `below` of all lie on one side.
    let mut chance = (0.5_f64).powi(i32::try_from(count).ok()?);
    let mut sum = 0.0;
    let mut cut = None;
    for below in 0..count / 2 {
        sum += chance;
        if 2.0 * sum > risk {
            break;
        }
        cut = Some(below);
        chance *= (count - below) as f64 / (below + 1) as f64;
    }
    let cut = cut?;
    Some((*sorted.get(cut)?, *sorted.get(count - 1 - cut)?))
}

/// What is said of two things from their ratios, round by round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The median of the ratios.
    pub ratio: f64,
    /// Where the true one lies but for [`RISK`].
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Whether the two are not told apart.
    pub noise: bool,
}

/// How likely one interval misses the true ratio.
pub const RISK: f64 = 0.002;

/// A difference below this is never told from noise, however sure it is: where things happen to lie
/// in memory alone makes two loads of the same policy differ by as much.
pub const FLOOR: f64 = 1.05;

/// Tells two things apart, or not. `None` without a single ratio.
pub fn verdict(ratios: &[f64]) -> Option<Verdict> {
    let ratio = (!ratios.is_empty()).then(|| median(ratios))?;
    let fold = |from: f64, by: fn(f64, f64) -> f64| ratios.iter().copied().fold(from, by);
    let whole = (
        fold(f64::INFINITY, f64::min),
        fold(f64::NEG_INFINITY, f64::max),
    );
    let sure = median_interval(ratios, RISK);
    let (low, high) = sure.unwrap_or(whole);
    let apart = low > FLOOR || high < 1.0 / FLOOR;
    Some(Verdict {
        ratio,
        low,
        high,
        noise: sure.is_none() || !apart,
    })
}

/// The power of the size that the times grow with: 0 is flat, 1 doubles with the size. The least
/// squares' slope of both logarithms; `None` for fewer than two sizes.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let good = |(size, time): &&(f64, f64)| *size > 0.0 && *time > 0.0;
    let logs = points.iter().filter(good);
    let logs: Vec<(f64, f64)> = logs.map(|(size, time)| (size.ln(), time.ln())).collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let both = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y));
    (spread > 0.0).then(|| both.sum::<f64>() / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use presence_router::workload::Chance;

    /// Ratios of two noisy times, the second `factor` times the first; one in twenty is far off.
    fn ratios(factor: f64, count: u32, seed: u64) -> Vec<f64> {
        let mut chance = Chance::new(seed, 1);
        let mut time = |by: f64| {
            let noise = 1.0 + f64::from(chance.below(100)) / 500.0;
            let late = if chance.below(20) == 0 { 5.0 } else { 1.0 };
            by * noise * late
        };
        (0..count).map(|_| time(factor) / time(1.0)).collect()
    }

    #[test]
    fn middles_and_tails() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&hundred, 0.5), 50);
        assert_eq!(quantile(&hundred, 0.99), 99);
        assert_eq!(quantile(&hundred, 1.0), 100);
        assert_eq!(quantile(&[7], 0.99), 7);
        assert_eq!(quantile(&[], 0.5), 0);
        assert_eq!(quantile(&[1, 1_000], 0.99), 1_000);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn the_interval_is_that_of_the_tables() {
        let values = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        // Of the sign test at 5 %: none of 5, the ends of 6, the 2nd of 10, the 6th of 20.
        assert_eq!(median_interval(&values(5), 0.05), None);
        assert_eq!(median_interval(&values(6), 0.05), Some((1.0, 6.0)));
        assert_eq!(median_interval(&values(10), 0.05), Some((2.0, 9.0)));
        assert_eq!(median_interval(&values(20), 0.05), Some((6.0, 15.0)));
        assert_eq!(median_interval(&[], 0.05), None);
    }

    #[test]
    fn the_interval_misses_no_more_often_than_it_says() {
        let mut missed = 0;
        for seed in 0..1_000 {
            let mut chance = Chance::new(seed, 2);
            // Its median is 0.25, far from its mean.
            let values: Vec<f64> = (0..25)
                .map(|_| (f64::from(chance.below(1_000_000)) / 1e6).powi(2))
                .collect();
            let (low, high) = median_interval(&values, 0.05).unwrap();
            missed += u32::from(low > 0.25 || high < 0.25);
        }
        assert!((10..=50).contains(&missed), "{missed}");
    }

    #[test]
    fn twice_as_slow_is_found_and_the_same_is_noise() {
        let said = |factor, seed| verdict(&ratios(factor, 32, seed)).unwrap();
        let mut found = 0;
        for seed in 0..200 {
            let (twice, half) = (said(2.0, seed), said(0.5, seed));
            assert!((1.6..2.5).contains(&twice.ratio), "{twice:?}");
            assert!((0.4..0.6).contains(&half.ratio), "{half:?}");
            found += u32::from(!twice.noise && twice.low <= 2.0 && 2.0 <= twice.high);
            found += u32::from(!half.noise && half.low <= 0.5 && 0.5 <= half.high);
            assert!(said(1.0, seed).noise);
        }
        assert!(found > 390, "{found} of 400");
    }

    #[test]
    fn what_is_little_or_rarely_looked_at_is_noise() {
        assert_eq!(verdict(&[]), None);
        assert!(verdict(&[2.0; 9]).unwrap().noise);
        assert!(!verdict(&[2.0; 10]).unwrap().noise);
        assert!(verdict(&[1.03; 100]).unwrap().noise);
        assert!(!verdict(&[1.06; 100]).unwrap().noise);
        assert!(!verdict(&[0.9; 100]).unwrap().noise);
    }

    #[test]
    fn growth_is_a_power() {
        let near = |got: Option<f64>, wanted: f64| (got.unwrap() - wanted).abs() < 1e-9;
        assert!(near(exponent(&[(1.0, 5.0), (2.0, 5.0), (4.0, 5.0)]), 0.0));
        assert!(near(exponent(&[(1.0, 5.0), (2.0, 10.0), (4.0, 20.0)]), 1.0));
        assert!(near(exponent(&[(1.0, 3.0), (2.0, 12.0), (4.0, 48.0)]), 2.0));
        assert_eq!(exponent(&[(1.0, 5.0)]), None);
        assert_eq!(exponent(&[]), None);
    }
}
