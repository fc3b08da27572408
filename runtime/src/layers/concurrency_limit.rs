//! Letting only so many operations run at once.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    call::{Call, CallKind},
    intercept::{Intercept, Work},
};
use crate::{
    error::{Error, Result},
    maybe_send::MaybeSend,
};

/// Lets only so many operations run at once; the others wait, and are let in in the order in which
/// they came. Whatever the layer was put around counts together.
///
/// What happens inside a transaction does not count, and neither does beginning one: an operation
/// that has been let in may wait for the transaction to end, which would then wait for it.
///
/// Fails with [`Error::Deadlock`] where the body of a transaction would have to wait outside of it.
///
/// ```
/// use storehouse::layers::ConcurrencyLimit;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?.layer(ConcurrencyLimit::new(8));
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit {
    permits: Arc<Semaphore>,
}

impl ConcurrencyLimit {
    /// Lets `operations` run at once, at least one.
    pub fn new(operations: usize) -> Self {
        let operations = operations.clamp(1, Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(operations)) }
    }
}

impl ConcurrencyLimit {
    async fn wait(&self, call: &Call<'_>) -> Result<SemaphorePermit<'_>> {
        // Whoever was let in may wait for the caller's own transaction.
        if let Some(engine) = call.engine {
            engine.check_may_wait()?;
        }
        self.permits.acquire().await.map_err(|error| {
            Error::backend("the limit of operations was closed; this is a bug", Some(error.into()))
        })
    }
}

impl Intercept for ConcurrencyLimit {
    fn is_idle(&self, call: &Call<'_>) -> bool {
        call.in_transaction || call.kind == CallKind::Transaction
    }

    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        if self.is_idle(&call) {
            return work.start().await;
        }
        let _permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.wait(&call).await?,
        };
        work.start().await
    }
}
