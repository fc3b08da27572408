//! What the derive writes does not depend on what is in scope.
#![allow(dead_code, non_camel_case_types)]

use ::storehouse::Table;

struct Option;
struct Result;
struct String;
struct Vec;
struct Some;
struct None;
struct Ok;
struct Err;
struct Default;
struct Clone;
struct Debug;
struct usize;
struct Row;
struct Column;
struct Value;
trait From {}
trait Into {}
trait ColumnValue {
    const TYPE: () = ();
    fn into_value(self) -> ();
    fn to_value(&self) {}
}
impl<T> ColumnValue for T {
    fn into_value(self) {}
}

mod core {}
mod std {}
mod storehouse {}
macro_rules! vec {
    ($($tokens:tt)*) => {
        compile_error!("the user's")
    };
}

const VALUE: i64 = 3;

#[derive(Table)]
#[table(index(text))]
struct Product {
    #[table(key, auto)]
    id: i64,
    text: ::std::string::String,
    #[table(json)]
    list: ::std::vec::Vec<i64>,
    maybe: ::std::option::Option<i64>,
    #[table(default = VALUE)]
    value: i64,
    #[table(skip)]
    skipped: i64,
}

fn main() {
    assert_eq!(Product::definition().columns.len(), 5);
    let _ = ProductInsert { text: "".into(), list: ::std::vec![1] }
        .with(ProductOptional { maybe: ::std::option::Option::Some(1), ..::std::default::Default::default() });
}
