//! Runs what may panic or never end, so that it becomes a message and the suite goes on.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt as _, future::Either};

/// Waits for `work` as long as `patience` lasts. Fails with a message when it takes longer or
/// panics.
///
/// Where panics abort, as in a browser, they cannot be caught, and end the test program.
pub(crate) async fn run<R>(work: impl Future<Output = R>, patience: Duration) -> Result<R, String> {
    let work = AssertUnwindSafe(work).catch_unwind();
    let patience_ends = futures_timer::Delay::new(patience);
    futures::pin_mut!(work);
    match futures::future::select(work, patience_ends).await {
        Either::Left((Ok(result), _)) => Ok(result),
        Either::Left((Err(panic), _)) => Err(message(&*panic)),
        Either::Right(_) => Err(format!("it was not done after {} seconds", patience.as_secs())),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked without a message".to_owned())
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;

    fn run_briefly<R>(work: impl Future<Output = R>) -> Result<R, String> {
        crate::native::block_on(run(work, Duration::from_millis(20)))
    }

    #[test]
    fn tells_what_happened() {
        assert_eq!(run_briefly(async { 7 }), Ok(7));
        assert_eq!(run_briefly(async { panic!("oh {}", "no") }), Err::<(), _>("oh no".into()));
        assert!(run_briefly(std::future::pending::<()>()).unwrap_err().contains("not done"));
    }
}
