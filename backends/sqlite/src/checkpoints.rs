//! Checkpoints, which move the log of WAL mode into the file.
//!
//! SQLite would let a caller do that within its commit, every thousand pages. Here a thread for
//! reads does it, beside those who write. That cannot catch up with somebody who writes without a
//! pause, and the log begins anew only where nothing is left in it: once it has grown long, the
//! writer moves the rest, after it has answered, and meanwhile nobody of this process adds to it.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use rusqlite::Connection;
use storehouse_runtime::Error;

use crate::{
    job::{Job, Weight},
    job_queue::Urgency,
    readers::Readers,
};

/// How many pages the log gets before they are moved; SQLite's own choice.
const PAGES: u32 = 1_000;
/// With how many pages the log is so long that it has to begin anew. SQLite finds a page in it by
/// tables of 4,096 pages each, and is slower with each further one.
const MANY_PAGES: u32 = 4 * PAGES;
/// With how many pages it is not waited for the thread any more.
const FAR_TOO_MANY_PAGES: u32 = 4 * MANY_PAGES;
/// Commits that end at the same time are noted in any order. They differ by fewer pages than this.
const AT_ONCE: u32 = 100;

/// In the place of a number of pages: a thread is at it.
const UNDER_WAY: u32 = u32::MAX;

thread_local! {
    /// How many pages the log had after the last commit on this thread.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// Leaves checkpoints of this connection's commits to [`Checkpoints`].
pub(crate) fn watch_log(connection: &Connection) {
    connection.wal_hook(Some(|_, pages| {
        LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
        Ok(())
    }));
}

/// When the log is moved, and by whom.
pub(crate) struct Checkpoints {
    marks: Arc<Marks>,
    /// Those whose threads do it beside the writer.
    readers: Option<Arc<Readers>>,
}

struct Marks {
    /// How many pages the log had when that was last noted.
    last: AtomicU32,
    /// How many pages the log may have before the next checkpoint.
    next: AtomicU32,
    /// Whether the log has to be moved while nobody writes.
    is_long: AtomicBool,
}

impl Checkpoints {
    /// Of a database whose readers these are; none where the log is not ours to move.
    pub(crate) fn new(readers: Option<Arc<Readers>>) -> Self {
        let marks = Marks {
            last: AtomicU32::new(0),
            next: AtomicU32::new(PAGES),
            is_long: AtomicBool::new(false),
        };
        Self { marks: Arc::new(marks), readers }
    }

    /// Looks how long the commit just made on this thread left the log, and has it moved where that
    /// is long enough. Tells whether the writer has to be asked to [`Self::run`].
    pub(crate) fn note_commit(&self) -> bool {
        let pages = LOG_PAGES.take();
        if pages == 0 {
            return false;
        }
        let marks = &*self.marks;
        let last = marks.last.swap(pages, Ordering::Relaxed);
        if pages < PAGES || pages.saturating_add(AT_ONCE) < last {
            // The log began anew.
            marks.next.store(PAGES, Ordering::Relaxed);
            marks.is_long.store(false, Ordering::Relaxed);
        }
        let next = marks.next.load(Ordering::Relaxed);
        if next == UNDER_WAY && pages >= FAR_TOO_MANY_PAGES {
            marks.is_long.store(true, Ordering::Relaxed);
        }
        if marks.is_long.load(Ordering::Relaxed) {
            return true;
        }
        if pages >= next
            && let Some(readers) = &self.readers
        {
            marks.next.store(UNDER_WAY, Ordering::Relaxed);
            let job = Box::new(Checkpoint(Arc::clone(&self.marks)));
            readers.threads.submit(job, Urgency::InTurn);
        }
        false
    }

    /// Moves the log into the file, as far as readers allow, where it is long; for who keeps others
    /// from writing meanwhile.
    pub(crate) fn run(&self, connection: &Connection) {
        if self.marks.is_long.swap(false, Ordering::Relaxed) {
            self.marks.checkpoint(connection);
        }
    }
}

/// Of a database that has no log, or one that is not ours to move.
impl Default for Checkpoints {
    fn default() -> Self {
        Self::new(None)
    }
}

/// Moves what no reader needs any more, and waits for nobody. Gives how many pages the log had,
/// unless somebody else was at it.
fn checkpoint(connection: &Connection) -> Option<u32> {
    let moved =
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1));
    match moved {
        // Negative where somebody else is at it.
        Ok(pages) => u32::try_from(pages).ok(),
        Err(error) => {
            tracing::warn!(target: "storehouse", %error, "the log could not be moved");
            None
        }
    }
}

impl Marks {
    /// Moves the log, and gives how many pages it had.
    fn checkpoint(&self, connection: &Connection) -> u32 {
        self.wait_after(checkpoint(connection))
    }

    /// Does not look again before the log has grown; a reader may hold on to it. Where nobody knows
    /// its pages, it has those that were noted last.
    fn wait_after(&self, pages: Option<u32>) -> u32 {
        let pages = pages.unwrap_or_else(|| self.last.load(Ordering::Relaxed));
        self.next.store(pages.saturating_add(PAGES), Ordering::Relaxed);
        pages
    }
}

/// A checkpoint beside those who write.
struct Checkpoint(Arc<Marks>);

impl Job for Checkpoint {
    fn is_wanted(&self) -> bool {
        true
    }

    fn weight(&self) -> Weight {
        Weight::OneStatement
    }

    fn run(&mut self, connection: &Connection, _is_shared: bool) {
        let pages = self.0.checkpoint(connection);
        // The next commit begins the log anew if it finds nothing left in it, and says so.
        self.0.is_long.store(pages >= MANY_PAGES, Ordering::Relaxed);
    }

