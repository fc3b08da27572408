//! Refusing what writes.

use super::{
    call::{Call, CallKind},
    intercept::{Intercept, Work},
};
use crate::{
    capabilities::Capabilities,
    error::{Error, Result},
    maybe_send::MaybeSend,
};

/// Refuses everything that writes, with [`Error::Unsupported`], before the database hears of it.
///
/// SQL of the program's own is refused too, since it may write. Transactions can be begun, for reads
/// that belong together, and migrations can be planned, but not applied.
///
/// ```
/// use storehouse::{Error, layers::ReadOnly};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> storehouse::Result<()> {
/// let store = storehouse::open("memory:").await?;
/// let numbers = store.kv::<String, i64>("numbers").await?;
/// numbers.setup_database().await?;
/// let guarded = numbers.layer(ReadOnly);
/// assert!(!guarded.capabilities().writable);
/// assert!(matches!(guarded.delete_all().await, Err(Error::Unsupported { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOnly;

impl Intercept for ReadOnly {
    fn is_idle(&self, call: &Call<'_>) -> bool {
        matches!(call.kind, CallKind::Read | CallKind::Transaction)
    }

    fn capabilities(&self, mut inner: Capabilities) -> Capabilities {
        inner.writable = false;
        inner.sql = false;
        inner
    }

    async fn around<'a, R: MaybeSend + 'a>(
        &'a self,
        call: Call<'a>,
        mut work: impl Work<'a, R> + 'a,
    ) -> Result<R> {
        if self.is_idle(&call) {
            return work.start().await;
        }
        Err(Error::unsupported(
            call.operation,
            format!("{} (read-only)", call.backend),
            "the layer `ReadOnly` is around it; write through a handle without it",
        ))
    }
}
