use storehouse::prelude::*;

#[derive(Table)]
struct Product {
    #[table(key)]
    id: i64,
    a_column_with_a_name_of_more_bytes_than_postgresql_keeps_of_any_identifier: String,
}

fn main() {}
