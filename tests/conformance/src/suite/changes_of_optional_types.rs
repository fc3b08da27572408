//! Changes of rows with values of other crates' types.

use half::f16;
use rust_decimal::Decimal;
use storehouse::{Since, Table};
use storehouse_runtime::Store;

use super::changes::next;
use crate::{behaviour::Outcome, expect::set_up};

#[derive(Table, Clone, Debug, PartialEq)]
#[table(name = "measures", changes)]
struct Measure {
    #[table(key)]
    id: i64,
    amount: Decimal,
    limit: Option<Decimal>,
    halves: Vec<f16>,
    #[table(vector(dim = 3, element = "f16"))]
    vector: Vec<f16>,
    pair: Option<[f16; 2]>,
}

pub(crate) async fn carry_them_to_the_bit(store: &Store) -> Outcome {
    let table = set_up::<Measure>(store).await?;
    let numbers = [f16::NEG_ZERO, f16::MAX, f16::MIN_POSITIVE_SUBNORMAL];
    let first = Measure {
        id: 1,
        amount: Decimal::MIN,
        limit: Some(Decimal::new(1, 28)),
        halves: vec![f16::NEG_INFINITY, f16::EPSILON],
        vector: numbers.to_vec(),
        pair: Some([f16::NEG_ZERO, f16::from_f32(0.1)]),
    };
    let second = Measure {
        amount: Decimal::new(-12_345, 4),
        limit: None,
        halves: Vec::new(),
        pair: None,
        ..first.clone()
    };
    let mut changes = table.changes(Since::Now).await?;
    table.put(first.clone()).await?;
    table.put(second.clone()).await?;
    table.delete(&1).await?;
    let shown = |row: &Option<Measure>| format!("{row:?}");
    let (first, second) = (shown(&Some(first)), shown(&Some(second)));
    assert_eq!(shown(&next(&mut changes).await?.new), first);
    let update = next(&mut changes).await?;
    assert_eq!((shown(&update.old), shown(&update.new)), (first, second.clone()));
    assert_eq!(shown(&next(&mut changes).await?.old), second);
    Ok(())
}
