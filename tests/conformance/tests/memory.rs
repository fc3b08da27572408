//! The memory backend: the suite, and the model.
#![cfg(not(target_family = "wasm"))]

use std::sync::Arc;

use storehouse_conformance::{
    model::{self, Options},
    native::block_on,
};
use storehouse_runtime::{DynBackend, Store, memory::InMemoryBackend};

async fn open(_database: &str) -> Store {
    storehouse::open("memory:").await.expect("memory is always there")
}

storehouse_conformance::conformance_tests!(open, lacks: [persistent, multi_process, sql]);

#[test]
fn behaves_as_the_model_does() {
    let open = async |_: &str| Arc::new(InMemoryBackend::new()) as Arc<dyn DynBackend>;
    let tally = block_on(model::check(open, Options::from_environment())).unwrap();
    eprintln!("{tally}");
}
