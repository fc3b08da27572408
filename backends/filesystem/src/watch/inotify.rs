//! Events of the kernel, from one queue for all folders of the process.
//!
//! A process may have few queues, and many folders can be watched by one. Whoever looks at the
//! queue hands out what is in it, also to the others.

use std::{
    collections::{BTreeMap, HashMap},
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};

use super::{Changed, How, is_record, is_shared_with_machines};

/// The queue, and who watches what.
struct Queue {
    descriptor: OwnedFd,
    /// By the kernel's number for the folder. Two who watch one folder have one number.
    watching: HashMap<i32, Vec<Weak<Pending>>>,
}

/// What has happened to one folder and was not taken yet.
#[derive(Default)]
struct Pending(Mutex<Events>);

#[derive(Default)]
struct Events {
    names: BTreeMap<String, How>,
    /// The queue was full once, so that events are missing.
    is_incomplete: bool,
    /// The folder was moved or deleted.
    is_gone: bool,
    /// What was taken is not known to readers yet.
    is_taken: bool,
}

/// One folder that is watched, until this is dropped.
pub(crate) struct Watch {
    number: i32,
    pending: Arc<Pending>,
}

fn queue() -> Option<MutexGuard<'static, Queue>> {
    static QUEUE: OnceLock<Option<Mutex<Queue>>> = OnceLock::new();
    let queue = QUEUE.get_or_init(|| match inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC) {
        Ok(descriptor) => Some(Mutex::new(Queue { descriptor, watching: HashMap::new() })),
        Err(error) => {
            tracing::warn!(target: "storehouse", %error, "no inotify: folders are looked at instead");
            None
        }
    });
    queue.as_ref().map(|queue| queue.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Hands out what is in the queue.
    fn hand_out(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.descriptor, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let (number, kinds) = (event.wd(), event.events());
                    let name = event.file_name().map(|name| name.to_str());
                    if kinds.contains(ReadFlags::QUEUE_OVERFLOW) {
                        for pending in self.watching.values().flatten().filter_map(Weak::upgrade) {
                            pending.lock().is_incomplete = true;
                        }
                    }
                    let watching = self.watching.get(&number).into_iter().flatten();
                    for pending in watching.filter_map(Weak::upgrade) {
                        pending.lock().add(kinds, name);
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(error) => {
                    tracing::warn!(target: "storehouse", %error, "inotify cannot be read");
                    for pending in self.watching.values().flatten().filter_map(Weak::upgrade) {
                        pending.lock().is_incomplete = true;
                    }
                    return;
                }
            }
        }
    }
}

impl Events {
    fn add(&mut self, kinds: ReadFlags, name: Option<Result<&str, std::str::Utf8Error>>) {
        let ends =
            ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT | ReadFlags::IGNORED;
        if kinds.intersects(ends) {
            self.is_gone = true;
        } else if let Some(Ok(name)) = name
            && is_record(name)
        {
            let how = if kinds.contains(ReadFlags::CLOSE_WRITE) {
                How::Written
            } else if kinds.contains(ReadFlags::CREATE) {
                How::Created
            } else {
                How::Moved
            };
            let known = self.names.entry(name.to_owned()).or_insert(how);
            *known = how.max(*known);
        }
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.is_incomplete && !self.is_gone
    }
}

impl Watch {
    /// Begins to watch; `None` where that is not possible, or would not tell of everything.
    pub(crate) fn begin(path: &Path) -> Option<Self> {
        if is_shared_with_machines(path) {
            return None;
        }
        let mut queue = queue()?;
        // What happened before is not for this one.
        queue.hand_out();
        let kinds = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let number = match inotify::add_watch(&queue.descriptor, path, kinds) {
            Ok(number) => number,
            Err(error) => {
                let path = path.display();
                tracing::warn!(target: "storehouse", %error, %path, "looked at, not watched");
                return None;
            }
        };
        let pending = Arc::new(Pending::default());
        queue.watching.entry(number).or_default().push(Arc::downgrade(&pending));
        Some(Self { number, pending })
    }

    pub(crate) fn is_quiet(&self) -> bool {
        if let Some(mut queue) = queue() {
            queue.hand_out();
        }
        self.has_nothing()
    }

    /// The same, once somebody has looked at the queue.
    pub(super) fn has_nothing(&self) -> bool {
        let events = self.pending.lock();
        events.is_empty() && !events.is_taken
    }

    pub(crate) fn take(&self) -> Changed {
        if let Some(mut queue) = queue() {
            queue.hand_out();
        }
        let mut events = self.pending.lock();
        let taken = std::mem::take(&mut *events);
        events.is_taken = true;
        if taken.is_gone {
            Changed::Folder
        } else if taken.is_incomplete {
            Changed::Anything
        } else {
            Changed::Names(taken.names)
        }
    }

    pub(crate) fn done(&self) {
        self.pending.lock().is_taken = false;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(mut queue) = queue() else { return };
        let Some(watching) = queue.watching.get_mut(&self.number) else { return };
        watching.retain(|other| {
            !std::ptr::eq(other.as_ptr(), Arc::as_ptr(&self.pending)) && other.strong_count() > 0
        });
        if watching.is_empty() {
            queue.watching.remove(&self.number);
            // It fails where the kernel has given it up already, since the folder is gone.
            let _ = inotify::remove_watch(&queue.descriptor, self.number);
        }
    }
}
