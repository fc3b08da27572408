//! Filters that look inside JSON columns: what a path finds, what a value counts as, and what is
//! unknown. Engines have JSON functions that convert; none of that may show.

use serde_json::{Value as Json, json};
use storehouse::{Filter, JsonPath, Table, Tabular};
use storehouse_runtime::{Error, Store};

use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "things")]
struct Thing {
    #[table(key)]
    id: i64,
    // Names that an engine might give to what it finds on the way.
    #[table(rename = "a")]
    data: Json,
    #[table(rename = "j")]
    more: Option<Json>,
}

/// A thing for each document, numbered from 0. What may be NULL holds the same document, and is
/// NULL in one more thing, the last.
async fn things(store: &Store, documents: &[Json]) -> Result<Tabular<Thing>, Error> {
    let things = set_up::<Thing>(store).await?;
    let thing =
        |(id, data): (i64, &Json)| Thing { id, data: data.clone(), more: Some(data.clone()) };
    things.put_bulk((0..).zip(documents).map(thing)).await?;
    let id = i64::try_from(documents.len()).expect("few documents");
    things.put(Thing { id, data: Json::Null, more: None }).await?;
    Ok(things)
}

async fn matching(things: &Tabular<Thing>, filter: Filter<Thing>) -> Result<Vec<i64>, Error> {
    Ok(things.query(filter).await?.into_iter().map(|thing| thing.id).collect())
}

pub(crate) async fn lead_through_objects_and_arrays(store: &Store) -> Outcome {
    let things = things(
        store,
        &[
            json!({"size": {"width": 3}}),
            json!({"size": [3, {"width": 3}]}),
            json!([[0, 3], {"size": 3}]),
            json!({"size": {"0": 3}, "0": {"width": 3}}),
            json!(3),
            json!("3"),
        ],
    )
    .await?;
    for (path, expected) in [
        ("size.width", &[0_i64][..]),
        ("size[0]", &[1]),
        ("size[1].width", &[1]),
        ("[0][1]", &[2]),
        ("[1].size", &[2]),
        // A name leads into objects alone, and a place into arrays alone.
        ("size.0", &[3]),
        ("0.width", &[3]),
        ("[0]", &[]),
        ("[0].width", &[]),
        ("size[2]", &[]),
        ("size[4294967295]", &[]),
        ("size.width.x", &[]),
    ] {
        let filter = Thing::DATA.path(path).as_i64().eq(3);
        assert_eq!(matching(&things, filter).await?, expected, "{path}");
        let filter = Thing::MORE.path(path).as_i64().eq(3);
        assert_eq!(matching(&things, filter).await?, expected, "{path}, where NULL may be");
    }
    let root = Thing::DATA.path(JsonPath::root()).as_i64().eq(3);
    assert_eq!(matching(&things, root).await?, [4]);
    let built = Thing::DATA.path("size").index(1).key("width").as_i64().eq(3);
    assert_eq!(matching(&things, built).await?, [1]);
    Ok(())
}

/// Names that mean something to an engine's own paths, to SQL, or to its text of arrays.
pub(crate) async fn take_any_name(store: &Store) -> Outcome {
    const NAMES: [&str; 22] = [
        "",
        " ",
        ".",
        "a.b",
        "a[0]",
        "[0]",
        "0",
        "-1",
        "\"",
        "a\"b",
        "'",
        "it's",
        "\\",
        "a\\\"b",
        "$",
        "*",
        "{a,b}",
        "null",
        "é",
        "日本",
        "'; DROP TABLE things; --",
        "a\nb",
    ];
    let documents: Vec<Json> = NAMES.iter().map(|name| json!({*name: {*name: 7}})).collect();
    let things = things(store, &documents).await?;
    for (id, name) in (0_i64..).zip(NAMES) {
        let path = JsonPath::from([name, name]);
        let found = matching(&things, Thing::DATA.path(path.clone()).as_i64().eq(7)).await?;
        assert_eq!(found, [id], "{name:?}");
        // As text it is the same path.
        let path = JsonPath::parse(&path.to_string())?;
        let found = matching(&things, Thing::MORE.path(path).as_i64().eq(7)).await?;
        assert_eq!(found, [id], "{name:?} as text");
    }
    Ok(())
}

