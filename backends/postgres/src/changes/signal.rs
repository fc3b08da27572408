//! Wakes those who wait for changes, here at once and elsewhere soon.
//!
//! A notification inside of the transaction that writes would hold a lock of the whole server
//! while that commits, which costs most of the throughput. So it is sent afterwards, on another
//! connection, once for all that was committed within a few milliseconds. It says nothing but that
//! there is something to read; whoever misses it finds that out by looking.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, PgConnection,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use storehouse_runtime::ChangeRetention;
use tokio::{
    runtime::{self, Handle},
    sync::watch,
    task::JoinHandle,
};
use uuid::Uuid;

use crate::options::PostgresOptions;

const CHANNEL: &str = "storehouse_changes";

/// So long after a notification nothing else is sent.
const DEBOUNCE: Duration = Duration::from_millis(3);

/// How long to wait before the first and at most before every later attempt to listen.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What all logs of a database share.
#[derive(Debug)]
pub(crate) struct Signals {
    wake: watch::Sender<u64>,
    /// Tells notifications of this process from those of others.
    own: Uuid,
    connect: PgConnectOptions,
    /// A pooler in transaction mode lets nobody listen.
    can_listen: bool,
    retention: ChangeRetention,
    /// Whether a table that keeps a log was opened.
    is_used: AtomicBool,
    /// Whether there is something to tell, and whether somebody is at it.
    is_pending: AtomicBool,
    is_telling: AtomicBool,
    /// The connection that tells, and the runtime that drives it.
    teller: tokio::sync::Mutex<Option<(runtime::Id, PgConnection)>>,
    listening: Mutex<Weak<Listening>>,
}

impl Signals {
    pub(crate) fn new(options: &PostgresOptions) -> Self {
        let (wake, _) = watch::channel(0);
        let mut connect = options.connect.clone().disable_statement_logging();
        if options.transaction_pooling {
            connect = connect.statement_cache_capacity(0);
        }
        Self {
            wake,
            own: Uuid::new_v4(),
            connect,
            can_listen: !options.transaction_pooling,
            retention: options.change_retention,
            is_used: AtomicBool::new(false),
            is_pending: AtomicBool::new(false),
            is_telling: AtomicBool::new(false),
            teller: tokio::sync::Mutex::default(),
            listening: Mutex::default(),
        }
    }

    pub(crate) const fn retention(&self) -> ChangeRetention {
        self.retention
    }

    /// Notes that a table that keeps a log was opened.
    pub(crate) fn set_used(&self) {
        self.is_used.store(true, Ordering::Relaxed);
    }

    /// Whether statements of the program's own may be about a table that keeps a log.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Relaxed)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    fn wake(&self) {
        if self.wake.receiver_count() > 0 {
            self.wake.send_modify(|woken| *woken = woken.wrapping_add(1));
        }
    }

    /// Wakes those who wait, after a commit of this process. Takes no time of whoever wrote.
    pub(crate) fn committed(self: &Arc<Self>) {
        self.wake();
        self.is_pending.store(true, Ordering::Release);
        if self.is_telling.swap(true, Ordering::AcqRel) {
            return;
        }
        let telling = Telling(Arc::clone(self));
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(telling.tell_all());
        }
    }

    async fn tell(&self) {
        let runtime = Handle::current().id();
        let mut teller = self.teller.lock().await;
        let known = teller.take().filter(|(of, _)| *of == runtime);
        let connection = match known {
            Some((_, connection)) => Ok(connection),
            None => self.connect.connect().await,
        };
        let sent = match connection {
            Ok(mut connection) => {
                let own = self.own;
                // Nobody minds if a notification is lost with the server.
                let sql = format!(
                    "BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}, '{own}'; COMMIT"
                );
                let sent = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
                sent.map(|_| connection)
            }
            Err(error) => Err(error),
        };
        match sent {
            Ok(connection) => *teller = Some((runtime, connection)),
            Err(error) => tracing::debug!(
                target: "storehouse::changes", %error, "others were not told of a change"
            ),
        }
    }

    /// Listens to what others tell, as long as somebody holds this.
    pub(super) fn listen(self: &Arc<Self>) -> Option<Arc<Listening>> {
        if !self.can_listen {
            return None;
        }
        let mut slot = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listening) = slot.upgrade().filter(|listening| listening.is_running()) {
            return Some(listening);
        }
        let runtime = Handle::try_current().ok()?;
        let task = runtime.spawn(listen(Arc::clone(self)));
        let listening = Arc::new(Listening { task });
        *slot = Arc::downgrade(&listening);
        Some(listening)
    }
}

/// The right to tell others. Dropped, another may have it.
struct Telling(Arc<Signals>);

impl Telling {
    async fn tell_all(self) {
        while self.0.is_pending.swap(false, Ordering::AcqRel) {
            self.0.tell().await;
            tokio::time::sleep(DEBOUNCE).await;
        }
        let signals = Arc::clone(&self.0);
        drop(self);
        // Somebody may have come between the last look and the end.
        if signals.is_pending.load(Ordering::Acquire) {
            signals.committed();
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.is_telling.store(false, Ordering::Release);
    }
}

/// A task that listens. Dropped, it ends.
#[derive(Debug)]
pub(super) struct Listening {
    task: JoinHandle<()>,
}

impl Listening {
    pub(super) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(signals: Arc<Signals>) {
    let own = signals.own.to_string();
    let mut pause = FIRST_PAUSE;
    loop {
        let pool =
            PgPoolOptions::new().max_connections(1).connect_lazy_with(signals.connect.clone());
        let listened: Result<(), sqlx::Error> = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            pause = FIRST_PAUSE;
            // What was told before nobody heard.
            signals.wake();
            while let Some(notification) = listener.try_recv().await? {
                if notification.payload() != own {
                    signals.wake();
                }
            }
            Ok(())
        }
        .await;
        let error = listened.err();
        tracing::debug!(
            target: "storehouse::changes", error = error.as_ref().map(tracing::field::display),
            "the connection that listens was lost"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
