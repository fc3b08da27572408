//! What the derives of types of one's own write.

use insta::assert_snapshot;
use proc_macro2::TokenStream;
use syn::DeriveInput;

fn parsed(item: &str) -> DeriveInput {
    syn::parse_str(item).expect("the test's item parses")
}

fn printed(expansion: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(expansion).expect("the expansion parses"))
}

#[test]
fn an_enum() {
    let expansion = printed(crate::expand_enum(&parsed(
        r#"
        #[table(rename_all = "snake_case")]
        pub enum Status {
            Draft,
            InReview,
            Published,
            #[table(rename = "old")]
            Archived,
            Deleted,
        }
        "#,
    )));
    let lines = expansion.lines().count();
    assert!(lines < 80, "an enum of five variants takes {lines} lines");
    assert_snapshot!(expansion);
}

#[test]
fn an_enum_of_integers() {
    assert_snapshot!(printed(crate::expand_enum(&parsed(
        "#[table(integer)] enum Level { Low = -1, High = 10 }"
    ))));
}

#[test]
fn a_newtype() {
    assert_snapshot!(printed(crate::expand_newtype(&parsed("pub struct ProductId(i64);"))));
}

#[test]
fn a_newtype_that_is_checked() {
    assert_snapshot!(printed(crate::expand_newtype(&parsed(
        "#[table(validate = checks::sku)] struct Sku(String);"
    ))));
}

#[test]
fn an_embedded_struct() {
    assert_snapshot!(printed(crate::expand_embed(parsed(
        r#"
        pub struct Address {
            /// With its number.
            pub street: String,
            #[table(embed(prefix = "at_"))]
            place: Place,
            #[table(json)]
            tags: Option<Vec<String>>,
            #[table(skip)]
            cache: Cache,
        }
        "#
    ))));
}

#[test]
fn a_table_that_embeds() {
    assert_snapshot!(printed(crate::expand(parsed(
        r#"
        #[table(index(address.city, name))]
        struct Customer {
            #[table(embed)]
            address: Address,
            #[table(key, auto)]
            id: CustomerId,
            #[table(embed(prefix = ""))]
            place: Place,
            name: String,
        }
        "#
    ))));
}

/// The messages of a faulty enum.
fn mistakes(item: &str) -> String {
    let input = parsed(item);
    let errors = crate::errors::Errors::new();
    crate::model::TableEnum::new(&input, &errors);
    errors.finish().map_or_else(String::new, |errors| errors.to_string())
}

#[test]
fn stored_names_are_what_serde_would_write() {
    let input = parsed(
        r#"
        #[serde(rename_all = "kebab-case")]
        enum Status {
            InReview,
            #[serde(rename = "Live!")]
            Published,
            #[serde(rename = "old")]
            #[table(rename = "archived")]
            Old,
            r#Type,
        }
        "#,
    );
    let errors = crate::errors::Errors::new();
    let model = crate::model::TableEnum::new(&input, &errors);
    assert!(errors.finish().is_none());
    let names: Vec<&str> = model.variants.iter().map(|(_, name)| &**name).collect();
    assert_eq!(names, ["in-review", "Live!", "archived", "type"]);
}

#[test]
fn every_mistake_of_an_enum_is_found_at_once() {
    let found = mistakes(
        r#"
        #[table(intger, rename_all = "kebab")]
        enum Status {
            #[table(renam = "a")]
            A(i32),
            #[table(rename = "B\0")]
            B,
            #[table(rename = "B\0")]
            C,
        }
        "#,
    );
    for part in [
        "did you mean `integer`",
        "there is no case `kebab`",
        "did you mean `rename`",
        "name and not its data",
        "end a text at the NUL character",
        "variant `B` is stored as",
    ] {
        assert!(found.contains(part), "expected {part:?} in {found}");
    }
}
