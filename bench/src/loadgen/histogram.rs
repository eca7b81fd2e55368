//! Latencies, counted.

/// Counts of values in buckets whose width is at most 1/64 of the values in them.
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn new() -> Histogram {
        Histogram {
            counts: vec![0; BUCKETS].into(),
            total: 0,
            max: 0,
        }
    }

    pub(crate) fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
        self.max = self.max.max(value);
    }

    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
        self.max = 0;
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// The value that `share` (0 to 1) of all values do not exceed, rounded up to its bucket's end.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let index = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        index.map_or(self.max, |index| last_value(index).min(self.max))
    }
}

/// The bucket of a value: below 64 its own, then 64 to each power of two.
fn bucket(value: u64) -> usize {
    if value < SUB {
        return value as usize;
    }
    let shift = value.ilog2() - SUB.ilog2();
    ((u64::from(shift) + 1) * SUB + (value >> shift) - SUB) as usize
}

/// The largest value of a bucket.
fn last_value(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SUB {
        return bucket;
    }
    let shift = bucket / SUB - 1;
    let lowest = (SUB + bucket % SUB) << shift;
    lowest + ((1 << shift) - 1)
}

/// Buckets to each power of two.
const SUB: u64 = 64;

/// Enough for all of `u64`.
const BUCKETS: usize = (SUB * (64 - SUB.ilog2() as u64 + 1)) as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_each_value_into_a_bucket_that_ends_at_most_a_64th_above_it() {
        for exponent in 0..64 {
            for value in [
                1u64 << exponent,
                (1 << exponent) + 1,
                (1 << exponent) | 0x5555,
            ] {
                let last = last_value(bucket(value));
                assert!(last >= value && last - value <= value / 64);
            }
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(last_value(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for index in 0..BUCKETS - 1 {
            assert_eq!(bucket(last_value(index)), index);
            assert_eq!(bucket(last_value(index) + 1), index + 1);
        }
    }

    #[test]
    fn gives_quantiles_of_what_was_recorded() {
        let mut histogram = Histogram::new();
        for value in 1..=50 {
            histogram.record(value);
        }
        histogram.record(1_000_000);
        assert_eq!(histogram.total(), 51);
        assert_eq!(histogram.quantile(0.5), 26);
        assert_eq!(histogram.quantile(0.98), 50);
        assert_eq!(histogram.quantile(0.999), 1_000_000);
        assert_eq!(histogram.max(), 1_000_000);
        histogram.clear();
        assert_eq!((histogram.total(), histogram.quantile(0.5)), (0, 0));
    }
}
