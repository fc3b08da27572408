//! Two programs and one database: what one writes, the other prints, at once and all of it.
//!
//! In one terminal `cargo run --example watch`, in another `cargo run --example watch -- write`.
//! End the first with Ctrl-C, write again, and start it anew: it goes on where it was, since it
//! keeps its place in the database. Both use `watch.db` in the current folder; give another URL as
//! the last argument, with `--features postgres` also `postgres://localhost/shop`.

#![allow(clippy::print_stdout, reason = "a program for people to run")]

use std::io::Write;

use storehouse::{Change, ChangeCursor, ChangeKind, Changes, Error, Result, prelude::*};

/// What is in the shop. `changes` has the database keep a log of what happens to it.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "watched_products", changes)]
struct Product {
    #[table(key)]
    sku: String,
    price: f64,
}

/// How far somebody has come.
#[derive(Table, Clone, Debug)]
struct Bookmark {
    #[table(key)]
    reader: String,
    cursor: String,
}

const READER: &str = "watch";

async fn products(store: &Store) -> Result<Tabular<Product>> {
    let products = store.tabular::<Product>().await?;
    products.setup_database().await?;
    Ok(products)
}

/// Changes prices, in every way there is.
pub async fn write(url: &str) -> Result<()> {
    let store = storehouse::open(url).await?;
    let products = products(&store).await?;
    let product = |sku: &str, price: f64| Product { sku: sku.to_owned(), price };
    products.put(product("hammer", 9.5)).await?;
    products.put(product("saw", 20.0)).await?;
    let sale = ProductPatch { price: increment(-1.5) };
    products.update_where(Product::PRICE.gt(10.0), sale).await?;
    // What is undone nobody hears of.
    let done = store
        .transaction(async |tx| {
            products.in_tx(tx).delete_all().await?;
            Err::<(), _>(Error::application("we sell on"))
        })
        .await;
    if let Err(error) = done {
        println!("not done: {error}");
    }
    products.delete("hammer").await?;
    Ok(())
}

/// Prints what happens, for ever, or until so many lines are printed.
pub async fn watch(url: &str, out: &mut impl Write, lines: usize) -> Result<()> {
    let store = storehouse::open(url).await?;
    let (products, bookmarks) = (products(&store).await?, store.tabular::<Bookmark>().await?);
    bookmarks.setup_database().await?;

    let bookmark = bookmarks.get(READER).await?;
    let mut changes = match bookmark {
        Some(Bookmark { cursor, .. }) => go_on(&products, cursor.parse()?).await?,
        None => products.changes(Since::Snapshot).await?,
    };
    for _ in 0..lines {
        let Some(change) = changes.try_next().await? else { break };
        print(out, &change).map_err(Error::application)?;
        // Last, so that what was not printed comes again.
        let (reader, cursor) = (READER.to_owned(), change.cursor.to_string());
        bookmarks.put(Bookmark { reader, cursor }).await?;
    }
    Ok(())
}

/// Goes on after a cursor; from the start, where that is so old that its changes are gone.
async fn go_on(products: &Tabular<Product>, cursor: ChangeCursor) -> Result<Changes<Product>> {
    match products.changes(Since::After(cursor)).await {
        Err(Error::Lagged { .. }) => products.changes(Since::Snapshot).await,
        changes => changes,
    }
}

fn print(out: &mut impl Write, change: &Change<Product>) -> std::io::Result<()> {
    let sku = change.key.as_deref().unwrap_or_default();
    let price = |product: &Option<Product>| product.as_ref().map_or(0.0, |product| product.price);
    let (old, new) = (price(&change.old), price(&change.new));
    match change.kind {
        ChangeKind::Current => writeln!(out, "there is {sku} for {new}"),
        ChangeKind::SnapshotEnd => writeln!(out, "that is all so far"),
        ChangeKind::Insert => writeln!(out, "new: {sku} for {new}"),
        ChangeKind::Update => writeln!(out, "{sku} was {old} and is {new}"),
        ChangeKind::Delete => writeln!(out, "gone: {sku}, which was {old}"),
        _ => Ok(()),
    }?;
    out.flush()
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_writer = arguments.first().is_some_and(|first| first == "write");
    if is_writer {
        arguments.remove(0);
    }
    let url = arguments.first().map_or("sqlite:watch.db", String::as_str);
    if is_writer { write(url).await } else { watch(url, &mut std::io::stdout(), usize::MAX).await }
}
