//! The commands, one file each.

pub mod bench;
pub mod doc;
pub mod expand;
pub mod lint;
pub mod postgres;
pub mod setup;
pub mod test;
pub mod ui;
pub mod wasm;
