//! Embeds: `impl Embed`, `impl EmbedKey` and the typed columns as a model has them.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;

use super::model::touch;
use super::{columns, hidden, local, new, table};
use crate::ast::{Column, Embed, Field, FieldKind, Shape, Source, last_segment};

/// The expansion of `#[derive(Embed)]`.
pub(crate) fn embed(embed: &Embed) -> TokenStream {
    let shape = &embed.shape;
    let columns = columns(shape);
    let functions = new::functions(shape);
    let implementation = implementation(shape);
    let key = key(embed);
    let unset = unset(shape);
    let unique = unique_columns(embed);
    hidden(&quote! {
        #columns
        #functions
        #implementation
        #unique
        #key
        #unset
    })
}

/// A type for each column, generic over the model, and a struct of all columns: the type of `User::BASE`.
fn columns(shape: &Shape) -> TokenStream {
    let (krate, vis) = (&shape.krate, &shape.vis);
    let all = columns_type(shape);
    let fields: Vec<(&Field, &Column)> = shape.columns().collect();
    let markers = fields.iter().map(|(Field { column_vis: vis, ty, .. }, Column { marker, .. })| {
        quote! {
            #vis struct #marker<M>(::core::marker::PhantomData<fn() -> M>);

            #[automatically_derived]
            impl<M: #krate::Model> #krate::ColumnSpec for #marker<M> {
                type Model = M;
                type Type = #ty;
            }
        }
    });
    let declared = fields.iter().map(|(field, Column { marker, .. })| {
        let (docs, vis, ident) = (columns::docs(field), &field.column_vis, &field.ident);
        quote!(#docs #vis #ident: #krate::Column<#marker<M>>)
    });
    let values =
        fields.iter().enumerate().map(|(at, (Field { ident, .. }, _))| quote!(#ident: #krate::Column::at(FIRST + #at)));
    quote! {
        #(#markers)*

        #vis struct #all<M, const FIRST: usize> {
            #(#declared),*
        }

        #[automatically_derived]
        impl<M: #krate::Model, const FIRST: usize> #krate::__private::EmbedColumns for #all<M, FIRST> {
            const COLUMNS: Self = Self { #(#values),* };
        }
    }
}

fn columns_type(shape: &Shape) -> syn::Ident {
    format_ident!("Columns_of_{}", shape.ident.unraw())
}

fn implementation(shape: &Shape) -> TokenStream {
    let (krate, ident) = (&shape.krate, &shape.ident);
    let private = shape.private();
    let all = columns_type(shape);
    let (row, first, table, prefix) = (local("row"), local("first"), local("table"), local("prefix"));
    let (column, now, new) = (local("column"), local("now"), local("new"));
    let declare = table::declare(shape, &table, &first, &prefix);
    let touch = touch(shape);
    let version = shape.version().map(|(field, offset)| {
        let (ident, function, version) = (&field.ident, field.function(), local("version"));
        quote! {
            const VERSION: ::core::option::Option<usize> = ::core::option::Option::Some(#offset);

            fn set_version(&mut self, #version: i64) {
                self.#ident = #function(#version);
            }
        }
    });
    let deleted = shape.deleted().map(|(Field { ident, ty, .. }, offset)| {
        quote! {
            const DELETED: ::core::option::Option<usize> = ::core::option::Option::Some(#offset);

            fn is_deleted(&self) -> bool {
                <#ty as #krate::DeletedType>::is_deleted(&self.#ident)
            }
        }
    });
    let fields: Vec<(&Field, &Column)> = shape.columns().collect();
    let updated = fields.iter().position(|(_, column)| matches!(column.source, Source::Updated));
    let updated =
        updated.map(|at| quote!(const UPDATED: ::core::option::Option<usize> = ::core::option::Option::Some(#at);));
    let count = fields.len();
    let mut position = 0usize;
    let read = shape.fields.iter().map(|field| {
        let ident = &field.ident;
        let Some(Column { name, .. }) = field.column() else {
            let value = new::unset(shape, field);
            return quote!(#ident: #value);
        };
        let value = shape.column_type(field, "from_row");
        let nullable = shape.column_type(field, "NULLABLE");
        let at = quote!(#first + #position);
        position += 1;
        quote!(#ident: #private::named(#value(#row, #at), #nullable, #row, #at, #name)?)
    });
    let read: Vec<TokenStream> = read.collect();
    let write = fields.iter().enumerate().map(|(at, (field, Column { name, .. }))| {
        let (ident, value) = (&field.ident, shape.column_type(field, "to_value"));
        quote!(#at => #private::named_value(#value(&self.#ident), #name))
    });
    let sizes = fields.iter().map(|(field, _)| {
        let (ident, size) = (&field.ident, shape.column_type(field, "heap_size"));
        quote!(#size(&self.#ident))
    });
    let name = ident.unraw().to_string();
    quote! {
        #[automatically_derived]
        impl #krate::Embed for #ident {
            type Columns<M: #krate::Model, const FIRST: usize> = #all<M, FIRST>;

            const LEN: usize = #count;

            #version

            #deleted

            #updated

            fn declare(#table: #private::TableBuilder, #first: usize, #prefix: &str) -> #private::TableBuilder {
                #declare
            }

            fn from_row(#row: &dyn #private::Row, #first: usize) -> #private::Result<Self> {
                ::core::result::Result::Ok(Self { #(#read),* })
            }

            fn value(&self, #column: usize) -> #private::Result<#private::Value<'_>> {
                match #column {
                    #(#write,)*
                    _ => ::core::result::Result::Err(#private::no_column(#name, #column)),
                }
            }

            fn touch(&mut self, #now: i64, #new: bool) -> bool {
                #touch
            }

            fn heap_size(&self) -> usize {
                0 #(+ #sizes)*
            }
        }
    }
}

/// The columns that by themselves tell rows apart.
fn unique_columns(embed: &Embed) -> TokenStream {
    let shape = &embed.shape;
    let krate = &shape.krate;
    let key = embed.key.filter(|&(_, generated)| !generated).map(|(at, _)| at);
    let columns = shape.unique(key.as_slice()).into_iter().filter_map(|fields| match fields.as_slice() {
        &[at] => shape.fields[at].column(),
        _ => None,
    });
    let implementations = columns.map(|Column { marker, .. }| {
        quote! {
            #[automatically_derived]
            impl<M: #krate::Model> #krate::__private::UniqueColumn for #marker<M> {}
        }
    });
    quote!(#(#implementations)*)
}

fn key(embed: &Embed) -> TokenStream {
    let shape = &embed.shape;
    let (krate, name) = (&shape.krate, &shape.ident);
    let Some((at, generated)) = embed.key else {
        return TokenStream::new();
    };
    let field = &shape.fields[at];
    let (Field { ident, ty, .. }, offset) = (field, &shape.offsets()[at]);
    let column = field.column().map(|column| &column.name);
    let key = local("key");
    let private = shape.private();
    let set = if generated {
        quote! {
            self.#ident = #private::generated_embed_key::<Self>(#key)?;
            ::core::result::Result::Ok(())
        }
    } else {
        let name = name.unraw().to_string();
        quote!(::core::result::Result::Err(#private::key_is_assigned(#name, #key)))
    };
    quote! {
        #[automatically_derived]
        impl #krate::EmbedKey for #name {
            type Key = #ty;

            const COLUMN: usize = #offset;
            const NAME: &'static str = #column;
            const GENERATED: bool = #generated;

            fn key(&self) -> Self::Key {
                ::core::clone::Clone::clone(&self.#ident)
            }

            fn set_generated_key(&mut self, #key: i64) -> #private::Result<()> {
                #set
            }
        }
    }
}

/// An embed of which no field has to be given can be left out of new objects.
fn unset(shape: &Shape) -> TokenStream {
    let (krate, name) = (&shape.krate, &shape.ident);
    let must_be_given = |field: &Field| {
        let nullable = last_segment(&field.ty).is_some_and(|name| name == "Option");
        let given = matches!(&field.kind, FieldKind::Column(Column { source: Source::Given, .. }));
        given && !nullable
    };
    if shape.fields.iter().any(must_be_given) {
        return TokenStream::new();
    }
    let values = shape.fields.iter().map(|field| {
        let (ident, value) = (&field.ident, new::unset(shape, field));
        quote!(#ident: #value)
    });
    quote! {
        #[automatically_derived]
        impl #krate::__private::EmbedUnset for #name {
            fn unset() -> Self {
                Self { #(#values),* }
            }
        }
    }
}
