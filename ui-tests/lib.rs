//! Compile-time tests of Storehouse: `pass/` must compile, `fail/` must not, and must say what
//! stands in the `.stderr` file beside each case. `tests/ui.rs` runs them.
