//! What can be told of a field's type from its tokens alone.
//!
//! The macro cannot resolve names, so these are guesses for better messages: a type that is not
//! recognized is left to rustc, which checks every type through the traits of the expansion.

use syn::{Expr, ExprLit, GenericArgument, Lit, PathArguments, PathSegment, Type};

/// A type, as far as its tokens tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `i8` to `i64`, `u8` to `u32`.
    Integer,
    /// `f32` and `f64`.
    Float,
    Bool,
    Text,
    Uuid,
    Bytes,
    DateTime,
    /// `Vec<f32>`, or an array of `f32`.
    FloatList,
    /// `Vec<f16>`, or an array of `f16`.
    HalfList,
    /// `Vec<i8>`, or an array of `i8`.
    SmallIntegerList,
    /// `Vec<String>`.
    TextList,
    /// A `Vec` of another type that is recognized.
    OtherList,
    /// `serde_json::Value`.
    Json,
    /// An integer type that not every backend holds.
    TooWide,
    /// Another name, which may be an alias of anything.
    Unknown,
}

impl Known {
    /// Looks through one `Option`.
    pub fn of(ty: &Type) -> Self {
        let ty = option_inner(ty).unwrap_or(ty);
        if let Type::Array(array) = transparent(ty) {
            let known = Self::of_list(&array.elem);
            return if known.is_numbers() { known } else { Self::Unknown };
        }
        let Some(segment) = last_segment(ty) else { return Self::Unknown };
        match segment.ident.to_string().as_str() {
            "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" => Self::Integer,
            "u64" | "u128" | "i128" | "usize" | "isize" => Self::TooWide,
            "f32" | "f64" => Self::Float,
            "bool" => Self::Bool,
            "String" => Self::Text,
            "Uuid" => Self::Uuid,
            "DateTime" | "NaiveDateTime" | "NaiveDate" | "NaiveTime" => Self::DateTime,
            "Value" if is_of_serde_json(ty) => Self::Json,
            "Vec" => only_argument(segment).map_or(Self::Unknown, Self::of_list),
            _ => Self::Unknown,
        }
    }

    fn of_list(element: &Type) -> Self {
        match last_segment(element) {
            Some(name) if name.ident == "u8" => Self::Bytes,
            Some(name) if name.ident == "f32" => Self::FloatList,
            Some(name) if name.ident == "f16" => Self::HalfList,
            Some(name) if name.ident == "i8" => Self::SmallIntegerList,
            Some(name) if name.ident == "String" => Self::TextList,
            _ if Self::of(element) == Self::Unknown => Self::Unknown,
            _ => Self::OtherList,
        }
    }
}

impl Known {
    /// Whether it is a list of numbers, as vectors are.
    pub const fn is_numbers(self) -> bool {
        matches!(self, Self::FloatList | Self::HalfList | Self::SmallIntegerList)
    }

    /// The name of the elements of a list of numbers, as `element` has it.
    pub const fn element(self) -> Option<&'static str> {
        match self {
            Self::FloatList => Some("f32"),
            Self::HalfList => Some("f16"),
            Self::SmallIntegerList => Some("i8"),
            _ => None,
        }
    }
}

/// The length of an array, where it is a plain number; looks through one `Option`.
pub fn array_length(ty: &Type) -> Option<u64> {
    let ty = option_inner(ty).unwrap_or(ty);
    let Type::Array(array) = transparent(ty) else { return None };
    match &array.len {
        Expr::Lit(ExprLit { lit: Lit::Int(length), .. }) => length.base10_parse().ok(),
        _ => None,
    }
}

/// Whether it is an array, in an `Option` or not.
pub fn is_array(ty: &Type) -> bool {
    matches!(transparent(option_inner(ty).unwrap_or(ty)), Type::Array(_))
}

/// The `T` of an `Option<T>`.
pub fn option_inner(ty: &Type) -> Option<&Type> {
    last_segment(ty).filter(|segment| segment.ident == "Option").and_then(only_argument)
}

/// The last name of a type's path: `DateTime` of `chrono::DateTime<Utc>`.
pub fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match transparent(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// The type without parentheses, and without the group that a `macro_rules` variable leaves.
pub fn transparent(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            other => return other,
        };
    }
}

/// A `Value` without its crate may be anybody's.
fn is_of_serde_json(ty: &Type) -> bool {
    let Type::Path(path) = transparent(ty) else { return false };
    path.path.segments.iter().rev().nth(1).is_some_and(|module| module.ident == "serde_json")
}

fn only_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(argument)) if arguments.args.len() == 1 => Some(argument),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_recognized_by_their_last_name() {
        let known = |tokens: &str| Known::of(&syn::parse_str(tokens).unwrap());
        assert_eq!(known("std::string::String"), Known::Text);
        assert_eq!(known("Option<(String)>"), Known::Text);
        assert_eq!(known("Vec<f32>"), Known::FloatList);
        assert_eq!(known("std::option::Option<Vec<std::string::String>>"), Known::TextList);
        assert_eq!(known("Vec<u8>"), Known::Bytes);
        assert_eq!(known("Vec<i64>"), Known::OtherList);
        assert_eq!(known("Vec<Element>"), Known::Unknown);
        assert_eq!(known("chrono::DateTime<Utc>"), Known::DateTime);
        assert_eq!(known("[u8; 4]"), Known::Unknown);
        assert_eq!(known("[f32; 4]"), Known::FloatList);
        assert_eq!(known("Option<[half::f16; N]>"), Known::HalfList);
        assert_eq!(known("Vec<i8>"), Known::SmallIntegerList);
        assert_eq!(known("u128"), Known::TooWide);
        assert_eq!(known("Option<serde_json::Value>"), Known::Json);
        assert_eq!(known("Value"), Known::Unknown);
    }
}
