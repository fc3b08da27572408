//! Key-value stores: values of any serde type under keys, for what needs no columns.
//!
//! A [`Kv`] is a handle as [`Tabular`](crate::Tabular) is: typed on the outside, over a
//! [`KvStorage`] that knows neither type. A backend that has no key-value store of its own keeps
//! one in a table, by [`KvViaTabular`].

mod changes;
mod definition;
mod entry;
mod events;
mod get;
mod handle;
mod operations;
mod single_flight;
mod storage;
mod value;
mod via_tabular;

pub use self::{
    changes::{KvChange, KvChangeKind, KvChangeOptions, KvChanges, KvChangesBuilder},
    definition::KvDef,
    entry::{Entry, KvEntry, KvScan},
    events::{KvEvent, KvEventKind, KvEvents},
    get::KvGet,
    handle::Kv,
    operations::object_as_id_string,
    storage::{DynKvStorage, KvStorage},
    value::{KvInteger, KvKey, KvValue},
    via_tabular::KvViaTabular,
};
pub(crate) use self::{entry::is_expired, operations::definition_of, via_tabular::is_same};
