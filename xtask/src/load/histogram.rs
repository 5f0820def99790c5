//! A log-linear histogram of nanoseconds: 64 buckets per power of two, so a value read back is at
//! most 1.6 % above the one recorded. Recording is an index computation and an increment.

/// Latencies, in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// An empty histogram.
    pub(crate) fn new() -> Histogram {
        Histogram {
            buckets: vec![0; BUCKETS],
            count: 0,
        }
    }

    /// Records one value.
    pub(crate) fn record(&mut self, ns: u64) {
        self.buckets[index(ns)] += 1;
        self.count += 1;
    }

    /// Adds everything the other one holds.
    pub(crate) fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
    }

    /// How many values it holds.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// How many values lie in buckets above that of `ns`.
    pub(crate) fn above(&self, ns: u64) -> u64 {
        self.buckets[index(ns) + 1..].iter().sum()
    }

    /// The smallest recorded value that at least the share `q` (0 to 1) of all values do not
    /// exceed, rounded up to its bucket's end; 0 when empty.
    pub(crate) fn quantile(&self, q: f64) -> u64 {
        let rank = ((self.count as f64 * q).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            seen += bucket;
            if seen >= rank {
                return upper_bound(index);
            }
        }
        0
    }
}

/// Values below 64 have a bucket each; above, the top seven bits choose it.
fn index(ns: u64) -> usize {
    let ns = ns.min(LARGEST);
    let magnitude = (u64::BITS - ns.leading_zeros()).saturating_sub(SUB_BITS + 1);
    let within = (ns >> magnitude) as usize;
    magnitude as usize * SUB + within
}

/// The largest value of a bucket.
fn upper_bound(index: usize) -> u64 {
    if index < 2 * SUB {
        return index as u64;
    }
    let magnitude = index / SUB - 1;
    let within = (index - magnitude * SUB) as u64;
    ((within + 1) << magnitude) - 1
}

const SUB_BITS: u32 = 6;
const SUB: usize = 1 << SUB_BITS;

/// About 18 minutes; longer ones are recorded as this.
const LARGEST: u64 = (1 << 40) - 1;

/// One past the largest index.
const BUCKETS: usize = (40 - SUB_BITS as usize + 1) * SUB;

#[cfg(test)]
mod tests;
