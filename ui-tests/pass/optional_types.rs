//! The types of other crates, and vectors of every kind.

use half::f16;
use rust_decimal::Decimal;
use storehouse::{ColumnType, Metric, VectorElement, VectorType, prelude::*};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

type Embedding = Option<[f16; LENGTH]>;

const LENGTH: usize = 3;

#[derive(Table, Clone, Debug, PartialEq)]
#[table(index(at, list))]
struct Price {
    #[table(key)]
    amount: Decimal,
    #[table(key)]
    at: OffsetDateTime,
    list: Option<Decimal>,
    local: PrimitiveDateTime,
    #[table(default = Time::MIDNIGHT)]
    time: Time,
    day: Date,
    halves: Vec<f16>,
    #[table(vector(dim = 4, element = "f16"))]
    of_halves: Vec<f16>,
    #[table(vector(metric = "l2"))]
    of_an_alias: Embedding,
    #[table(vector(dim = 3))]
    of_a_constant: [f16; LENGTH],
    #[table(vector)]
    of_integers: [i8; 2],
    #[table(vector(dim = 5))]
    alone: Vec<i8>,
    fixed: [f32; 7],
}

fn main() {
    let definition = Price::definition();
    let column_type =
        |name: &str| definition.columns[definition.column(name).unwrap()].column_type;
    let vector = |dimension, metric, element| {
        ColumnType::Vector(VectorType { dimension, metric, element })
    };
    assert_eq!(column_type("amount"), ColumnType::Decimal);
    assert_eq!(column_type("at"), ColumnType::DateTime);
    assert_eq!(column_type("local"), ColumnType::LocalDateTime);
    assert_eq!(column_type("halves"), ColumnType::F16List);
    let (cosine, half) = (Metric::Cosine, VectorElement::F16);
    assert_eq!(column_type("of_halves"), vector(4, cosine, half));
    assert_eq!(column_type("of_an_alias"), vector(3, Metric::L2, half));
    assert_eq!(column_type("of_a_constant"), vector(3, cosine, half));
    assert_eq!(column_type("of_integers"), vector(2, cosine, VectorElement::I8));
    assert_eq!(column_type("alone"), vector(5, cosine, VectorElement::I8));
    assert_eq!(column_type("fixed"), ColumnType::FloatList);

    let _ = Price::AMOUNT.gt(Decimal::ONE) & Price::LIST.eq(Decimal::TEN) & Price::LIST.eq(None);
    let _ = Price::AT.lt(OffsetDateTime::UNIX_EPOCH) & Price::DAY.between(Date::MIN, Date::MAX);
    let _ = (Price::AMOUNT.asc(), Price::TIME.desc());
}
