//! The kinds of errors by name: what backends must agree about.

use storehouse_runtime::Error;

/// The name of an error's kind.
pub(crate) const fn kind(error: &Error) -> &'static str {
    match error {
        Error::Conflict { .. } => "Conflict",
        Error::Reference { .. } => "Reference",
        Error::Validation { .. } => "Validation",
        Error::EmptyCriteria { .. } => "EmptyCriteria",
        Error::Unsupported { .. } => "Unsupported",
        Error::Schema { .. } => "Schema",
        Error::Busy { .. } => "Busy",
        Error::Deadlock { .. } => "Deadlock",
        Error::Lagged { .. } => "Lagged",
        Error::Decode { .. } => "Decode",
        Error::Closed { .. } => "Closed",
        Error::Backend { .. } => "Backend",
        Error::Application { .. } => "Application",
        _ => "a kind that the suite does not know",
    }
}
