//! A thread for each store, on which everything runs that waits for a disk or for a lock.
//!
//! A caller that goes away leaves what it asked for to be done, so that nothing is done by half.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
    thread,
};

use crossbeam_channel::{Sender, unbounded};
use storehouse_runtime::{Error, Result};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// The thread, which begins with the first job and ends with its owner.
pub(crate) struct Worker {
    jobs: OnceLock<Sender<Job>>,
}

impl Worker {
    pub(crate) const fn new() -> Self {
        Self { jobs: OnceLock::new() }
    }

    /// Runs a job after those that were asked for before it.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            let done = catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| {
                Err(Error::backend("it panicked, which is a bug; the folder is as it was", None))
            });
            // Whoever asked may have gone away.
            let _ = answer.send(done);
        });
        let ended = || Error::backend("the store's thread has ended; open the folder again", None);
        self.jobs()?.send(job).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }

    fn jobs(&self) -> Result<&Sender<Job>> {
        if let Some(jobs) = self.jobs.get() {
            return Ok(jobs);
        }
        let (sender, receiver) = unbounded::<Job>();
        let work = move || receiver.iter().for_each(|job| job());
        let thread = thread::Builder::new().name("storehouse-folder".into()).spawn(work);
        thread.map_err(|error| {
            Error::backend("no thread can be begun; end some of the program's", Some(error.into()))
        })?;
        // Where another was quicker, this thread ends at once.
        Ok(self.jobs.get_or_init(|| sender))
    }
}
