//! serde's attributes that also name or leave out a column: `rename_all`, `rename` and `skip`.
//!
//! Only these are read, and leniently: what serde itself finds wrong, serde reports.

use syn::{Attribute, Ident, LitStr};

use super::attribute::{Item, ItemValue, items, items_of};
use crate::errors::Errors;

/// serde's attributes of a field.
#[derive(Default)]
pub struct SerdeField {
    pub rename: Option<SerdeName>,
    pub skip: Option<Ident>,
}

/// The name that serde gives to a field.
pub enum SerdeName {
    /// One name for writing and reading.
    Same(LitStr),
    /// Two names, of which a column can only have one.
    Different(Ident),
}

impl SerdeField {
    pub fn parse(attributes: &[Attribute]) -> Self {
        let mut parsed = Self::default();
        for item in serde_items(attributes) {
            if item.name == "skip" {
                parsed.skip = Some(item.name);
            } else if item.name == "rename" {
                parsed.rename = both_directions(&item);
            }
        }
        parsed
    }
}

/// The rule of the struct's `#[serde(rename_all = "..")]`.
pub fn rename_all(attributes: &[Attribute]) -> Option<RenameRule> {
    RenameRule::from_name(&rename_all_name(attributes)?.value())
}

/// The rule as it is written.
pub fn rename_all_name(attributes: &[Attribute]) -> Option<LitStr> {
    let items = serde_items(attributes);
    let item = items.iter().find(|item| item.name == "rename_all")?;
    match both_directions(item)? {
        SerdeName::Same(rule) => Some(rule),
        // Reading JSON and writing it differ; the column keeps the field's own name.
        SerdeName::Different(_) => None,
    }
}

fn serde_items(attributes: &[Attribute]) -> Vec<Item> {
    let errors = Errors::new();
    let items = items(attributes, "serde", &errors);
    drop(errors.finish());
    items
}

/// `rename = ".."`, or `rename(serialize = "..", deserialize = "..")`.
fn both_directions(item: &Item) -> Option<SerdeName> {
    match &item.value {
        ItemValue::None => None,
        ItemValue::Assigned(name) => syn::parse2(name.clone()).ok().map(SerdeName::Same),
        ItemValue::List(list) => {
            let errors = Errors::new();
            let names: Vec<LitStr> = (items_of(list.clone(), &errors).iter())
                .filter_map(|item| item.string("name", &errors))
                .collect();
            drop(errors.finish());
            match &*names {
                [one, other] if one.value() == other.value() => Some(SerdeName::Same(one.clone())),
                _ => Some(SerdeName::Different(item.name.clone())),
            }
        }
    }
}

/// How serde makes every name of a struct from its field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameRule {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
}

impl RenameRule {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            // A column's name has no hyphens: the kebab cases keep the underscores.
            "snake_case" | "kebab-case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" | "SCREAMING-KEBAB-CASE" => Self::ScreamingSnake,
            _ => return None,
        })
    }

    /// The name of a field.
    pub fn apply(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => pascal_case(field),
            Self::Camel => {
                let pascal = pascal_case(field);
                match pascal.chars().next() {
                    Some(first) => {
                        first.to_ascii_lowercase().to_string() + &pascal[first.len_utf8()..]
                    }
                    None => pascal,
                }
            }
        }
    }
}

fn pascal_case(field: &str) -> String {
    let mut pascal = String::with_capacity(field.len());
    let mut begins = true;
    for character in field.chars() {
        if character == '_' {
            begins = true;
        } else if begins {
            pascal.push(character.to_ascii_uppercase());
            begins = false;
        } else {
            pascal.push(character);
        }
    }
    pascal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_that_of_serde_but_for_hyphens() {
        let all = [
            ("lowercase", "unit_price"),
            ("UPPERCASE", "UNIT_PRICE"),
            ("PascalCase", "UnitPrice"),
            ("camelCase", "unitPrice"),
            ("snake_case", "unit_price"),
            ("SCREAMING_SNAKE_CASE", "UNIT_PRICE"),
            ("kebab-case", "unit_price"),
            ("SCREAMING-KEBAB-CASE", "UNIT_PRICE"),
        ];
        for (rule, expected) in all {
            let applied = RenameRule::from_name(rule).map(|rule| rule.apply("unit_price"));
            assert_eq!(applied.as_deref(), Some(expected), "{rule}");
        }
        assert_eq!(RenameRule::from_name("Title Case"), None);
    }
}
