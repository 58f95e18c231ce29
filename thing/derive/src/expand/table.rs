//! Table metadata: the columns, key and indexes as the database gets them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;
use syn::ext::IdentExt;

use super::local;
use crate::ast::{Column, Field, FieldKind, Index, Key, Model, Shape, Source};

/// The body of `Model::table`.
pub(super) fn table(model: &Model) -> TokenStream {
    let shape = &model.shape;
    let private = shape.private();
    let offsets = shape.offsets();
    let table = local("table");
    let (name, model_name) = (&model.table, shape.ident.unraw().to_string());
    let columns = shape.fields.iter().zip(&offsets).map(|(field, offset)| match &field.kind {
        FieldKind::Column(column) => {
            let (name, marker) = (&column.name, &column.marker);
            let column = match default(field, column) {
                Some(default) => quote!(#private::column_with_default::<#marker>(#name, &#default)),
                None => quote!(#private::column::<#marker>(#name)),
            };
            quote!(let #table = #table.column(#column);)
        }
        FieldKind::Embed { prefix, .. } => {
            let declare = shape.embed(field, "declare");
            quote!(let #table = #declare(#table, #offset, #prefix);)
        }
        FieldKind::Ignored => TokenStream::new(),
    });
    let key = match &model.key {
        Key::Fields { fields, generated } => {
            let positions = fields.iter().map(|&field| &offsets[field]);
            quote!(.key([#(#positions),*]).generated_key(#generated))
        }
        Key::Embed(field) => {
            let (embed, offset) = (&shape.fields[*field], &offsets[*field]);
            let column = shape.embed_key(embed, "COLUMN");
            let generated = shape.embed_key(embed, "GENERATED");
            quote!(.key([#offset + #column]).generated_key(#generated))
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
    let private = shape.private();
    let columns = shape.columns().map(|(field, column)| {
        let name = &column.name;
        let value_type = shape.column_type(field, "TYPE");
        let nullable = shape.column_type(field, "NULLABLE");
        let declared = quote!(#private::TableColumn::new(#name, #value_type).nullable(#nullable));
        let declared = match default(field, column) {
            Some(default) => {
                let to_value = shape.column_type(field, "to_value");
                quote!(#private::with_default(#declared, #to_value(&#default)))
            }
            None => declared,
        };
        quote!(let #table = #table.column(#private::prefixed(#declared, #prefix));)
    });
    let offsets = shape.offsets();
    let indexes = shape.indexes.iter().map(|Index { name, fields, unique }| {
        let positions = fields.iter().map(|&field| &offsets[field]);
        let name = match name {
            Some(name) => quote!(::core::option::Option::Some(&*#private::prefixed_name(#name, #prefix))),
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

/// The default of a column in the database. The default of a key makes a new key each time: nothing that a database
/// could repeat.
fn default(field: &Field, column: &Column) -> Option<TokenStream> {
    let function = field.function();
    match column.source {
        Source::Default(_) if !column.is_key => Some(quote!(#function())),
        Source::Version => Some(quote!(#function(1))),
        _ => None,
    }
}
