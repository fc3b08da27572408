//! What every operation of every handle has around it.

use std::future::Future;

use crate::{environment::Environment, error::Result};

/// Runs one operation of the table or store `name`, unless the handle is not `usable`: says in
/// errors where they come from, and reports it to `tracing`.
pub(crate) async fn run<R>(
    environment: &Environment,
    backend: &'static str,
    name: &str,
    operation: &'static str,
    usable: Result<()>,
    work: impl Future<Output = Result<R>>,
) -> Result<R> {
    // Not `Instant`, which panics in a browser.
    let started = tracing::enabled!(target: "storehouse", tracing::Level::DEBUG)
        .then(|| environment.clock.now());
    let result = match usable {
        Ok(()) => work.await,
        Err(error) => Err(error),
    };
    let result = result.map_err(|error| error.at(backend, name, operation));
    if let Some(started) = started {
        let elapsed = environment.clock.now() - started;
        tracing::debug!(
            target: "storehouse",
            operation,
            table = name,
            backend,
            elapsed_microseconds = elapsed.num_microseconds().unwrap_or(i64::MAX),
            error = result.as_ref().err().map(tracing::field::display),
        );
    }
    result
}
