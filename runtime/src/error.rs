//! The one error type, made to be matched on and to say what to do.
//!
//! A variant says what kind of thing went wrong; its [`Context`] says where: the backend, the
//! table and the operation. Engines raise an error with an empty context, and the handle that
//! the caller used fills it in.

use std::{borrow::Cow, error::Error as StdError, time::Duration};

mod display;
mod duplicate;

use crate::changes::ChangeCursor;

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error's cause, from a driver or from the caller's own code.
pub type Source = Box<dyn StdError + Send + Sync>;

/// Everything that can go wrong.
///
/// ```
/// use storehouse_runtime::Error;
///
/// fn status(error: &Error) -> u16 {
///     match error {
///         Error::Validation { .. } | Error::EmptyCriteria { .. } => 400,
///         Error::Conflict { .. } => 409,
///         error if error.is_retryable() => 503,
///         _ => 500,
///     }
/// }
/// # assert_eq!(status(&Error::empty_criteria()), 400);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The key or a unique column is taken by another row, or the row is not the one that was read.
    Conflict {
        /// The columns of the constraint that was hit, where the backend tells; the `version` of a
        /// row that was written since it was read.
        columns: Vec<String>,
        /// Whether the row was written since it was read, or is gone. Reading it again helps.
        stale: bool,
        /// Where it happened.
        context: Box<Context>,
    },
    /// A row refers to one that is not there, or others refer to one that would be gone; nothing
    /// was done.
    Reference {
        /// Which of the two it is.
        problem: ReferenceProblem,
        /// The columns that refer, where the backend tells.
        columns: Vec<String>,
        /// The other table: the one that is referred to, or the one whose rows refer. Empty where
        /// the backend does not tell.
        other_table: String,
        /// Where it happened.
        context: Box<Context>,
    },
    /// A value, a name or an option is not acceptable; nothing was done.
    Validation {
        /// What is wrong and what to give instead.
        message: String,
        /// Where it happened.
        context: Box<Context>,
    },
    /// `delete_search` was given a filter that matches every row.
    EmptyCriteria {
        /// Where it happened.
        context: Box<Context>,
    },
    /// The backend does not offer this operation.
    Unsupported {
        /// The operation that was asked for.
        operation: Cow<'static, str>,
        /// The backend that lacks it.
        backend: Cow<'static, str>,
        /// What to use instead.
        advice: Cow<'static, str>,
    },
    /// The table is not in the database, or not as the definition has it.
    Schema {
        /// What differs, and how to mend it.
        message: String,
        /// Where it happened.
        context: Box<Context>,
    },
    /// Another writer holds the database; trying again may succeed.
    Busy {
        /// Who is waited for, as far as it is known.
        message: String,
        /// Where it happened.
        context: Box<Context>,
    },
    /// A [`Timeout`](crate::layers::Timeout) gave the operation up; it was done, or it was not.
    TimedOut {
        /// For how long it was waited.
        limit: Duration,
        /// Whether the same call may be made again, as a read may.
        retryable: bool,
        /// Where it happened.
        context: Box<Context>,
    },
    /// Waiting would never end: the caller's own task holds the transaction that it waits for.
    Deadlock {
        /// Where it happened.
        context: Box<Context>,
    },
    /// The log of changes no longer holds what comes after the cursor: it was pruned, or begun
    /// anew. Nothing can tell what was missed; begin with [`Since::Snapshot`](crate::Since), or
    /// with `Since::After(oldest)` where what is still there is enough.
    Lagged {
        /// Stands before the oldest change that the log holds.
        oldest: Box<ChangeCursor>,
        /// Where it happened.
        context: Box<Context>,
    },
    /// A stored value does not fit the column's type.
    Decode {
        /// The column's name.
        column: String,
        /// What was expected and what was found.
        message: String,
        /// Where it happened.
        context: Box<Context>,
    },
    /// The handle, the store or the transaction has ended.
    Closed {
        /// What ended.
        message: String,
        /// Where it happened.
        context: Box<Context>,
    },
    /// The backend failed: the disk is full, the file is damaged, the statement is refused.
    Backend {
        /// What the backend reported.
        message: String,
        /// Whether the same call may succeed when it is made again.
        retryable: bool,
        /// The driver's error.
        source: Option<Source>,
        /// Where it happened.
        context: Box<Context>,
    },
    /// The caller's own error, carried out of a transaction that it rolled back.
    Application {
        /// The error that the caller gave.
        source: Source,
    },
}

/// What is wrong with a reference between two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceProblem {
    /// The row that is referred to is not there.
    Missing,
    /// Rows refer to the one that would be deleted, or would change the value that they refer to.
    InUse,
}

