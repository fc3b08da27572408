//! An interactive transaction on the writer's side: the thread serves it alone until it ends.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, at, never, select, unbounded};
use rusqlite::Connection;
use storehouse_runtime::Result;
use tokio::sync::oneshot;

use crate::{
    error,
    group::{begin, commit, execute, rollback, run_in_transaction},
    job::Job,
    writer::Writer,
};

/// The way to an open transaction. Dropping it rolls the transaction back.
pub(crate) type Commands = Sender<Command>;

/// The answer to a command.
pub(crate) type Reply = oneshot::Sender<Result<()>>;

/// What is asked of an open transaction.
///
/// Savepoints are named by their level, counted from 1, so that both sides agree even when a
/// future was dropped between a command and its answer.
pub(crate) enum Command {
    /// An operation.
    Run(Box<dyn Job>),
    /// Opens the savepoint of that level.
    Savepoint(usize, Reply),
    /// Keeps what was done since the savepoint of that level.
    Release(usize, Reply),
    /// Undoes what was done since the savepoint of that level.
    RollbackTo(usize),
    /// Ends the transaction and keeps what was done.
    Commit(Reply),
    /// Ends the transaction and undoes what was done.
    Rollback(Option<Reply>),
}

impl Writer {
    /// Opens a transaction and serves it until it ends.
    pub(crate) fn lease(
        &mut self,
        connection: &Connection,
        reply: oneshot::Sender<Result<Commands>>,
    ) {
        if reply.is_closed() {
            return;
        }
        if let Err(error) = begin(connection) {
            let _ = reply.send(Err(error::of_database(error)));
            return;
        }
        let (sender, commands) = unbounded();
        if reply.send(Ok(sender)).is_ok() {
            self.serve(connection, &commands);
        }
        if !connection.is_autocommit() {
            rollback(connection);
        }
    }

    fn serve(&mut self, connection: &Connection, commands: &Receiver<Command>) {
        let opened = Instant::now();
        let mut level = 0;
        while let Some(command) = self.next_command(commands, opened) {
            let done = match command {
                Command::Run(job) => run(connection, job),
                Command::Savepoint(wanted, reply) => {
                    answer(open_savepoint(connection, &mut level, wanted), reply)
                }
                Command::Release(wanted, reply) => {
                    answer(release(connection, &mut level, wanted), reply)
                }
                Command::RollbackTo(wanted) => undo(connection, &mut level, wanted),
                Command::Commit(reply) => {
                    // Whoever went away before the commit began gets nothing done.
                    if !reply.is_closed() {
                        let _ = answer(commit(connection), reply);
                    }
                    return;
                }
                Command::Rollback(reply) => {
                    rollback(connection);
                    if let Some(reply) = reply {
                        let _ = reply.send(Ok(()));
                    }
                    return;
                }
            };
            if let Err(error) = done {
                tracing::warn!(target: "storehouse", %error, "a transaction came to an early end");
                return;
            }
            if connection.is_autocommit() {
                // SQLite undid everything; what follows must not run outside a transaction.
                return;
            }
        }
    }

    /// Waits for a command, and meanwhile tells those who wait too long for the writer.
    fn next_command(&mut self, commands: &Receiver<Command>, opened: Instant) -> Option<Command> {
        if let Ok(command) = commands.try_recv() {
            return Some(command);
        }
        // Here alone it may become a queue that stays silent: `run` must learn that it has ended.
        let mut requests = self.requests.clone();
        loop {
            let late = self.refuse_late(opened).map_or_else(never, at);
            select! {
                recv(commands) -> command => return command.ok(),
                recv(requests) -> queued => match queued {
                    Ok(queued) => self.waiting.push_back(queued),
                    // Nobody can ask any more but the transaction itself.
                    Err(_) => requests = never(),
                },
                recv(late) -> _ => {}
            }
        }
    }
}

fn run(connection: &Connection, mut job: Box<dyn Job>) -> rusqlite::Result<()> {
    if !job.is_wanted() {
        return Ok(());
    }
    let ran = run_in_transaction(connection, job.as_mut(), true);
    job.answer(ran.as_ref().err().map(|error| error::of_database(error::copy(error))));
    ran
}

fn answer(done: rusqlite::Result<()>, reply: Reply) -> rusqlite::Result<()> {
    let told = done.as_ref().map(|&()| ()).map_err(|error| error::of_database(error::copy(error)));
    let _ = reply.send(told);
    done
}

/// A savepoint of this level or above that is still open belongs to a caller who went away before
/// learning of it, so it is closed first.
fn open_savepoint(
    connection: &Connection,
    level: &mut usize,
    wanted: usize,
) -> rusqlite::Result<()> {
    release(connection, level, wanted)?;
    execute(connection, &format!("SAVEPOINT sp{wanted}"))?;
    *level = wanted;
    Ok(())
}

fn release(connection: &Connection, level: &mut usize, wanted: usize) -> rusqlite::Result<()> {
    if *level >= wanted {
        execute(connection, &format!("RELEASE sp{wanted}"))?;
        *level = wanted - 1;
    }
    Ok(())
}

fn undo(connection: &Connection, level: &mut usize, wanted: usize) -> rusqlite::Result<()> {
    if *level >= wanted {
        execute(connection, &format!("ROLLBACK TO sp{wanted}"))?;
    }
    release(connection, level, wanted)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, mpsc},
        thread,
        time::Duration,
    };

    use super::*;
    use crate::{
        shared::Shared,
        writer::{Queued, Request},
    };

    /// Nothing was said, neither commit nor rollback: the way to it is just gone.
    #[tokio::test]
    async fn a_transaction_that_is_let_go_is_rolled_back() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        let (_requests, queue) = unbounded();
        let mut writer = Writer::new(queue, Duration::ZERO, Arc::default(), Arc::default());
        let (reply, begun) = oneshot::channel::<Result<Commands>>();
        let holder = thread::spawn(move || {
            let commands = begun.blocking_recv().unwrap().unwrap();
            let (insert, _answer) = crate::job::job(crate::job::Weight::OneStatement, |session| {
                session.connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
                Ok(())
            });
            commands.send(Command::Run(insert)).unwrap();
            // The answer must be waited for, or the job would be passed over.
            thread::sleep(Duration::from_millis(20));
        });
        writer.lease(&connection, reply);
        holder.join().unwrap();
        assert!(connection.is_autocommit());
        let rows = connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0));
        assert_eq!(rows.unwrap(), 0);

        let (reply, begun) = oneshot::channel::<Result<Commands>>();
        drop(begun);
        writer.lease(&connection, reply);
        assert!(connection.is_autocommit());
    }

    /// As when the last handles go, and the writer hears of that before the transaction's own end.
    #[test]
    fn the_writer_ends_after_a_transaction_that_outlived_its_queue() {
        let shared = Shared::new(Connection::open_in_memory().unwrap());
        let (requests, queue) = unbounded();
        let writer = Writer::new(queue, Duration::ZERO, Arc::default(), Arc::default());
        let (reply, begun) = oneshot::channel();
        let request = Queued {
            request: Request::Begin(reply),
            since: Instant::now(),
            _ticket: shared.ticket(),
        };
        requests.send(request).ok().unwrap();
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            writer.run(&shared);
            ended.send(()).unwrap();
        });
        let commands = begun.blocking_recv().unwrap().unwrap();
        drop(requests);
        // Time to hear of it; a writer that hears of both at once does the same.
        thread::sleep(Duration::from_millis(20));
        drop(commands);
        end.recv_timeout(Duration::from_secs(10)).expect("the writer waits for ever");
    }
}
