//! Group commit: several callers' work in one transaction, each with its own result.
//!
//! Most of a commit's cost does not depend on how much it holds, least of all when it has to reach
//! the disk. Work that fails is undone by itself; only when the commit itself fails, or SQLite
//! undoes everything, nobody's work is done.

use std::time::Duration;

use rusqlite::Connection;
use storehouse_runtime::Error;

use crate::{
    error,
    job::{Job, Session, Weight},
};

const SAVEPOINT: &str = "SAVEPOINT operation";
const RELEASE: &str = "RELEASE operation";
const ROLLBACK_TO: &str = "ROLLBACK TO operation";

/// Runs jobs in one transaction, commits and answers.
pub(crate) fn run(connection: &Connection, jobs: &mut Vec<Box<dyn Job>>) {
    jobs.retain(|job| job.is_wanted());
    if let [job] = jobs.as_mut_slice()
        && job.weight() == Weight::OneStatement
    {
        // A statement outside a transaction is one, and undoes itself when it fails.
        job.run(connection, false);
        return answer(jobs, || None);
    }
    if jobs.is_empty() {
        return;
    }
    let error = in_transaction(connection, jobs).err();
    tracing::trace!(target: "storehouse", operations = jobs.len(), ?error, "committed a group");
    answer(jobs, || error.as_ref().map(Failure::error));
}

fn answer(jobs: &mut Vec<Box<dyn Job>>, error: impl Fn() -> Option<Error>) {
    for job in jobs.drain(..) {
        job.answer(error());
    }
}

/// Why nothing of a group was done.
#[derive(Debug)]
enum Failure {
    /// The transaction could not be begun or committed.
    Refused(rusqlite::Error),
    /// SQLite undid it when one of the jobs failed.
    Undone,
}

impl Failure {
    fn error(&self) -> Error {
        match self {
            Self::Refused(source) => error::of_database(error::copy(source)),
            Self::Undone => error::undone_with_others(),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Refused(error)
    }
}

fn in_transaction(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    begin(connection)?;
    let run = run_all(connection, jobs);
    if connection.is_autocommit() {
        return Err(Failure::Undone);
    }
    let all_failed = jobs.iter().all(|job| job.has_failed());
    let ended = run.and_then(|()| if all_failed { Ok(()) } else { commit(connection) });
    if !connection.is_autocommit() {
        rollback(connection);
    }
    Ok(ended?)
}

fn run_all(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    let is_shared = jobs.len() > 1;
    for job in jobs {
        // Whoever went away meanwhile gets nothing done.
        if job.is_wanted() {
            run_in_transaction(connection, job.as_mut(), is_shared)?;
        }
        if connection.is_autocommit() {
            break;
        }
    }
    Ok(())
}

/// Runs a job inside a transaction; when it fails, only its own work is undone.
///
/// Where the job is alone in the transaction and fails, the transaction is to be rolled back.
pub(crate) fn run_in_transaction(
    connection: &Connection,
    job: &mut dyn Job,
    is_shared: bool,
) -> rusqlite::Result<()> {
    if !is_shared || job.weight() == Weight::OneStatement {
        job.run(connection, is_shared);
        return Ok(());
    }
    execute(connection, SAVEPOINT)?;
    job.run(connection, is_shared);
    if connection.is_autocommit() {
        return Ok(());
    }
    if job.has_failed() {
        execute(connection, ROLLBACK_TO)?;
    }
    execute(connection, RELEASE)
}

/// Runs the work of one caller in a transaction of its own, on the caller's own thread; gives it
/// back when that would mean to wait.
pub(crate) fn run_at_once<R, F>(
    connection: &Connection,
    busy_timeout: Duration,
    work: F,
) -> Result<storehouse_runtime::Result<R>, F>
where
    F: FnOnce(&Session<'_>) -> storehouse_runtime::Result<R>,
{
    let transaction = OpenTransaction(connection);
    let begun = connection.busy_timeout(Duration::ZERO).and_then(|()| begin(connection));
    let restored = connection.busy_timeout(busy_timeout);
    if begun.and(restored).is_err() {
        // Whatever it is, the writer will find it too, and can wait.
        return Err(work);
    }
    let done = work(&Session::inline(connection))
        .and_then(|result| commit(connection).map(|()| result).map_err(error::of_database));
    drop(transaction);
    Ok(done)
}

/// Undoes what was not committed, also after a panic.
struct OpenTransaction<'c>(&'c Connection);

impl Drop for OpenTransaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            rollback(self.0);
        }
    }
}

