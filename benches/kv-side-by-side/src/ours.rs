//! Storehouse, through the handles that programs have.

use std::{hint::black_box, sync::Arc};

use futures::{TryStreamExt as _, future::BoxFuture};
use storehouse::{Store, kv::Kv};

use crate::subject::{Bytes, Case, Result, Session, Subject};

pub struct Ours {
    name: &'static str,
    cases: &'static [Case],
    /// Whether everything is read before anything is timed.
    is_warmed: bool,
    bytes: Kv<String, Bytes>,
    sessions: Kv<String, Session>,
}

impl Ours {
    pub async fn open(name: &'static str, url: &str) -> Result<Self> {
        Self::within(name, storehouse::open(url).await?, &Case::ALL).await
    }

    /// A store with layers around it, of which only some cases tell anything.
    pub async fn within(name: &'static str, store: Store, cases: &'static [Case]) -> Result<Self> {
        let (bytes, sessions) = (store.kv("bytes").await?, store.kv("sessions").await?);
        bytes.setup_database().await?;
        sessions.setup_database().await?;
        Ok(Self { name, cases, is_warmed: false, bytes, sessions })
    }

    pub const fn warmed(mut self) -> Self {
        self.is_warmed = true;
        self
    }
}

impl Subject for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn can(&self, case: Case) -> bool {
        self.cases.contains(&case)
    }

    fn fill(&self, entries: Vec<(String, Bytes)>) -> BoxFuture<'_, Result> {
        Box::pin(async move {
            let keys: Vec<String> = entries.iter().map(|(key, _)| key.clone()).collect();
            self.bytes.put_bulk(entries).await?;
            if self.is_warmed {
                self.bytes.get_many(keys.iter().map(String::as_str)).await?;
            }
            Ok(())
        })
    }

    fn fill_json(&self, entries: Vec<(String, Session)>) -> BoxFuture<'_, Result> {
        Box::pin(async move { Ok(self.sessions.put_bulk(entries).await?) })
    }

    fn get(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
        Box::pin(async move {
            let mut found = 0;
            for key in &keys {
                found += usize::from(black_box(self.bytes.get(key.as_str()).await?).is_some());
            }
            Ok(found)
        })
    }

    fn get_json(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
        Box::pin(async move {
            let mut found = 0;
            for key in &keys {
                found += usize::from(black_box(self.sessions.get(key.as_str()).await?).is_some());
            }
            Ok(found)
        })
    }

    fn put(self: Arc<Self>, entries: Vec<(String, Bytes)>) -> BoxFuture<'static, Result> {
        Box::pin(async move {
            for (key, value) in entries {
                self.bytes.put(key, value).await?;
            }
            Ok(())
        })
    }

    fn put_json(self: Arc<Self>, entries: Vec<(String, Session)>) -> BoxFuture<'static, Result> {
        Box::pin(async move {
            for (key, value) in entries {
                self.sessions.put(key, value).await?;
            }
            Ok(())
        })
    }

    fn scan(self: Arc<Self>, prefix: &'static str) -> BoxFuture<'static, Result<usize>> {
        Box::pin(async move {
            let entries: Vec<_> = self.bytes.scan(prefix).try_collect().await?;
            Ok(black_box(entries).len())
        })
    }
}
