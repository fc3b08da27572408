//! The memory backend: the suite, and the model; the suite by name too, and what a name means.
#![cfg(not(target_family = "wasm"))]

use std::sync::Arc;

use storehouse_conformance::{
    model::{self, Options},
    native::block_on,
};
use storehouse_runtime::{DynBackend, Store, memory::InMemoryBackend};

async fn open(_database: &str) -> Store {
    storehouse::open("memory:").await.expect("memory is always there")
}

storehouse_conformance::conformance_tests!(open, lacks: [persistent, multi_process, sql]);

#[test]
fn behaves_as_the_model_does() {
    let open = async |_: &str| Arc::new(InMemoryBackend::new()) as Arc<dyn DynBackend>;
    let tally = block_on(model::check(open, Options::from_environment())).unwrap();
    eprintln!("{tally}");
}

/// Databases with a name, which are one for the process.
mod by_name {
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        thread,
    };

    use futures::{future::join_all, try_join};
    use storehouse::{Error, Result, Table};

    use super::*;

    /// A name that no other test has.
    fn name() -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        format!("conformance.{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    async fn open_named(name: &str) -> Store {
        storehouse::open(&format!("memory://{name}")).await.expect("a name opens")
    }

    storehouse_conformance::conformance_tests!(
        {
            let own = name();
            async move |database: &str| open_named(&format!("{own}.{database}")).await
        },
        lacks: [persistent, multi_process, sql]
    );

    #[derive(Table, Clone, Debug, PartialEq)]
    #[table(changes)]
    struct Ticket {
        #[table(key, auto)]
        id: i64,
        #[table(unique)]
        seat: String,
    }

    fn ticket(seat: impl Into<String>) -> TicketInsert {
        TicketInsert { seat: seat.into() }
    }

    #[test]
    fn stores_of_one_name_share_everything() -> Result<()> {
        block_on(async {
            let name = name();
            let (one, other) = (open_named(&name).await, open_named(&name).await);
            let (ours, theirs) = try_join!(one.tabular::<Ticket>(), other.tabular::<Ticket>())?;
            ours.setup_database().await?;
            let mut changes = theirs.changes(storehouse::Since::Now).await?;
            let first = ours.insert(ticket("1a")).await?;
            assert_eq!(theirs.get(&first.id).await?, Some(first.clone()));
            assert_eq!(changes.try_next().await?.and_then(|change| change.new), Some(first));
            let taken = theirs.insert(ticket("1a")).await;
            assert!(matches!(taken, Err(Error::Conflict { .. })), "{taken:?}");

            // A transaction of one is one of the other.
            let tx = one.begin().await?;
            theirs.in_tx(&tx).insert(ticket("1b")).await?;
            assert_eq!(theirs.get_all().count().await?, 1);
            tx.commit().await?;
            assert_eq!(theirs.get_all().count().await?, 2);
            // So one cannot wait for the other within it.
            let waited = one.transaction(async |_| theirs.insert(ticket("1c")).await).await;
            assert!(matches!(waited, Err(Error::Deadlock { .. })), "{waited:?}");

            let (visits, theirs) =
                try_join!(one.kv::<String, i64>("visits"), other.kv::<String, i64>("visits"))?;
            visits.setup_database().await?;
            visits.put("home", 7).await?;
            assert_eq!(theirs.increment("home", 1).await?, 8);
            Ok(())
        })
    }

    #[test]
    fn no_write_of_any_thread_is_lost() -> Result<()> {
        const THREADS: usize = 8;
        const WRITES: usize = 200;
        block_on(async {
            let name = name();
            let store = open_named(&name).await;
            let tickets = store.tabular::<Ticket>().await?;
            let visits = store.kv::<String, i64>("visits").await?;
            tickets.setup_database().await?;
            visits.setup_database().await?;
            let write = async |thread: usize| -> Result<()> {
                let store = open_named(&name).await;
                let tickets = store.tabular::<Ticket>().await?;
                let visits = store.kv::<String, i64>("visits").await?;
                for write in 0..WRITES {
                    tickets.insert(ticket(format!("{thread}/{write}"))).await?;
                    visits.increment("all", 1).await?;
                    // All but one are refused.
                    let same = tickets.insert(ticket(format!("same/{write}"))).await;
                    assert!(matches!(same, Ok(_) | Err(Error::Conflict { .. })), "{same:?}");
                }
                Ok(())
            };
            thread::scope(|scope| {
                let threads: Vec<_> = (0..THREADS)
                    .map(|thread| scope.spawn(move || block_on(write(thread))))
                    .collect();
                threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
            })?;
            let rows = tickets.get_all().await?;
            assert_eq!(rows.len(), (THREADS + 1) * WRITES);
            let ids: std::collections::BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
            assert_eq!(ids.len(), rows.len());
            let all = visits.get("all").await?;
            assert_eq!(all, i64::try_from(THREADS * WRITES).ok());
            Ok(())
        })
    }

    #[test]
    fn many_who_open_a_name_at_once_get_one_database() -> Result<()> {
        block_on(async {
            let name = name();
            let stores = join_all((0..16).map(|_| open_named(&name))).await;
            let kv = stores[0].kv::<i64, i64>("one").await?;
            kv.setup_database().await?;
            for store in &stores {
                store.kv::<i64, i64>("one").await?.increment(1, 1).await?;
            }
            assert_eq!(kv.get(&1).await?, Some(16));
            Ok(())
        })
    }

    #[test]
    fn a_database_is_there_until_its_last_handle_is_gone() -> Result<()> {
        block_on(async {
            let name = name();
            let store = open_named(&name).await;
            let kv = store.kv::<i64, i64>("left").await?;
            kv.setup_database().await?;
            kv.put(1, 7).await?;
            drop(store);
            let again = open_named(&name).await;
            assert_eq!(again.kv::<i64, i64>("left").await?.get(&1).await?, Some(7));
            drop((again, kv));
            let anew = open_named(&name).await;
            let missing = anew.kv::<i64, i64>("left").await?.get(&1).await;
            assert!(matches!(missing, Err(Error::Schema { .. })), "{missing:?}");
            Ok(())
        })
    }

    #[test]
    fn without_a_name_nothing_is_shared() -> Result<()> {
        block_on(async {
            let one = open("").await.kv::<i64, i64>("own").await?;
            one.setup_database().await?;
            for url in ["memory", "memory:", "memory://"] {
                let other = storehouse::open(url).await?.kv::<i64, i64>("own").await?;
                assert!(matches!(other.get(&1).await, Err(Error::Schema { .. })), "{url}");
            }
            for url in ["memory:name", "memory:/name", "memory://a/b", "memory://a?b=c"] {
                let refused = storehouse::open(url).await;
                assert!(matches!(refused, Err(Error::Validation { .. })), "{url}");
            }
            Ok(())
        })
    }
}
