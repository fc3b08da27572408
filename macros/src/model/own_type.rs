//! Types of one's own that are columns: enums and newtypes, and the rules about them.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{
    Data, DeriveInput, Expr, ExprLit, Fields, Ident, Lit, Path, Type, UnOp, ext::IdentExt as _,
};

use super::{
    check,
    type_name::{last_segment, option_inner},
};
use crate::{
    errors::Errors,
    parse::{
        EnumAttributes, NewtypeAttributes, SerdeName, VariantAttributes, check_newtype_field,
        variant_case,
    },
};

/// An enum as a column.
pub struct TableEnum<'a> {
    pub input: &'a DeriveInput,
    pub krate: TokenStream,
    /// Written when the discriminants are stored.
    pub integer: Option<Ident>,
    /// Each variant with its name as it is stored.
    pub variants: Vec<(&'a Ident, String)>,
}

impl<'a> TableEnum<'a> {
    /// Makes the model; mistakes go to `errors`.
    pub fn new(input: &'a DeriveInput, errors: &Errors) -> Self {
        let attributes = EnumAttributes::parse(&input.attrs, errors);
        let integer = attributes.integer;
        let rule = attributes.rename_all.map(|rule| rule.value());
        check_no_parameters(input, "an enum in a column", errors);
        let mut variants = Vec::new();
        match &input.data {
            Data::Enum(data) => {
                if data.variants.is_empty() {
                    errors.at(
                        &input.ident,
                        "an enum without variants has no value to store; add a variant",
                    );
                }
                for variant in &data.variants {
                    if !matches!(variant.fields, Fields::Unit) {
                        errors.at(
                            &variant.fields,
                            format!(
                                "a column holds a variant's name and not its data; remove the \
                                 data, or remove `TableEnum` and keep `{}` with `#[table(json)]`",
                                input.ident
                            ),
                        );
                    }
                    let written =
                        VariantAttributes::parse(&variant.attrs, integer.as_ref(), errors);
                    let (name, place) =
                        variant_name(&variant.ident, &written, rule.as_deref(), errors);
                    check_name(&name, &place, &variants, integer.is_some(), errors);
                    variants.push((&variant.ident, name));
                    if let (Some(_), Some((_, discriminant))) = (&integer, &variant.discriminant) {
                        check_discriminant(discriminant, errors);
                    }
                }
            }
            Data::Struct(data) => errors.at(
                data.struct_token,
                "`TableEnum` is for enums; write `#[derive(TableNewtype)]` for a struct of one \
                 field, and `#[derive(TableEmbed)]` for one of several columns",
            ),
            Data::Union(data) => {
                errors.at(data.union_token, "`TableEnum` is for enums; write an enum");
            }
        }
        Self {
            input,
            krate: attributes.krate.unwrap_or_else(|| quote!(::storehouse)),
            integer,
            variants,
        }
    }
}

/// The name and where it was written: `#[table(rename)]`, else serde's, else the variant's.
fn variant_name(
    ident: &Ident,
    written: &VariantAttributes,
    rule: Option<&str>,
    errors: &Errors,
) -> (String, TokenStream) {
    let own = ident.unraw().to_string();
    match (&written.rename, &written.serde.rename) {
        (Some(name), _) | (None, Some(SerdeName::Same(name))) => {
            (name.value(), name.to_token_stream())
        }
        (None, Some(SerdeName::Different(rename))) => {
            errors.at(
                rename,
                "the names to write and to read differ, and one is stored; \
                 choose it with `#[table(rename = \"..\")]`",
            );
            (own, ident.to_token_stream())
        }
        (None, None) => {
            let name = rule.and_then(|rule| variant_case::apply(rule, &own)).unwrap_or(own);
            (name, ident.to_token_stream())
        }
    }
}

/// What is stored tells the variants apart, and every database can hold it.
fn check_name(
    name: &str,
    place: &TokenStream,
    earlier: &[(&Ident, String)],
    is_integer: bool,
    errors: &Errors,
) {
    if is_integer {
        return;
    }
    if let Some((twin, _)) = earlier.iter().find(|(_, earlier)| earlier == name) {
        errors.at(
            place,
            format!(
                "variant `{twin}` is stored as `{name}` already; \
                 give this one another name with `#[table(rename = \"..\")]`"
            ),
        );
    }
    if name.contains('\0') {
        errors.at(place, "some databases end a text at the NUL character; write a name without it");
    }
}

