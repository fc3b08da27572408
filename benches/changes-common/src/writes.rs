//! What a follower costs those who write.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{ROWS, Result, Row, TASKS, is_quick, report};

/// One way to write, of those that are compared.
pub struct Variant {
    system: String,
    write: Write,
}

type Write = Arc<dyn Fn(Row) -> Pin<Box<dyn Future<Output = Result> + Send>> + Send + Sync>;

/// A variant, by its name and what writes one row.
pub fn variant<F>(
    system: impl Into<String>,
    write: impl Fn(Row) -> F + Send + Sync + 'static,
) -> Variant
where
    F: Future<Output = Result> + Send + 'static,
{
    Variant { system: system.into(), write: Arc::new(move |row| Box::pin(write(row))) }
}

/// Measures the variants in turn, again and again, so that all meet the same machine: `put`, and `put_16`.
pub async fn compare(group: &str, variants: &[Variant]) -> Result {
    for (case, tasks) in [("put", 1), ("put_16", TASKS)] {
        let (rounds, time) = if is_quick() { (2, 10) } else { (15, 300) };
        let mut samples: Vec<Vec<f64>> = vec![Vec::new(); variants.len()];
        // The first round is not counted.
        for round in 0..=rounds {
            for (variant, samples) in variants.iter().zip(&mut samples) {
                let sample = sample(variant, tasks, Duration::from_millis(time)).await?;
                if round > 0 {
                    samples.push(sample);
                }
            }
        }
        for (variant, samples) in variants.iter().zip(&mut samples) {
            samples.sort_by(f64::total_cmp);
            report(group, case, &variant.system, samples[samples.len() / 2])?;
        }
    }
    Ok(())
}

/// Nanoseconds per write of so many tasks that write for some time, on all workers of the runtime.
async fn sample(variant: &Variant, tasks: usize, time: Duration) -> Result<f64> {
    let begun = Instant::now();
    let mut writing = JoinSet::new();
    for _ in 0..tasks {
        let write = Arc::clone(&variant.write);
        writing.spawn(async move {
            let mut written = 0;
            while begun.elapsed() < time {
                write(Row::now(fastrand::i64(0..ROWS))).await?;
                written += 1;
            }
            Result::Ok(written)
        });
    }
    let written = writing.join_all().await.into_iter().sum::<Result<u32>>()?;
    Ok(begun.elapsed().as_nanos() as f64 / f64::from(written.max(1)))
}
