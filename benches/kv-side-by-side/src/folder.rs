//! A file for each key by hand: the same documents as ours, read and parsed, written beside and renamed.

use std::{
    fs,
    hint::black_box,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::subject::{Bytes, Case, Result, Session, Subject};

/// What tells something of a folder. Values of bytes are text there, so they are not compared.
pub const CASES: [Case; 3] = [Case::GetMiss, Case::GetJson, Case::PutJson];

#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    key: &'a str,
    value: Session,
}

pub struct Files(PathBuf);

impl Files {
    pub fn open(path: &Path) -> Result<Self> {
        for folder in ["bytes", "sessions"] {
            fs::create_dir_all(path.join(folder))?;
        }
        Ok(Self(path.to_owned()))
    }

    fn path(&self, folder: &str, key: &str) -> PathBuf {
        self.0.join(folder).join(format!("{key}.json"))
    }

    fn read(&self, folder: &str, key: &str) -> Result<Option<Bytes>> {
        match fs::read(self.path(folder, key)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, entries: Vec<(String, Session)>) -> Result {
        for (key, value) in entries {
            let text = serde_json::to_vec_pretty(&Entry { key: &key, value })?;
            let beside = self.0.join("beside");
            fs::write(&beside, text)?;
            fs::rename(beside, self.path("sessions", &key))?;
        }
        Ok(())
    }
}

impl Subject for Files {
    fn name(&self) -> &'static str {
        "read-and-parse"
    }

    fn can(&self, case: Case) -> bool {
        CASES.contains(&case)
    }

    fn fill(&self, _: Vec<(String, Bytes)>) -> BoxFuture<'_, Result> {
        Box::pin(async { Ok(()) })
    }

    fn fill_json(&self, entries: Vec<(String, Session)>) -> BoxFuture<'_, Result> {
        Box::pin(async { self.write(entries) })
    }

    fn get(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
        Box::pin(async move {
            let mut found = 0;
            for key in &keys {
                found += usize::from(black_box(self.read("bytes", key)?).is_some());
            }
            Ok(found)
        })
    }

    fn get_json(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>> {
        Box::pin(async move {
            let mut found = 0;
            for key in &keys {
                let Some(text) = self.read("sessions", key)? else { continue };
                let entry: Entry<'_> = serde_json::from_slice(&text)?;
                black_box((entry.key, entry.value));
                found += 1;
            }
            Ok(found)
        })
    }

    fn put(self: Arc<Self>, _: Vec<(String, Bytes)>) -> BoxFuture<'static, Result> {
        Box::pin(async { Ok(()) })
    }

    fn put_json(self: Arc<Self>, entries: Vec<(String, Session)>) -> BoxFuture<'static, Result> {
        Box::pin(async move { self.write(entries) })
    }

    fn scan(self: Arc<Self>, _: &'static str) -> BoxFuture<'static, Result<usize>> {
        Box::pin(async { Ok(0) })
    }
}
