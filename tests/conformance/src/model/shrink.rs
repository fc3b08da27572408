//! Makes a list of operations that shows a difference shorter, as long as it shows one.

use std::sync::Arc;

use storehouse_runtime::DynBackend;

use super::{
    Tally,
    operations::{Action, Operation},
    round::{Difference, Round},
};

/// Each attempt opens a new database; so many are enough for a list of a round's length.
const ATTEMPTS: usize = 500;

struct Shrinking<'a, Open> {
    round: &'a Round<'a, Open>,
    database: &'a str,
    operations: Vec<Operation>,
    difference: Difference,
    attempts: usize,
}

/// The shortest list that was found, as the difference that it shows.
pub(super) async fn shrink<Open: AsyncFn(&str) -> Arc<dyn DynBackend>>(
    round: &Round<'_, Open>,
    database: &str,
    mut operations: Vec<Operation>,
    difference: Difference,
) -> Difference {
    operations.truncate(difference.operations);
    let mut shrinking = Shrinking { round, database, operations, difference, attempts: 0 };
    shrinking.leave_out_operations().await;
    shrinking.leave_out_rows().await;
    shrinking.difference
}

impl<Open: AsyncFn(&str) -> Arc<dyn DynBackend>> Shrinking<'_, Open> {
    /// Leaves out halves of the list, then quarters and so on down to single operations, which
    /// are tried until none can be left out.
    async fn leave_out_operations(&mut self) {
        let mut chunk = self.operations.len().div_ceil(2);
        while chunk > 0 {
            let mut removed = false;
            let mut start = 0;
            while start < self.operations.len() {
                let mut shorter = self.operations.clone();
                shorter.drain(start..(start + chunk).min(shorter.len()));
                if self.still_differs(shorter).await {
                    removed = true;
                } else {
                    start += chunk;
                }
            }
            if chunk > 1 || !removed {
                chunk /= 2;
            }
        }
    }

    /// Leaves out rows of bulks, one by one.
    async fn leave_out_rows(&mut self) {
        let mut place = 0;
        while place < self.operations.len() {
            let mut row = 0;
            while let Action::Write(rows, _) = &self.operations[place].action
                && rows.len() > 1
                && row < rows.len()
            {
                let mut fewer = self.operations.clone();
                if let Action::Write(rows, _) = &mut fewer[place].action {
                    rows.remove(row);
                }
                if !self.still_differs(fewer).await {
                    row += 1;
                }
                if place >= self.operations.len() {
                    return;
                }
            }
            place += 1;
        }
    }

    /// Keeps `operations` if they show a difference, whichever it is.
    async fn still_differs(&mut self, mut operations: Vec<Operation>) -> bool {
        if self.attempts == ATTEMPTS {
            return false;
        }
        self.attempts += 1;
        let database = format!("{}_shrink_{}", self.database, self.attempts);
        let played = self.round.play(&database, &operations, &mut Tally::default()).await;
        let Err(difference) = played else { return false };
        operations.truncate(difference.operations);
        self.operations = operations;
        self.difference = difference;
        true
    }
}
