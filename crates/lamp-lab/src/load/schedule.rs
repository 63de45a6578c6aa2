//! The moments at which requests are sent, fixed before the first one.

use std::time::Duration;

use super::record::Target;

/// One request to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// How long after the start.
    pub after: Duration,
    /// Its target, by place.
    pub target: usize,
}

/// The arrivals of `rate` requests a second for `length`, in order: independent visitors, so the gaps are
/// exponentially distributed, and targets are drawn by weight. The same seed gives the same schedule.
pub fn arrivals(rate: f64, length: Duration, targets: &[Target], seed: u64) -> Vec<Arrival> {
    let total: u64 = targets.iter().map(|target| u64::from(target.weight)).sum();
    if total == 0 || rate <= 0.0 {
        return Vec::new();
    }
    let mut dice = Dice(seed);
    let mut arrivals = Vec::new();
    let mut seconds = 0.0;
    loop {
        seconds += -(1.0 - dice.fraction()).ln() / rate;
        if seconds >= length.as_secs_f64() {
            return arrivals;
        }
        arrivals.push(Arrival {
            after: Duration::from_secs_f64(seconds),
            target: draw(targets, dice.next() % total),
        });
    }
}

fn draw(targets: &[Target], mut ticket: u64) -> usize {
    for (place, target) in targets.iter().enumerate() {
        let weight = u64::from(target.weight);
        if ticket < weight {
            return place;
        }
        ticket -= weight;
    }
    0
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, and good enough for arrivals.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In `0.0..1.0`.
    fn fraction(&mut self) -> f64 {
        // 53 bits fill an f64's mantissa, so the conversion is exact.
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Vec<Target> {
        vec![
            Target::new("/a", 3, &[]),
            Target::new("/never", 0, &[]),
            Target::new("/b", 1, &[]),
        ]
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        let of = |seed| arrivals(100.0, Duration::from_secs(5), &targets(), seed);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn rate_order_and_mix_are_as_asked() {
        let all = arrivals(600.0, Duration::from_secs(60), &targets(), 7);
        // 36,000 expected; five standard deviations of a Poisson count are 949.
        assert!((35_050..=36_950).contains(&all.len()), "{}", all.len());
        assert!(all.is_sorted_by_key(|arrival| arrival.after));
        assert!(all.iter().all(|arrival| arrival.after < Duration::from_secs(60)));
        let percent = |place| {
            let drawn = all.iter().filter(|arrival| arrival.target == place).count();
            drawn as f64 * 100.0 / all.len() as f64
        };
        assert!((74.0..76.0).contains(&percent(0)), "{}", percent(0));
        assert!((24.0..26.0).contains(&percent(2)), "{}", percent(2));
        assert!(percent(1) == 0.0);
    }

    #[test]
    fn nothing_to_ask_for_is_an_empty_schedule() {
        assert_eq!(arrivals(100.0, Duration::from_secs(5), &[], 1), []);
        assert_eq!(arrivals(0.0, Duration::from_secs(5), &targets(), 1), []);
    }
}
