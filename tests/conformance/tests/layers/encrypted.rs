//! Encrypted values: nobody else can read them, put them elsewhere, or change them.

use futures::TryStreamExt as _;
use storehouse::{kv::Kv, prelude::*};
use storehouse_runtime::{
    Error,
    layers::{Cached, Encrypted, EncryptionKey},
};

use storehouse_conformance::Behaviour;

use super::hold;

fn key(byte: u8) -> EncryptionKey {
    EncryptionKey::from_bytes(&[byte; 32])
}

async fn sqlite() -> Store {
    storehouse::open("sqlite::memory:").await.unwrap()
}

async fn secrets(store: &Store, byte: u8) -> Kv<String, String> {
    let store = store.layer(Encrypted::new(key(byte)));
    let secrets = store.kv("secrets").await.unwrap();
    secrets.setup_database().await.unwrap();
    secrets
}

async fn sealed(store: &Store) -> Kv<String, Vec<u8>> {
    store.kv("secrets").await.unwrap()
}

/// That the database refuses a store of other types, which for it are all bytes.
const CANNOT: &str = "kv::what_no_store_can_hold_is_refused";

#[test]
fn it_behaves_as_a_store_without() {
    let concerns = |behaviour: &Behaviour| {
        ["kv", "kv_changes"].contains(&behaviour.subject) && behaviour.full_name() != CANNOT
    };
    hold(async |_: &str| sqlite().await.layer(Encrypted::new(key(1))), concerns);
    let cached = |store: Store| store.layer(Cached::new()).layer(Encrypted::new(key(1)));
    hold(async |_: &str| cached(sqlite().await).layer(Cached::new()), concerns);
}

#[tokio::test]
async fn a_value_of_another_type_is_told_when_it_is_read() {
    let store = sqlite().await;
    secrets(&store, 1).await.put("ann", "a".into()).await.unwrap();
    let numbers: Kv<String, i64> = store.layer(Encrypted::new(key(1))).kv("secrets").await.unwrap();
    numbers.setup_database().await.unwrap();
    let error = numbers.get("ann").await.unwrap_err();
    assert!(error.to_string().contains("no value of type I64"), "{error}");
}

#[tokio::test]
async fn a_value_is_bound_to_its_key_and_its_store() {
    let store = sqlite().await;
    let secrets = secrets(&store, 1).await;
    secrets.put_bulk([("ann", "a".to_owned()), ("bob", "b".to_owned())]).await.unwrap();
    let sealed = sealed(&store).await;
    let of_ann = sealed.get("ann").await.unwrap().unwrap();
    sealed.put("bob", of_ann.clone()).await.unwrap();
    let moved = secrets.get("bob").await.unwrap_err();
    assert!(moved.to_string().contains("belongs to another key"), "{moved}");
    assert!(matches!(moved, Error::Decode { .. }));
    assert_eq!(secrets.get("ann").await.unwrap().as_deref(), Some("a"));

    let other: Kv<String, String> = store.layer(Encrypted::new(key(1))).kv("others").await.unwrap();
    other.setup_database().await.unwrap();
    store.kv::<String, Vec<u8>>("others").await.unwrap().put("ann", of_ann.clone()).await.unwrap();
    assert!(other.get("ann").await.is_err());

    let mut changed = of_ann;
    *changed.last_mut().unwrap() ^= 1;
    sealed.put("ann", changed).await.unwrap();
    assert!(secrets.get_all().await.unwrap_err().to_string().contains("was changed"));
    sealed.put("ann", b"never sealed".to_vec()).await.unwrap();
    assert!(secrets.get("ann").await.unwrap_err().to_string().contains("too short"));
}

#[tokio::test]
async fn a_wrong_key_is_told_and_changes_nothing() {
    let store = sqlite().await;
    secrets(&store, 1).await.put("ann", "a".into()).await.unwrap();
    let wrong = secrets(&store, 2).await;
    let error = wrong.get("ann").await.unwrap_err().to_string();
    for word in ["pass phrase", "with_old_key", &key(1).name(), &key(2).name()] {
        assert!(error.contains(word), "{word}: {error}");
    }
    let swap = wrong.compare_and_swap("ann", Some(&"a".into()), Some("b".into()));
    assert!(swap.await.is_err());
    assert_eq!(secrets(&store, 1).await.get("ann").await.unwrap().as_deref(), Some("a"));
}

#[tokio::test]
async fn keys_are_rotated_and_times_to_live_stay() {
    let store = sqlite().await;
    let before = secrets(&store, 1).await;
    for number in 0..600 {
        before.put(format!("{number:04}"), number.to_string()).await.unwrap();
    }
    let hour = std::time::Duration::from_hours(1);
    before.put_with_time_to_live("timed", "t".into(), hour).await.unwrap();

    let rotating = Encrypted::new(key(2)).with_old_key(key(1));
    let between: Kv<String, String> = store.layer(rotating.clone()).kv("secrets").await.unwrap();
    assert_eq!(between.get("0007").await.unwrap().as_deref(), Some("7"));
    between.put("0007", "new".into()).await.unwrap();
    assert_eq!(rotating.rotate(&sealed(&store).await).await.unwrap(), 600);
    assert_eq!(rotating.rotate(&sealed(&store).await).await.unwrap(), 0);

    let after = secrets(&store, 2).await;
    assert_eq!(after.size().await.unwrap(), 601);
    assert_eq!(after.get("0007").await.unwrap().as_deref(), Some("new"));
    assert_eq!(after.get("0599").await.unwrap().as_deref(), Some("599"));
    let timed: Vec<_> = after.scan("timed").try_collect().await.unwrap();
    assert!(timed[0].expires_at.is_some());
    assert!(before.get("0599").await.is_err(), "the old key opens nothing any more");
}

#[tokio::test]
async fn an_opened_handle_cannot_be_encrypted_unless_it_holds_bytes() {
    let store = sqlite().await;
    let numbers = store.kv::<String, i64>("numbers").await.unwrap();
    numbers.setup_database().await.unwrap();
    let error = numbers.layer(Encrypted::new(key(1))).put("a", 1).await.unwrap_err();
    assert!(error.to_string().contains("`store.layer(..)`"), "{error}");

    let bytes = store.kv::<String, Vec<u8>>("blobs").await.unwrap();
    bytes.setup_database().await.unwrap();
    let encrypted = bytes.layer(Encrypted::new(key(1)));
    encrypted.put("a", vec![1, 2]).await.unwrap();
    assert_eq!(encrypted.get("a").await.unwrap(), Some(vec![1, 2]));
    assert!(bytes.get("a").await.unwrap().unwrap().len() > 40);
}
