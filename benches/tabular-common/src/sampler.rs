//! The clock: finds how many operations fill a sample, takes the samples and their median.

use std::time::Duration;

/// At most this many units (rows, mostly) are prepared at a time; the clock stands while they are.
const PREPARED: usize = 20_000;

/// Decides how many operations to time next, and keeps the times.
pub(crate) struct Sampler {
    sample_time: Duration,
    samples: usize,
    /// Most operations to prepare at a time.
    most: usize,
    /// Operations in a sample, once found.
    per_sample: Option<usize>,
    /// Operations of the next step while searching, and still to do in this sample later.
    pending: usize,
    elapsed: Duration,
    /// Nanoseconds per operation, one for each sample taken.
    times: Vec<f64>,
}

impl Sampler {
    pub(crate) fn new(sample_time: Duration, samples: usize, units_at_once: usize) -> Self {
        Self {
            sample_time,
            samples,
            most: (PREPARED / units_at_once).max(1),
            per_sample: None,
            pending: 1,
            elapsed: Duration::ZERO,
            times: Vec::new(),
        }
    }

    /// How many operations to perform and [`record`](Self::record) next; none when done.
    pub(crate) fn next(&self) -> Option<usize> {
        (self.times.len() < self.samples).then(|| self.pending.min(self.most))
    }

    pub(crate) fn record(&mut self, operations: usize, elapsed: Duration) {
        let Some(per_sample) = self.per_sample else {
            // Still searching, which warms up too: twice as many until the time says something.
            if elapsed < self.sample_time / 8 && operations < self.most {
                self.pending = operations * 2;
            } else {
                let fit =
                    operations as f64 * self.sample_time.as_secs_f64() / elapsed.as_secs_f64();
                self.pending = (fit.round() as usize).max(1);
                self.per_sample = Some(self.pending);
            }
            return;
        };
        self.elapsed += elapsed;
        self.pending -= operations;
        if self.pending == 0 {
            self.times.push(self.elapsed.as_nanos() as f64 / per_sample as f64);
            self.elapsed = Duration::ZERO;
            self.pending = per_sample;
        }
    }

    /// The fastest, the median and the slowest sample, in nanoseconds per operation.
    pub(crate) fn finish(mut self) -> [f64; 3] {
        self.times.sort_by(f64::total_cmp);
        let middle = self.times.len() / 2;
        [self.times[0], self.times[middle], self.times[self.times.len() - 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_per_operation() {
        let mut sampler = Sampler::new(Duration::from_millis(100), 5, 1);
        while let Some(operations) = sampler.next() {
            // Constant cost, so every sample must say the same, whatever was prepared at a time.
            sampler.record(operations, Duration::from_nanos(700) * operations as u32);
        }
        assert_eq!(sampler.finish(), [700.0; 3]);
    }

    #[test]
    fn an_operation_longer_than_a_sample_is_timed_alone() {
        let mut sampler = Sampler::new(Duration::from_millis(1), 3, 1);
        let mut calls = 0;
        while let Some(operations) = sampler.next() {
            assert_eq!(operations, 1);
            calls += 1;
            sampler.record(operations, Duration::from_millis(5));
        }
        assert_eq!(calls, 4, "once to find out, and once for each sample");
    }
}
