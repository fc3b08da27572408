//! `crate` says where Storehouse is when it has another name, as a path or as a string.

mod database {
    pub mod engine {
        pub use storehouse::*;
    }
}

mod by_path {
    use crate::database::engine::prelude::*;

    #[derive(Table)]
    #[table(crate = crate::database::engine)]
    pub struct Product {
        #[table(key, auto)]
        pub id: i64,
        #[table(json)]
        pub attributes: Option<Vec<String>>,
    }
}

mod by_string {
    use crate::database::engine::prelude::*;

    #[derive(Table)]
    #[table(crate = "crate::database::engine")]
    pub struct Product {
        #[table(key)]
        pub id: i64,
        #[table(text)]
        pub text: String,
    }
}

fn main() {
    let _ = by_path::ProductInsert {}.with(by_path::ProductOptional::default());
    let _ = by_string::ProductInsert { id: 1, text: String::new() };
}
