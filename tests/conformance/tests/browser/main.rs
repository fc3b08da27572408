//! The memory backend in a browser: the suite, a shorter run against the model, and what tabs share.
#![cfg(target_family = "wasm")]

mod other_tab;
mod tabs;

use std::{sync::Arc, time::Duration};

use storehouse_conformance::model::{self, Options};
use storehouse_runtime::{
    DynBackend, Store,
    layers::{Chaos, ConcurrencyLimit, Log, Retry, Telemetry, Timeout},
    memory::InMemoryBackend,
};
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

/// Time comes from JavaScript here, and there are no threads.
#[wasm_bindgen_test]
async fn layers_work() {
    let store = open("layers")
        .await
        .layer(Chaos::new(1).failures(0.5).delays(0.5, Duration::from_millis(2)))
        .layer(Timeout::new(Duration::from_secs(30)))
        .layer(Retry::new().attempts(50).first_wait(Duration::from_millis(1)))
        .layer(ConcurrencyLimit::new(1))
        .layer(Telemetry::new())
        .layer(Log::new());
    let numbers = store.kv::<String, i64>("numbers").await.expect("it opens");
    numbers.setup_database().await.expect("it is set up");
    for _ in 0..20 {
        numbers.increment("a", 1).await.expect("it is tried again");
    }
    assert_eq!(numbers.get("a").await.expect("it is read"), Some(20));
}
