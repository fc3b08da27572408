// long: rustc draws the whole closure
use storehouse::prelude::*;

#[derive(Table)]
struct Customer {
    #[table(key)]
    email: String,
    name: String,
}

async fn leak(store: &Store, customers: &Tabular<Customer>) -> storehouse::Result<()> {
    let mut kept = None;
    store
        .transaction(async |tx| {
            kept = Some(customers.in_tx(tx));
            Ok(())
        })
        .await?;
    drop(kept);
    Ok(())
}

fn main() {}
