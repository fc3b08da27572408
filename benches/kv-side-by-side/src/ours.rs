//! Storehouse, through the handles that programs have.

use std::{hint::black_box, sync::Arc};

use futures::{TryStreamExt as _, future::BoxFuture};
use storehouse::kv::Kv;

use crate::subject::{Bytes, Case, Result, Session, Subject};

pub struct Ours {
    name: &'static str,
    bytes: Kv<String, Bytes>,
    sessions: Kv<String, Session>,
}

impl Ours {
    pub async fn open(name: &'static str, url: &str) -> Result<Self> {
        let store = storehouse::open(url).await?;
        let (bytes, sessions) = (store.kv("bytes").await?, store.kv("sessions").await?);
        bytes.setup_database().await?;
        sessions.setup_database().await?;
        Ok(Self { name, bytes, sessions })
    }
}

impl Subject for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn can(&self, _: Case) -> bool {
        true
    }

    fn fill(&self, entries: Vec<(String, Bytes)>) -> BoxFuture<'_, Result> {
        Box::pin(async move { Ok(self.bytes.put_bulk(entries).await?) })
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
