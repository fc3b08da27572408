//! This crate's own tests; what users see is tested in `ui-tests`.

mod expansion_snapshots;
