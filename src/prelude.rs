//! What most files that use Storehouse need: `use storehouse::prelude::*;`.
//!
//! It leaves out [`Result`](crate::Result) and whatever else would take a common name.

pub use crate::{
    ClientKeys, Cursor, EventKind, Filter, OpenStore, Page,
    PatchField::{self, Keep, Set},
    Projection, Since, Store, Table, TableEmbed, TableEnum, TableNewtype, Tabular, TabularEvent,
    increment,
};
