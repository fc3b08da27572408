//! Group commit: several callers' work in one transaction, each with its own result.
//!
//! Most of a commit's cost does not depend on how much it holds, least of all when it has to reach
//! the disk. Work that fails is undone by itself; only when the commit itself fails, or SQLite
//! undoes everything, nobody's work is done.

use rusqlite::Connection;
use storehouse_runtime::Error;

use crate::{
    error,
    job::{Job, Weight},
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
