//! Key-value stores: values of any serde type under keys, for what needs no columns.
//!
//! A [`Kv`] is a handle as [`Tabular`](crate::Tabular) is: typed on the outside, over a
//! [`KvStorage`] that knows neither type. A backend that has no key-value store of its own keeps
//! one in a table, by [`KvViaTabular`].

mod definition;
mod entry;
mod events;
mod handle;
mod operations;
mod single_flight;
mod storage;
mod value;
mod via_tabular;

pub(crate) use self::operations::definition_of;
#[cfg(feature = "encrypted")]
pub(crate) use self::via_tabular::is_same_value;
pub use self::{
    definition::KvDef,
    entry::{Entry, KvEntry, KvScan},
    events::{KvEvent, KvEventKind, KvEvents},
    handle::Kv,
    operations::object_as_id_string,
    storage::{DynKvStorage, KvStorage},
    value::{KvInteger, KvKey, KvValue},
    via_tabular::KvViaTabular,
};