/// Where an error happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The backend, such as `sqlite`.
    pub backend: Option<&'static str>,
    /// The table's name.
    pub table: Option<String>,
    /// The operation, such as `put`.
    pub operation: Option<&'static str>,
    /// The code that the database gave, where it gave one: PostgreSQL's `SQLSTATE`, SQLite's extended
    /// result code as a number.
    pub status_code: Option<Box<str>>,
}

impl Error {
    /// A constraint on `columns` was hit.
    pub fn conflict(columns: Vec<String>) -> Self {
        Self::Conflict { columns, stale: false, context: Box::default() }
    }

    /// The row that was to be written is not the one that was read, by its `version` column.
    pub fn stale(version: Vec<String>) -> Self {
        Self::Conflict { columns: version, stale: true, context: Box::default() }
    }

    /// A reference by `columns` does not hold. `other_table` is the one that is referred to, or,
    /// for [`ReferenceProblem::InUse`], the one that refers; it may be empty, and so may
    /// `columns`, where it is not known.
    pub fn reference(
        problem: ReferenceProblem,
        columns: Vec<String>,
        other_table: impl Into<String>,
    ) -> Self {
        let other_table = other_table.into();
        Self::Reference { problem, columns, other_table, context: Box::default() }
    }

    /// Something given by the caller is not acceptable.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::Validation { message: message.into(), context: Box::default() }
    }

    /// A deletion was asked for that would remove every row.
    pub fn empty_criteria() -> Self {
        Self::EmptyCriteria { context: Box::default() }
    }

    /// `backend` has no `operation`; `advice` says what to use instead.
    pub fn unsupported(
        operation: impl Into<Cow<'static, str>>,
        backend: impl Into<Cow<'static, str>>,
        advice: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Unsupported {
            operation: operation.into(),
            backend: backend.into(),
            advice: advice.into(),
        }
    }

    /// The live table is missing or differs from its definition.
    pub fn schema(message: impl Into<String>) -> Self {
        Self::Schema { message: message.into(), context: Box::default() }
    }

    /// The live table is missing.
    pub fn no_table(table: &str) -> Self {
        Self::schema(format!("table `{table}` does not exist; call `setup_database()` first"))
    }

    /// Another writer is in the way.
    pub fn busy(message: impl Into<String>) -> Self {
        Self::Busy { message: message.into(), context: Box::default() }
    }

    /// An operation was given up after `limit`. `retryable` says whether it can be done twice with no
    /// other outcome than once.
    pub fn timed_out(limit: Duration, retryable: bool) -> Self {
        Self::TimedOut { limit, retryable, context: Box::default() }
    }

    /// The caller waits for itself.
    pub fn deadlock() -> Self {
        Self::Deadlock { context: Box::default() }
    }

    /// The log of changes does not reach back to a cursor, but to `oldest`.
    pub fn lagged(oldest: ChangeCursor) -> Self {
        Self::Lagged { oldest: Box::new(oldest), context: Box::default() }
    }

    /// The live table keeps no log of its changes.
    pub fn no_change_log(table: &str) -> Self {
        Self::schema(format!(
            "`{table}` keeps no log of its changes; call `setup_database()` on a handle whose \
             definition has `#[table(changes)]`, of `kv_logged()`, or of a store with \
             `log_changes()`"
        ))
    }

    /// A stored value does not fit `column`.
    pub fn decode(column: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Decode { column: column.into(), message: message.into(), context: Box::default() }
    }

    /// What the caller used has ended.
    pub fn closed(message: impl Into<String>) -> Self {
        Self::Closed { message: message.into(), context: Box::default() }
    }

    /// The backend failed for a reason of its own.
    pub fn backend(message: impl Into<String>, source: Option<Source>) -> Self {
        Self::Backend { message: message.into(), retryable: false, source, context: Box::default() }
    }

    /// Wraps the caller's own error, so that a transaction's body can return it and roll back.
    ///
    /// ```
    /// use storehouse_runtime::Error;
    ///
    /// let error = Error::application("out of stock");
    /// assert_eq!(error.to_string(), "out of stock");
    /// ```
    pub fn application(source: impl Into<Source>) -> Self {
        Self::Application { source: source.into() }
    }

    /// Notes the code that the database gave, unless one is noted.
    #[must_use]
    pub fn with_status_code(mut self, code: impl Into<Box<str>>) -> Self {
        if let Some(context) = self.context_mut() {
            context.status_code.get_or_insert_with(|| code.into());
        }
        self
    }

    /// The name of the variant in small letters, such as `conflict` or `timed_out`: one of few, for
    /// metrics and traces.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::Reference { .. } => "reference",
            Self::Validation { .. } => "validation",
            Self::EmptyCriteria { .. } => "empty_criteria",
            Self::Unsupported { .. } => "unsupported",
            Self::Schema { .. } => "schema",
            Self::Busy { .. } => "busy",
            Self::TimedOut { .. } => "timed_out",
            Self::Deadlock { .. } => "deadlock",
            Self::Lagged { .. } => "lagged",
            Self::Decode { .. } => "decode",
            Self::Closed { .. } => "closed",
            Self::Backend { .. } => "backend",
            Self::Application { .. } => "application",
        }
    }

    /// Whether the same call may succeed when it is simply made again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } => true,
            Self::Backend { retryable, .. } | Self::TimedOut { retryable, .. } => *retryable,
            _ => false,
        }
    }

    /// Where it happened, for the variants that know.
    pub fn context(&self) -> Option<&Context> {
        match self {
            Self::Conflict { context, .. }
            | Self::Reference { context, .. }
            | Self::Validation { context, .. }
            | Self::EmptyCriteria { context }
            | Self::Schema { context, .. }
            | Self::Busy { context, .. }
            | Self::TimedOut { context, .. }
            | Self::Deadlock { context }
            | Self::Lagged { context, .. }
            | Self::Decode { context, .. }
            | Self::Closed { context, .. }
            | Self::Backend { context, .. } => Some(context),
            Self::Unsupported { .. } | Self::Application { .. } => None,
        }
    }

    /// Fills in what the context does not say yet.
    #[must_use]
    pub fn at(mut self, backend: &'static str, table: &str, operation: &'static str) -> Self {
        if let Some(context) = self.context_mut() {
            context.backend.get_or_insert(backend);
            context.operation.get_or_insert(operation);
            if context.table.is_none() && !table.is_empty() {
                context.table = Some(table.to_owned());
            }
        }
        self
    }

    fn context_mut(&mut self) -> Option<&mut Context> {
        match self {
            Self::Conflict { context, .. }
            | Self::Reference { context, .. }
            | Self::Validation { context, .. }
            | Self::EmptyCriteria { context }
            | Self::Schema { context, .. }
            | Self::Busy { context, .. }
            | Self::TimedOut { context, .. }
            | Self::Deadlock { context }
            | Self::Lagged { context, .. }
            | Self::Decode { context, .. }
            | Self::Closed { context, .. }
            | Self::Backend { context, .. } => Some(context),
            Self::Unsupported { .. } | Self::Application { .. } => None,
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Backend { source: Some(source), .. } => Some(source.as_ref()),
            // `Display` already prints this one, so its own cause comes next.
            Self::Application { source } => source.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_and_where() {
        let error = Error::conflict(vec!["sku".into()]).at("sqlite", "products", "insert");
        assert_eq!(
            error.to_string(),
            "another row already has this value of `sku` (in `insert`, table `products`, sqlite backend)"
        );
    }

    #[test]
    fn a_stale_row_is_no_clash_with_another() {
        let error = Error::stale(vec!["version".into()]).at("memory", "notes", "put");
        assert_eq!(
            error.to_string(),
            "the row was written since it was read, or is gone, as `version` tells; read it again \
             (in `put`, table `notes`, memory backend)"
        );
    }

    #[test]
    fn a_reference_says_which_way_it_does_not_hold() {
        let columns = || vec!["customer_id".to_owned()];
        let missing = Error::reference(ReferenceProblem::Missing, columns(), "customers");
        assert!(
            missing.to_string().starts_with(
                "`customer_id` refers to a row of `customers` that does not exist; put that row"
            ),
            "{missing}"
        );
        let in_use = Error::reference(ReferenceProblem::InUse, columns(), "orders");
        assert!(
            in_use.to_string().starts_with("rows of `orders` refer to this row by `customer_id`;"),
            "{in_use}"
        );
        let unknown = Error::reference(ReferenceProblem::InUse, Vec::new(), "");
        assert!(
            unknown.to_string().starts_with("rows of another table refer to this row;"),
            "{unknown}"
        );
        assert!(!in_use.is_retryable());
    }

    #[test]
    fn the_first_context_wins() {
        let error = Error::busy("locked").at("sqlite", "a", "put").at("layer", "b", "get");
        let context = error.context().unwrap();
        assert_eq!(context.backend, Some("sqlite"));
        assert_eq!(context.table.as_deref(), Some("a"));
        assert_eq!(context.operation, Some("put"));
        assert!(error.is_retryable());
    }
}
