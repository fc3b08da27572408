//! The same error for another of those who shared an operation.

use super::Error;

impl Error {
    /// The same error once more, for another who waited for the same operation. What the driver
    /// reported is part of the message then, and no longer the source.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Conflict { columns, stale, context } => {
                Self::Conflict { columns: columns.clone(), stale: *stale, context: context.clone() }
            }
            Self::Reference { problem, columns, other_table, context } => Self::Reference {
                problem: *problem,
                columns: columns.clone(),
                other_table: other_table.clone(),
                context: context.clone(),
            },
            Self::Validation { message, context } => {
                Self::Validation { message: message.clone(), context: context.clone() }
            }
            Self::EmptyCriteria { context } => Self::EmptyCriteria { context: context.clone() },
            Self::Unsupported { operation, backend, advice } => Self::Unsupported {
                operation: operation.clone(),
                backend: backend.clone(),
                advice: advice.clone(),
            },
            Self::Schema { message, context } => {
                Self::Schema { message: message.clone(), context: context.clone() }
            }
            Self::Busy { message, context } => {
                Self::Busy { message: message.clone(), context: context.clone() }
            }
            Self::TimedOut { limit, retryable, context } => {
                Self::TimedOut { limit: *limit, retryable: *retryable, context: context.clone() }
            }
            Self::Deadlock { context } => Self::Deadlock { context: context.clone() },
            Self::Lagged { oldest, context } => {
                Self::Lagged { oldest: oldest.clone(), context: context.clone() }
            }
            Self::Decode { column, message, context } => Self::Decode {
                column: column.clone(),
                message: message.clone(),
                context: context.clone(),
            },
            Self::Closed { message, context } => {
                Self::Closed { message: message.clone(), context: context.clone() }
            }
            Self::Backend { message, retryable, context, .. } => Self::Backend {
                message: message.clone(),
                retryable: *retryable,
                source: None,
                context: context.clone(),
            },
            Self::Application { source } => Self::application(source.to_string()),
        }
    }
}
