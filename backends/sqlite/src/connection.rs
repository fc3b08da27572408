//! Opens connections and sets them up.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use storehouse_runtime::{Error, Result};

use crate::{checkpoints::watch_log, error, functions, json_paths, options::SqliteOptions};

/// How many prepared statements a connection keeps: a few for each table.
const STATEMENTS: usize = 256;

/// Opens the connection that writes.
pub(crate) fn open_writer(options: &SqliteOptions) -> Result<Connection> {
    let connection = match &options.path {
        Some(path) => open_file(path, options)?,
        None => Connection::open_in_memory().map_err(error::of_database)?,
    };
    set_up(&connection, options)?;
    if options.path.is_some() {
        use_wal(&connection, options.busy_timeout)?;
        watch_log(&connection);
    }
    synchronize(&connection, options)?;
    Ok(connection)
}

/// Opens one more connection to a file, to read from.
pub(crate) fn open_reader(path: &Path, options: &SqliteOptions) -> Result<Connection> {
    let connection = open_file(path, options)?;
    set_up(&connection, options)?;
    // Opened for writing nevertheless, since readers of a WAL keep their marks in it, and move it
    // into the file.
    connection.pragma_update(None, "query_only", true).map_err(error::of_database)?;
    synchronize(&connection, options)?;
    Ok(connection)
}

/// What every connection needs, also one that the user opened: no pragma is changed, but for
/// foreign keys, which are enforced.
pub(crate) fn prepare(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise SQLite takes `"price"` for the text `price` where no column has that name.
    let by_name = [DbConfig::SQLITE_DBCONFIG_DQS_DML, DbConfig::SQLITE_DBCONFIG_DQS_DDL]
        .into_iter()
        .try_for_each(|setting| connection.set_db_config(setting, false).map(drop));
    by_name
        .and_then(|()| connection.pragma_update(None, "foreign_keys", true))
        .and_then(|()| rusqlite::vtab::array::load_module(connection))
        .and_then(|()| functions::load(connection))
        .and_then(|()| json_paths::load(connection))
        .map_err(error::of_database)
}

fn open_file(path: &Path, options: &SqliteOptions) -> Result<Connection> {
    // No mutex inside SQLite: a connection here is used by one thread at a time. No `file:` URIs:
    // a path is a path.
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, options.create);
    Connection::open_with_flags(path, flags).map_err(|source| {
        let advice = if options.create {
            "check that its folder exists and can be written to"
        } else {
            "check that it exists, or leave out `mode=rw` to make it"
        };
        let message = format!("cannot open the file `{}`; {advice}", path.display());
        Error::backend(message, Some(Box::new(source)))
    })
}

fn set_up(connection: &Connection, options: &SqliteOptions) -> Result<()> {
    connection.busy_timeout(options.busy_timeout).map_err(error::of_database)?;
    prepare(connection)
}

/// Says when to wait for the disk.
fn synchronize(connection: &Connection, options: &SqliteOptions) -> Result<()> {
    let synchronous = options.synchronous.pragma();
    connection.pragma_update(None, "synchronous", synchronous).map_err(error::of_database)
}

/// Switches the file to WAL mode, in which readers and the writer do not wait for each other.
///
/// The switch needs the file for itself for a moment, and SQLite does not wait for that even
/// when told to: many processes that start at once would fail. So the wait is here.
fn use_wal(connection: &Connection, timeout: Duration) -> Result<()> {
    const LONGEST_PAUSE: Duration = Duration::from_millis(50);
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        let switched =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match switched {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let mode: String = mode;
                return Err(Error::backend(
                    format!(
                        "the file cannot be put into WAL mode, it stays in `{mode}` mode; \
                         put it on a local file system, not on a network share"
                    ),
                    None,
                ));
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < timeout =>
            {
                thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error::of_database(error)),
        }
    }
}
