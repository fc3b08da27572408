//! Tools that commands need beyond cargo, each found or installed.

mod apt;
pub mod browser;
pub mod postgres;
pub mod test_runner;
pub mod wasm_target;
