// long: rustc adds the method whose bound fails
use storehouse::prelude::*;

async fn query(store: &Store, name: &str) -> storehouse::Result<()> {
    let sql = "SELECT price FROM products WHERE name = ?";
    store.raw_sql(sql).bind(name).fetch::<f64>().await?;
    Ok(())
}

fn main() {}
