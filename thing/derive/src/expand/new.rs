//! New objects: the struct without what the database and the clock fill in.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::{columns, local};
use crate::ast::{Field, FieldKind, Model, Shape, Source};

/// The struct for new objects, and its implementations.
pub(super) fn new(model: &Model, name: &Ident) -> (TokenStream, TokenStream) {
    let shape = &model.shape;
    let (ident, vis) = (&shape.ident, &shape.vis);
    let given: Vec<&Field> = shape.fields.iter().filter(|field| is_given(field)).collect();
    let summary = format!("A new [`{ident}`], without what the database and the clock fill in.");
    let fields = given.iter().map(|field| {
        let (vis, ident, ty) = (&field.vis, &field.ident, &field.ty);
        let docs = match field.docs.as_slice() {
            [] => columns::docs(field),
            docs => quote!(#(#docs)*),
        };
        match source(field) {
            Some(Source::Default(_)) => quote! {
                #docs
                #[doc = ""]
                #[doc = "`None` stands for the default."]
                #vis #ident: ::core::option::Option<#ty>
            },
            _ => quote!(#docs #vis #ident: #ty),
        }
    });
    let new = local("new");
    let values = shape.fields.iter().map(|field| {
        let name = &field.ident;
        let value = if matches!(source(field), Some(Source::Given)) || is_given_embed(field) {
            quote!(#new.#name)
        } else if matches!(source(field), Some(Source::Default(_))) {
            let function = field.function();
            quote!(#new.#name.unwrap_or_else(#function))
        } else {
            unset(shape, field)
        };
        quote!(#name: #value)
    });
    let declaration = quote! {
        #[doc = #summary]
        #[allow(dead_code)]
        #[derive(::core::clone::Clone)]
        #vis struct #name {
            #(#fields),*
        }
    };
    let traits = traits(name, &given);
    let implementations = quote! {
        #traits

        #[automatically_derived]
        impl ::core::convert::From<#name> for #ident {
            fn from(#new: #name) -> Self {
                Self { #(#values),* }
            }
        }
    };
    (declaration, implementations)
}

/// `Debug` and `Default`, each as soon as the types of all fields have it. The lifetime makes the compiler check such a
/// bound where the trait is used and not here, where it may not hold.
fn traits(name: &Ident, given: &[&Field]) -> TokenStream {
    let text = name.to_string();
    let names: Vec<&Ident> = given.iter().map(|field| &field.ident).collect();
    let texts = names.iter().map(|name| syn::ext::IdentExt::unraw(*name).to_string());
    let debug = given.iter().map(|field| &field.ty);
    let default = given.iter().filter(|field| !matches!(source(field), Some(Source::Default(_))));
    let default = default.map(|field| &field.ty);
    let formatter = local("formatter");
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Debug for #name
        where
            #(for<'thing> #debug: ::core::fmt::Debug,)*
        {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #formatter
                    .debug_struct(#text)
                    #(.field(#texts, &self.#names))*
                    .finish()
            }
        }

        #[automatically_derived]
        impl ::core::default::Default for #name
        where
            #(for<'thing> #default: ::core::default::Default,)*
        {
            fn default() -> Self {
                Self { #(#names: ::core::default::Default::default()),* }
            }
        }
    }
}

/// The value of a field that nobody gives.
pub(super) fn unset(shape: &Shape, field: &Field) -> TokenStream {
    match &field.kind {
        FieldKind::Embed { .. } => {
            let (krate, ty) = (&shape.krate, &field.ty);
            quote_spanned!(ty.span()=> <#ty as #krate::__private::EmbedUnset>::unset())
        }
        FieldKind::Ignored => {
            let function = field.function();
            quote!(#function())
        }
        FieldKind::Column(column) => {
            let function = field.function();
            match &column.source {
                Source::GeneratedKey | Source::Default(_) => quote!(#function()),
                Source::Created | Source::Updated => quote!(#function(0)),
                Source::Version => quote!(#function(1)),
                Source::Deleted => quote!(#function()),
                // Only asked for where the type is an Option.
                Source::Given => quote!(::core::option::Option::None),
            }
        }
    }
}

/// The functions that make the values that nobody gives. Each type is asked for its trait here and nowhere else, so that
/// the compiler reports a wrong type once.
pub(super) fn functions(shape: &Shape) -> TokenStream {
    let krate = &shape.krate;
    let functions = shape.fields.iter().map(|field| {
        let (name, ty) = (field.function(), &field.ty);
        let now = local("now");
        let (parameter, value) = match &field.kind {
            FieldKind::Embed { .. } => return None,
            FieldKind::Ignored => (None, quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default())),
            FieldKind::Column(column) => match &column.source {
                Source::Given => return None,
                Source::Default(value) => (None, quote!(#value)),
                Source::GeneratedKey => {
                    (None, quote_spanned!(ty.span()=> <#ty as #krate::__private::GeneratedKey>::unset()))
                }
                Source::Deleted => (None, quote_spanned!(ty.span()=> <#ty as #krate::DeletedType>::living())),
                Source::Version => {
                    let version = local("version");
                    let value = quote_spanned!(ty.span()=> <#ty as #krate::VersionType>::from_version(#version));
                    (Some(quote!(#version: i64)), value)
                }
                Source::Created | Source::Updated => {
                    let value = quote_spanned!(ty.span()=> <#ty as #krate::TimestampType>::from_microseconds(#now));
                    (Some(quote!(#now: i64)), value)
                }
            },
        };
        Some(quote! {
            fn #name(#parameter) -> #ty {
                #value
            }
        })
    });
    quote!(#(#functions)*)
}

fn is_given(field: &Field) -> bool {
    matches!(source(field), Some(Source::Given | Source::Default(_))) || is_given_embed(field)
}

fn is_given_embed(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Embed { given: true, .. })
}

fn source(field: &Field) -> Option<&Source> {
    field.column().map(|column| &column.source)
}
