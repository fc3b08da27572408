//! Many processes that write while changes are followed, on whichever database a URL names.
//!
//! Every write adds one to a counter, so the changes of a counter have to be a chain: each begins
//! where the one before ended, and the last one ends at what is stored. A change that is lost,
//! repeated or out of order breaks it.

use std::{
    collections::{BTreeMap, HashSet},
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use storehouse::{
    AssertTrusted, Change, ChangeCursor, ChangeKind, ChangeRetention, Changes, Error,
    OpenStore as _, Result, Since, Store, Table, Tabular, increment,
};

const URL: &str = "STOREHOUSE_CHANGES_URL";
const ERRAND: &str = "STOREHOUSE_CHANGES_ERRAND";
const PATIENCE: Duration = Duration::from_mins(2);

pub const PROCESSES: u64 = 4;
const TASKS: u64 = 4;
const KEYS: i64 = 40;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "counters", changes)]
pub struct Counter {
    #[table(key)]
    pub id: i64,
    pub value: i64,
}

/// A process that is ended with its owner.
pub struct Process(Child);

impl Process {
    /// This test program again, to run one test on the database of that URL.
    pub fn start(test: &str, url: &str, errand: &str) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(URL, url)
            .env(ERRAND, errand)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn lines(&mut self) -> mpsc::Receiver<String> {
        let output = BufReader::new(self.0.stdout.take().unwrap());
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(std::result::Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        told
    }

    fn has_succeeded(&mut self) -> Option<bool> {
        self.0.try_wait().unwrap().map(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL, if it has not ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The URL and the errand of this process, if it was started for one.
pub fn errand() -> Option<(String, String)> {
    Some((env::var(URL).ok()?, env::var(ERRAND).ok()?))
}

pub async fn counters(url: &str) -> (Store, Tabular<Counter>) {
    let store = Store::builder().open(url).await.unwrap();
    let counters = store.tabular::<Counter>().await.unwrap();
    counters.setup_database().await.unwrap();
    (store, counters)
}

/// What a process does that was started as a writer: for so many milliseconds, in all ways.
pub async fn write(url: &str, errand: &str) {
    let milliseconds = errand.parse().unwrap();
    let (store, counters) = counters(url).await;
    let until = Instant::now() + Duration::from_millis(milliseconds);
    let tasks = (0..TASKS).map(|_| write_until(&store, &counters, until));
    futures::future::join_all(tasks).await;
}

pub async fn write_until(store: &Store, counters: &Tabular<Counter>, until: Instant) {
    let mut rng = fastrand::Rng::new();
    while Instant::now() < until {
        match write_once(store, counters, &mut rng).await {
            Ok(()) | Err(Error::Application { .. }) => {}
            // Others were in the way, and nothing was done.
            Err(error) if error.is_retryable() => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn write_once(
    store: &Store,
    counters: &Tabular<Counter>,
    rng: &mut fastrand::Rng,
) -> Result<()> {
    let id = rng.i64(0..KEYS);
    let one_more = || CounterPatch { value: increment(1) };
    match rng.u8(..6) {
        0 | 1 => {
            counters.update(&id, one_more()).await?;
        }
        2 => {
            let sql = format!("UPDATE counters SET value = value + 1 WHERE id = {id}");
            store.raw_sql(AssertTrusted(sql)).execute().await?;
        }
        3 => {
            let some = Counter::ID.between(id, id + 3);
            counters.update_where(some, one_more()).await?;
        }
        _ => {
            let is_undone = rng.bool();
            let other = rng.i64(0..KEYS);
            store
                .transaction(async |tx| {
                    let counters = counters.in_tx(tx);
                    counters.update(&other, one_more()).await?;
                    counters.update(&id, one_more()).await?;
                    if is_undone { Err(Error::application("undone")) } else { Ok(()) }
                })
                .await?;
        }
    }
    Ok(())
}

/// The chains of changes, so far.
#[derive(Default)]
pub struct Chains {
    values: BTreeMap<i64, i64>,
    seen: HashSet<ChangeCursor>,
}

impl Chains {
    pub fn add(&mut self, change: Change<Counter>) {
        let Change { kind, old, new, cursor, .. } = change;
        let new = new.unwrap();
        self.link(cursor, kind == ChangeKind::Insert, old.map(|old| old.value), new.id, new.value);
    }

    fn link(&mut self, cursor: ChangeCursor, is_new: bool, old: Option<i64>, id: i64, new: i64) {
        assert!(self.seen.insert(cursor), "a change of {id} came twice");
        let before = self.values.insert(id, new);
        assert_eq!(before, old, "counter {id} is {new} now");
        assert_eq!(is_new, before.is_none());
    }

    pub fn len(&self) -> usize {
        self.seen.len()
    }

    fn is_at(&self, rows: &[Counter]) -> bool {
        rows.iter().all(|row| self.values.get(&row.id) == Some(&row.value))
    }

    /// Takes changes until they come to what is stored, which nobody changes any more.
    pub async fn finish(&mut self, changes: &mut Changes<Counter>, counters: &Tabular<Counter>) {
        let rows = counters.get_all().await.unwrap();
        while !self.is_at(&rows) {
            let next = tokio::time::timeout(PATIENCE, changes.try_next()).await;
            self.add(next.expect("a change is missing").unwrap().unwrap());
        }
        // And nothing more.
        let more = tokio::time::timeout(Duration::from_millis(500), changes.try_next()).await;
        assert!(more.is_err(), "a change too many: {more:?}");
    }
}

/// Begins to follow, and then makes the counters.
pub async fn begin(counters: &Tabular<Counter>) -> Changes<Counter> {
    let changes = counters.changes(Since::Now).await.unwrap();
    let new = (0..KEYS).map(|id| Counter { id, value: 0 });
    counters.put_bulk(new).await.unwrap();
    changes
}

/// Sixteen writers in several processes, for so long; gives how many changes were seen.
pub async fn many_processes_write(url: &str, test: &str, duration: Duration) -> usize {
    let (_store, counters) = counters(url).await;
    let mut changes = begin(&counters).await;
    let errand = duration.as_millis().to_string();
    let mut processes: Vec<_> =
        (0..PROCESSES).map(|_| Process::start(test, url, &errand)).collect();
    let mut chains = Chains::default();
    let begun = Instant::now();
    loop {
        let next = tokio::time::timeout(Duration::from_millis(100), changes.try_next()).await;
        if let Ok(change) = next {
            chains.add(change.unwrap().unwrap());
        }
        processes.retain_mut(|process| match process.has_succeeded() {
            Some(succeeded) => {
                assert!(succeeded, "a writer failed");
                false
            }
            None => true,
        });
        if processes.is_empty() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE + duration, "the writers do not end");
    }
    chains.finish(&mut changes, &counters).await;
    chains.len()
}

/// What a process does that was started as a follower: it says what it sees, until it is killed.
#[allow(clippy::print_stdout, reason = "it is how the process speaks to the one that waits")]
pub async fn follow(url: &str, cursor: &str) {
    let (_store, counters) = counters(url).await;
    let since = Since::After(cursor.parse().unwrap());
    let mut changes = counters.changes(since).await.unwrap();
    while let Some(change) = changes.try_next().await.unwrap() {
        let old = change.old.map_or(-1, |old| old.value);
        let new = change.new.unwrap();
        let mut output = std::io::stdout().lock();
        let said = writeln!(output, "change {} {old} {} {} .", change.cursor, new.id, new.value);
        if said.and_then(|()| output.flush()).is_err() {
            // The parent has gone.
            return;
        }
    }
}

/// A follower is killed again and again, and goes on where the last one was.
pub async fn a_follower_is_killed(url: &str, test: &str, kills: usize) {
    let (store, counters) = counters(url).await;
    let mut cursor = begin(&counters).await.cursor().to_string();
    let mut chains = Chains::default();
    let mut rng = fastrand::Rng::with_seed(7);
    let until = Instant::now() + PATIENCE;
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let writes = {
        let (store, counters) = (store.clone(), counters.clone());
        async move {
            while stopped.try_recv().is_err() {
                let soon = (Instant::now() + Duration::from_millis(5)).min(until);
                write_until(&store, &counters, soon).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    };
    let writing = tokio::spawn(writes);
    let mut take = async |chains: &mut Chains, wanted: usize, rows: Option<Vec<Counter>>| {
        let mut process = Process::start(test, url, &cursor);
        let lines = process.lines();
        let mut taken = 0;
        let begun = Instant::now();
        loop {
            let is_enough = match &rows {
                Some(rows) => chains.is_at(rows),
                None => taken >= wanted,
            };
            if is_enough {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the follower does not get on");
            let Ok(line) = lines.try_recv() else {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            };
            // What the test program itself says stands before the first.
            let Some((_, line)) = line.split_once("change ") else { continue };
            let parts: Vec<&str> = line.split(' ').collect();
            let [place, old, id, new, "."] = parts[..] else { continue };
            let old: i64 = old.parse().unwrap();
            let old = (old >= 0).then_some(old);
            chains.link(
                place.parse().unwrap(),
                old.is_none(),
                old,
                id.parse().unwrap(),
                new.parse().unwrap(),
            );
            place.clone_into(&mut cursor);
            taken += 1;
        }
    };
    for _ in 0..kills {
        take(&mut chains, rng.usize(1..300), None).await;
    }
    stop.send(()).unwrap();
    writing.await.unwrap();
    take(&mut chains, 0, Some(counters.get_all().await.unwrap())).await;
}

/// One who keeps up loses nothing; one who does not is told, and can go on with what is left.
/// Changes are kept for a few hundred milliseconds.
pub async fn the_log_is_pruned(store: &Store) {
    let counters = store.tabular::<Counter>().await.unwrap();
    counters.setup_database().await.unwrap();
    let mut quick = begin(&counters).await;
    let mut slow = counters.changes(Since::Now).await.unwrap();
    let old = slow.cursor().clone();
    let mut chains = Chains::default();
    let begun = Instant::now();
    let mut rng = fastrand::Rng::with_seed(5);
    while begun.elapsed() < Duration::from_secs(4) {
        write_once(store, &counters, &mut rng)
            .await
            .or_else(|error| match error {
                Error::Application { .. } => Ok(()),
                error => Err(error),
            })
            .unwrap();
        while let Ok(change) =
            tokio::time::timeout(Duration::from_millis(5), quick.try_next()).await
        {
            chains.add(change.unwrap().unwrap());
        }
    }
    chains.finish(&mut quick, &counters).await;
    // By now all of it is too old, and goes while somebody follows.
    let more = tokio::time::timeout(Duration::from_secs(1), quick.try_next()).await;
    assert!(more.is_err(), "{more:?}");
    // What it has in its own memory it still gives.
    let oldest = loop {
        match slow.try_next().await {
            Ok(change) => assert!(change.is_some()),
            Err(Error::Lagged { oldest, .. }) => break *oldest,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(slow.try_next().await.unwrap().is_none());
    let again = counters.changes(Since::After(old)).await;
    assert!(matches!(again, Err(Error::Lagged { .. })), "{again:?}");
    let mut rest = counters.changes(Since::After(oldest)).await.unwrap();
    let stored = counters.update(&1, CounterPatch { value: increment(1) }).await.unwrap();
    while rest.try_next().await.unwrap().unwrap().new != stored {}

    // Who has read all of a table that is quiet does not lag behind, though all of its log goes.
    // PostgreSQL cannot always tell, where something else was under way when that was read.
    store.raw_sql("CREATE TABLE others (id bigint)").execute().await.unwrap();
    for _ in 0..10 {
        let stored = counters.update(&1, CounterPatch { value: increment(1) }).await.unwrap();
        while rest.try_next().await.unwrap().unwrap().new != stored {}
        let cursor = rest.cursor().clone();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(600) {
            store.raw_sql("INSERT INTO others VALUES (1)").execute().await.unwrap();
            let more = tokio::time::timeout(Duration::from_millis(20), rest.try_next()).await;
            assert!(more.is_err(), "{more:?}");
        }
        if let Ok(mut later) = counters.changes(Since::After(cursor)).await {
            let stored = counters.update(&1, CounterPatch { value: increment(1) }).await.unwrap();
            assert_eq!(later.try_next().await.unwrap().unwrap().new, stored);
            return;
        }
    }
    panic!("it lags behind, again and again");
}

/// Of many changes only the newest are kept: a hundred, here, and for so long that none is too old.
pub const FEW: ChangeRetention = ChangeRetention { age: Duration::from_secs(20), changes: 100 };

/// Changes are kept as [`FEW`] says.
pub async fn only_the_newest_are_kept(store: &Store) {
    let counters = store.tabular::<Counter>().await.unwrap();
    counters.setup_database().await.unwrap();
    let old = begin(&counters).await.cursor().clone();
    let begun = Instant::now();
    let oldest = loop {
        let one_more = CounterPatch { value: increment(1) };
        counters.update_where(Counter::ID.lt(KEYS), one_more).await.unwrap();
        match counters.changes(Since::After(old.clone())).await {
            Err(Error::Lagged { oldest, .. }) => break *oldest,
            followed => drop(followed.unwrap()),
        }
        assert!(begun.elapsed() < FEW.age / 2, "nothing is pruned");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut rest = counters.changes(Since::After(oldest)).await.unwrap();
    for _ in 0..FEW.changes {
        let next = tokio::time::timeout(PATIENCE, rest.try_next()).await;
        assert!(next.expect("too few are left").unwrap().is_some());
    }
}
