// long: rustc shows the type and the method
use storehouse::prelude::*;

struct Product {
    id: i64,
}

async fn open(store: &Store) -> storehouse::Result<()> {
    store.tabular::<Product>().await?;
    Ok(())
}

fn main() {}
