// long: rustc adds the method whose bound fails
use storehouse::prelude::*;

async fn query(store: &Store, name: &str) -> storehouse::Result<()> {
    let sql = format!("SELECT price FROM products WHERE name = '{name}'");
    store.raw_sql(sql).fetch::<(f64,)>().await?;
    Ok(())
}

fn main() {}
