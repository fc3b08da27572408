//! What a backend can do, so that a program can ask before it calls and the conformance suite
//! knows what to expect.

/// What a backend offers. A call beyond it fails with `Error::Unsupported`, never slowly or
/// silently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each capability is there or not, by itself")]
#[non_exhaustive]
pub struct Capabilities {
    /// Rows can be written, not only read.
    pub writable: bool,
    /// Several operations can be made one, and undone together.
    pub transactions: bool,
    /// A part of a transaction can be undone.
    pub savepoints: bool,
    /// A transaction can lock the rows of a query.
    pub row_locks: bool,
    /// Rows outlive the store that wrote them.
    pub persistent: bool,
    /// Several processes can use one database at once.
    pub multi_process: bool,
    /// Queries are SQL, and `to_sql()` shows it.
    pub sql: bool,
    /// References between tables are enforced.
    pub references: bool,
    /// Tables can be compared with their definitions and brought there, by `store.migration()`.
    pub migrations: bool,
    /// Changes of a table's rows can be followed, by `changes()`.
    pub changes: bool,
}

impl Capabilities {
    /// Nothing at all, for a backend to begin with.
    pub const NONE: Self = Self {
        writable: false,
        transactions: false,
        savepoints: false,
        row_locks: false,
        persistent: false,
        multi_process: false,
        sql: false,
        references: false,
        migrations: false,
        changes: false,
    };
}