/// What each document counts as, read as each type: NULL unless it is of that type.
pub(crate) async fn convert_nothing(store: &Store) -> Outcome {
    let values = [
        json!(1),        // 0
        json!(1.0),      // 1
        json!(1.5),      // 2
        json!("1"),      // 3
        json!(true),     // 4
        json!(false),    // 5
        json!("true"),   // 6
        json!(null),     // 7
        json!([1]),      // 8
        json!({"a": 1}), // 9
        json!(0),        // 10
        json!(""),       // 11
    ];
    let mut documents: Vec<Json> = values.iter().map(|value| json!({"v": value})).collect();
    documents.push(json!({})); // 12
    let things = things(store, &documents).await?;
    let v = || Thing::DATA.path("v");
    assert_eq!(matching(&things, v().as_i64().is_not_null()).await?, [0, 1, 10]);
    assert_eq!(matching(&things, v().as_f64().is_not_null()).await?, [0, 1, 2, 10]);
    assert_eq!(matching(&things, v().as_text().is_not_null()).await?, [3, 6, 11]);
    assert_eq!(matching(&things, v().as_bool().is_not_null()).await?, [4, 5]);
    assert_eq!(
        matching(&things, v().as_bool().is_null()).await?,
        [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13]
    );

    assert_eq!(matching(&things, v().as_i64().eq(1)).await?, [0, 1]);
    assert_eq!(matching(&things, v().as_i64().ne(1)).await?, [10]);
    assert_eq!(matching(&things, !v().as_i64().eq(1)).await?, [10]);
    assert_eq!(matching(&things, v().as_f64().eq(1.0)).await?, [0, 1]);
    assert_eq!(matching(&things, v().as_f64().gt(1.0)).await?, [2]);
    assert_eq!(matching(&things, v().as_text().eq("1")).await?, [3]);
    assert_eq!(matching(&things, v().as_text().ne("1")).await?, [6, 11]);
    assert_eq!(matching(&things, v().as_text().ge("")).await?, [3, 6, 11]);
    assert_eq!(matching(&things, v().as_bool().eq(true)).await?, [4]);
    assert_eq!(matching(&things, v().as_bool().ne(true)).await?, [5]);
    assert_eq!(matching(&things, v().as_bool().le(true)).await?, [4, 5]);
    Ok(())
}

pub(crate) async fn know_null_from_nothing(store: &Store) -> Outcome {
    let things = things(
        store,
        &[json!({"a": null}), json!({"a": 0}), json!({"b": 1}), json!([]), json!(null)],
    )
    .await?;
    // The last thing has NULL for a document.
    let a = || Thing::MORE.path("a");
    assert_eq!(matching(&things, a().exists()).await?, [0, 1]);
    assert_eq!(matching(&things, !a().exists()).await?, [2, 3, 4, 5]);
    assert_eq!(matching(&things, a().is_null()).await?, [0, 2, 3, 4, 5]);
    assert_eq!(matching(&things, a().is_not_null()).await?, [1]);
    assert_eq!(matching(&things, a().exists() & a().is_null()).await?, [0]);
    let root = || Thing::MORE.path(JsonPath::root());
    assert_eq!(matching(&things, root().exists()).await?, [0, 1, 2, 3, 4]);
    assert_eq!(matching(&things, root().is_null()).await?, [4, 5]);
    Ok(())
}

pub(crate) async fn follow_sql_about_null(store: &Store) -> Outcome {
    let things = things(store, &[json!({"a": 1}), json!({"a": "1"}), json!({})]).await?;
    let one = || Thing::MORE.path("a").as_i64().eq(1);
    let every = Filter::<Thing>::all;
    assert_eq!(matching(&things, one()).await?, [0]);
    assert_eq!(matching(&things, !one()).await?, [0_i64; 0]);
    assert_eq!(matching(&things, one() | !one()).await?, [0]);
    assert_eq!(matching(&things, one() | Thing::ID.eq(1)).await?, [0, 1]);
    assert_eq!(matching(&things, !(one() & Thing::ID.eq(0))).await?, [1, 2, 3]);
    assert_eq!(matching(&things, every()).await?, [0, 1, 2, 3]);
    let list = || Thing::MORE.path("a").as_i64().in_list([1, 2]);
    assert_eq!(matching(&things, list()).await?, [0]);
    assert_eq!(matching(&things, !list()).await?, [0_i64; 0]);
    Ok(())
}

