//! Locks on the rows that a query gives, until the transaction ends.

/// Keeps others from changing the rows of a query until the transaction ends, so that what it
/// then writes is based on what it has read.
///
/// On PostgreSQL it is `FOR UPDATE` or `FOR SHARE`. In memory and on SQLite only one transaction
/// is open at a time, so its rows are locked in any case, and nobody is ever skipped. Where
/// [`Capabilities::row_locks`](crate::Capabilities::row_locks) is not set, a query with a lock
/// fails with `Error::Unsupported`, and outside a transaction with `Error::Validation`.
///
/// ```
/// use storehouse::{RowLock, prelude::*};
///
/// #[derive(Table, Debug)]
/// struct Seat {
///     #[table(key)]
///     number: u32,
///     guest: Option<String>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("sqlite::memory:").await?;
/// let seats = store.tabular::<Seat>().await?;
/// seats.setup_database().await?;
/// seats.put(Seat { number: 1, guest: None }).await?;
///
/// // However many ask at once, each gets a seat of its own, and nobody waits for another.
/// let seat = store
///     .transaction(async |tx| {
///         let seats = seats.in_tx(tx);
///         let free = seats.query(Seat::GUEST.is_null()).lock(RowLock::for_update().skip_locked());
///         let Some(seat) = free.first().await? else { return Ok(None) };
///         let guest = Set(Some("Ann".to_owned()));
///         seats.update(&seat.number, SeatPatch { guest }).await?;
///         Ok(Some(seat.number))
///     })
///     .await?;
/// assert_eq!(seat, Some(1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RowLock {
    pub(crate) strength: LockStrength,
    pub(crate) wait: LockWait,
}

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockStrength {
    /// Changing, deleting and locking the rows.
    Update,
    /// Changing and deleting the rows; others may lock them in the same way.
    Share,
}

/// What a query does about a row that another transaction has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockWait {
    /// Waits for its end, and fails with `Error::Busy` when that takes too long.
    Wait,
    /// Fails with `Error::Busy` at once.
    Fail,
    /// Leaves the row out, as if it were not there.
    Skip,
}

impl RowLock {
    /// For rows that will be changed or deleted: nobody else can change, delete or lock them.
    pub const fn for_update() -> Self {
        Self { strength: LockStrength::Update, wait: LockWait::Wait }
    }

    /// For rows that others must not change meanwhile, though they may lock them as well.
    pub const fn for_share() -> Self {
        Self { strength: LockStrength::Share, wait: LockWait::Wait }
    }

    /// Fails with `Error::Busy` at once when another transaction has locked a row.
    #[must_use]
    pub const fn no_wait(self) -> Self {
        Self { wait: LockWait::Fail, ..self }
    }

    /// Leaves out rows that another transaction has locked.
    #[must_use]
    pub const fn skip_locked(self) -> Self {
        Self { wait: LockWait::Skip, ..self }
    }

    /// What the lock keeps others from.
    pub const fn strength(self) -> LockStrength {
        self.strength
    }

    /// What is done about rows that are locked already.
    pub const fn wait(self) -> LockWait {
        self.wait
    }

    /// The end of a `SELECT` that takes the lock, with a space before it.
    pub(crate) const fn sql(self) -> &'static str {
        match (self.strength, self.wait) {
            (LockStrength::Update, LockWait::Wait) => " FOR UPDATE",
            (LockStrength::Update, LockWait::Fail) => " FOR UPDATE NOWAIT",
            (LockStrength::Update, LockWait::Skip) => " FOR UPDATE SKIP LOCKED",
            (LockStrength::Share, LockWait::Wait) => " FOR SHARE",
            (LockStrength::Share, LockWait::Fail) => " FOR SHARE NOWAIT",
            (LockStrength::Share, LockWait::Skip) => " FOR SHARE SKIP LOCKED",
        }
    }
}
