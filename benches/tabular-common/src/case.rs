//! The cases.

use std::fmt;

/// What is measured. Where not said otherwise: one caller, rows decoded into a struct that owns its strings; SQLite is in
/// WAL mode with `synchronous=NORMAL`, and PostgreSQL as it comes, where every commit is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `point_read`: a row of the small table by a random key.
    PointRead,
    /// `put`: an upsert of one row in a transaction of its own.
    Put,
    /// `put_bulk_n`: an upsert of `n` rows in one transaction, per row. In use: 1, 100 and 10,000.
    PutBulk(usize),
    /// `put_bulk_new_n`: the same with rows that are not there yet, per row. In use on PostgreSQL: 10,000.
    PutBulkNew(usize),
    /// `indexed_query_200`: the 200 rows of a random category of the large table, per query.
    IndexedQuery,
    /// `full_scan_100000`: all rows of the large table, per row.
    FullScan,
    /// `concurrent_readers_64`: [`TASKS`](crate::TASKS) tasks doing point reads at once, per read.
    ConcurrentReaders,
    /// `durable_writers_64`: [`TASKS`](crate::TASKS) tasks each committing upserts of one row, on SQLite with
    /// `synchronous=FULL`, per upsert.
    DurableWriters,
}

impl Case {
    /// Every case, in the order in which the programs run them.
    pub const ALL: [Self; 10] = [
        Self::PointRead,
        Self::Put,
        Self::PutBulk(1),
        Self::PutBulk(100),
        Self::PutBulk(10_000),
        Self::PutBulkNew(10_000),
        Self::IndexedQuery,
        Self::FullScan,
        Self::ConcurrentReaders,
        Self::DurableWriters,
    ];

    /// The sizes of [`Case::PutBulk`].
    pub const BULK_SIZES: [usize; 3] = [1, 100, 10_000];

    /// How many things one operation does; the time is given per thing (a row of a bulk or of a scan).
    pub(crate) fn units(self) -> usize {
        match self {
            Self::PutBulk(rows) | Self::PutBulkNew(rows) => rows,
            Self::FullScan => crate::Row::LARGE,
            _ => 1,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self {
            Self::PointRead => "point_read".to_owned(),
            Self::Put => "put".to_owned(),
            Self::PutBulk(rows) => format!("put_bulk_{rows}"),
            Self::PutBulkNew(rows) => format!("put_bulk_new_{rows}"),
            Self::IndexedQuery => format!("indexed_query_{}", crate::Row::PER_CATEGORY),
            Self::FullScan => format!("full_scan_{}", crate::Row::LARGE),
            Self::ConcurrentReaders => format!("concurrent_readers_{}", crate::TASKS),
            Self::DurableWriters => format!("durable_writers_{}", crate::TASKS),
        })
    }
}
