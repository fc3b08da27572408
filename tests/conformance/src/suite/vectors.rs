//! Vectors and lists of numbers: as `Vec` or as array, and of which numbers; in every way to
//! write them.

use storehouse::{Table, prelude::Set};
use storehouse_runtime::Store;

use super::round_trip::{OneColumn, one_column, round_trip};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

one_column! {
    FloatArrays: [f32; 3],
    Integers: Vec<i8>,
    IntegerArrays: [i8; 2],
}

/// A vector of every kind that needs no other crate.
#[derive(Table, Clone, Debug, PartialEq)]
struct Picture {
    #[table(key)]
    id: i64,
    // The dimension is the array's, or what is written, or both.
    #[table(vector)]
    colours: [f32; 3],
    #[table(vector(dim = 2, metric = "l2", element = "i8"))]
    shape: Vec<i8>,
    #[table(vector(dim = 2, element = "i8"))]
    size: Option<[i8; 2]>,
    #[table(vector(metric = "dot"))]
    text: Option<[f32; 2]>,
}

fn picture(id: i64) -> Picture {
    let number = i8::try_from(id % 128).expect("small");
    Picture {
        id,
        colours: [f32::from(number) / 3.0, -0.0, f32::MAX],
        shape: vec![i8::MIN, number],
        size: (id % 3 > 0).then_some([-number, i8::MAX]),
        text: (id % 2 > 0).then_some([1e-45, f32::from(number)]),
    }
}

pub(crate) async fn of_a_fixed_length_are_lists_too(store: &Store) -> Outcome {
    let numbers =
        [[0.0, -0.0, 0.1], [f32::MAX, f32::MIN_POSITIVE, 1e-45], [f32::INFINITY, 1.0, 2.0]];
    round_trip::<FloatArrays>(store, numbers).await?;
    round_trip::<IntegerArrays>(store, [[0, 0], [i8::MIN, i8::MAX]]).await?;
    let all = (i8::MIN..=i8::MAX).collect();
    round_trip::<Integers>(store, [vec![], vec![0], vec![-1, 1], all]).await
}

pub(crate) async fn come_back_however_they_were_written(store: &Store) -> Outcome {
    let pictures = set_up::<Picture>(store).await?;
    assert_eq!(pictures.put(picture(1)).await?, picture(1));
    assert_eq!(pictures.insert(picture(2)).await?, picture(2));
    let bulk = [picture(1), picture(3), picture(4)];
    assert_eq!(pictures.put_bulk(bulk.clone()).await?, bulk);
    let patch = PicturePatch {
        colours: Set([9.0; 3]),
        shape: Set(vec![7, -7]),
        size: Set(None),
        text: Set(Some([0.5; 2])),
    };
    let changed =
        Picture { id: 4, colours: [9.0; 3], shape: vec![7, -7], size: None, text: Some([0.5; 2]) };
    assert_eq!(pictures.update(&4, patch).await?, Some(changed.clone()));
    assert_eq!(pictures.get_all().await?, [picture(1), picture(2), picture(3), changed]);
    assert_eq!(pictures.count(Picture::SIZE.is_null()).await?, 2);
    Ok(())
}

pub(crate) async fn come_back_from_large_bulks(store: &Store) -> Outcome {
    let pictures = set_up::<Picture>(store).await?;
    let rows: Vec<Picture> = (0..1_500).map(picture).collect();
    assert_eq!(pictures.put_bulk(rows.clone()).await?, rows);
    assert_eq!(pictures.get_all().await?, rows);
    Ok(())
}

pub(crate) async fn that_no_backend_holds_are_refused(store: &Store) -> Outcome {
    let pictures = set_up::<Picture>(store).await?;
    pictures.put(picture(1)).await?;
    for (says, row) in [
        ("2 dimensions", Picture { shape: vec![1], ..picture(2) }),
        ("2 dimensions", Picture { shape: vec![1, 2, 3], ..picture(2) }),
        ("NaN", Picture { colours: [0.0, f32::NAN, 0.0], ..picture(2) }),
        ("infinite", Picture { colours: [0.0, f32::INFINITY, 0.0], ..picture(2) }),
        ("infinite", Picture { text: Some([f32::NEG_INFINITY, 0.0]), ..picture(2) }),
    ] {
        is_refused(says, pictures.put(row.clone()).await);
        is_refused(says, pictures.insert_if_absent(row.clone()).await);
        is_refused(says, pictures.put_bulk([picture(3), row]).await);
    }
    let patch = PicturePatch { shape: Set(vec![]), ..Default::default() };
    is_refused("2 dimensions", pictures.update(&1, patch).await);
    assert_eq!(pictures.get_all().await?, [picture(1)]);
    Ok(())
}
