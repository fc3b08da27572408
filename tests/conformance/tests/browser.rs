//! The memory backend in a browser: the suite, and a shorter run against the model.
#![cfg(target_family = "wasm")]

use std::sync::Arc;

use storehouse_conformance::model::{self, Options};
use storehouse_runtime::{DynBackend, Store, memory::InMemoryBackend};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn open(_database: &str) -> Store {
    storehouse::open("memory:").await.expect("memory is always there")
}

storehouse_conformance::conformance_tests!(open, lacks: [persistent, multi_process, sql]);

#[wasm_bindgen_test]
async fn behaves_as_the_model_does() {
    let open = async |_: &str| Arc::new(InMemoryBackend::new()) as Arc<dyn DynBackend>;
    let options = Options { operations: 2_000, ..Options::default() };
    let checked = model::check(open, options).await;
    assert!(checked.is_ok(), "{checked:?}");
}
