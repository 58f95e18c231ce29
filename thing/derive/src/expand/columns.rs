//! Typed columns: a type for each column, and the constants of that type.

use proc_macro2::TokenStream;
use quote::quote;

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
                constants.extend(quote! {
                    #docs
                    #vis const #constant: <#ty as #krate::Embed>::Columns<#ident, { #offset }> =
                        #krate::__private::EmbedColumns::COLUMNS;
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

/// What the field's constant and the field in the struct for new objects say of themselves.
pub(super) fn docs(field: &Field) -> TokenStream {
    let summary = match &field.kind {
        FieldKind::Column(column) => format!("The column `{}`.", column.name),
        FieldKind::Embed { .. } | FieldKind::Ignored => format!("The columns of `{}`.", field.ident),
    };
    let docs = &field.docs;
    quote! {
        #[doc = #summary]
        #[doc = ""]
        #(#docs)*
    }
}
