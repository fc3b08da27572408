/// The table of a [`Row`](crate::Row), with an index over its category.
pub const SCHEMA: &str = "\
    CREATE TABLE items (
        id INTEGER PRIMARY KEY NOT NULL,
        category TEXT NOT NULL,
        name TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        price REAL NOT NULL
    );
    CREATE INDEX items_by_category ON items (category);";

/// The modes of a connection that survives a crash of the program (every case but the durable one).
///
/// The wait for a lock is long, so that no writer fails for having queued behind the others.
pub const NORMAL: &str = "\
    PRAGMA busy_timeout = 600000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;";

/// The modes of a connection whose every commit survives a loss of power.
pub const FULL: &str = "\
    PRAGMA busy_timeout = 600000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;";

/// Moves the write-ahead log into the database; run after loading, so that reads start from the same state.
pub const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// One row by its key.
pub const BY_KEY: &str = "SELECT id, category, name, quantity, price FROM items WHERE id = ?1";

/// All rows of a category.
pub const BY_CATEGORY: &str =
    "SELECT id, category, name, quantity, price FROM items WHERE category = ?1";

/// All rows.
pub const ALL: &str = "SELECT id, category, name, quantity, price FROM items";

/// The head of an upsert, up to its values.
pub const UPSERT_INTO: &str = "INSERT INTO items (id, category, name, quantity, price) ";

/// The tail of an upsert, after its values: replace the whole row.
pub const UPSERT_SET: &str = " ON CONFLICT (id) DO UPDATE SET \
    category = excluded.category, name = excluded.name, quantity = excluded.quantity, price = excluded.price";

/// An upsert of one row.
pub const UPSERT: &str = "\
    INSERT INTO items (id, category, name, quantity, price) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT (id) DO UPDATE SET \
    category = excluded.category, name = excluded.name, quantity = excluded.quantity, price = excluded.price";

/// An upsert of `rows` rows with positional parameters, five a row.
pub fn upsert(rows: usize) -> String {
    let values = vec!["(?, ?, ?, ?, ?)"; rows].join(", ");
    format!("{UPSERT_INTO}VALUES {values}{UPSERT_SET}")
}
