//! How long a change takes to arrive.

use std::{
    env,
    process::{Child, Command},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use crate::{Result, Row, is_quick, now, report};

/// The URL on which a process writes that was started for that.
const WRITER: &str = "STOREHOUSE_BENCH_CHANGES_WRITER";

/// How long a writer waits between two writes, at least and at most, so that each change comes alone, and at no
/// favourable moment.
const PAUSE: std::ops::Range<u64> = 7_000..13_000;

/// How often is written.
fn writes() -> usize {
    if is_quick() { 20 } else { 1_000 }
}

/// Gives rows to write, each after a pause.
#[derive(Default)]
pub struct Pace(usize);

impl Pace {
    /// The next row, to be written at once; `None` when it is enough.
    pub async fn next(&mut self) -> Option<Row> {
        if self.0 == writes() {
            return None;
        }
        sleep(Duration::from_micros(fastrand::u64(PAUSE))).await;
        self.0 += 1;
        Some(Row::now(self.0 as i64 % crate::ROWS))
    }
}

/// The URL on which this process is to write, if it was started for that.
pub fn is_writer() -> Option<String> {
    env::var(WRITER).ok()
}

/// Starts another process of this program that writes.
pub fn start_writer(url: &str) -> Result<Child> {
    Ok(Command::new(env::current_exe()?).env(WRITER, url).spawn()?)
}

/// Waits until a process has ended, and well.
pub async fn expect(mut process: Child) -> Result {
    let status = tokio::task::spawn_blocking(move || process.wait()).await??;
    if status.success() { Ok(()) } else { Err(format!("the writer failed: {status}").into()) }
}

/// How long changes took to arrive.
#[derive(Default)]
pub struct Deliveries(Vec<f64>);

impl Deliveries {
    /// Whether more are to be taken; as many as a [`Pace`] gives.
    pub fn wants_more(&self) -> bool {
        self.0.len() < writes()
    }

    /// Takes the next change, of whose row `next` gives the time.
    pub async fn take(&mut self, next: impl Future<Output = Result<i64>>) -> Result {
        let at = timeout(Duration::from_secs(60), next).await;
        let at = at.map_err(|_| format!("after {} changes none came", self.0.len()))??;
        self.0.push((now() - at).max(1) as f64);
        Ok(())
    }

    /// Reports the 50th and the 99th percentile.
    pub fn report(self, group: &str, case: &str, system: &str) -> Result {
        let Self(mut took) = self;
        // What the first ones find is not open, prepared and in memory yet.
        took.drain(..took.len() / 20);
        took.sort_by(f64::total_cmp);
        let percentile = |percent: usize| took[(took.len() - 1) * percent / 100];
        report(group, &format!("{case}_p50"), system, percentile(50))?;
        report(group, &format!("{case}_p99"), system, percentile(99))
    }
}
