//! What `aggregate` takes: one aggregate, or a tuple of them.

use super::{Aggregate, AggregateResult, AggregateTerm};
use crate::{
    codec::{ColumnSource, DecodeError},
    maybe_send::MaybeSend,
    table::Row,
};

/// One aggregate of rows of `T`, in a list of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate of the table `{T}`",
    label = "not an aggregate of `{T}`",
    note = "write `count()`, or `sum({T}::NAME)`, `avg`, `min`, `max`, `count_not_null` or `count_distinct` of a column of its own"
)]
pub trait AggregateOf<T>: Sized {
    /// What it gives.
    type Result: AggregateResult;

    /// What it is.
    fn term(self) -> AggregateTerm;
}

#[diagnostic::do_not_recommend]
impl<T: Row, R: AggregateResult> AggregateOf<T> for Aggregate<T, R> {
    type Result = R;

    fn term(self) -> AggregateTerm {
        self.term()
    }
}

/// What `aggregate` takes: an aggregate of rows of `T`, or a tuple of up to twelve.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of aggregates of the table `{T}`",
    label = "neither an aggregate of `{T}` nor a tuple of up to twelve",
    note = "write one, `count()`, or several in parentheses, `(count(), max({T}::NAME))`"
)]
pub trait AggregateList<T>: Sized {
    /// What it gives: the aggregate's result, or a tuple of the aggregates' results.
    type Output: MaybeSend + 'static;

    /// The aggregates.
    fn terms(self) -> Vec<AggregateTerm>;

    /// Reads the results, the first of which is column number `first`.
    fn read(source: &mut dyn ColumnSource, first: usize) -> Result<Self::Output, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Row, R: AggregateResult> AggregateList<T> for Aggregate<T, R> {
    type Output = R;

    fn terms(self) -> Vec<AggregateTerm> {
        vec![self.term()]
    }

    fn read(source: &mut dyn ColumnSource, first: usize) -> Result<R, DecodeError> {
        R::read(source, first)
    }
}

macro_rules! tuples {
    ($($($aggregate:ident $place:tt),*;)*) => {$(
        impl<T: Row, $($aggregate: AggregateOf<T>),*> AggregateList<T> for ($($aggregate,)*) {
            type Output = ($($aggregate::Result,)*);

            fn terms(self) -> Vec<AggregateTerm> {
                vec![$(self.$place.term()),*]
            }

            fn read(
                source: &mut dyn ColumnSource,
                first: usize,
            ) -> Result<Self::Output, DecodeError> {
                Ok(($(<$aggregate::Result as AggregateResult>::read(source, first + $place)?,)*))
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}
