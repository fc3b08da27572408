use storehouse::prelude::*;

#[derive(Table)]
enum Product {
    Tool,
    Toy,
}

fn main() {}
