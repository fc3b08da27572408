//! A table changes while it has rows in it: version 1 with data, version 2 with a renamed, an
//! added and a retyped column, version 3 without a column, and how each becomes the next.
//!
//! `cargo run --example migration` runs it on an SQLite file in a temporary folder;
//! `cargo run --features postgres --example migration -- postgres://localhost/shop` on PostgreSQL.

mod version_1;
mod version_2;
mod version_3;

use storehouse::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = format!("sqlite:{}", folder.path().join("shop.db").display());
    let url = std::env::args().nth(1).unwrap_or(file);
    run(&url, &folder.path().join("migrations"), &mut std::io::stdout()).await
}

/// Runs the whole story, and says what happens to `out`.
pub async fn run(
    url: &str,
    migrations: &std::path::Path,
    out: &mut impl std::io::Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let store = storehouse::open(url).await?;
    fill(&store).await?;

    // The next version of the program. It looks first at what there is to do.
    let plan = store.migration().table::<version_2::Product>().plan().await?;
    writeln!(out, "The plan:\n{plan}\n")?;

    // Either the SQL goes into the repository, and `sqlx migrate run` does it in production ..
    if let Some(file) = plan.write_migration(migrations, "stock_as_number")? {
        let name = file.path.file_name().unwrap_or_default();
        writeln!(out, "{}:\n{}", name.display(), file.sql)?;
    }
    // .. or the program does it itself. Of many that start at once one does it.
    plan.apply().await?;
    store.migration().table::<version_2::Product>().verify().await?;

    let products = store.tabular::<version_2::Product>().await?;
    for product in products.get_all().await? {
        writeln!(out, "{product:?}")?;
    }

    // Version 3 has no prices. A step that loses data is refused until it is asked for.
    let plan = store.migration().table::<version_3::Product>().plan().await?;
    if let Err(error) = plan.apply().await {
        writeln!(out, "\nVersion 3: {error}")?;
    }
    plan.allow_destructive().apply().await?;

    let products = store.tabular::<version_3::Product>().await?;
    for product in products.get_all().await? {
        writeln!(out, "{product:?}")?;
    }
    Ok(())
}

async fn fill(store: &Store) -> storehouse::Result<()> {
    let products = store.tabular::<version_1::Product>().await?;
    products.setup_database().await?;
    for (code, stock) in [("saw", "7"), ("axe", "12"), ("nail", "4000")] {
        let (code, stock) = (code.to_owned(), stock.to_owned());
        products.put(version_1::ProductInsert { code, stock }).await?;
    }
    Ok(())
}
