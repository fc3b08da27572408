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
    ops::RangeInclusive,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
    vec,
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
    /// What is left of the file that was read last, since a bulk is handed over in parts.
    rest: Mutex<Option<Rest>>,
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

/// Changes of one file that nobody has been given yet.
struct Rest {
    log: Uuid,
    /// The first and the last change in the file.
    file: RangeInclusive<u64>,
    /// The number of the next of those that are left.
    next: u64,
    at: i64,
    happened: vec::IntoIter<Happened>,
}

impl End {
    pub(crate) fn position(self) -> LogPosition {
        position(self.log, self.last)
    }
}

fn position(log: Uuid, id: u64) -> LogPosition {
    LogPosition { log, id, detail: None }
}

fn name_of(first: u64) -> String {
    format!("{FOLDER}/{first:0DIGITS$}.json")
}

/// The place of the file that begins with a number.
fn place(first: u64) -> String {
    Folder::own_place(&name_of(first))
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
            rest: Mutex::default(),
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

    /// Looks for what others have added, and hands each change to `each` if there is one. `None` where
    /// there is no log; true where the end was not known before, and what came until now is not handed
    /// over.
    pub(crate) fn catch_up(
        &self,
        folder: &Folder,
        held: &Held,
        mut each: Option<&mut dyn FnMut(Happened)>,
    ) -> Result<Option<(End, bool)>> {
        let mut known = self.lock_end();
        let Some(log) = identity(folder)? else {
            *known = None;
            return Ok(None);
        };
        let is_file = |first| held.path(folder, &place(first)).is_some_and(|path| path.exists());
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
            _ => (find_end(folder, held, log)?, true),
        };
        loop {
            let first = end.last + 1;
            let Some(text) = text_of(folder, held, first)? else { break };
            let added = match &mut each {
                None => count(folder, first, &text)?,
                Some(each) => {
                    let batch = self.parse(folder, first, &text)?;
                    let added = batch.happened.len() as u64;
                    batch.happened.into_iter().for_each(each);
                    added
                }
            };
            (end.newest, end.last) = (first, end.last + added);
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
        (Edit::write(place(first), text), end)
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
            let said = at.detail().parse().ok().filter(|first| (1..=at.id + 1).contains(first));
            let first = said.unwrap_or(at.id + 1);
            let Some(mut rest) = self.rest(folder, held, end.log, first, at.id + 1)? else {
                return Err(self.lagged(folder, end));
            };
            while changes.len() < limit
                && rest.next <= until
                && let Some(happened) = rest.happened.next()
            {
                at = position(end.log, rest.next);
                if rest.next < *rest.file.end() {
                    at.detail = Some(first.to_string().into());
                }
                rest.next += 1;
                changes.push(LoggedChange {
                    kind: happened.kind(),
                    at: rest.at,
                    old: happened.old,
                    new: happened.new,
                    position: at.clone(),
                });
            }
            if rest.happened.len() > 0 {
                *self.lock_rest() = Some(rest);
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

    fn lock_rest(&self) -> MutexGuard<'_, Option<Rest>> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The changes from `next` on in the file that begins with `first`; `None` where there is no such
    /// file, or no such change in it.
    fn rest(
        &self,
        folder: &Folder,
        held: &Held,
        log: Uuid,
        first: u64,
        next: u64,
    ) -> Result<Option<Rest>> {
        let kept = self.lock_rest().take();
        let is_it = |rest: &Rest| (rest.log, *rest.file.start(), rest.next) == (log, first, next);
        if let Some(rest) = kept.filter(is_it) {
            return Ok(Some(rest));
        }
        let Some(text) = text_of(folder, held, first)? else { return Ok(None) };
        let Batch { at, happened } = self.parse(folder, first, &text)?;
        let file = first..=first + happened.len() as u64 - 1;
        if !file.contains(&next) {
            return Ok(None);
        }
        let mut happened = happened.into_iter();
        for _ in first..next {
            happened.next();
        }
        Ok(Some(Rest { log, file, next, at, happened }))
    }

    fn parse(&self, folder: &Folder, first: u64, text: &[u8]) -> Result<Batch> {
        Batch::parse(&self.columns, text).map_err(|why| unusable(folder, first, &why))
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

/// What is in the file that begins with a number, if it is there.
fn text_of(folder: &Folder, held: &Held, first: u64) -> Result<Option<Vec<u8>>> {
    held.path(folder, &place(first)).map_or(Ok(None), |path| read(&path))
}

fn find_end(folder: &Folder, held: &Held, log: Uuid) -> Result<End> {
    let newest = files(folder)?.into_iter().max().unwrap_or(0);
    let last = match text_of(folder, held, newest)? {
        Some(text) => newest + count(folder, newest, &text)? - 1,
        None => 0,
    };
    Ok(End { log, newest, last })
}

fn count(folder: &Folder, first: u64, text: &[u8]) -> Result<u64> {
    Batch::count(text).map_err(|why| unusable(folder, first, &why))
}

fn unusable(folder: &Folder, first: u64, why: &str) -> Error {
    error::unusable(&folder.own(&name_of(first)), why)
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
