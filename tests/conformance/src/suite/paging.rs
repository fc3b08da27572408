//! Parts of an answer: limits, offsets, and pages that neither skip nor repeat a row.

use futures::{StreamExt as _, TryStreamExt as _};
use storehouse::{Cursor, Order, Table, Tabular};
use storehouse_runtime::{Error, Store};

use super::tables::{Line, Setting, line, setting};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

/// Rows that tie in every column but the key, with NULL among them, and text that would have to
/// be escaped if it were spliced.
#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "places", index(rank, label))]
struct Place {
    #[table(key)]
    id: i64,
    #[table(index)]
    rank: Option<i32>,
    label: Option<String>,
}

const LABELS: [Option<&str>; 5] = [None, Some(""), Some("'"), Some("é%_\\"), Some("z")];
const RANKS: [Option<i32>; 3] = [None, Some(-1), Some(7)];

async fn places(store: &Store) -> Result<Tabular<Place>, Error> {
    let places = set_up::<Place>(store).await?;
    let mut rows = Vec::new();
    for id in 0..30 {
        let place = usize::try_from(id).expect("a small number");
        rows.push(Place {
            id,
            rank: RANKS[place % RANKS.len()],
            label: LABELS[place % LABELS.len()].map(str::to_owned),
        });
    }
    places.put_bulk(rows).await?;
    Ok(places)
}

/// Reads an ordering page by page, and gives all rows.
async fn walk(
    places: &Tabular<Place>,
    order: &[Order<Place>],
    size: u64,
) -> Result<Vec<Place>, Error> {
    let mut rows: Vec<Place> = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let mut query = places.get_all().limit(size);
        for order in order {
            query = query.order_by(*order);
        }
        if let Some(cursor) = &cursor {
            query = query.after(cursor);
        }
        let page = query.page().await?;
        assert!(page.rows.len() as u64 <= size);
        rows.extend(page.rows);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(rows),
        }
        assert!(rows.len() <= 100, "the pages never end");
    }
}

pub(crate) async fn by_limit_and_offset(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let rows: Vec<Setting> = (0..5).map(|n| setting(&n.to_string(), n)).collect();
    settings.put_bulk(rows.clone()).await?;
    assert_eq!(settings.get_all().limit(2).await?, rows[..2]);
    assert_eq!(settings.get_all().limit(2).offset(2).await?, rows[2..4]);
    assert_eq!(settings.get_all().offset(4).await?, rows[4..]);
    assert_eq!(settings.get_all().offset(9).await?, []);
    assert_eq!(settings.get_all().limit(9).await?, rows);
    assert_eq!(settings.get_bulk(1, 3).await?, rows[1..4]);
    assert_eq!(settings.get_bulk(4, 3).await?, rows[4..]);
    assert_eq!(settings.get_bulk(5, 3).await?, []);
    assert_eq!(settings.get_all().first().await?, Some(rows[0].clone()));
    assert_eq!(settings.get_all().limit(0).first().await?, None);
    assert_eq!(settings.get_all().offset(9).first().await?, None);
    Ok(())
}

pub(crate) async fn of_limit_zero_is_empty(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    assert_eq!(settings.get_all().limit(0).await?, []);
    assert_eq!(settings.get_bulk(0, 0).await?, []);
    let page = settings.get_all().limit(0).page().await?;
    assert_eq!((page.rows, page.next), (vec![], None));
    Ok(())
}

/// Numbers that do not fit the signed 64 bits of most databases.
pub(crate) async fn by_the_greatest_numbers(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    let rows = [setting("a", 1), setting("b", 2)];
    settings.put_bulk(rows.clone()).await?;
    assert_eq!(settings.get_all().limit(u64::MAX).await?, rows);
    assert_eq!(settings.get_all().limit(u64::MAX).offset(1).await?, rows[1..]);
    assert_eq!(settings.get_all().offset(u64::MAX).await?, []);
    assert_eq!(settings.get_bulk(u64::MAX, u64::MAX).await?, []);
    assert_eq!(settings.get_all().limit(u64::MAX).page().await?.rows, rows);
    Ok(())
}