/// Beyond 2^53 floating-point numbers cannot tell integers apart.
pub(crate) async fn compare_integers_to_the_bit(store: &Store) -> Outcome {
    const LARGE: i64 = 9_007_199_254_740_993;
    let integers = [LARGE - 1, LARGE, LARGE + 1, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1, 0];
    let mut documents: Vec<Json> = integers.iter().map(|integer| json!({"n": integer})).collect();
    documents.push(json!({"n": i64::MAX as u64 + 1})); // 8
    documents.push(json!({"n": u64::MAX})); // 9
    documents.push(json!({"n": 1e300})); // 10
    let things = things(store, &documents).await?;
    let n = || Thing::DATA.path("n");
    for (id, integer) in (0_i64..).zip(integers) {
        assert_eq!(matching(&things, n().as_i64().eq(integer)).await?, [id], "{integer}");
    }
    assert_eq!(matching(&things, n().as_i64().gt(LARGE)).await?, [2, 3, 4]);
    assert_eq!(matching(&things, n().as_i64().between(LARGE, LARGE + 1)).await?, [1, 2]);
    assert_eq!(matching(&things, n().as_i64().lt(i64::MIN + 1)).await?, [5]);
    // What does not fit is no integer, but it is a number.
    assert_eq!(matching(&things, n().as_i64().is_null()).await?, [8, 9, 10, 11]);
    assert_eq!(matching(&things, n().as_f64().gt(1e19)).await?, [9, 10]);
    let in_list = n().as_i64().in_list([LARGE, i64::MIN]);
    assert_eq!(matching(&things, in_list).await?, [1, 5]);
    Ok(())
}

pub(crate) async fn take_whole_numbers_for_integers(store: &Store) -> Outcome {
    let numbers = [
        json!(5),
        json!(5.0),
        json!(-5.0),
        json!(5.000_000_1),
        json!(1e15),
        json!(1e18),
        json!(1e19),
        json!(-0.0),
        json!(4_611_686_018_427_387_904.0), // 2^62, which is written as 4611686018427388000
        json!(0.5),
    ];
    let documents: Vec<Json> = numbers.iter().map(|number| json!({"n": number})).collect();
    let things = things(store, &documents).await?;
    let n = || Thing::DATA.path("n").as_i64();
    assert_eq!(matching(&things, n().eq(5)).await?, [0, 1]);
    assert_eq!(matching(&things, n().eq(-5)).await?, [2]);
    assert_eq!(matching(&things, n().eq(1_000_000_000_000_000)).await?, [4]);
    assert_eq!(matching(&things, n().eq(1_000_000_000_000_000_000)).await?, [5]);
    assert_eq!(matching(&things, n().eq(0)).await?, [7]);
    assert_eq!(matching(&things, n().eq(4_611_686_018_427_388_000)).await?, [8]);
    assert_eq!(matching(&things, n().is_null()).await?, [3, 6, 9, 10]);
    Ok(())
}

pub(crate) async fn compare_floats_to_the_bit(store: &Store) -> Outcome {
    let numbers = [
        0.1,
        0.1_f64.next_up(),
        0.1_f64.next_down(),
        1.797_693_134_862_315_7e308,
        5e-324,
        -5e-324,
        2.225_073_858_507_201_4e-308,
        9_007_199_254_740_993.0,
        123_456_789.123_456_79,
        1e23,
        8.41e21,
        -1.5,
    ];
    let documents: Vec<Json> = numbers.iter().map(|number| json!({"n": number})).collect();
    let things = things(store, &documents).await?;
    let n = || Thing::DATA.path("n").as_f64();
    for (id, number) in (0_i64..).zip(numbers) {
        assert_eq!(matching(&things, n().eq(number)).await?, [id], "{number:e}");
        let smaller: Vec<i64> =
            (0..).zip(numbers).filter(|(_, other)| *other < number).map(|(id, _)| id).collect();
        assert_eq!(matching(&things, n().lt(number)).await?, smaller, "< {number:e}");
    }
    assert_eq!(matching(&things, n().lt(f64::INFINITY)).await?.len(), numbers.len());
    assert_eq!(matching(&things, n().gt(f64::NEG_INFINITY)).await?.len(), numbers.len());
    assert_eq!(matching(&things, n().in_list([0.1, -1.5])).await?, [0, 11]);
    Ok(())
}

