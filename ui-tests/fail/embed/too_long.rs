use storehouse::prelude::*;

#[derive(TableEmbed)]
struct Address {
    street: String,
    city: String,
}

#[derive(Table)]
struct Customer {
    #[table(key)]
    id: i64,
    #[table(embed(prefix = "a_prefix_that_is_nearly_as_long_as_a_name_can_be_in_databases"))]
    home: Address,
}

fn main() {}