pub(crate) async fn by_cursor_gives_every_row_once_in_every_ordering(store: &Store) -> Outcome {
    let places = places(store).await?;
    let (id, rank, label) = (Place::ID, Place::RANK, Place::LABEL);
    let orderings: [&[Order<Place>]; 12] = [
        &[],
        &[id.desc()],
        &[rank.asc()],
        &[rank.desc()],
        &[label.asc()],
        &[label.desc()],
        &[rank.asc(), label.asc()],
        &[rank.asc(), label.desc()],
        &[rank.desc(), label.asc()],
        &[rank.desc(), label.desc()],
        &[label.desc(), id.asc()],
        &[rank.asc(), id.desc(), label.asc()],
    ];
    for order in orderings {
        let mut query = places.get_all();
        for order in order {
            query = query.order_by(*order);
        }
        let expected = query.await?;
        assert_eq!(expected.len(), 30);
        for size in [1, 2, 7, 30, 31] {
            let walked = walk(&places, order, size).await?;
            assert_eq!(walked, expected, "{order:?} in pages of {size}");
        }
    }
    Ok(())
}

pub(crate) async fn by_cursor_keeps_to_the_filter(store: &Store) -> Outcome {
    let places = places(store).await?;
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let mut query = places.query(Place::RANK.is_null()).order_by(Place::LABEL.desc()).limit(3);
        if let Some(cursor) = &cursor {
            query = query.after(cursor);
        }
        let page = query.page().await?;
        found.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected = places.query(Place::RANK.is_null()).order_by(Place::LABEL.desc()).await?;
    assert_eq!(found, expected);
    assert_eq!(found.len(), 10);
    Ok(())
}

/// A cursor belongs to an ordering and not to a filter: what comes after it is narrowed by whichever
/// filter is given, also by one that fixes a column of the ordering.
pub(crate) async fn by_cursor_takes_another_filter(store: &Store) -> Outcome {
    let places = places(store).await?;
    for order in [Place::RANK.asc(), Place::RANK.desc()] {
        let all = places.get_all().order_by(order).await?;
        for length in [1, 9, 11, 19, 21, 29] {
            let page = places.get_all().order_by(order).limit(length).page().await?;
            let cursor = page.next.expect("there are more");
            let after = &all[page.rows.len()..];
            for rank in RANKS {
                let found = places.query(Place::RANK.eq(rank)).order_by(order).after(&cursor);
                let expected: Vec<Place> =
                    after.iter().filter(|place| place.rank == rank).cloned().collect();
                assert_eq!(found.await?, expected, "{order:?}, {rank:?} after {length} rows");
            }
        }
    }
    Ok(())
}

pub(crate) async fn ends_with_the_page_that_has_the_last_row(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2)]).await?;
    let page = settings.get_all().limit(2).page().await?;
    assert_eq!((page.rows.len(), page.next), (2, None));
    let page = settings.get_all().page().await?;
    assert_eq!((page.rows.len(), page.next), (2, None));
    let page = settings.get_all().limit(1).page().await?;
    let last = settings.get_all().limit(1).after(&page.next.expect("b is left")).page().await?;
    assert_eq!((last.rows, last.next), (vec![setting("b", 2)], None));
    Ok(())
}

pub(crate) async fn continues_after_a_row_that_is_gone(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put_bulk([setting("a", 1), setting("b", 2), setting("c", 3)]).await?;
    let page = settings.get_all().limit(2).page().await?;
    settings.delete("b").await?;
    settings.put(setting("ab", 4)).await?;
    settings.put(setting("bb", 5)).await?;
    let rest = settings.get_all().after(&page.next.expect("c is left")).await?;
    assert_eq!(rest, [setting("bb", 5), setting("c", 3)]);
    Ok(())
}

pub(crate) async fn takes_cursors_that_left_the_process(store: &Store) -> Outcome {
    let places = places(store).await?;
    let page = places.get_all().order_by(Place::LABEL.asc()).limit(4).page().await?;
    let cursor = page.next.expect("there are more");
    let text = cursor.to_string();
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    assert!(text.chars().all(plain), "{text} would have to be escaped in a URL");
    let parsed: Cursor = text.parse().expect("any text is a cursor until it is used");
    let json = serde_json::to_string(&cursor).expect("a cursor is text");
    let read: Cursor = serde_json::from_str(&json).expect("it was written as one");
    for cursor in [parsed, read] {
        let rest = places.get_all().order_by(Place::LABEL.asc()).after(&cursor).await?;
        assert_eq!(rest.len(), 26);
    }
    Ok(())
}

