//! Running the cases.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, io};

use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::sampler::Sampler;
use crate::{Case, Draw, Result};

/// Tasks at once in the concurrent cases.
pub const TASKS: usize = 64;

/// Worker threads of the runtime in which all asynchronous cases run.
pub const WORKERS: usize = 2;

/// Runs a program in a task of a multi-threaded Tokio runtime with [`WORKERS`] workers.
///
/// In a task, not in `block_on` itself, since that is where services do their work: a wake-up between a worker's own
/// tasks costs far less than one of the main thread.
pub fn in_runtime<F>(program: F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(program).await? })
}

/// A run of a benchmark program: its settings, its folder and its output.
///
/// Every case is given as `input`, which draws the argument of one operation, and `work`, which performs one operation
/// for each argument it gets. Only `work` is timed, so the rows to write exist before the clock starts, and `work`
/// owns them.
pub struct Bench {
    sample_time: Duration,
    samples: usize,
    only: Vec<String>,
    folder: TempDir,
    group: &'static str,
}

impl Bench {
    /// Reads the environment and the arguments (see the [crate]'s docs) and makes a folder for the databases, which
    /// goes when this is dropped.
    ///
    /// `group` is the table in which the results are shown: the database, and what is special about it.
    pub fn from_env(group: &'static str) -> Result<Self> {
        let quick = env::var_os("STOREHOUSE_BENCH_QUICK").is_some_and(|value| value == "1");
        let rounds = match env::var("STOREHOUSE_BENCH_ROUNDS") {
            Ok(rounds) => rounds.parse::<usize>()?.max(1),
            Err(_) => 1,
        };
        let (samples, sample_time) = if quick { (3, 20) } else { ((11 / rounds).max(3), 250) };
        let only: Vec<_> = env::args().skip(1).collect();
        let known = Case::ALL.map(|case| case.to_string());
        if let Some(unknown) = only.iter().find(|name| !known.contains(name)) {
            return Err(
                format!("no case is called {unknown}; there are {}", known.join(", ")).into()
            );
        }
        let place = env::var_os("STOREHOUSE_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
        let folder = tempfile::Builder::new().prefix("storehouse-bench-").tempdir_in(place)?;
        Ok(Self { sample_time: Duration::from_millis(sample_time), samples, only, folder, group })
    }

    /// Whether this case is asked for. The methods that run a case ask by themselves; a program may ask before an
    /// expensive preparation.
    pub fn wants(&self, case: Case) -> bool {
        self.only.is_empty() || self.only.contains(&case.to_string())
    }

    /// Where to make the database of this name.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Measures a case in the calling thread.
    pub fn run_sync<I>(
        &self,
        case: Case,
        system: &str,
        mut input: impl FnMut(&mut Draw) -> I,
        mut work: impl FnMut(Vec<I>) -> Result,
    ) -> Result {
        let Some(mut sampler) = self.start(case, 1) else {
            return Ok(());
        };
        let mut draw = Draw::new();
        while let Some(operations) = sampler.next() {
            let inputs = (0..operations).map(|_| input(&mut draw)).collect();
            let start = Instant::now();
            work(inputs)?;
            sampler.record(operations, start.elapsed());
        }
        self.report(case, system, 1, sampler)
    }

    /// Measures a case in the calling task.
    ///
    /// A future may borrow what `work` borrows, but not exclusively: keep an exclusive connection in a
    /// [`tokio::sync::Mutex`] and lock it once for all the operations. (An `AsyncFnMut` would allow it, but the
    /// compiler then cannot see that the whole program is [`Send`].)
    pub async fn run<I, F>(
        &self,
        case: Case,
        system: &str,
        mut input: impl FnMut(&mut Draw) -> I,
        mut work: impl FnMut(Vec<I>) -> F,
    ) -> Result
    where
        F: Future<Output = Result>,
    {
        let Some(mut sampler) = self.start(case, 1) else {
            return Ok(());
        };
        let mut draw = Draw::new();
        while let Some(operations) = sampler.next() {
            let inputs = (0..operations).map(|_| input(&mut draw)).collect();
            let start = Instant::now();
            work(inputs).await?;
            sampler.record(operations, start.elapsed());
        }
        self.report(case, system, 1, sampler)
    }

    /// Measures a case in [`TASKS`] tasks at once: each gets an equal share of the operations.
    pub async fn run_concurrent<I, F>(
        &self,
        case: Case,
        system: &str,
        mut input: impl FnMut(&mut Draw) -> I,
        work: impl Fn(Vec<I>) -> F,
    ) -> Result
    where
        F: Future<Output = Result> + Send + 'static,
    {
        let Some(mut sampler) = self.start(case, TASKS) else {
            return Ok(());
        };
        let mut draw = Draw::new();
        while let Some(each) = sampler.next() {
            let shares: Vec<F> =
                (0..TASKS).map(|_| work((0..each).map(|_| input(&mut draw)).collect())).collect();
            let start = Instant::now();
            let mut tasks: JoinSet<Result> = shares.into_iter().collect();
            while let Some(done) = tasks.join_next().await {
                done??;
            }
            sampler.record(each, start.elapsed());
        }
        self.report(case, system, TASKS, sampler)
    }

    fn start(&self, case: Case, tasks: usize) -> Option<Sampler> {
        self.wants(case).then(|| Sampler::new(self.sample_time, self.samples, case.units() * tasks))
    }

    fn report(&self, case: Case, system: &str, tasks: usize, sampler: Sampler) -> Result {
        let [fastest, median, slowest] =
            sampler.finish().map(|time| time / (case.units() * tasks) as f64);
        let group = self.group;
        eprintln!(
            "{group:<20} {case:<22} {system:<20} {median:>12.1} ns  ({fastest:.1} to {slowest:.1})"
        );
        let line = format!(
            r#"{{"group":"{group}","case":"{case}","system":"{system}","median_ns":{median:.1}}}"#
        );
        // Whole and at once, so that a reader of the pipe sees each result as it comes.
        io::Write::write_all(&mut io::stdout().lock(), (line + "\n").as_bytes())?;
        Ok(())
    }
}
