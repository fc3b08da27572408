// mistakes: 5
use storehouse::prelude::*;

#[derive(Table)]
#[table(nmae = "products", index(categry))]
struct Product {
    #[table(auto)]
    id: i64,
    #[table(uniqe)]
    sku: String,
    category: String,
    stock: u64,
}

// What uses the table is not blamed for its mistakes.
async fn cheap(products: &Tabular<Product>) -> storehouse::Result<Vec<Product>> {
    let new = ProductInsert { sku: "A1".into(), category: "tools".into(), stock: 1 };
    let new = products.put(new.with(ProductOptional { id: Some(7) })).await?;
    products.update(&new.id, ProductPatch { stock: Set(2), ..Default::default() }).await?;
    products.delete(&new).await?;
    products.query(Product::CATEGORY.eq("tools")).order_by(Product::SKU.asc()).await
}

fn main() {}
