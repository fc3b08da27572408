//! Vectors and lists of `half::f16`: to the bit, in every way to write them.

use half::f16;
use storehouse::{Table, prelude::Set};
use storehouse_runtime::Store;

use super::round_trip::{OneColumn, one_column, round_trip};
use crate::{
    behaviour::Outcome,
    expect::{is_refused, set_up},
};

one_column! {
    Halves: Vec<f16>,
    HalfArrays: [f16; 2],
}

#[derive(Table, Clone, Debug, PartialEq)]
struct Sound {
    #[table(key)]
    id: i64,
    #[table(vector(dim = 3, element = "f16"))]
    spectrum: Vec<f16>,
    #[table(vector(metric = "dot"))]
    rhythm: Option<[f16; 2]>,
}

fn sound(id: i64) -> Sound {
    let bits = u16::try_from(id).expect("small");
    Sound {
        id,
        spectrum: vec![f16::from_bits(bits), f16::NEG_ZERO, f16::MIN],
        rhythm: (id % 3 > 0).then(|| [f16::MAX, f16::from_bits(0x8000 | bits)]),
    }
}

pub(crate) async fn come_back_to_the_bit(store: &Store) -> Outcome {
    let numbers = vec![
        f16::ZERO,
        f16::NEG_ZERO,
        f16::from_f32(0.1),
        f16::MAX,
        f16::MIN,
        f16::MIN_POSITIVE,
        f16::MIN_POSITIVE_SUBNORMAL,
        f16::INFINITY,
        f16::NEG_INFINITY,
    ];
    round_trip::<Halves>(store, [vec![], vec![f16::NEG_ZERO], numbers]).await?;
    let arrays = [[f16::NEG_ZERO, f16::EPSILON], [f16::MAX, f16::MIN_POSITIVE_SUBNORMAL]];
    round_trip::<HalfArrays>(store, arrays).await?;

    let sounds = set_up::<Sound>(store).await?;
    assert_eq!(sounds.insert(sound(1)).await?, sound(1));
    let rows = [sound(2), sound(3)];
    assert_eq!(sounds.put_bulk(rows).await?, [sound(2), sound(3)]);
    let spectrum = vec![f16::MIN_POSITIVE_SUBNORMAL; 3];
    let patch = SoundPatch { spectrum: Set(spectrum.clone()), rhythm: Set(None) };
    let changed = Sound { id: 2, spectrum, rhythm: None };
    assert_eq!(sounds.update(&2, patch).await?, Some(changed.clone()));
    assert_eq!(sounds.get_all().await?, [sound(1), changed, sound(3)]);
    Ok(())
}

/// Every number that there is, finite and not, in as many rows.
pub(crate) async fn come_back_from_large_bulks(store: &Store) -> Outcome {
    let sounds = set_up::<Sound>(store).await?;
    let rows: Vec<Sound> = (0..0x7C00).step_by(13).map(sound).collect();
    assert!(rows.len() > 2_000);
    assert_eq!(sounds.put_bulk(rows.clone()).await?, rows);
    let stored = sounds.get_all().await?;
    let bits =
        |rows: &[Sound]| rows.iter().map(|row| row.spectrum[1].to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&stored), bits(&rows));
    assert_eq!(stored, rows);
    Ok(())
}

pub(crate) async fn that_no_backend_holds_are_refused(store: &Store) -> Outcome {
    let sounds = set_up::<Sound>(store).await?;
    sounds.put(sound(1)).await?;
    let one = f16::ONE;
    for (says, spectrum) in [
        ("3 dimensions", vec![one; 2]),
        ("NaN", vec![one, one, f16::NAN]),
        ("infinite", vec![one, f16::NEG_INFINITY, one]),
        // What is too large for such a number becomes infinite where it becomes one.
        ("infinite", vec![one, f16::from_f32(65_520.0), one]),
    ] {
        let row = Sound { spectrum: spectrum.clone(), ..sound(2) };
        is_refused(says, sounds.put(row.clone()).await);
        is_refused(says, sounds.put_bulk([sound(3), row]).await);
        let patch = SoundPatch { spectrum: Set(spectrum), ..Default::default() };
        is_refused(says, sounds.update(&1, patch).await);
    }
    assert_eq!(sounds.get_all().await?, [sound(1)]);
    let halves = set_up::<Halves>(store).await?;
    is_refused("NaN", halves.put(Halves::new(1, vec![f16::NAN])).await);
    Ok(())
}
