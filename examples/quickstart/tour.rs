//! The tour: import, queries, paging, an update and a transaction. Nothing in it depends on the
//! backend, and a test holds its output on every backend to that in memory.

use std::io::Write;

use futures::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use storehouse::prelude::*;

use crate::earthquake::{self, Earthquake, EarthquakePatch};

type Error = Box<dyn std::error::Error>;

/// Rows that are written at once while importing.
const BATCH: usize = 250;

/// Runs the whole tour and prints to `out`.
pub async fn run(store: &Store, out: &mut impl Write) -> Result<(), Error> {
    let earthquakes = store.tabular::<Earthquake>().await?;
    earthquakes.setup_database().await?;
    earthquakes.delete_all().await?;

    import(&earthquakes, out).await?;
    ask(&earthquakes, out).await?;
    page(&earthquakes, out).await?;
    change(store, &earthquakes, out).await
}

async fn import(earthquakes: &Tabular<Earthquake>, out: &mut impl Write) -> Result<(), Error> {
    let rows = earthquake::read_all()?;
    let progress = ProgressBar::new(rows.len() as u64)
        .with_style(ProgressStyle::with_template("importing {bar:40} {pos}/{len} rows {elapsed}")?);
    for batch in rows.chunks(BATCH) {
        // All rows of a batch are stored, or none.
        earthquakes.put_bulk(batch.iter().cloned()).await?;
        progress.inc(batch.len() as u64);
    }
    progress.finish();
    writeln!(out, "imported {} earthquakes", earthquakes.size().await?)?;
    Ok(())
}

async fn ask(earthquakes: &Tabular<Earthquake>, out: &mut impl Write) -> Result<(), Error> {
    writeln!(out, "\nthe strongest five")?;
    let strongest = earthquakes.get_all().order_by(Earthquake::MAGNITUDE.desc()).limit(5).await?;
    print(&strongest, out)?;

    writeln!(out, "\nfelt by more than 20 people in California or Alaska")?;
    let felt = Earthquake::REGION.in_list(["California", "Alaska"])
        & Earthquake::FELT_REPORTS.gt(20)
        & Earthquake::MAGNITUDE.between(2.0, 6.0);
    let felt = earthquakes.query(felt).order_by(Earthquake::FELT_REPORTS.desc()).limit(5).await?;
    print(&felt, out)?;

    let unfelt = Earthquake::FELT_REPORTS.is_null() & Earthquake::SIGNIFICANCE.ge(300);
    writeln!(out, "\nsignificant, yet nobody reported it: {}", earthquakes.count(unfelt).await?)?;

    let near_ridge = earthquakes.query(Earthquake::PLACE.like("%Ridge")).limit(3).await?;
    writeln!(out, "\non a ridge")?;
    print(&near_ridge, out)?;
    Ok(())
}

async fn page(earthquakes: &Tabular<Earthquake>, out: &mut impl Write) -> Result<(), Error> {
    writeln!(out, "\ntwo pages of Hawaii by time; the cursor could go to a client and back")?;
    let hawaii = || {
        earthquakes.query(Earthquake::REGION.eq("Hawaii")).order_by(Earthquake::TIME.asc()).limit(3)
    };
    let first = hawaii().page().await?;
    print(&first.rows, out)?;
    if let Some(cursor) = &first.next {
        writeln!(out, "  --")?;
        print(&hawaii().after(cursor).page().await?.rows, out)?;
    }

    // A stream holds one page at a time, however large the table is.
    let mut deepest = 0.0_f64;
    let mut records = earthquakes.records(500);
    while let Some(earthquake) = records.try_next().await? {
        deepest = deepest.max(earthquake.depth_km);
    }
    writeln!(out, "\nthe deepest lay {deepest} km below the surface")?;
    Ok(())
}

async fn change(
    store: &Store,
    earthquakes: &Tabular<Earthquake>,
    out: &mut impl Write,
) -> Result<(), Error> {
    let strongest = earthquakes.get_all().order_by(Earthquake::MAGNITUDE.desc()).first().await?;
    let strongest = strongest.ok_or("no earthquake was imported")?;

    // Only the columns that the patch sets change.
    let patch = EarthquakePatch { status: Set("reviewed twice".into()), ..Default::default() };
    let updated = earthquakes.update(&strongest.id, patch).await?.ok_or("the row is gone")?;
    writeln!(out, "\n{} is now {}", updated.id, updated.status)?;

    // Either both happen or neither does.
    let removed = store
        .transaction(async |tx| {
            let earthquakes = earthquakes.in_tx(tx);
            let removed = earthquakes.delete_search(Earthquake::STATUS.eq("automatic")).await?;
            let patch = EarthquakePatch { felt_reports: Set(None), ..Default::default() };
            earthquakes.update(&strongest.id, patch).await?;
            Ok(removed)
        })
        .await?;
    writeln!(
        out,
        "removed {removed} that nobody had reviewed; {} stay",
        earthquakes.size().await?
    )?;

    let failed: storehouse::Result<()> = store
        .transaction(async |tx| {
            earthquakes.in_tx(tx).delete_all().await?;
            Err(storehouse::Error::application("changed our mind"))
        })
        .await;
    if let Err(error) = failed {
        writeln!(out, "rolled back: {error}; {} stay", earthquakes.size().await?)?;
    }
    Ok(())
}

fn print(earthquakes: &[Earthquake], out: &mut impl Write) -> std::io::Result<()> {
    for earthquake in earthquakes {
        let felt = earthquake.felt_reports.map_or("-".to_owned(), |felt| felt.to_string());
        writeln!(
            out,
            "  M {:>4.1}  {}  felt by {felt:>4}  {}",
            earthquake.magnitude,
            earthquake.time.format("%Y-%m-%d %H:%M"),
            earthquake.place,
        )?;
    }
    Ok(())
}
