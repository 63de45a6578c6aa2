//! Fuzz targets: plain functions of a seed. `cargo test` runs the first seeds of each; for longer, by hand:
//!
//! ```sh
//! LAMP_FUZZ_SECONDS=300 cargo test --release -p lamp-check fuzz -- --nocapture
//! ```
//!
//! goes on from there, each target for so long; the seed that fails is told.

mod code;
mod trees;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use lamp_testkit::Seed;

/// Choices that follow from a seed.
pub(crate) struct Random(Seed);

impl Random {
    const fn new(seed: u64) -> Self {
        Self(Seed::new(seed))
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Runs a target over its first seeds, or for as long as was asked.
pub(crate) fn over_seeds(seeds: u64, target: fn(&mut Random)) {
    let asked = std::env::var_os("LAMP_FUZZ_SECONDS").and_then(|text| text.to_str()?.parse().ok());
    let (started, time) = (Instant::now(), asked.map(Duration::from_secs));
    let mut slowest = (Duration::ZERO, 0);
    for seed in 0.. {
        if time.map_or(seed >= seeds, |time| started.elapsed() >= time) {
            println!("{seed} seeds; the slowest, {}, took {:?}", slowest.1, slowest.0);
            return;
        }
        let began = Instant::now();
        let ended = catch_unwind(AssertUnwindSafe(|| target(&mut Random::new(seed))));
        assert!(ended.is_ok(), "seed {seed}: see above");
        slowest = slowest.max((began.elapsed(), seed));
    }
}
