//! The log of a store's changes: a file for each write, put in place together with what it changed.
//!
//! The files are called after the number of the first change in them, so that what comes after a
//! change is found without a list. Writers hold the folder's lock alone, so numbers are in the order
//! of the commits. The newest file is never deleted, so that no number is given twice.

mod batch;
mod log;
mod watch;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use chrono::Utc;
use serde_json::{Value as Json, json};
use storehouse_runtime::{
    ChangeCursor, ChangeRetention, ColumnDef, Error, FeedSlot, LogBatch, LogPosition, LoggedChange,
    PruneClock, Result, TableDef,
};
use tokio::sync::watch as signal;
use uuid::Uuid;

use self::batch::Batch;
pub(crate) use self::{
    batch::Happened,
    log::{FileLog, Followed},
    watch::{Look, Watch, WatchSlot},
};
use crate::{
    codec, error,
    folder::{Edit, Folder, Held, is_missing, read},
};

/// The folder of a log, in what is Storehouse's own. It is not for version control.
const FOLDER: &str = "changes";
/// Says which log it is. Without it there is none.
const IDENTITY: &str = "changes/log.json";
/// So many digits has the number in a file's name, so that names are in the order of the numbers.
const DIGITS: usize = 20;

/// The log of one store, as this process knows it.
pub(crate) struct ChangeFiles {
    /// What rows in it have.
    definition: Arc<TableDef>,
    columns: Vec<ColumnDef>,
    retention: ChangeRetention,
    pruning: PruneClock,
    /// The end of it as it was when this process looked last.
    end: Mutex<Option<End>>,
    wake: signal::Sender<u64>,
    pub(crate) feed: FeedSlot,
    pub(crate) watch: WatchSlot,
}

/// The end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) log: Uuid,
    /// The first change in the newest file; 0 where there is none.
    newest: u64,
    /// The last change.
    last: u64,
}

impl End {
    pub(crate) fn position(self) -> LogPosition {
        position(self.log, self.last)
    }
}

fn position(log: Uuid, id: u64) -> LogPosition {
    LogPosition { log, id, detail: "".into() }
}

fn name_of(first: u64) -> String {
    format!("{FOLDER}/{first:0DIGITS$}.json")
}

impl ChangeFiles {
    pub(crate) fn new(definition: Arc<TableDef>, retention: ChangeRetention) -> Self {
        let (wake, _) = signal::channel(0);
        Self {
            columns: codec::plain_columns(&definition),
            definition,
            retention,
            pruning: PruneClock::default(),
            end: Mutex::default(),
            wake,
            feed: FeedSlot::default(),
            watch: WatchSlot::default(),
        }
    }

    pub(crate) const fn definition(&self) -> &Arc<TableDef> {
        &self.definition
    }

    /// Removes the log, if there is one. Without its identity it is none, whatever stays.
    pub(crate) fn remove(&self, folder: &Folder, held: &Held) -> Result<()> {
        if is_begun(folder)? {
            folder.commit(held, vec![Edit::delete(Folder::own_place(IDENTITY))])?;
        }
        for first in files(folder)? {
            delete(folder, first)?;
        }
        *self.lock_end() = None;
        self.wake();
        Ok(())
    }

    /// Looks for what others have added, and hands each change to `each`. `None` where there is no
    /// log; true where the end was not known before, and what came until now is not handed over.
    pub(crate) fn catch_up(
        &self,
        folder: &Folder,
        held: &Held,
        mut each: impl FnMut(Happened),
    ) -> Result<Option<(End, bool)>> {
        let mut known = self.lock_end();
        let Some(log) = identity(folder)? else {
            *known = None;
            return Ok(None);
        };
        let is_file = |first| path(folder, held, first).is_some_and(|path| path.exists());
        let is_known = match *known {
            Some(end) if end.log != log => false,
            // Where none was there, there is none still, or the first of all.
            Some(End { newest: 0, .. }) => is_file(1) || files(folder)?.is_empty(),
            // Where the file is not there that was the newest, others came and went.
            Some(end) => is_file(end.newest),
            None => false,
        };
        let (mut end, is_new) = match *known {
            Some(end) if is_known => (end, false),
            _ => (self.find_end(folder, held, log)?, true),
        };
        while let Some(batch) = self.batch(folder, held, end.last + 1)? {
            (end.newest, end.last) = (end.last + 1, end.last + batch.happened.len() as u64);
            batch.happened.into_iter().for_each(&mut each);
        }
        *known = Some(end);
        Ok(Some((end, is_new)))
    }

