//! What those who share a round trip have in common.

mod read;
mod write;

use std::pin::pin;

use futures::future::{Either, select};
use storehouse_runtime::{Error, Result};
use tokio::sync::oneshot;

use crate::{error, pool::Failure, table::Table};

pub(crate) use self::{
    read::{ReadRequest, read, read_in},
    write::{WriteRequest, write},
};

/// What becomes of a request that waited for others.
enum Outcome<R, T> {
    Answered(Result<T>),
    /// Something that it needs is locked. Together nobody waits long for that; alone it waits as
    /// long as was asked for.
    Locked(R),
}

type Reply<R, T> = oneshot::Sender<Outcome<R, T>>;

fn is_locked<T>(result: &Result<T, Failure>) -> bool {
    result.as_ref().is_err_and(Failure::is_locked)
}

/// Who waits for an answer.
trait Waiter {
    /// Comes to its end when nobody waits any more.
    fn leaves(&mut self) -> impl Future<Output = ()> + Send;
}

impl<R: Send, T: Send> Waiter for Reply<R, T> {
    fn leaves(&mut self) -> impl Future<Output = ()> + Send {
        self.closed()
    }
}

/// Runs `work`, and drops it when nobody waits for its answer any more.
async fn unless_all_leave<W: Future>(waiters: &mut [impl Waiter], work: W) -> Option<W::Output> {
    let all_leave = async {
        // One after the other: as long as one is there, it does not matter who else is.
        for waiter in waiters {
            waiter.leaves().await;
        }
    };
    match select(pin!(work), pin!(all_leave)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Tells everybody that the connection was lost, or that there is none.
fn refuse_all<R, T>(table: &Table, failure: Failure, replies: impl Iterator<Item = Reply<R, T>>) {
    let error = error::of_table(failure, &table.definition);
    for reply in replies {
        let _ = reply.send(Outcome::Answered(Err(error.duplicate())));
    }
}

/// The answer never came.
fn gone() -> Error {
    Error::closed("the runtime that the database was used on has ended; open the store again")
}
