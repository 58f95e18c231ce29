//! Relations: constants of the types `BelongsTo`, `HasOne`, `HasMany`, `ManyToMany` and their like.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::ast::{Model, Relation};
use crate::attributes::RelationKind;

/// The constants of a model's relations: `Author::BOOKS`.
pub(super) fn relations(model: &Model) -> TokenStream {
    if model.relations.is_empty() {
        return TokenStream::new();
    }
    let ident = &model.shape.ident;
    let constants = model.relations.iter().map(|relation| constant(model, relation));
    quote! {
        #[automatically_derived]
        impl #ident {
            #(#constants)*
        }
    }
}

fn constant(model: &Model, relation: &Relation) -> TokenStream {
    let (ident, krate) = (&model.shape.ident, &model.shape.krate);
    let Relation { kind, vis, constant, target, link, columns, on_delete: _ } = relation;
    let vis = vis.as_ref().unwrap_or(&model.shape.vis);
    let name = constant.to_string();
    let ty = match kind {
        RelationKind::BelongsTo => quote!(#krate::BelongsTo<#ident, #target>),
        RelationKind::HasOne => quote!(#krate::HasOne<#ident, #target>),
        RelationKind::HasMany => quote!(#krate::HasMany<#ident, #target>),
        RelationKind::BelongsToAny => quote!(#krate::BelongsToAny<#ident, #target>),
        RelationKind::HasManyAs => quote!(#krate::HasManyAs<#ident, #target>),
        RelationKind::ManyToMany => quote!(#krate::ManyToMany<#ident, #link, #target>),
    };
    let docs = format!("The relation `{name}` of [`{ident}`].");
    // The compiler shows a wrong column where it is declared.
    let value = quote_spanned!(columns[0].span()=> <#ty>::by(#name, #(#columns),*));
    quote! {
        #[doc = #docs]
        #vis const #constant: #ty = #value;
    }
}
