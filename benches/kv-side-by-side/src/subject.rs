//! What is measured, and of whom.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// What stops the benchmark: any error at all.
pub type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// The bytes under a key.
pub type Bytes = Vec<u8>;

/// So many entries there are, and so many a scan finds.
pub const ENTRIES: usize = 10_000;
pub const SCANNED: usize = 1_000;
pub const BULK: usize = 1_000;
pub const TASKS: usize = 8;

/// A value that is JSON where it is stored.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Session {
    pub user: String,
    pub rights: Vec<String>,
    pub visits: u32,
}

impl Session {
    pub fn number(number: usize) -> Self {
        let rights = vec!["read".to_owned(), "write".to_owned()];
        Self { user: format!("user {number}"), rights, visits: 7 }
    }
}

pub fn key(number: usize) -> String {
    format!("user:{number:08}")
}

pub fn value(number: usize) -> Bytes {
    let mut value = vec![7; 100];
    value[..8].copy_from_slice(&number.to_le_bytes());
    value
}

/// What is measured, each for one key or entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Of all entries, most of which are in no cache of the processor.
    GetHit,
    /// Of the same few.
    GetHot,
    GetMiss,
    GetJson,
    Put,
    PutJson,
    PutBulk,
    Scan,
    Concurrent,
}

impl Case {
    pub const ALL: [Self; 9] = [
        Self::GetHit,
        Self::GetHot,
        Self::GetMiss,
        Self::Concurrent,
        Self::GetJson,
        Self::Put,
        Self::PutJson,
        Self::PutBulk,
        Self::Scan,
    ];

    /// How many keys or entries one operation concerns.
    pub const fn units(self) -> usize {
        match self {
            Self::PutBulk => BULK,
            Self::Scan => SCANNED,
            _ => 1,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::GetHit => "get_hit",
            Self::GetHot => "get_hot",
            Self::GetMiss => "get_miss",
            Self::GetJson => "get_hit_json",
            Self::Put => "put",
            Self::PutJson => "put_json",
            Self::PutBulk => "put_bulk_1000",
            Self::Scan => "scan_1000",
            Self::Concurrent => "concurrent_get_8",
        })
    }
}

/// A store. Each method does what it says for all it is given, one after the other; it is all that is timed.
pub trait Subject: Send + Sync {
    fn name(&self) -> &'static str;

    /// Whether it does such a thing.
    fn can(&self, case: Case) -> bool;

    /// Puts entries as a whole.
    fn fill(&self, entries: Vec<(String, Bytes)>) -> BoxFuture<'_, Result>;

    fn fill_json(&self, entries: Vec<(String, Session)>) -> BoxFuture<'_, Result>;

    /// Gives how many were there.
    fn get(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>>;

    fn get_json(self: Arc<Self>, keys: Vec<String>) -> BoxFuture<'static, Result<usize>>;

    fn put(self: Arc<Self>, entries: Vec<(String, Bytes)>) -> BoxFuture<'static, Result>;

    fn put_json(self: Arc<Self>, entries: Vec<(String, Session)>) -> BoxFuture<'static, Result>;

    /// Gives how many entries there are with that prefix; keys and values are taken out.
    fn scan(self: Arc<Self>, prefix: &'static str) -> BoxFuture<'static, Result<usize>>;
}
