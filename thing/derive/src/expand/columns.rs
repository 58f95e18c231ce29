//! Typed columns: a type for each column, and the constants of that type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::ast::{Field, FieldKind, Model};

/// The types and constants of a model: `User::AGE`, and `User::BASE` for an embed.
pub(super) fn columns(model: &Model) -> TokenStream {
    let shape = &model.shape;
    let (ident, krate) = (&shape.ident, &shape.krate);
    let mut markers = TokenStream::new();
    let mut constants = TokenStream::new();
    for (field, offset) in shape.fields.iter().zip(shape.offsets()) {
        let (constant, vis, ty) = (field.constant(), &field.column_vis, &field.ty);
        let docs = docs(field);
        match &field.kind {
            FieldKind::Column(column) => {
                let marker = &column.marker;
                markers.extend(quote! {
                    #vis enum #marker {}

                    #[automatically_derived]
                    impl #krate::ColumnSpec for #marker {
                        type Model = #ident;
                        type Type = #ty;
                    }
                });
                constants.extend(quote! {
                    #docs
                    #vis const #constant: #krate::Column<#marker> = #krate::Column::at(#offset);
                });
            }
            FieldKind::Embed { .. } => {
                let columns = shape.embed(field, "Columns");
                let columns = quote_spanned!(ty.span()=> #columns<#ident, { #offset }>);
                let value = quote_spanned!(ty.span()=> <#columns as #krate::__private::EmbedColumns>::COLUMNS);
                constants.extend(quote! {
                    #docs
                    #vis const #constant: #columns = #value;
                });
            }
            FieldKind::Ignored => {}
        }
    }
    quote! {
        #markers

        #[automatically_derived]
        impl #ident {
            #constants
        }
    }
}

/// What the field's constant says of itself.
pub(super) fn docs(field: &Field) -> TokenStream {
    let summary = match &field.kind {
        FieldKind::Column(column) => format!("The column `{}`.", column.name),
        FieldKind::Embed { .. } | FieldKind::Ignored => format!("The columns of `{}`.", field.ident),
    };
    let docs = &field.docs;
    if docs.is_empty() {
        return quote!(#[doc = #summary]);
    }
    quote!(#[doc = #summary] #[doc = ""] #(#docs)*)
}