    /// What adds changes behind the end, and the end that there is then.
    pub(crate) fn edit(&self, end: End, happened: Vec<Happened>) -> (Edit, End) {
        let first = end.last + 1;
        let end = End { newest: first, last: end.last + happened.len() as u64, ..end };
        let batch = Batch { at: Utc::now().timestamp_micros(), happened };
        let text = batch.text(&self.definition);
        (Edit::write(Folder::own_place(&name_of(first)), text), end)
    }

    /// Says that what [`ChangeFiles::edit`] gave is done. Deletes what nobody has to read any more.
    pub(crate) fn added(&self, folder: &Folder, held: &Held, end: End) {
        *self.lock_end() = Some(end);
        self.wake();
        if self.pruning.is_due(self.retention.interval())
            && let Err(error) = self.prune(folder, held, end)
        {
            tracing::warn!(target: "storehouse::changes", %error, "old changes are still there");
        }
    }

    pub(crate) fn wake(&self) {
        if self.wake.receiver_count() > 0 {
            self.wake.send_modify(|woken| *woken = woken.wrapping_add(1));
        }
    }

    pub(crate) fn subscribe(&self) -> signal::Receiver<u64> {
        self.wake.subscribe()
    }

    /// What comes after a place. `end` is the end of the log, of which this was known before.
    pub(crate) fn read_on(
        &self,
        folder: &Folder,
        held: &Held,
        end: End,
        after: &LogPosition,
        until: Option<LogPosition>,
        limit: usize,
    ) -> Result<LogBatch> {
        if after.log != end.log || after.id > end.last {
            return Err(self.lagged(folder, end));
        }
        let until = until.map_or(end.last, |until| until.id.min(end.last));
        let mut at = after.clone();
        let mut changes = Vec::new();
        while at.id < until && changes.len() < limit {
            // Within a file, a place says where the file begins. Places come from outside.
            let said = at.detail.parse().ok().filter(|first| (1..=at.id + 1).contains(first));
            let first = said.unwrap_or(at.id + 1);
            let Some(batch) = self.batch(folder, held, first)? else {
                return Err(self.lagged(folder, end));
            };
            let last = first + batch.happened.len() as u64 - 1;
            let skip = usize::try_from(at.id + 1 - first).unwrap_or(usize::MAX);
            let before = changes.len();
            for (id, happened) in (first..).zip(batch.happened).skip(skip) {
                if id > until || changes.len() == limit {
                    break;
                }
                at = position(end.log, id);
                if id < last {
                    at.detail = first.to_string().into();
                }
                changes.push(LoggedChange {
                    kind: happened.kind(),
                    at: batch.at,
                    old: happened.old,
                    new: happened.new,
                    position: at.clone(),
                });
            }
            if changes.len() == before {
                // The place is in no file of that number.
                return Err(self.lagged(folder, end));
            }
        }
        let is_last = at.id >= until;
        Ok(LogBatch { changes, end: at, is_last })
    }

    /// There is no log.
    pub(crate) fn missing(&self) -> Error {
        Error::no_change_log(&self.definition.full_name())
    }

    fn lagged(&self, folder: &Folder, end: End) -> Error {
        let first = match files(folder) {
            Ok(files) => files.into_iter().min().unwrap_or(end.last + 1),
            Err(error) => return error,
        };
        let oldest = position(end.log, first.saturating_sub(1));
        Error::lagged(ChangeCursor::oldest(&self.definition, oldest))
    }

