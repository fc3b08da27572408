//! The behaviours, one file for each subject. `contents.rs` lists them.

mod round_trip;
mod tables;

pub(crate) mod bulk;
pub(crate) mod capabilities;
pub(crate) mod concurrency;
pub(crate) mod date_times;
pub(crate) mod delete;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod filters;
pub(crate) mod increments;
pub(crate) mod insert;
pub(crate) mod keys;
pub(crate) mod large_bulks;
pub(crate) mod names;
pub(crate) mod ordering;
pub(crate) mod paging;
pub(crate) mod put;
pub(crate) mod reading;
pub(crate) mod reopening;
pub(crate) mod row_locks;
pub(crate) mod savepoints;
pub(crate) mod setup;
pub(crate) mod sharing;
pub(crate) mod text_filters;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod threads;
pub(crate) mod transactions;
pub(crate) mod types;
pub(crate) mod update;
pub(crate) mod update_where;
pub(crate) mod upsert;
pub(crate) mod validation;
