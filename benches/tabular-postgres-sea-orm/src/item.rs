//! The entity: a [`Row`] as SeaORM has it.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use tabular_postgres_common::Row;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    #[sea_orm(indexed)]
    pub category: String,
    pub name: String,
    pub quantity: i64,
    pub price: f64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Row> for ActiveModel {
    fn from(Row { id, category, name, quantity, price }: Row) -> Self {
        Self {
            id: Set(id),
            category: Set(category),
            name: Set(name),
            quantity: Set(quantity),
            price: Set(price),
        }
    }
}

impl From<Model> for Row {
    fn from(Model { id, category, name, quantity, price }: Model) -> Self {
        Self { id, category, name, quantity, price }
    }
}

/// What makes an insert an upsert: replace the whole row.
pub fn replace() -> OnConflict {
    OnConflict::column(Column::Id)
        .update_columns([Column::Category, Column::Name, Column::Quantity, Column::Price])
        .to_owned()
}
