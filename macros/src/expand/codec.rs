//! The expressions that turn one field into a value and back.
//!
//! The trait is always written out as `<Type as Trait>`, at the place of the field's type: a type
//! that cannot be a column gives the same message each time, and rustc prints it once.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Type, spanned::Spanned as _};

use super::{Expand, Position};
use crate::model::{Column, Content};

impl Expand<'_> {
    /// `<i64 as ::storehouse::ColumnValue>`
    pub fn as_column_value(&self, ty: &Type) -> TokenStream {
        let krate = self.krate;
        quote_spanned!(ty.span()=> <#ty as #krate::ColumnValue>)
    }

    /// What encodes and decodes a field that is not kept as JSON: its `ColumnValue`, or, so that a
    /// wrong type of a vector has one message, its `VectorColumn`.
    pub fn as_codec(&self, column: &Column<'_>) -> TokenStream {
        let krate = self.krate;
        let ty = column.ty();
        match column.content {
            Content::Vector(_) => {
                quote_spanned!(ty.span()=> <#ty as #krate::codec::VectorColumn>)
            }
            _ => self.as_column_value(ty),
        }
    }

    /// `<Attributes as ::storehouse::__private::JsonField>`
    pub fn as_json(&self, column: &Column<'_>) -> TokenStream {
        let krate = self.krate;
        let ty = column.document();
        quote_spanned!(ty.span()=> <#ty as #krate::codec::JsonField>)
    }

    /// The value of an owned `field`, in a function that returns a `Result`.
    ///
    /// ```text
    /// <f64 as ColumnValue>::into_value(self.price)
    /// <Attributes as JsonField>::encode(&self.attributes, 6)?
    /// ```
    pub fn encode(
        &self,
        position: &Position,
        column: &Column<'_>,
        field: &TokenStream,
    ) -> TokenStream {
        if column.is_json() {
            let encoded = self.encode_json(position, column, field);
            return quote!(#encoded?);
        }
        let value = self.as_codec(column);
        quote!(#value::into_value(#field))
    }

    /// The value of a borrowed `field`, in a function that returns a `Result`.
    ///
    /// ```text
    /// <f64 as ColumnValue>::to_value(&self.price)
    /// ```
    pub fn copy(
        &self,
        position: &Position,
        column: &Column<'_>,
        field: &TokenStream,
    ) -> TokenStream {
        if column.is_json() {
            return self.encode(position, column, field);
        }
        let value = self.as_codec(column);
        quote!(#value::to_value(&#field))
    }

    /// The `Result` of encoding a `json` field.
    ///
    /// ```text
    /// <Attributes as JsonField>::encode_optional(Option::as_ref(&self.attributes), 6)
    /// ```
    pub fn encode_json(
        &self,
        position: &Position,
        column: &Column<'_>,
        field: &TokenStream,
    ) -> TokenStream {
        let json = self.as_json(column);
        if column.optional.is_some() {
            quote!(#json::encode_optional(::core::option::Option::as_ref(&#field), #position))
        } else {
            quote!(#json::encode(&#field, #position))
        }
    }

    /// The field's value, read from `source`.
    ///
    /// ```text
    /// <f64 as ColumnValue>::decode(source, 3)?
    /// ```
    pub fn decode(&self, position: &Position, column: &Column<'_>) -> TokenStream {
        if column.is_embedded() {
            let decode = self.of_embed(column, "decode");
            quote!(#decode(source, #position)?)
        } else if column.is_json() {
            let json = self.as_json(column);
            if column.optional.is_some() {
                quote!(#json::decode_optional(source, #position)?)
            } else {
                quote!(#json::decode(source, #position)?)
            }
        } else {
            let value = self.as_codec(column);
            quote!(#value::decode(source, #position)?)
        }
    }
}
