//! Table metadata: the columns, key and indexes as the database gets them.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::local;
use crate::ast::{Column, Field, FieldKind, ForeignAction, Index, Key, Model, Shape, Source};

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
            let described = described(field);
            quote!(let #table = #table.column(#column #described);)
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
        let options = index_options(index, &shape.private(), |field| offsets[field].clone());
        quote!(.index(#name, [#(#positions),*], #unique) #options)
    });
    let foreign_keys = foreign_keys(model, &offsets);
    let checks = model.checks.iter().map(|check| {
        let (name, condition) = (&check.name, &check.condition);
        quote!(.check(#private::Check::new(#name, #condition)))
    });
    let comment = model.comment.iter().map(|comment| quote!(.comment(#comment)));
    let was = model.was.iter().map(|was| quote!(.former_name(#was)));
    let deleted = shape.deleted().map(|(_, offset)| quote!(.deleted(#offset)));
    let indexed = indexed(shape);
    quote! {
        #indexed
        static TABLE: #private::LazyLock<#private::Arc<#private::Table>> = #private::LazyLock::new(|| {
            let #table = #private::Table::builder(#name);
            #(#columns)*
            let #table = #table #key #deleted #(#indexes)* #(#checks)* #(#comment)* #(#was)*;
            #foreign_keys
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
        let secret = shape.column_type(field, "SECRET");
        let declared = quote!(#private::TableColumn::new(#name, #value_type).nullable(#nullable).secret(#secret));
        let declared = match default(field, column) {
            Some(default) => {
                let to_value = shape.column_type(field, "to_value");
                quote!(#private::with_default(#declared, #to_value(&#default)))
            }
            None => declared,
        };
        let described = described(field);
        quote!(let #table = #table.column(#private::prefixed(#declared #described, #prefix));)
    });
    let offsets = shape.offsets();
    let indexes = shape.indexes.iter().map(|index| {
        let Index { name, fields, unique, .. } = index;
        let options = index_options(index, &private, |field| {
            let offset = &offsets[field];
            quote!(#first + #offset)
        });
        let positions = fields.iter().map(|&field| &offsets[field]);
        let name = match name {
            Some(name) => quote!(::core::option::Option::Some(&*#private::prefixed_name(#name, #prefix))),
            None => quote!(::core::option::Option::None),
        };
        quote!(let #table = #table.index(#name, [#(#first + #positions),*], #unique) #options;)
    });
    let deleted = shape.deleted().map(|(_, offset)| quote!(let #table = #table.deleted(#first + #offset);));
    let indexed = indexed(shape);
    quote! {
        #indexed
        #(#columns)*
        #deleted
        #(#indexes)*
        #table
    }
}

/// Has the compiler refuse indexes of columns that the database can't compare.
fn indexed(shape: &Shape) -> TokenStream {
    let private = shape.private();
    let mut fields: Vec<usize> = shape.indexes.iter().flat_map(|index| index.fields.iter().copied()).collect();
    fields.sort_unstable();
    fields.dedup();
    let types = fields.into_iter().map(|field| &shape.fields[field].ty);
    let checks = types.map(|ty| quote_spanned!(ty.span()=> #private::indexed::<#ty>();));
    quote!(const _: () = { #(#checks)* };)
}

/// What a column is for, and what it was called.
fn described(field: &Field) -> TokenStream {
    let comment = field.comment.as_ref().map(|comment| quote!(.comment(#comment)));
    let was = field.was.iter().map(|was| quote!(.former_name(#was)));
    quote!(#comment #(#was)*)
}

/// The order of an index and the rows that it counts, where they are not the usual.
fn index_options(index: &Index, private: &TokenStream, position: impl Fn(usize) -> TokenStream) -> TokenStream {
    let mut options = TokenStream::new();
    if !index.descending.is_empty() {
        let positions = index.descending.iter().map(|&field| position(field));
        options.extend(quote!(.last_index(|index| index.descending(#private::columns(&[#(#positions),*])))));
    }
    if let Some(condition) = &index.condition {
        options.extend(quote!(.last_index(|index| index.condition(#condition))));
    }
    options
}

/// The statements that declare the foreign keys.
fn foreign_keys(model: &Model, offsets: &[TokenStream]) -> TokenStream {
    let (shape, private, table) = (&model.shape, model.shape.private(), local("table"));
    let table_name = &model.table;
    let keys = model.foreign_keys.iter().map(|key| {
        let parent = &key.parent;
        let name = match &key.name {
            Some(name) => quote!(::core::option::Option::Some(#name)),
            None => quote!(::core::option::Option::None),
        };
        let columns = key.fields.iter().map(|&field| {
            let (name, offset) = (shape.fields[field].column().map(|column| &column.name), &offsets[field]);
            quote!((#name, #offset))
        });
        // The compiler shows a type that is no key of the model in the declaration of the foreign key.
        let checked = match key.fields.as_slice() {
            &[field] => {
                let ty = &shape.fields[field].ty;
                quote_spanned!(parent.span()=> #private::refers::<#ty, #parent>();)
            }
            _ => TokenStream::new(),
        };
        let (on_delete, on_update) = (action(key.on_delete, &private), action(key.on_update, &private));
        quote! {
            #checked
            let #table = #table.foreign_key(
                #private::foreign_key::<#parent>(#name, #table_name, &[#(#columns),*])
                    .on_delete(#on_delete)
                    .on_update(#on_update),
            );
        }
    });
    quote!(#(#keys)*)
}

fn action(action: ForeignAction, private: &TokenStream) -> TokenStream {
    match action {
        ForeignAction::NoAction => quote!(#private::Action::NoAction),
        ForeignAction::Restrict => quote!(#private::Action::Restrict),
        ForeignAction::Cascade => quote!(#private::Action::Cascade),
        ForeignAction::SetNull => quote!(#private::Action::SetNull),
    }
}

/// The methods `referred` and `parents`.
pub(super) fn referring(model: &Model) -> TokenStream {
    let (shape, private) = (&model.shape, model.shape.private());
    let table = &model.table;
    let key = match &model.key {
        Key::Fields { fields, .. } => {
            let names = fields.iter().filter_map(|&field| Some(&shape.fields[field].column()?.name));
            quote!(#(::std::string::String::from(#names)),*)
        }
        Key::Embed(field) => {
            let embed = &shape.fields[*field];
            let prefix = match &embed.kind {
                FieldKind::Embed { prefix, .. } => prefix.as_str(),
                FieldKind::Column(_) | FieldKind::Ignored => "",
            };
            let name = shape.embed_key(embed, "NAME");
            quote!(#private::prefixed_name(#name, #prefix))
        }
    };
    let offsets = shape.offsets();
    let parents = model.foreign_keys.iter().filter_map(|key| {
        let (&[field], ForeignAction::Cascade | ForeignAction::SetNull) = (key.fields.as_slice(), key.on_delete) else {
            return None;
        };
        let constant = format!("{}::{}", shape.ident.unraw(), shape.fields[field].constant());
        let (parent, offset, action) = (&key.parent, &offsets[field], action(key.on_delete, &private));
        Some(quote!(#private::Parent::of::<#parent>(#constant, #offset, #action)))
    });
    let parents: Vec<TokenStream> = parents.collect();
    let parents = (!parents.is_empty()).then(|| {
        quote! {
            fn parents() -> ::std::vec::Vec<#private::Parent> {
                ::std::vec![#(#parents),*]
            }
        }
    });
    quote! {
        fn referred() -> (::std::string::String, ::std::vec::Vec<::std::string::String>) {
            (::std::string::String::from(#table), ::std::vec![#key])
        }

        #parents
    }
}

/// The default of a column in the database. The default of a key makes a new key each time: nothing that a database
/// could repeat.
fn default(field: &Field, column: &Column) -> Option<TokenStream> {
    let function = field.function();
    match column.source {
        Source::Default(_) if !column.is_key => Some(quote!(#function())),
        Source::Version => Some(quote!(#function(1))),
        Source::Deleted => Some(quote!(#function())),
        _ => None,
    }
}
