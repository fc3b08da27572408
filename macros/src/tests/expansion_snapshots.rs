//! What the derive writes, kept so that a change of it can be read in review.

mod own_types;

use insta::assert_snapshot;

/// The expansion, as rustfmt might print it.
fn expansion(item: &str) -> String {
    let input = syn::parse_str(item).expect("the test's struct parses");
    let file = syn::parse2(crate::expand(input));
    prettyplease::unparse(&file.expect("the expansion parses"))
}

#[test]
fn a_simple_key() {
    assert_snapshot!(expansion(
        "
        /// What the user chose.
        pub struct Setting {
            #[table(key)]
            pub name: String,
            /// As text.
            pub value: String,
        }
        "
    ));
}

#[test]
fn a_compound_key_and_indexes() {
    assert_snapshot!(expansion(
        r#"
        #[table(name = "order_lines", schema = "shop", index(sku, quantity), columns = "Lines")]
        struct OrderLine {
            #[table(key)]
            order: Uuid,
            #[table(key)]
            line: i32,
            #[table(index)]
            sku: String,
            quantity: u32,
            #[table(unique)]
            label: Option<String>,
        }
        "#
    ));
}

#[test]
fn references() {
    assert_snapshot!(expansion(
        r#"
        struct Order {
            #[table(key)]
            id: i64,
            #[table(references(shop::Customer::id, on_delete = "set null"))]
            pub customer_id: Option<i64>,
            #[table(references(Self::id))]
            before: i64,
        }
        "#
    ));
}

#[test]
fn everything() {
    assert_snapshot!(expansion(
        r#"
        /// A document,
        /// with all there is.
        #[serde(rename_all = "camelCase")]
        #[table(crate = my::storehouse)]
        pub(crate) struct Document {
            #[table(key, auto)]
            pub id: i64,
            #[table(text)]
            pub body: String,
            #[table(vector(dim = 384, metric = "dot"))]
            pub embedding: Vec<f32>,
            #[table(json(schema), metadata)]
            pub origin: Origin,
            #[table(json)]
            pub links: Option<Vec<Link>>,
            #[table(default = 1 + BASE)]
            pub revision: i32,
            #[table(default)]
            pub word_count: u32,
            #[table(rename = "kind")]
            pub r#type: String,
            #[table(skip)]
            pub cache: Cache,
        }
        "#
    ));
}

#[test]
fn a_projection() {
    let input = syn::parse_str(
        r"
        #[table(of = shop::Product)]
        struct Card {
            sku: String,
            #[table(column = unit_price)]
            price: f64,
        }
        ",
    );
    let expanded = crate::projection::expand(&input.expect("the test's struct parses"));
    let file = syn::parse2(expanded).expect("the expansion parses");
    assert_snapshot!(prettyplease::unparse(&file));
}