/// Begins a transaction that writes, waiting for other processes that do.
pub(crate) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    execute(connection, "BEGIN IMMEDIATE")
}

/// Makes the transaction lasting.
pub(crate) fn commit(connection: &Connection) -> rusqlite::Result<()> {
    execute(connection, "COMMIT")
}

/// Undoes the transaction.
pub(crate) fn rollback(connection: &Connection) {
    if let Err(error) = execute(connection, "ROLLBACK") {
        tracing::warn!(target: "storehouse", %error, "a transaction could not be rolled back");
    }
}

/// Runs a statement without parameters that is run often.
pub(crate) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;
    use crate::job::{Answer, job};

    /// A table of unique numbers, and how often was committed.
    fn numbers() -> (Connection, Arc<AtomicUsize>) {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x UNIQUE)").unwrap();
        let commits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&commits);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        connection.commit_hook(Some(count)).unwrap();
        (connection, commits)
    }

    fn insert(connection: &Connection, number: i64) -> storehouse_runtime::Result<()> {
        let inserted = connection.execute("INSERT INTO t VALUES (?)", [number]);
        inserted.map(drop).map_err(error::of_database)
    }

    /// Inserts numbers one after another.
    fn inserting(weight: Weight, numbers: &'static [i64]) -> (Box<dyn Job>, Answer<bool>) {
        job(weight, move |session| {
            numbers.iter().try_for_each(|number| insert(session.connection, *number))?;
            Ok(session.is_shared)
        })
    }

    fn stored(connection: &Connection) -> Vec<i64> {
        let mut statement = connection.prepare("SELECT x FROM t ORDER BY x").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    async fn run_together(
        connection: &Connection,
        jobs: impl IntoIterator<Item = (Box<dyn Job>, Answer<bool>)>,
    ) -> Vec<storehouse_runtime::Result<bool>> {
        let (mut jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        run(connection, &mut jobs);
        assert!(jobs.is_empty());
        let mut results = Vec::new();
        for answer in answers {
            results.push(answer.wait().await);
        }
        assert!(connection.is_autocommit());
        results
    }

    #[tokio::test]
    async fn a_group_is_committed_once_and_each_has_its_own_result() {
        let (connection, commits) = numbers();
        let results = run_together(
            &connection,
            [
                inserting(Weight::OneStatement, &[1]),
                inserting(Weight::OneStatement, &[1]),
                inserting(Weight::Several, &[2, 3]),
                inserting(Weight::Several, &[4, 5, 1]),
                inserting(Weight::OneStatement, &[6]),
            ],
        )
        .await;
        let [Ok(true), Err(_), Ok(true), Err(_), Ok(true)] = results.as_slice() else {
            panic!("{results:?}")
        };
        assert_eq!(stored(&connection), [1, 2, 3, 6]);
        assert_eq!(commits.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn alone_a_job_is_a_transaction() {
        let (connection, commits) = numbers();
        for (weight, numbers, is_done) in [
            (Weight::OneStatement, [1].as_slice(), true),
            (Weight::OneStatement, &[1], false),
            (Weight::Several, &[2, 3], true),
            (Weight::Several, &[4, 5, 1], false),
        ] {
            let results = run_together(&connection, [inserting(weight, numbers)]).await;
            // Nobody else's work is with it.
            assert!(matches!(results.as_slice(), [Ok(false)]) == is_done, "{results:?}");
        }
        assert_eq!(stored(&connection), [1, 2, 3]);
        assert_eq!(commits.load(Ordering::Relaxed), 2);
        assert!(run_together(&connection, []).await.is_empty());
    }

    #[tokio::test]
    async fn when_all_fail_nothing_is_committed() {
        let (connection, commits) = numbers();
        insert(&connection, 1).unwrap();
        let failing = || inserting(Weight::Several, &[2, 1]);
        let results = run_together(&connection, [failing(), failing()]).await;
        assert!(results.iter().all(Result::is_err));
        assert_eq!(commits.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_commit_that_fails_is_nobodys_success() {
        let (connection, _) = numbers();
        connection.commit_hook(Some(|| true)).unwrap();
        let results = run_together(
            &connection,
            [
                inserting(Weight::OneStatement, &[1]),
                inserting(Weight::OneStatement, &[2]),
                inserting(Weight::OneStatement, &[2]),
            ],
        )
        .await;
        assert!(results.iter().all(Result::is_err));
        assert_eq!(stored(&connection), Vec::<i64>::new());
    }

    #[tokio::test]
    async fn when_sqlite_undoes_everything_all_are_told() {
        let (connection, _) = numbers();
        let fatal = job(Weight::OneStatement, |session| {
            rollback(session.connection);
            Err(Error::validation("fatal"))
        });
        let results = run_together(
            &connection,
            [inserting(Weight::OneStatement, &[1]), fatal, inserting(Weight::OneStatement, &[2])],
        )
        .await;
        let [Err(before), Err(own), Err(after)] = results.as_slice() else { panic!("{results:?}") };
        assert!(before.is_retryable() && after.is_retryable());
        assert_eq!(own.to_string(), "fatal");
        assert_eq!(stored(&connection), Vec::<i64>::new());
    }

    #[tokio::test]
    async fn whoever_went_away_is_passed_over() {
        let (connection, commits) = numbers();
        let (gone, answer) = inserting(Weight::OneStatement, &[1]);
        drop(answer);
        run(&connection, &mut vec![gone]);
        assert_eq!(commits.load(Ordering::Relaxed), 0);

        // Also when the caller goes while the group is at work.
        let (second, answer) = inserting(Weight::OneStatement, &[2]);
        let (first, _kept) = job(Weight::OneStatement, move |_| {
            drop(answer);
            Ok(())
        });
        run(&connection, &mut vec![first, second]);
        assert_eq!(stored(&connection), Vec::<i64>::new());
    }

    #[test]
    fn work_at_once_is_done_or_undone_or_given_back() {
        let (connection, commits) = numbers();
        let patience = Duration::from_millis(7);
        let at_once = |numbers: &'static [i64]| {
            let work = move |session: &Session<'_>| {
                numbers.iter().try_for_each(|number| insert(session.connection, *number))
            };
            run_at_once(&connection, patience, work).map_err(drop)
        };
        assert!(matches!(at_once(&[1, 2]), Ok(Ok(()))));
        assert!(matches!(at_once(&[3, 1]), Ok(Err(_))));
        assert_eq!(stored(&connection), [1, 2]);
        assert_eq!(commits.load(Ordering::Relaxed), 1);
        let timeout =
            connection.pragma_query_value(None, "busy_timeout", |row| row.get::<_, i64>(0));
        assert_eq!(timeout.unwrap(), 7);

        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = run_at_once(&connection, patience, |session| {
                insert(session.connection, 3)?;
                panic!("as planned") as storehouse_runtime::Result<()>
            });
        }));
        assert!(panicked.is_err());
        assert!(connection.is_autocommit());
        assert_eq!(stored(&connection), [1, 2]);

        connection.commit_hook(Some(|| true)).unwrap();
        assert!(matches!(at_once(&[4]), Ok(Err(_))));
        assert!(connection.is_autocommit());
    }

    #[test]
    fn work_at_once_waits_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("busy.db");
        let (connection, other) =
            (Connection::open(&path).unwrap(), Connection::open(&path).unwrap());
        begin(&other).unwrap();
        let started = std::time::Instant::now();
        let given_back = run_at_once(&connection, Duration::from_secs(5), |_| Ok("work"));
        assert!(started.elapsed() < Duration::from_secs(2));
        let work = given_back.map(drop).unwrap_err();
        rollback(&other);
        let done = run_at_once(&connection, Duration::from_secs(5), work).map_err(drop);
        assert_eq!(done.unwrap().unwrap(), "work");
    }
}
