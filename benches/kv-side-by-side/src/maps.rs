//! Maps of the process: they have no order, so they cannot scan, and hold values as they are, so JSON is nothing to them.

use std::{hint::black_box, sync::Arc, time::Duration};

use dashmap::{DashMap, mapref::one::Ref};
use futures::future::BoxFuture;
use moka::sync::Cache;

use crate::subject::{Bytes, Case, Result, Session, Subject};

/// More than there are entries.
pub const CAPACITY: u64 = 100_000;
/// Longer than anything here takes.
pub const TIME_TO_LIVE: Duration = Duration::from_hours(1);

#[derive(Default)]
pub struct Dash {
    bytes: DashMap<String, Bytes>,
    sessions: DashMap<String, Session>,
}

pub struct Moka {
    name: &'static str,
    cases: &'static [Case],
    bytes: Cache<String, Bytes>,
    sessions: Cache<String, Session>,
}

impl Moka {
    pub fn new() -> Self {
        let (bytes, sessions) = (Cache::builder().build(), Cache::builder().build());
        Self { name: "moka", cases: &Case::ALL, bytes, sessions }
    }

    /// With the limits that the layer `Cached` has.
    pub fn with_limits(cases: &'static [Case]) -> Self {
        let limited = || Cache::builder().max_capacity(CAPACITY).time_to_live(TIME_TO_LIVE);
        let (bytes, sessions) = (limited().build(), Cache::builder().build());
        Self { name: "moka-with-limits", cases, bytes, sessions }
    }
}

macro_rules! map {
    ($map:ty, $name:expr, $cases:expr, $get:expr) => {
        impl Subject for $map {
            fn name(&self) -> &'static str {
                $name(self)
            }

            fn can(&self, case: Case) -> bool {
                case != Case::Scan && $cases(self).contains(&case)
            }

            fn fill(&self, entries: Vec<(String, Bytes)>) -> BoxFuture<'_, Result> {
                Box::pin(async move {
                    for (key, value) in entries {
                        self.bytes.insert(key, value);
                    }
                    Ok(())
                })
            }

            fn fill_json(&self, entries: Vec<(String, Session)>) -> BoxFuture<'_, Result> {
                Box::pin(async move {
                    for (key, value) in entries {
                        self.sessions.insert(key, value);
                    }
                    Ok(())
                })
            }

            fn get(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
                Box::pin(async move {
                    let found = |key: &&String| black_box($get(self.bytes.get(*key))).is_some();
                    Ok(keys.iter().filter(found).count())
                })
            }

            fn get_json(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
                Box::pin(async move {
                    let found = |key: &&String| black_box($get(self.sessions.get(*key))).is_some();
                    Ok(keys.iter().filter(found).count())
                })
            }

            fn put(self: Arc<Self>, entries: Vec<(String, Bytes)>) -> BoxFuture<'static, Result> {
                Box::pin(async move { self.fill(entries).await })
            }

            fn put_json(
                self: Arc<Self>,
                entries: Vec<(String, Session)>,
            ) -> BoxFuture<'static, Result> {
                Box::pin(async move { self.fill_json(entries).await })
            }

            fn scan(self: Arc<Self>, _: &'static str) -> BoxFuture<'static, Result<usize>> {
                Box::pin(async { Err("a map has no order".into()) })
            }
        }
    };
}

map!(Dash, |_| "dashmap", |_| &Case::ALL, cloned);
map!(Moka, |moka: &Moka| moka.name, |moka: &Moka| moka.cases, std::convert::identity);

fn cloned<V: Clone>(found: Option<Ref<'_, String, V>>) -> Option<V> {
    found.map(|found| found.value().clone())
}
