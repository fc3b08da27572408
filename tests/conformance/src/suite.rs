//! The behaviours, one file for each subject. `contents.rs` lists them.

mod customers;
mod round_trip;
mod tables;

pub(crate) mod aggregates;
pub(crate) mod bulk;
pub(crate) mod capabilities;
pub(crate) mod concurrency;
pub(crate) mod date_times;
#[cfg(feature = "optional-types")]
pub(crate) mod decimals;
pub(crate) mod delete;
pub(crate) mod embedded;
pub(crate) mod enums;
pub(crate) mod errors;
pub(crate) mod events;
pub(crate) mod filter_documents;
pub(crate) mod filters;
#[cfg(feature = "optional-types")]
pub(crate) mod half_vectors;
pub(crate) mod hidden_rows;
pub(crate) mod increments;
pub(crate) mod insert;
#[cfg(feature = "optional-types")]
pub(crate) mod jiff_date_times;
pub(crate) mod json_paths;
pub(crate) mod keys;
pub(crate) mod large_bulks;
pub(crate) mod managed_times;
pub(crate) mod migrations;
pub(crate) mod names;
pub(crate) mod newtypes;
pub(crate) mod on_delete;
pub(crate) mod ordering;
pub(crate) mod paging;
pub(crate) mod projections;
pub(crate) mod put;
pub(crate) mod raw_sql;
pub(crate) mod reading;
pub(crate) mod records;
pub(crate) mod references;
pub(crate) mod related;
pub(crate) mod reopening;
pub(crate) mod row_locks;
pub(crate) mod savepoints;
pub(crate) mod setup;
pub(crate) mod sharing;
pub(crate) mod soft_deletion;
pub(crate) mod text_filters;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod threads;
#[cfg(feature = "optional-types")]
pub(crate) mod time_date_times;
pub(crate) mod transactions;
pub(crate) mod types;
pub(crate) mod update;
pub(crate) mod update_where;
pub(crate) mod upsert;
pub(crate) mod validation;
pub(crate) mod vectors;
pub(crate) mod versions;
