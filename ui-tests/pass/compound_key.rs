//! A key of several columns has a struct of its own.

use storehouse::{TableKey, prelude::*};
use uuid::Uuid;

#[derive(Table, Clone, Debug, PartialEq)]
struct Line {
    #[table(key)]
    order: Uuid,
    #[table(key)]
    number: i32,
    sku: String,
}

/// A table of nothing but its key.
#[derive(Table, Clone, Debug, PartialEq)]
struct Follows {
    #[table(key)]
    follower: i64,
    #[table(key)]
    followed: i64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> storehouse::Result<()> {
    let key = LineKey { order: Uuid::nil(), number: 2 };
    assert_eq!(LineKey::decode(key.encode()).unwrap(), key);
    assert_eq!(format!("{:?}", key.clone()), format!("{key:?}"));

    let store = storehouse::open("memory:").await?;
    let lines = store.tabular::<Line>().await?;
    lines.setup_database().await?;
    let line = lines.put(LineInsert { order: key.order, number: 2, sku: "A1".into() }).await?;
    assert_eq!(lines.get(&key).await?.as_ref(), Some(&line));
    lines.update(&key, LinePatch { sku: Set("A2".into()) }).await?;
    assert!(lines.delete(&line).await?);

    let follows = store.tabular::<Follows>().await?;
    follows.setup_database().await?;
    let row = follows.put(Follows { follower: 1, followed: 2 }).await?;
    let key = FollowsKey { follower: 1, followed: 2 };
    assert_eq!(follows.update(&key, FollowsPatch {}).await?, Some(row));
    Ok(())
}
