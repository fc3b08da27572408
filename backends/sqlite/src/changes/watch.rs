//! Wakes those who wait for changes: at once for what this process commits, and by a look at the
//! file, hundreds of times a second, for what others do.
//!
//! SQLite keeps a number that differs after every commit of another connection, `PRAGMA
//! data_version`. To read it costs some microseconds and touches no page of the file.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use storehouse_runtime::ChangeRetention;
use tokio::sync::watch;

use crate::{connection::open_reader, lock::lock, options::SqliteOptions, readers::join};

/// How long to wait between looks, and between those after many that showed nothing.
const OFTEN: Duration = Duration::from_millis(2);
const SELDOM: Duration = Duration::from_millis(5);
/// So many looks are many.
const MANY: u32 = 1_000;

/// What all logs of a database share.
pub(crate) struct Changes {
    wake: Arc<watch::Sender<u64>>,
    /// The file, where others can write to it, and how it is opened.
    file: Option<(PathBuf, SqliteOptions)>,
    watch: Mutex<Weak<Watch>>,
    retention: ChangeRetention,
}

impl Changes {
    pub(crate) fn new(file: Option<(PathBuf, SqliteOptions)>, retention: ChangeRetention) -> Self {
        let (wake, _) = watch::channel(0);
        Self { wake: Arc::new(wake), file, watch: Mutex::default(), retention }
    }

    pub(crate) const fn retention(&self) -> ChangeRetention {
        self.retention
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Wakes those who wait, after a commit of this process.
    pub(crate) fn committed(&self) {
        wake(&self.wake);
    }

    /// The thread that looks at the file; it looks as long as somebody holds this.
    pub(super) fn watch(&self) -> Option<Arc<Watch>> {
        let (path, options) = self.file.as_ref()?;
        let mut slot = lock(&self.watch);
        if let Some(watch) = slot.upgrade().filter(|watch| watch.is_running()) {
            return Some(watch);
        }
        let watch = Arc::new(Watch::start(path.clone(), options.clone(), Arc::clone(&self.wake))?);
        *slot = Arc::downgrade(&watch);
        Some(watch)
    }
}

/// Of a database that nobody else writes to.
impl Default for Changes {
    fn default() -> Self {
        Self::new(None, ChangeRetention::default())
    }
}

fn wake(sender: &watch::Sender<u64>) {
    if sender.receiver_count() > 0 {
        sender.send_modify(|woken| *woken = woken.wrapping_add(1));
    }
}

/// A thread that looks at the file. Dropped, it ends.
pub(super) struct Watch {
    is_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn start(
        path: PathBuf,
        options: SqliteOptions,
        sender: Arc<watch::Sender<u64>>,
    ) -> Option<Self> {
        let is_ended = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_ended);
        let look = move || {
            let looked =
                open_reader(&path, &options).map(|connection| look(&connection, &ends, &sender));
            if let Err(error) = looked {
                tracing::warn!(
                    target: "storehouse::changes", %error,
                    "the commits of other processes are seen later, since the file cannot be watched"
                );
            }
        };
        let thread = thread::Builder::new().name("sqlite-watch".to_owned()).spawn(look);
        match thread {
            Ok(thread) => Some(Self { is_ended, thread: Some(thread) }),
            Err(error) => {
                tracing::warn!(target: "storehouse", %error, "a thread could not be started");
                None
            }
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // So that the file is closed afterwards.
            join(thread);
        }
    }
}

fn look(connection: &Connection, is_ended: &AtomicBool, sender: &watch::Sender<u64>) {
    let mut last = None;
    let mut idle = 0_u32;
    while !is_ended.load(Ordering::Relaxed) {
        let version = connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        match version {
            Ok(version) if last == Some(version) => idle = idle.saturating_add(1),
            Ok(version) => {
                last = Some(version);
                idle = 0;
                wake(sender);
            }
            // Somebody has the file for himself for a moment.
            Err(error) => tracing::debug!(target: "storehouse::changes", %error, "not looked at"),
        }
        thread::park_timeout(if idle < MANY { OFTEN } else { SELDOM });
    }
}