pub(crate) async fn compare_text_by_bytes(store: &Store) -> Outcome {
    let texts = ["", "A", "a", "aB", "ab", "a%", "é", "z", "日本", "it's", "a\\b", "[a]", "*"];
    let documents: Vec<Json> = texts.iter().map(|text| json!({"t": text})).collect();
    let things = things(store, &documents).await?;
    let t = || Thing::DATA.path("t").as_text();
    let ids = |matches: &dyn Fn(&str) -> bool| -> Vec<i64> {
        (0..).zip(texts).filter(|(_, text)| matches(text)).map(|(id, _)| id).collect()
    };
    for other in texts {
        assert_eq!(matching(&things, t().eq(other)).await?, ids(&|text| text == other));
        assert_eq!(matching(&things, t().lt(other)).await?, ids(&|text| text < other), "{other}");
        assert_eq!(matching(&things, t().ge(other)).await?, ids(&|text| text >= other), "{other}");
        let starts = ids(&|text| text.starts_with(other));
        assert_eq!(matching(&things, t().starts_with(other)).await?, starts, "{other}");
        let contains = ids(&|text| text.contains(other));
        assert_eq!(matching(&things, t().contains(other)).await?, contains, "{other}");
        let without = ids(&|text| !text.contains(other));
        assert_eq!(matching(&things, !t().contains(other)).await?, without, "{other}");
    }
    assert_eq!(matching(&things, t().like("a_")).await?, [3, 4, 5]);
    assert_eq!(matching(&things, t().like(r"a\%")).await?, [5]);
    assert_eq!(matching(&things, t().like("%")).await?.len(), texts.len());
    assert_eq!(matching(&things, t().like("_")).await?, ids(&|text| text.chars().count() == 1));
    assert_eq!(matching(&things, t().in_list(["é", "it's", "é"])).await?, [6, 9]);
    assert_eq!(matching(&things, t().not_in(["é"])).await?.len(), texts.len() - 1);
    Ok(())
}

pub(crate) async fn go_with_every_operation(store: &Store) -> Outcome {
    let documents: Vec<Json> = (0..10).map(|n| json!({"n": n, "even": n % 2 == 0})).collect();
    let things = things(store, &documents).await?;
    let even = || Thing::DATA.path("even").as_bool().eq(true);
    let n = || Thing::DATA.path("n").as_i64();
    assert_eq!(things.count(even()).await?, 5);
    assert!(things.exists(even() & n().gt(7)).await?);
    let page = things.query(even()).order_by(Thing::ID.desc()).limit(2).page().await?;
    assert_eq!(page.rows.iter().map(|thing| thing.id).collect::<Vec<_>>(), [8, 6]);
    let next = page.next.expect("there is more");
    let rest = things.query(even()).order_by(Thing::ID.desc()).after(&next).await?;
    assert_eq!(rest.iter().map(|thing| thing.id).collect::<Vec<_>>(), [4, 2, 0]);
    assert_eq!(things.delete_search(even() & n().lt(5) & Thing::ID.gt(0)).await?, 2);
    assert_eq!(matching(&things, even()).await?, [0, 6, 8]);
    Ok(())
}

/// An engine that keeps the texts of its statements must not take one path for another.
pub(crate) async fn of_one_form_do_not_mix(store: &Store) -> Outcome {
    let things = things(store, &[json!({"a": 1, "b": 2}), json!({"a": [1, 2]})]).await?;
    for _ in 0..3 {
        for (path, value, expected) in [
            ("a", 1, &[0_i64][..]),
            ("b", 2, &[0]),
            ("a[0]", 1, &[1]),
            ("a[1]", 2, &[1]),
            ("c", 1, &[]),
        ] {
            let filter = Thing::DATA.path(path).as_i64().eq(value);
            assert_eq!(matching(&things, filter).await?, expected, "{path}");
        }
        let both = Thing::DATA.path("a").as_i64().eq(1) & Thing::DATA.path("b").as_i64().eq(2);
        assert_eq!(matching(&things, both).await?, [0]);
        let as_float = Thing::DATA.path("a").as_f64().eq(1.0);
        assert_eq!(matching(&things, as_float).await?, [0]);
    }
    Ok(())
}

pub(crate) async fn that_are_malformed_are_refused(store: &Store) -> Outcome {
    let things = things(store, &[]).await?;
    let path = |path: &str| Thing::DATA.path(path).exists();
    is_refused("empty name", things.query(path("a..b")).await);
    is_refused("brackets", things.count(path("a[")).await);
    is_refused("NUL", things.query(Thing::DATA.path(["\0"]).exists()).await);
    is_refused("64 steps", things.query(Thing::DATA.path(["a"; 65]).exists()).await);
    is_refused("NaN", things.query(Thing::DATA.path("a").as_f64().lt(f64::NAN)).await);
    is_refused("NUL", things.query(Thing::DATA.path("a").as_text().contains("\0")).await);
    is_refused("lone", things.query(Thing::DATA.path("a").as_text().like("\\")).await);
    assert_eq!(matching(&things, Thing::DATA.path(["a"; 64]).exists()).await?, [0_i64; 0]);
    Ok(())
}