    fn has_failed(&self) -> bool {
        false
    }

    fn answer(self: Box<Self>, error: Option<Error>) {
        if error.is_some() {
            // No connection could be opened; whoever reads will be told. The writer has one.
            let pages = self.0.wait_after(None);
            self.0.is_long.store(pages >= MANY_PAGES, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::{Path, PathBuf},
        time::{Duration, Instant},
    };

    use super::*;
    use crate::{connection::open_writer, options::SqliteOptions};

    struct Database {
        path: PathBuf,
        connection: Connection,
        checkpoints: Checkpoints,
        _folder: tempfile::TempDir,
    }

    impl Database {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log.db");
            let options = SqliteOptions::new(&path);
            let connection = open_writer(&options).unwrap();
            connection.execute_batch("CREATE TABLE t (x)").unwrap();
            let readers = Arc::new(Readers::new(&path, options));
            let checkpoints = Checkpoints::new(Some(readers));
            Self { path, connection, checkpoints, _folder: folder }
        }

        /// Writes about so many pages, and says how many the log has.
        fn write(&self, pages: u32) -> u32 {
            let bytes = pages * 4_096;
            let sql = format!("INSERT INTO t VALUES (zeroblob({bytes}))");
            self.connection.execute_batch(&sql).unwrap();
            LOG_PAGES.get()
        }

        /// Waits for the checkpoint that runs.
        fn wait(&self) {
            let until = Instant::now() + Duration::from_mins(1);
            while self.checkpoints.marks.next.load(Ordering::Relaxed) == UNDER_WAY {
                assert!(Instant::now() < until, "the checkpoint did not end");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn pages_in(path: &Path) -> u64 {
        std::fs::metadata(path).unwrap().len() / 4_096
    }

    #[test]
    fn a_log_is_moved_beside_whoever_writes() {
        let database = Database::new();
        assert!(database.write(PAGES - 100) < PAGES);
        assert!(!database.checkpoints.note_commit());
        assert_eq!(pages_in(&database.path), 1, "SQLite itself moved nothing");

        assert!(database.write(200) > PAGES);
        assert!(!database.checkpoints.note_commit());
        assert!(!database.checkpoints.note_commit(), "what wrote nothing left no longer log");
        database.wait();
        assert!(pages_in(&database.path) > u64::from(PAGES));
        assert!(database.write(1) < 10, "the log began anew");
        assert!(!database.checkpoints.note_commit());
        assert_eq!(database.checkpoints.marks.next.load(Ordering::Relaxed), PAGES);
    }

    #[test]
    fn a_log_that_grows_long_is_moved_while_nobody_writes() {
        let database = Database::new();
        let reader = Connection::open(&database.path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        for _ in 0..3 {
            database.write(PAGES);
            assert!(!database.checkpoints.note_commit());
            database.wait();
        }
        // As a writer does that is never idle, the reader keeps the log from beginning anew.
        assert!(database.write(PAGES) > MANY_PAGES);
        assert!(!database.checkpoints.note_commit());
        database.wait();
        let pages = database.write(1);
        assert!(pages > MANY_PAGES);
        assert!(database.checkpoints.note_commit(), "the writer is asked");
        database.checkpoints.run(&database.connection);
        assert!(database.write(1) > MANY_PAGES);
        assert!(!database.checkpoints.note_commit(), "not after each commit");
        let next = database.checkpoints.marks.next.load(Ordering::Relaxed);
        assert_eq!(next, pages + PAGES);

        drop(reader);
        database.write(PAGES);
        assert!(!database.checkpoints.note_commit());
        database.wait();
        assert!(database.write(1) < 10);
        assert!(!database.checkpoints.note_commit());
    }

    #[test]
    fn a_log_that_begins_anew_with_a_large_commit_is_noticed() {
        let database = Database::new();
        let mut longest = 0;
        for _ in 0..20 {
            let pages = database.write(PAGES + PAGES / 2);
            longest = longest.max(pages);
            assert!(!database.checkpoints.note_commit());
            database.wait();
        }
        // Each was moved before the next, and one as long as the last may not be told from a second.
        assert!(longest < MANY_PAGES, "{longest}");
    }

    #[test]
    fn a_log_that_no_thread_can_move_is_left_to_the_writer() {
        let database = Database::new();
        database.checkpoints.marks.next.store(UNDER_WAY, Ordering::Relaxed);
        assert!(database.write(FAR_TOO_MANY_PAGES - 1_000) < FAR_TOO_MANY_PAGES);
        assert!(!database.checkpoints.note_commit());
        assert!(database.write(2_000) > FAR_TOO_MANY_PAGES);
        assert!(database.checkpoints.note_commit());
        database.checkpoints.run(&database.connection);
        assert!(pages_in(&database.path) > u64::from(FAR_TOO_MANY_PAGES));
        assert!(database.write(1) < 10);

        let marks = &database.checkpoints.marks;
        marks.last.store(MANY_PAGES, Ordering::Relaxed);
        let failed = Box::new(Checkpoint(Arc::clone(marks)));
        failed.answer(Some(Error::validation("no file is left to open")));
        assert!(marks.is_long.load(Ordering::Relaxed));
    }

    #[test]
    fn a_connection_that_is_not_ours_to_care_for_is_left_alone() {
        let database = Database::new();
        let checkpoints = Checkpoints::default();
        assert!(database.write(2 * MANY_PAGES) > MANY_PAGES);
        assert!(!checkpoints.note_commit());
        checkpoints.run(&database.connection);
        assert_eq!(pages_in(&database.path), 1);
    }
}