    fn lock_end(&self) -> MutexGuard<'_, Option<End>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find_end(&self, folder: &Folder, held: &Held, log: Uuid) -> Result<End> {
        let newest = files(folder)?.into_iter().max().unwrap_or(0);
        let last = match self.batch(folder, held, newest)? {
            Some(batch) => newest + batch.happened.len() as u64 - 1,
            None => 0,
        };
        Ok(End { log, newest, last })
    }

    fn batch(&self, folder: &Folder, held: &Held, first: u64) -> Result<Option<Batch>> {
        let text = path(folder, held, first).map_or(Ok(None), |path| read(&path))?;
        let Some(text) = text else { return Ok(None) };
        match Batch::parse(&self.columns, &text) {
            Ok(batch) if !batch.happened.is_empty() => Ok(Some(batch)),
            Ok(_) => Err(error::unusable(&folder.own(&name_of(first)), "it holds no change")),
            Err(why) => Err(error::unusable(&folder.own(&name_of(first)), &why)),
        }
    }

    /// Deletes files of which every change may go, and never the newest.
    fn prune(&self, folder: &Folder, held: &Held, end: End) -> Result<()> {
        let _ = held;
        let mut files = files(folder)?;
        files.sort_unstable();
        let now = SystemTime::now();
        for (first, next) in files.iter().zip(files.iter().skip(1)) {
            let is_behind = end.last.saturating_sub(next - 1) >= self.retention.changes;
            let written = fs::metadata(folder.own(&name_of(*first))).and_then(|of| of.modified());
            let age = written.ok().and_then(|at| now.duration_since(at).ok());
            if !is_behind && age.is_none_or(|age| age <= self.retention.age) {
                break;
            }
            delete(folder, *first)?;
        }
        Ok(())
    }
}

/// Where the file that begins with a number is, if it is there.
fn path(folder: &Folder, held: &Held, first: u64) -> Option<PathBuf> {
    let name = name_of(first);
    match held.instead.get(&Folder::own_place(&name)) {
        None => Some(folder.own(&name)),
        Some(instead) => instead.clone(),
    }
}

/// Whether there is a log.
pub(crate) fn is_begun(folder: &Folder) -> Result<bool> {
    identity(folder).map(|log| log.is_some())
}

/// Begins a log, unless there is one.
pub(crate) fn begin(folder: &Folder, held: &Held) -> Result<()> {
    if is_begun(folder)? {
        return Ok(());
    }
    // Of a log that was removed by who died before it was done.
    for first in files(folder)? {
        delete(folder, first)?;
    }
    let mut text = json!({ "log": Uuid::new_v4() }).to_string().into_bytes();
    text.push(b'\n');
    folder.commit(held, vec![Edit::write(Folder::own_place(IDENTITY), text)]).map(drop)
}

/// Which log a folder has.
fn identity(folder: &Folder) -> Result<Option<Uuid>> {
    let path = folder.own(IDENTITY);
    let Some(text) = read(&path)? else { return Ok(None) };
    let found: Json = serde_json::from_slice(&text).unwrap_or_default();
    let log = found.get("log").and_then(Json::as_str).and_then(|log| log.parse().ok());
    let why = "it has to hold {\"log\": \"...\"} with a UUID; remove the folder that it is in to \
               begin another log";
    log.map(Some).ok_or_else(|| error::unusable(&path, why))
}

/// The numbers that files of a log begin with, in any order.
fn files(folder: &Folder) -> Result<Vec<u64>> {
    let path = folder.own(FOLDER);
    let listed = |error| error::at(&path, "listed", error);
    let entries = match fs::read_dir(&path) {
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        entries => entries.map_err(listed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(listed)?.file_name();
        files.extend(number_of(Path::new(&name)));
    }
    Ok(files)
}

fn number_of(name: &Path) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(".json")?;
    (digits.len() == DIGITS).then(|| digits.parse().ok()).flatten().filter(|first| *first > 0)
}

fn delete(folder: &Folder, first: u64) -> Result<()> {
    let path = folder.own(&name_of(first));
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error::at(&path, "deleted", error))
        }
        _ => Ok(()),
    }
}
