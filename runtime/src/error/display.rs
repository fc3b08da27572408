//! What errors say: what is wrong, what to do about it, and where it happened.

use std::fmt;

use super::{Context, Error, ReferenceProblem};

impl Context {
    const fn says_where(&self) -> bool {
        self.backend.is_some() || self.table.is_some() || self.operation.is_some()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { stale: true, columns, .. } => write!(
                f,
                "the row was written since it was read, or is gone, as {} tells; read it again",
                Names(columns)
            )?,
            Self::Conflict { columns, .. } if columns.is_empty() => {
                f.write_str("the key or a unique column is taken by another row")?;
            }
            Self::Conflict { columns, .. } => {
                write!(f, "another row already has this value of {}", Names(columns))?;
            }
            Self::Reference { problem, columns, other_table, .. } => {
                write_reference(f, *problem, columns, other_table)?;
            }
            Self::EmptyCriteria { .. } => f.write_str(
                "the filter matches every row; use `delete_all` to empty a table on purpose",
            )?,
            Self::Unsupported { operation, backend, advice } => {
                write!(f, "the {backend} backend has no `{operation}`; {advice}")?;
            }
            Self::Deadlock { .. } => f.write_str(
                "this task holds an open transaction and would wait for itself; \
                 use the handle inside the transaction, `handle.in_tx(&tx)`",
            )?,
            Self::TimedOut { limit, retryable, .. } => {
                write!(f, "it took longer than {limit:?} and was given up")?;
                f.write_str(if *retryable {
                    "; try again, or allow it more time"
                } else {
                    "; it may have been done or not, so look before you try again"
                })?;
            }
            Self::Lagged { .. } => f.write_str(
                "the log of changes no longer holds what comes after this cursor, so changes may \
                 be missing; begin with `Since::Snapshot`, or with `Since::After(oldest)` for what \
                 is still there",
            )?,
            Self::Decode { column, message, .. } => write!(f, "column `{column}`: {message}")?,
            Self::Validation { message, .. }
            | Self::Schema { message, .. }
            | Self::Busy { message, .. }
            | Self::Closed { message, .. }
            | Self::Backend { message, .. } => f.write_str(message)?,
            Self::Application { source } => write!(f, "{source}")?,
        }
        match self.context() {
            Some(context) if context.says_where() => write!(f, " ({context})"),
            _ => Ok(()),
        }
    }
}

fn write_reference(
    f: &mut fmt::Formatter<'_>,
    problem: ReferenceProblem,
    columns: &[String],
    other_table: &str,
) -> fmt::Result {
    let table = match other_table {
        "" => "another table".to_owned(),
        name => format!("`{name}`"),
    };
    match problem {
        ReferenceProblem::Missing => {
            if columns.is_empty() {
                write!(f, "the row refers to a row of {table} that does not exist")?;
            } else {
                write!(f, "{} refers to a row of {table} that does not exist", Names(columns))?;
            }
            f.write_str("; put that row first, or refer to another")
        }
        ReferenceProblem::InUse => {
            write!(f, "rows of {table} refer to this row")?;
            if !columns.is_empty() {
                write!(f, " by {}", Names(columns))?;
            }
            f.write_str(
                "; delete or change those first, or declare the reference with \
                 `on_delete = \"cascade\"` or `\"set null\"`",
            )
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table.as_ref().map(|table| format!("table `{table}`"));
        let parts = [
            self.operation.map(|operation| format!("in `{operation}`")),
            table,
            self.backend.map(|backend| format!("{backend} backend")),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

/// `a`, or `a` and `b` together.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            write!(f, "`{name}`")?;
        }
        Ok(())
    }
}
