//! Whether a system gives the right answers. An error is fast.

use tabular_common::{Result, Row, TASKS};
use tokio::task::JoinSet;

use crate::System;

/// A key that no row has.
const ABSENT: i64 = -1;

/// Reads and writes in the small table, which ends as it began.
pub(crate) async fn small<S: System>(system: &mut S) -> Result {
    let key = Row::SMALL as i64 / 2;
    expect::<S>("a missing row", system.get(ABSENT).await?, None)?;
    expect::<S>("a row", system.get(key).await?, Some(Row::new(key, 0)))?;

    for revision in [1, 0] {
        system.put(Row::new(key, revision)).await?;
        expect::<S>("a row that was put", system.get(key).await?, Some(Row::new(key, revision)))?;
    }
    for revision in [1, 0] {
        let rows = || (0..2_000).map(|id| Row::new(id, revision));
        system.put_bulk(rows().collect()).await?;
        for row in rows().step_by(199) {
            expect::<S>("a row of a bulk", system.get(row.id).await?, Some(row))?;
        }
    }
    Ok(())
}

/// The same from many tasks at once.
pub(crate) async fn small_shared<S: System + Clone>(system: &S) -> Result {
    for revision in [1, 0] {
        let mut tasks = JoinSet::<Result>::new();
        for task in 0..TASKS as i64 {
            let mut system = system.clone();
            tasks.spawn(async move {
                let row = Row::new(task, revision);
                system.put(row.clone()).await?;
                expect::<S>("a row put beside others", system.get(task).await?, Some(row))
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
    }
    Ok(())
}

/// Reads all of the large table, and a part of it.
pub(crate) async fn large<S: System>(system: &mut S) -> Result {
    let wanted = Row::first(Row::LARGE);
    let mut rows: Vec<Row> = system.all().await?.into_iter().map(Into::into).collect();
    rows.sort_unstable_by_key(|row| row.id);
    if rows != wanted {
        return Err(format!("{} reads other rows than there are", S::NAME).into());
    }
    let category = &wanted[7].category;
    let mut rows: Vec<Row> =
        system.by_category(category.clone()).await?.into_iter().map(Into::into).collect();
    rows.sort_unstable_by_key(|row| row.id);
    if !rows.iter().eq(wanted.iter().filter(|row| row.category == *category)) {
        return Err(format!("{} finds other rows of a category than there are", S::NAME).into());
    }
    Ok(())
}

fn expect<S: System>(what: &str, found: Option<S::Item>, wanted: Option<Row>) -> Result {
    let found = found.map(Into::into);
    if found == wanted {
        return Ok(());
    }
    Err(format!("{}: {what} should be {wanted:?}, not {found:?}", S::NAME).into())
}
