//! The migration example tells the same story on every backend that has tables to migrate.

#[path = "../examples/migration/main.rs"]
#[allow(dead_code, reason = "the example's own `main` is not called")]
mod example;

async fn output(url: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut out = Vec::new();
    let done = example::run(url, &folder.path().join("migrations"), &mut out).await;
    done.expect("the story ends well");
    String::from_utf8(out).expect("it is text")
}

fn check(output: &str) {
    for part in [
        "rename column `code` to `sku`",
        "add column `price`",
        "change the type of column `stock`",
        "_stock_as_number.sql",
        "Product { id: 3, sku: \"nail\", stock: 4000, price: 1.0 }",
        "Version 3: these steps lose data: products: drop column `price`",
        "Product { id: 3, sku: \"nail\", stock: 4000 }",
    ] {
        assert!(output.contains(part), "no {part} in {output}");
    }
}

#[tokio::test]
async fn on_sqlite() {
    check(&output("sqlite::memory:").await);
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn on_postgres() {
    check(&output(storehouse_test_postgres::Database::create().await.url()).await);
}
