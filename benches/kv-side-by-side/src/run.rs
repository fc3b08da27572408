//! Taking turns.

use std::{
    env, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::subject::{BULK, Case, ENTRIES, Result, SCANNED, Session, Subject, TASKS, key, value};

/// How many entries stay in the caches of the processor.
const HOT: usize = 64;

pub struct Bench {
    folder: TempDir,
    rounds: usize,
    sample: Duration,
    only: Vec<String>,
}

/// Draws keys by a xorshift, the same ones for each subject.
struct Draw(u64);

/// A number that no entry was made of before. SQLite does not write a page in which nothing
/// changes, so that to put what is there tells nothing of what a put costs.
fn fresh() -> usize {
    static LAST: AtomicUsize = AtomicUsize::new(ENTRIES);
    LAST.fetch_add(1, Ordering::Relaxed)
}

impl Draw {
    fn number(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % ENTRIES as u64) as usize
    }
}

impl Bench {
    pub fn from_env() -> Result<Self> {
        let quick = env::var_os("STOREHOUSE_BENCH_QUICK").is_some_and(|value| value == "1");
        let (rounds, sample) = if quick { (3, 10) } else { (21, 60) };
        let only: Vec<_> = env::args().skip(1).collect();
        let known = Case::ALL.map(|case| case.to_string());
        if let Some(unknown) = only.iter().find(|name| !known.contains(name)) {
            return Err(
                format!("no case is called {unknown}; there are {}", known.join(", ")).into()
            );
        }
        let place = env::var_os("STOREHOUSE_BENCH_DIR").map_or_else(env::temp_dir, PathBuf::from);
        let folder = tempfile::Builder::new().prefix("storehouse-bench-").tempdir_in(place)?;
        Ok(Self { folder, rounds, sample: Duration::from_millis(sample), only })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Measures every case of every subject of a group.
    pub async fn run(&self, group: &str, subjects: &[Arc<dyn Subject>]) -> Result {
        for subject in subjects {
            subject.fill((0..ENTRIES).map(|number| (key(number), value(number))).collect()).await?;
            let sessions = (0..ENTRIES).map(|number| (key(number), Session::number(number)));
            subject.fill_json(sessions.collect()).await?;
        }
        for case in Case::ALL {
            if !self.only.is_empty() && !self.only.contains(&case.to_string()) {
                continue;
            }
            let subjects: Vec<_> = subjects.iter().filter(|subject| subject.can(case)).collect();
            let mut operations = Vec::new();
            let mut times = vec![Vec::new(); subjects.len()];
            let mut draw = Draw(0x5707_e405);
            for subject in &subjects {
                operations.push(self.operations(case, subject).await?);
            }
            let mut order: Vec<usize> = (0..subjects.len()).collect();
            for _ in 0..self.rounds {
                // In another order each time: what ran before leaves the caches in its own way.
                for at in (1..order.len()).rev() {
                    order.swap(at, draw.number() % (at + 1));
                }
                for &at in &order {
                    let time = sample(case, subjects[at], operations[at], &mut draw).await?;
                    let units = operations[at] * case.units();
                    times[at].push(time.as_nanos() as f64 / units as f64);
                }
            }
            for (subject, mut times) in subjects.iter().zip(times) {
                times.sort_by(f64::total_cmp);
                report(group, case, subject.name(), &times)?;
            }
        }
        Ok(())
    }

    /// How many operations fill a sample; finding out warms up too.
    async fn operations(&self, case: Case, subject: &Arc<dyn Subject>) -> Result<usize> {
        let mut draw = Draw(1);
        let most = 40_000 / case.units();
        let mut operations = TASKS;
        loop {
            // The fastest of some: one that waited for the disk would make all samples too short.
            let mut time = sample(case, subject, operations, &mut draw).await?;
            for _ in 0..2 {
                time = time.min(sample(case, subject, operations, &mut draw).await?);
            }
            if operations >= most || time > self.sample / 4 {
                let fit = operations as f64 * self.sample.as_secs_f64() / time.as_secs_f64();
                return Ok((fit as usize).clamp(TASKS, most.max(TASKS)));
            }
            operations *= 2;
        }
    }
}

/// Does so many operations, and gives the time that they took.
async fn sample(
    case: Case,
    subject: &Arc<dyn Subject>,
    operations: usize,
    draw: &mut Draw,
) -> Result<Duration> {
    let keys = |draw: &mut Draw, count: usize| (0..count).map(|_| key(draw.number())).collect();
    let subject = || Arc::clone(subject);
    match case {
        Case::GetHit | Case::GetHot | Case::GetJson => {
            let keys = match case {
                Case::GetHot => (0..operations).map(|_| key(draw.number() % HOT)).collect(),
                _ => keys(draw, operations),
            };
            let start = Instant::now();
            let found = match case {
                Case::GetJson => subject().get_json(keys).await?,
                _ => subject().get(keys).await?,
            };
            let time = start.elapsed();
            assert_eq!(found, operations);
            Ok(time)
        }
        Case::GetMiss => {
            let keys = (0..operations).map(|_| format!("none:{:08}", draw.number())).collect();
            let start = Instant::now();
            assert_eq!(subject().get(keys).await?, 0);
            Ok(start.elapsed())
        }
        Case::Concurrent => {
            let shares: Vec<Vec<String>> =
                (0..TASKS).map(|_| keys(draw, operations.div_ceil(TASKS))).collect();
            let start = Instant::now();
            let mut tasks: JoinSet<_> =
                shares.into_iter().map(|keys| subject().get(keys)).collect();
            while let Some(done) = tasks.join_next().await {
                done??;
            }
            Ok(start.elapsed())
        }
        Case::Put => {
            let entries = (0..operations).map(|_| draw.number());
            let entries = entries.map(|number| (key(number), value(fresh()))).collect();
            let start = Instant::now();
            subject().put(entries).await?;
            Ok(start.elapsed())
        }
        Case::PutJson => {
            let entries = (0..operations).map(|_| draw.number());
            let entries = entries.map(|number| (key(number), Session::number(fresh()))).collect();
            let start = Instant::now();
            subject().put_json(entries).await?;
            Ok(start.elapsed())
        }
        Case::PutBulk => {
            let mut time = Duration::ZERO;
            for _ in 0..operations {
                let entries = (0..BULK).map(|_| draw.number());
                let entries = entries.map(|number| (key(number), value(fresh()))).collect();
                let start = Instant::now();
                subject().fill(entries).await?;
                time += start.elapsed();
            }
            Ok(time)
        }
        Case::Scan => {
            let start = Instant::now();
            for _ in 0..operations {
                assert_eq!(subject().scan("user:00003").await?, SCANNED);
            }
            Ok(start.elapsed())
        }
    }
}

fn report(group: &str, case: Case, system: &str, times: &[f64]) -> Result {
    let (fastest, median, slowest) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    eprintln!(
        "{group:<13} {case:<17} {system:<18} {median:>10.1} ns  ({fastest:.1} to {slowest:.1})"
    );
    let line = format!(
        r#"{{"group":"{group}","case":"{case}","system":"{system}","median_ns":{median:.1},"fastest_ns":{fastest:.1}}}"#
    );
    // Whole and at once, so that a reader of the pipe sees each result as it comes.
    io::Write::write_all(&mut io::stdout().lock(), (line + "\n").as_bytes())?;
    Ok(())
}
