use storehouse::prelude::*;

#[derive(Table)]
struct Customer {
    #[table(key)]
    email: String,
    name: String,
}

async fn twice(store: &Store, customers: &Tabular<Customer>) -> storehouse::Result<()> {
    let tx = store.begin().await?;
    let customers = customers.in_tx(&tx);
    customers.get("ann@example.org").await?;
    tx.commit().await?;
    customers.get("bob@example.org").await?;
    Ok(())
}

fn main() {}
