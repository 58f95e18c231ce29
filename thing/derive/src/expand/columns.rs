//! Typed columns: a type for each column, and the constants of that type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::ast::{Field, FieldKind, Key, Model};

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
    let unique = unique_keys(model);
    quote! {
        #markers

        #unique

        #[automatically_derived]
        impl #ident {
            #constants
        }
    }
}

/// What `find_or_create` can look by.
fn unique_keys(model: &Model) -> TokenStream {
    let shape = &model.shape;
    let (ident, krate) = (&shape.ident, &shape.krate);
    let key = match &model.key {
        Key::Fields { fields, generated: false } => fields.as_slice(),
        Key::Fields { .. } | Key::Embed(_) => &[],
    };
    let keys = shape.unique(key).into_iter().map(|fields| {
        let markers: Vec<&Ident> = fields.iter().filter_map(|&at| Some(&shape.fields[at].column()?.marker)).collect();
        if let [marker] = markers.as_slice() {
            return quote! {
                #[automatically_derived]
                impl #krate::__private::UniqueColumn for #marker {}
            };
        }
        let parts = (0..markers.len()).map(syn::Index::from);
        quote! {
            #[automatically_derived]
            impl #krate::UniqueKey<#ident> for (#(#krate::Column<#markers>,)*) {
                fn columns(self) -> ::std::vec::Vec<usize> {
                    ::std::vec![#(self.#parts.index()),*]
                }
            }
        }
    });
    quote!(#(#keys)*)
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
