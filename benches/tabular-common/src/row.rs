//! The rows, and the random draws of what to read and write.

/// A row: an integer key, two strings of 12 bytes, an integer and a float.
///
/// Systems that derive on a struct of their own convert it from this one.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The key.
    pub id: i64,
    /// One of [`Row::CATEGORIES`] names, indexed. It follows from the key and never changes.
    pub category: String,
    /// Differs from row to row and from revision to revision, as do the two below.
    pub name: String,
    /// An integer.
    pub quantity: i64,
    /// A float.
    pub price: f64,
}

impl Row {
    /// Rows in the table of the point reads and of the writes; their keys are `0..SMALL`.
    pub const SMALL: usize = 20_000;
    /// Rows in the table of the indexed query and of the scan; their keys are `0..LARGE`.
    pub const LARGE: usize = 100_000;
    /// Rows that share a category in the large table.
    pub const PER_CATEGORY: usize = 200;
    /// Categories, spread evenly and not in key order.
    pub const CATEGORIES: usize = Self::LARGE / Self::PER_CATEGORY;

    /// The row with this key; another revision has the same key and category and other values.
    pub fn new(id: i64, revision: u64) -> Self {
        let noise = mix(mix(id as u64) ^ revision);
        Self {
            id,
            category: category(id as u64 % Self::CATEGORIES as u64),
            name: format!("item-{:07}", noise % 10_000_000),
            quantity: (noise >> 32) as i64,
            price: (noise % 100_000) as f64 / 100.0,
        }
    }

    /// The rows with keys `0..count`, to load a table with.
    pub fn first(count: usize) -> Vec<Self> {
        (0..count as i64).map(|id| Self::new(id, 0)).collect()
    }
}

fn category(number: u64) -> String {
    format!("category-{number:03}")
}

/// Random draws, the same for every system.
pub struct Draw {
    state: u64,
}

impl Draw {
    pub(crate) fn new() -> Self {
        Self { state: 42 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Nothing, for an operation without arguments (a scan).
    pub fn nothing(&mut self) {}

    /// A key of the small table.
    pub fn key(&mut self) -> i64 {
        (self.next() % Row::SMALL as u64) as i64
    }

    /// A category.
    pub fn category(&mut self) -> String {
        category(self.next() % Row::CATEGORIES as u64)
    }

    /// A row of the small table with new values. It replaces the one there, so the table keeps its size however
    /// often a system writes.
    pub fn row(&mut self) -> Row {
        Row::new(self.key(), self.next())
    }

    /// `count` such rows with consecutive keys, from a random one on and around at the end of the table.
    pub fn rows(&mut self, count: usize) -> Vec<Row> {
        let (first, revision) = (self.key(), self.next());
        (0..count as i64)
            .map(|step| Row::new((first + step) % Row::SMALL as i64, revision))
            .collect()
    }
}

/// The finalizer of SplitMix64.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_documented() {
        let rows = Row::first(Row::LARGE);
        assert!(rows.iter().all(|row| row.category.len() == 12 && row.name.len() == 12));
        let wanted = Draw::new().category();
        assert_eq!(rows.iter().filter(|row| row.category == wanted).count(), Row::PER_CATEGORY);
        assert_ne!(Row::new(1, 1).name, Row::new(1, 2).name);
    }

    #[test]
    fn a_batch_has_each_key_once() {
        let mut keys: Vec<_> = Draw::new().rows(10_000).into_iter().map(|row| row.id).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 10_000);
    }
}
