//! The behaviour that every Storehouse backend shares, as tests that the author of a backend runs.
//!
//! [`behaviours`] are the suite: what a program may rely on, one by one. [`conformance_tests!`]
//! makes a named test of each; [`run`] gives a [`Report`] instead. [`model`] holds a backend to a
//! reference model, with random operations on random tables.
//!
//! ```
//! use storehouse_conformance::native::block_on;
//! use storehouse_runtime::{Store, memory::InMemoryBackend};
//! use std::sync::Arc;
//!
//! // Opens the database of that name: a new one the first time.
//! async fn open(_database: &str) -> Store {
//!     Store::from_backend(Arc::new(InMemoryBackend::new()))
//! }
//!
//! // In a file of `tests/`, a named test for each behaviour:
//! storehouse_conformance::conformance_tests!(open, lacks: [persistent, multi_process, sql]);
//!
//! // Or all of them at once:
//! let report = block_on(storehouse_conformance::run(open));
//! assert!(report.is_ok(), "{report}");
//! ```

mod behaviour;
mod contents;
mod expect;
mod guard;
mod kind;
mod macros;
pub mod model;
#[cfg(not(target_family = "wasm"))]
pub mod native;
mod report;
mod suite;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use wasm_bindgen_test;

pub use self::{
    behaviour::{Behaviour, Database, Failure, Need, Outcome, behaviours, check, check_lacks},
    report::{Report, Verdict, run},
};

/// The pages of the book about tests and backends, so that their examples are compiled and run.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../docs/testing.md")]
    mod testing {}
    #[doc = include_str!("../../../docs/writing-a-backend.md")]
    mod writing_a_backend {}
}