/// A discriminant that is written out fits 64 bits with a sign; others are checked by rustc, in a
/// constant.
fn check_discriminant(discriminant: &Expr, errors: &Errors) {
    let (is_negative, literal) = match discriminant {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => (true, &*unary.expr),
        other => (false, other),
    };
    let Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) = literal else { return };
    let Ok(number) = literal.base10_parse::<i128>() else { return };
    let number = if is_negative { -number } else { number };
    if i64::try_from(number).is_err() {
        errors.at(
            discriminant,
            format!(
                "databases hold 64 bits with a sign, and {number} is outside; give a smaller \
                 discriminant, or remove `integer` to store the variants by name"
            ),
        );
    }
}

/// A struct around one value, as a column of that value's type.
pub struct TableNewtype<'a> {
    pub input: &'a DeriveInput,
    pub krate: TokenStream,
    pub validate: Option<Path>,
    /// The type inside; `None` after a mistake.
    pub inner: Option<&'a Type>,
}

impl<'a> TableNewtype<'a> {
    /// Makes the model; mistakes go to `errors`.
    pub fn new(input: &'a DeriveInput, errors: &Errors) -> Self {
        let attributes = NewtypeAttributes::parse(&input.attrs, errors);
        check_no_parameters(input, "a newtype in a column", errors);
        let name = &input.ident;
        let mut inner = None;
        match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                    inner = fields.unnamed.first().map(|field| &field.ty);
                    for field in &fields.unnamed {
                        check_newtype_field(&field.attrs, errors);
                        check_inner(name, &field.ty, errors);
                    }
                }
                Fields::Unnamed(fields) if fields.unnamed.is_empty() => errors
                    .at(name, format!("a newtype holds one value; write `struct {name}(i64);`")),
                Fields::Unnamed(fields) => errors.at(
                    &fields.unnamed,
                    "a newtype holds one value, and so does a column; remove a field, or write a \
                     struct with named fields that derives `TableEmbed`",
                ),
                Fields::Named(fields) => {
                    let inner = fields.named.first().map_or_else(
                        || "i64".to_owned(),
                        |field| field.ty.to_token_stream().to_string().replace(' ', ""),
                    );
                    let instead = if fields.named.len() > 1 {
                        "write `#[derive(TableEmbed)]` to make each field a column".to_owned()
                    } else {
                        format!("write `struct {name}({inner});`")
                    };
                    errors.at(
                        fields.named.first().and_then(|field| field.ident.as_ref()).unwrap_or(name),
                        format!("a newtype's value has no name; {instead}"),
                    );
                }
                Fields::Unit => errors
                    .at(name, format!("a newtype holds one value; write `struct {name}(i64);`")),
            },
            Data::Enum(data) => errors.at(
                data.enum_token,
                "`TableNewtype` is for structs of one field; write `#[derive(TableEnum)]` for an \
                 enum",
            ),
            Data::Union(data) => errors.at(
                data.union_token,
                format!("`TableNewtype` is for structs of one field; write `struct {name}(..);`"),
            ),
        }
        Self {
            input,
            krate: attributes.krate.unwrap_or_else(|| quote!(::storehouse)),
            validate: attributes.validate,
            inner,
        }
    }
}

/// Whether the type inside can be a column, as far as its tokens tell.
fn check_inner(name: &Ident, ty: &Type, errors: &Errors) {
    if option_inner(ty).is_some() {
        errors.at(
            ty,
            format!(
                "a newtype is never NULL; write the type without `Option` here, and \
                 `Option<{name}>` where the column can be NULL"
            ),
        );
    } else if let Some(problem) = check::too_wide(ty) {
        errors.at(ty, problem);
    } else if last_segment(ty).is_none() && matches!(ty, Type::Reference(_)) {
        errors.at(ty, "a row owns its values; write `String` for `&str` and `Vec<u8>` for `&[u8]`");
    }
}

/// A column has one type, so that of one's own has no parameters.
fn check_no_parameters(input: &DeriveInput, what: &str, errors: &Errors) {
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            format!("{what} has one type; remove the parameters and write the types"),
        );
    }
}