pub(crate) async fn refuses_cursors_of_other_queries(store: &Store) -> Outcome {
    let places = places(store).await?;
    let page = places.get_all().order_by(Place::RANK.asc()).limit(4).page().await?;
    let cursor = page.next.expect("there are more");
    is_refused("cursor", places.get_all().after(&cursor).await);
    is_refused("cursor", places.get_all().order_by(Place::RANK.desc()).after(&cursor).await);
    is_refused("cursor", places.get_all().order_by(Place::LABEL.asc()).after(&cursor).await);
    let lines = set_up::<Line>(store).await?;
    is_refused("cursor", lines.get_all().after(&cursor).await);
    let renamed = store.tabular_as::<Place>("other_places").await?;
    renamed.setup_database().await?;
    let same = renamed.get_all().order_by(Place::RANK.asc());
    is_refused("cursor", same.after(&cursor).await);
    let whole = cursor.as_str();
    for broken in ["", "AAAA", "not a cursor", &whole[1..], &whole[..whole.len() - 2]] {
        let cursor: Cursor = broken.parse().expect("any text is a cursor until it is used");
        let query = places.get_all().order_by(Place::RANK.asc());
        is_refused("cursor", query.after(&cursor).await);
    }
    Ok(())
}

pub(crate) async fn streams_every_row_in_the_order_of_the_key(store: &Store) -> Outcome {
    let places = places(store).await?;
    let expected = places.get_all().await?;
    for size in [1, 7, 15, 30, 1_000] {
        let rows: Vec<Place> = places.records(size).try_collect().await?;
        assert_eq!(rows, expected);
        let pages: Vec<Vec<Place>> = places.pages(size).try_collect().await?;
        assert!(pages.iter().all(|page| !page.is_empty() && page.len() <= size));
        assert_eq!(pages.len(), 30_usize.div_ceil(size));
        assert_eq!(pages.concat(), expected);
    }
    Ok(())
}

pub(crate) async fn streams_queries(store: &Store) -> Outcome {
    let places = places(store).await?;
    let query = || places.query(Place::RANK.is_not_null()).order_by(Place::LABEL.desc());
    let expected = query().offset(3).limit(11).await?;
    let rows: Vec<Place> = query().offset(3).limit(11).records(4).try_collect().await?;
    assert_eq!(rows, expected);
    let pages: Vec<Vec<Place>> = query().offset(3).limit(11).pages(4).try_collect().await?;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 3]);
    let rows: Vec<Place> = query().limit(0).records(4).try_collect().await?;
    assert_eq!(rows, []);
    Ok(())
}

pub(crate) async fn streams_nothing_of_an_empty_table(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    assert_eq!(settings.records(10).count().await, 0);
    assert_eq!(settings.pages(10).count().await, 0);
    Ok(())
}

pub(crate) async fn refuses_pages_of_no_rows(store: &Store) -> Outcome {
    let settings = set_up::<Setting>(store).await?;
    settings.put(setting("a", 1)).await?;
    is_refused("at least one", settings.records(0).try_collect::<Vec<_>>().await);
    is_refused("at least one", settings.pages(0).try_collect::<Vec<_>>().await);
    is_refused("at least one", settings.get_all().pages(0).try_collect::<Vec<_>>().await);
    Ok(())
}

/// A row that is there all the while is given exactly once, whatever others write meanwhile.
pub(crate) async fn stays_stable_while_others_write(store: &Store) -> Outcome {
    let lines = set_up::<Line>(store).await?;
    lines.put_bulk((0..100).map(|number| line("kept", number * 10, 1))).await?;
    lines.put_bulk((0..100).map(|number| line("kept", number * 10 + 5, 2))).await?;
    let mut seen = Vec::new();
    let mut pages = lines.pages(9);
    let mut round = 0;
    while let Some(page) = pages.try_next().await? {
        seen.extend(page.into_iter().filter(|line| line.amount == 1).map(|line| line.number));
        // Before and behind where the stream is, rows come and go.
        lines.put(line("first", round, 3)).await?;
        lines.put(line("last", round, 3)).await?;
        lines.delete(&line("kept", round * 10 + 5, 2)).await?;
        lines.delete(&line("kept", (99 - round) * 10 + 5, 2)).await?;
        round += 1;
    }
    assert_eq!(seen, (0..100).map(|number| number * 10).collect::<Vec<_>>());
    Ok(())
}

pub(crate) async fn can_be_left_in_the_middle(store: &Store) -> Outcome {
    let places = places(store).await?;
    for _ in 0..20 {
        let mut rows = places.records(2);
        assert_eq!(rows.try_next().await?.map(|place| place.id), Some(0));
        assert_eq!(rows.try_next().await?.map(|place| place.id), Some(1));
        assert_eq!(rows.try_next().await?.map(|place| place.id), Some(2));
    }
    assert!(places.delete(&0).await?);
    Ok(())
}
