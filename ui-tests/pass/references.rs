// References by path, to the table itself, to a unique column, from a key, with constants in a
// type of their own, and to a table that is less visible.
#![deny(warnings)]
#![allow(dead_code)]

mod shop {
    use storehouse::prelude::*;

    type Id = i64;

    #[derive(Table)]
    #[table(columns = "CustomerColumns")]
    pub(crate) struct Customer {
        #[table(key, auto)]
        pub(crate) id: Id,
        #[table(unique)]
        pub(crate) r#type: Option<String>,
    }
}

use storehouse::{Reference, prelude::*};

#[derive(Table)]
pub struct Order {
    #[table(key, references(shop::Customer::id, on_delete = "cascade"))]
    pub customer_id: i64,
    #[table(index, references(crate::shop::Customer::r#type, on_delete = "set null"))]
    pub contact: Option<String>,
    #[table(references(Self::customer_id))]
    pub before: Option<i64>,
}

#[derive(Table)]
#[table(columns = "NodeColumns")]
struct Node {
    #[table(key)]
    id: uuid::Uuid,
    #[table(unique, references(Node::id, on_delete = "restrict",))]
    r#next: Option<uuid::Uuid>,
}

const TO_CUSTOMER: Reference<Order, shop::Customer> = Order::CUSTOMER_ID_REFERENCE;

fn main() {
    let order = Order::definition();
    let names: Vec<&str> = order.indexes.iter().map(|index| &*index.name).collect();
    // One for each column that refers, unless one begins with it.
    assert_eq!(names, ["order_contact_idx", "order_before_idx"]);
    assert_eq!(order.references.len(), 3);
    assert_eq!(order.references[1].target(order).columns[1].name, "type");
    assert!(order.references[2].is_to_itself(order));
    assert_eq!((TO_CUSTOMER.column(), TO_CUSTOMER.referenced()), (0, 0));
    assert_eq!(Node::definition().indexes.len(), 1);
    let _ = NodeColumns::NEXT_REFERENCE;
}
