//! What is really called, and what came of it: the form in which the model and a backend are
//! compared.

use std::fmt;

use storehouse_runtime::{
    Aggregation, Assignment, EncodedKey, EncodedRow, Error, FilterTree, Selection, Value, WriteMode,
};

use super::logic;
use crate::kind::kind;

/// An operation whose references were looked up.
#[derive(Clone, Debug)]
pub(super) enum Call {
    SetUp,
    Get(EncodedKey),
    GetMany(Vec<EncodedKey>),
    Select { selection: Selection, stop_after: Option<usize> },
    Aggregate(Aggregation),
    Count(FilterTree),
    Write(Vec<EncodedRow>, WriteMode),
    Upsert(EncodedRow, Vec<usize>, Vec<Assignment>),
    Update(EncodedKey, FilterTree, Vec<Assignment>),
    UpdateWhere(FilterTree, Vec<Assignment>),
    Delete(EncodedKey, FilterTree),
    DeleteSearch(FilterTree),
    DeleteAll,
    Begin,
    Commit,
    RollBack,
    DropTransaction,
    Savepoint,
    ReleaseSavepoint,
    RollBackSavepoint,
    Reopen,
}

/// What a call came to.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Done,
    Truth(bool),
    Count(u64),
    /// Rows with the position at which each was handed over.
    Rows(Vec<(usize, Vec<Value>)>),
    /// What groups came to. A zero has any sign here: which of the two stands for a group, no
    /// database says.
    Groups(Vec<Vec<Value>>),
    Stored(Vec<Option<EncodedRow>>),
    Failed(Refusal),
}

/// An error, as far as backends must agree about it.
#[derive(Clone)]
pub(super) struct Refusal {
    pub(super) kind: &'static str,
    /// In an answer of the model the constraints that may be named; in one of a backend the one
    /// that it names, or none.
    pub(super) constraints: Vec<Vec<String>>,
    pub(super) message: String,
}

impl Call {
    /// Whether tables can be different afterwards, or had to stay the same though it failed.
    pub(super) const fn writes(&self) -> bool {
        !matches!(
            self,
            Self::SetUp
                | Self::Get(_)
                | Self::GetMany(_)
                | Self::Select { .. }
                | Self::Aggregate(_)
                | Self::Count(_)
        )
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::SetUp => "set up",
            Self::Get(_) => "get",
            Self::GetMany(_) => "get many",
            Self::Select { .. } => "select",
            Self::Aggregate(_) => "aggregate",
            Self::Count(_) => "count",
            Self::Write(_, WriteMode::Put) => "put",
            Self::Write(_, WriteMode::Insert) => "insert",
            Self::Write(_, WriteMode::InsertIfAbsent) => "insert if absent",
            Self::Upsert(..) => "upsert",
            Self::Update(..) => "update",
            Self::UpdateWhere(..) => "update where",
            Self::Delete(..) => "delete",
            Self::DeleteSearch(_) => "delete search",
            Self::DeleteAll => "delete all",
            Self::Begin => "begin",
            Self::Commit => "commit",
            Self::RollBack => "roll back",
            Self::DropTransaction => "drop transaction",
            Self::Savepoint => "savepoint",
            Self::ReleaseSavepoint => "release savepoint",
            Self::RollBackSavepoint => "roll back savepoint",
            Self::Reopen => "reopen",
        }
    }
}

impl Answer {
    /// Whether there was anything in it.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Failed(refusal) => refusal.kind,
            Self::Truth(false) | Self::Count(0) => "nothing",
            Self::Rows(rows) if rows.is_empty() => "nothing",
            Self::Groups(groups) if groups.is_empty() => "nothing",
            Self::Stored(rows) if rows.iter().all(Option::is_none) => "nothing",
            _ => "something",
        }
    }

    /// Whether a backend's answer is this answer of the model.
    pub(super) fn is_met_by(&self, actual: &Self) -> bool {
        match (self, actual) {
            (Self::Done, Self::Done) => true,
            (Self::Truth(expected), Self::Truth(actual)) => expected == actual,
            (Self::Count(expected), Self::Count(actual)) => expected == actual,
            (Self::Rows(expected), Self::Rows(actual)) => {
                expected.len() == actual.len()
                    && expected.iter().zip(actual).all(|((place, row), (actual_place, actual))| {
                        place == actual_place && logic::same_row(row, actual)
                    })
            }
            (Self::Groups(expected), Self::Groups(actual)) => {
                expected.len() == actual.len()
                    && expected.iter().zip(actual).all(|(row, actual)| {
                        row.len() == actual.len()
                            && row.iter().zip(actual).all(|(value, actual)| {
                                logic::equal(value, actual) || value.is_null() && actual.is_null()
                            })
                    })
            }
            (Self::Stored(expected), Self::Stored(actual)) => {
                expected.len() == actual.len()
                    && expected.iter().zip(actual).all(|pair| match pair {
                        (Some(expected), Some(actual)) => logic::same_row(&expected.0, &actual.0),
                        (expected, actual) => expected.is_none() && actual.is_none(),
                    })
            }
            (Self::Failed(expected), Self::Failed(actual)) => {
                let named = |columns: &Vec<String>| expected.constraints.contains(columns);
                expected.kind == actual.kind && actual.constraints.iter().all(named)
            }
            _ => false,
        }
    }
}

impl Refusal {
    /// The model refuses.
    pub(super) fn expected(kind: &'static str) -> Self {
        Self { kind, constraints: Vec::new(), message: String::new() }
    }

    /// A backend refused.
    pub(super) fn actual(error: &Error) -> Self {
        let constraints = match error {
            Error::Conflict { columns, .. } if !columns.is_empty() => vec![columns.clone()],
            _ => Vec::new(),
        };
        Self { kind: kind(error), constraints, message: error.to_string() }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.kind, self.constraints, self.message)
    }
}

/// Shows what can be very long by its beginning.
pub(super) struct Brief<'a, T>(pub(super) &'a T);

impl<T: fmt::Debug> fmt::Display for Brief<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 1_500;
        let whole = format!("{:?}", self.0);
        match whole.char_indices().nth(LONGEST) {
            Some((end, _)) => write!(f, "{} .. ({} bytes)", &whole[..end], whole.len()),
            None => f.write_str(&whole),
        }
    }
}
