//! Puts values through a table in every way there is to write and to read them.

use std::fmt::Debug;

use storehouse::{Insertable, Table};
use storehouse_runtime::Store;

use crate::{behaviour::Outcome, expect::set_up};

/// A table with one column of a type, and the same column when it can be NULL.
macro_rules! one_column {
    ($($table:ident: $type:ty),* $(,)?) => {$(
        #[derive(Table, Clone, Debug, PartialEq)]
        struct $table {
            #[table(key)]
            id: i64,
            value: $type,
            nullable: Option<$type>,
        }

        impl OneColumn for $table {
            type Value = $type;

            fn new(id: i64, value: $type) -> Self {
                Self { id, nullable: Some(value.clone()), value }
            }

            fn nulled(&self) -> Self {
                Self { nullable: None, ..self.clone() }
            }

            fn values(&self) -> [Option<$type>; 2] {
                [Some(self.value.clone()), self.nullable.clone()]
            }
        }
    )*};
}
pub(super) use one_column;

/// A table of one column that values are put through.
pub(super) trait OneColumn: Table<Key = i64> + Clone + Debug + Insertable<Self> {
    type Value: Clone + Debug;

    fn new(id: i64, value: Self::Value) -> Self;
    /// The same row with NULL where it can be.
    fn nulled(&self) -> Self;
    fn values(&self) -> [Option<Self::Value>; 2];
}

/// Writes each value in every way, and reads it back in every way.
pub(super) async fn round_trip<T: OneColumn>(
    store: &Store,
    values: impl IntoIterator<Item = T::Value>,
) -> Outcome {
    round_trip_as::<T>(store, values.into_iter().map(|value| (value.clone(), value))).await
}

/// As [`round_trip`], for values that are cut on their way in.
pub(super) async fn round_trip_as<T: OneColumn>(
    store: &Store,
    values: impl IntoIterator<Item = (T::Value, T::Value)>,
) -> Outcome {
    // Texts that say which value it is: to the bit, since `Debug` tells -0.0 from 0.0.
    let shown = |row: &T| format!("{:?}", row.values());
    let table = set_up::<T>(store).await?;
    let mut given = Vec::new();
    let mut expected = Vec::new();
    for (id, (value, stored)) in (0..).zip(values) {
        given.push(T::new(id, value.clone()));
        expected.push(shown(&T::new(id, stored.clone())));
        let put = table.put(T::new(id, value)).await?;
        assert_eq!(shown(&put), expected[expected.len() - 1], "as `put` returns it");
        let got = table.get(&id).await?.expect("the row is there");
        assert_eq!(shown(&got), expected[expected.len() - 1], "as `get` returns it");
    }
    let all = table.get_all().await?;
    assert_eq!(all.iter().map(shown).collect::<Vec<_>>(), expected, "as a query returns it");
    let bulk = table.put_bulk(given.iter().cloned()).await?;
    assert_eq!(bulk.iter().map(shown).collect::<Vec<_>>(), expected, "as `put_bulk` returns it");
    for row in table.put_bulk(given.iter().map(T::nulled)).await? {
        assert!(row.values()[1].is_none(), "NULL came back as {row:?}");
    }
    for row in table.get_all().await? {
        assert!(row.values()[1].is_none(), "NULL came back as {row:?}");
    }
    Ok(())
}
