//! What only a program outside of a browser has: a runtime to wait on, and threads.

use tokio::runtime::Builder;

/// Runs a future to its end on a tokio runtime of the current thread.
pub fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime needs no more than a thread").block_on(future)
}
