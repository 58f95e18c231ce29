//! Table metadata: the columns, key and indexes as the database gets them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::local;
use crate::ast::{Column, Field, FieldKind, Index, Key, Model, Shape, Source};

/// The body of `Model::table`.
pub(super) fn table(model: &Model) -> TokenStream {
    let shape = &model.shape;
    let krate = &shape.krate;
    let private = quote!(#krate::__private);
    let offsets = shape.offsets();
    let table = local("table");
    let (name, model_name) = (&model.table, shape.ident.to_string());
    let columns = shape.fields.iter().zip(&offsets).map(|(field, offset)| match &field.kind {
        FieldKind::Column(column) => {
            let marker = &column.marker;
            let ty = quote!(<#marker as #krate::ColumnSpec>::Type);
            let column = declared_column(shape, field, column, &ty);
            quote!(let #table = #table.column(#column);)
        }
        FieldKind::Embed { prefix, .. } => {
            let ty = &field.ty;
            quote!(let #table = <#ty as #krate::Embed>::declare(#table, #offset, #prefix);)
        }
        FieldKind::Ignored => TokenStream::new(),
    });
    let key = match &model.key {
        Key::Fields { fields, generated } => {
            let positions = fields.iter().map(|&field| &offsets[field]);
            quote!(.key([#(#positions),*]).generated_key(#generated))
        }
        Key::Embed(field) => {
            let (ty, offset) = (&shape.fields[*field].ty, &offsets[*field]);
            quote! {
                .key([#offset + <#ty as #krate::EmbedKey>::COLUMN])
                .generated_key(<#ty as #krate::EmbedKey>::GENERATED)
            }
        }
    };
    let indexes = shape.indexes.iter().map(|index| {
        let name = match &index.name {
            Some(name) => quote!(::core::option::Option::Some(#name)),
            None => quote!(::core::option::Option::None),
        };
        let positions = index.fields.iter().map(|&field| &offsets[field]);
        let unique = index.unique;
        quote!(.index(#name, [#(#positions),*], #unique))
    });
    quote! {
        static TABLE: #private::LazyLock<#private::Arc<#private::Table>> = #private::LazyLock::new(|| {
            let #table = #private::Table::builder(#name);
            #(#columns)*
            let #table = #table #key #(#indexes)*;
            #private::table(#table, #model_name)
        });
        &TABLE
    }
}

/// The body of `Embed::declare`.
pub(super) fn declare(shape: &Shape, table: &Ident, first: &Ident, prefix: &Ident) -> TokenStream {
    let krate = &shape.krate;
    let columns = shape.fields.iter().filter_map(|field| Some((field, field.column()?)));
    let columns = columns.map(|(field, column)| {
        let ty = &field.ty;
        let column = declared_column(shape, field, column, &quote!(#ty));
        quote!(let #table = #table.column(#krate::__private::prefixed(#column, #prefix));)
    });
    let offsets = shape.offsets();
    let indexes = shape.indexes.iter().map(|Index { name, fields, unique }| {
        let positions = fields.iter().map(|&field| &offsets[field]);
        let name = match name {
            Some(name) => quote!(::core::option::Option::Some(&*#krate::__private::prefixed_name(#name, #prefix))),
            None => quote!(::core::option::Option::None),
        };
        quote!(let #table = #table.index(#name, [#(#first + #positions),*], #unique);)
    });
    quote! {
        #(#columns)*
        #(#indexes)*
        #table
    }
}

fn declared_column(shape: &Shape, field: &Field, column: &Column, ty: &TokenStream) -> TokenStream {
    let krate = &shape.krate;
    let name = &column.name;
    match &column.source {
        // The default of a key makes a new key each time: nothing that a database could repeat.
        Source::Default(_) if !column.is_key => {
            let default = field.function();
            quote!(#krate::__private::column_with_default::<#ty>(#name, &#default()))
        }
        _ => quote!(#krate::__private::column::<#ty>(#name)),
    }
}
