//! The insert struct, the optional struct and the patch share out the columns.

use storehouse::prelude::*;

#[derive(Table, Clone, Debug, PartialEq)]
struct Product {
    #[table(key, auto)]
    id: i64,
    name: String,
    #[table(default = "new".to_owned())]
    state: String,
    #[table(default)]
    stock: u32,
    #[table(default = Some(0.5))]
    discount: Option<f64>,
    note: Option<String>,
    #[table(skip)]
    cache: Vec<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> storehouse::Result<()> {
    let products = storehouse::open("memory:").await?.tabular::<Product>().await?;
    products.setup_database().await?;
    let stored = products.put(ProductInsert { name: "saw".into() }).await?;
    let expected = Product {
        id: 1,
        name: "saw".into(),
        state: "new".into(),
        stock: 0,
        discount: Some(0.5),
        note: None,
        cache: vec![],
    };
    assert_eq!(stored, expected);

    let ProductOptional { id: None, state: None, stock: None, discount: None, note: None } =
        ProductOptional::default()
    else {
        unreachable!()
    };
    let new = ProductInsert { name: "axe".into() }.with(ProductOptional {
        id: Some(7),
        stock: Some(3),
        ..Default::default()
    });
    let stored = products.insert(new).await?;
    assert_eq!((stored.id, stored.stock), (7, 3));
    let row = Product { discount: None, ..stored.clone() };
    assert_eq!(products.put(row).await?.discount, None);
    let patch = ProductPatch { discount: Set(None), note: Set(Some("sharp".into())), ..Default::default() };
    assert_eq!(format!("{:?}", patch.clone().note), r#"Set(Some("sharp"))"#);
    products.update(&7, patch).await?;
    Ok(())
}
