//! Models: `impl Model`, the typed columns and the struct for new objects.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::{columns, hidden, local, new, relations, table, this};
use crate::ast::{Column, Field, FieldKind, Key, Model, Shape, Source};

/// The expansion of `#[derive(Model)]`.
pub(crate) fn model(model: &Model) -> TokenStream {
    let (new_struct, from_new) = match &model.new {
        Some(name) => new::new(model, name),
        None => Default::default(),
    };
    let columns = columns::columns(model);
    let relations = relations::relations(model);
    let functions = new::functions(&model.shape);
    let limit = column_limit(&model.shape);
    let one_version = one_version(&model.shape);
    let implementation = implementation(model);
    let hidden = hidden(&quote! {
        #columns
        #relations
        #functions
        #limit
        #one_version
        #implementation
        #from_new
    });
    quote! {
        #new_struct
        #hidden
    }
}

/// Embeds may bring too many columns; only the compiler can count them.
fn column_limit(shape: &Shape) -> TokenStream {
    let offsets = shape.offsets();
    let Some(count) = offsets.last() else {
        return TokenStream::new();
    };
    let message = format!("`{}` has more than 128 columns, its embeds included; leave some out", shape.ident);
    quote! {
        const _: () = {
            const COLUMNS: usize = #count;
            ::core::assert!(COLUMNS <= 128, #message);
        };
    }
}

/// Embeds may bring another version; only the compiler can count them.
fn one_version(shape: &Shape) -> TokenStream {
    let embeds: Vec<&Field> = shape.fields.iter().filter(|f| matches!(f.kind, FieldKind::Embed { .. })).collect();
    if embeds.is_empty() {
        return TokenStream::new();
    }
    let own = usize::from(shape.version().is_some());
    let versions = embeds.into_iter().map(|field| shape.embed(field, "VERSION"));
    let message = format!("`{}` has more than one version, those of its embeds included; leave one", shape.ident);
    quote! {
        const _: () = {
            const VERSIONS: usize = #own #(+ #versions.is_some() as usize)*;
            ::core::assert!(VERSIONS <= 1, #message);
        };
    }
}

/// The constant `VERSION` and the method `set_version`, where there may be a version.
fn version(shape: &Shape) -> TokenStream {
    let this = this();
    let version = local("version");
    if let Some((field, offset)) = shape.version() {
        let (ident, function) = (&field.ident, field.function());
        return quote! {
            const VERSION: ::core::option::Option<usize> = ::core::option::Option::Some(#offset);

            fn set_version(&mut self, #version: i64) {
                self.#ident = #function(#version);
            }
        };
    }
    let embeds = || shape.fields.iter().zip(shape.offsets()).filter(|(f, _)| matches!(f.kind, FieldKind::Embed { .. }));
    if embeds().next().is_none() {
        return TokenStream::new();
    }
    let column = embeds().fold(quote!(::core::option::Option::None), |others, (field, offset)| {
        let own = shape.embed(field, "VERSION");
        quote! {
            match #own {
                ::core::option::Option::Some(column) => ::core::option::Option::Some(#offset + column),
                ::core::option::Option::None => #others,
            }
        }
    });
    let set = embeds().map(|(field, _)| {
        let (ident, set) = (&field.ident, shape.embed(field, "set_version"));
        quote_spanned!(field.ty.span()=> #set(&mut #this.#ident, #version);)
    });
    quote! {
        const VERSION: ::core::option::Option<usize> = #column;

        fn set_version(&mut self, #version: i64) {
            #(#set)*
        }
    }
}

fn implementation(model: &Model) -> TokenStream {
    let shape = &model.shape;
    let (ident, krate) = (&shape.ident, &shape.krate);
    let private = shape.private();
    let name = ident.unraw().to_string();
    let (key_type, key_method, set_key) = key(model);
    let table = table::table(model);
    let from_row = from_row(shape);
    let value = value(shape);
    let touch = touch(shape);
    let version = version(shape);
    let heap_size = heap_size(shape);
    let (row, column, now, new, key) = (local("row"), local("column"), local("now"), local("new"), local("key"));
    let coherence = model.coherence.as_ref().map(|variant| {
        quote! {
            const COHERENCE: ::core::option::Option<#krate::Coherence> =
                ::core::option::Option::Some(#krate::Coherence::#variant);
        }
    });
    let dependents = dependents(model);
    let updated_columns = updated_columns(shape);
    quote! {
        #[automatically_derived]
        impl #krate::Model for #ident {
            type Key = #key_type;

            const NAME: &'static str = #name;

            #coherence

            #version

            fn table() -> &'static #private::Arc<#private::Table> {
                #table
            }

            #dependents

            #updated_columns

            #key_method

            fn set_generated_key(&mut self, #key: i64) -> #private::Result<()> {
                #set_key
            }

            fn from_row(#row: &dyn #private::Row) -> #private::Result<Self> {
                #from_row
            }

            fn value(&self, #column: usize) -> #private::Result<#private::Value<'_>> {
                #value
            }

            fn touch(&mut self, #now: i64, #new: bool) -> bool {
                #touch
            }

            fn heap_size(&self) -> usize {
                #heap_size
            }
        }
    }
}

/// The method `updated_columns`, where there may be any.
fn updated_columns(shape: &Shape) -> TokenStream {
    let columns: Vec<TokenStream> = shape
        .fields
        .iter()
        .zip(shape.offsets())
        .filter_map(|(field, offset)| match &field.kind {
            FieldKind::Column(Column { source: Source::Updated, .. }) => {
                Some(quote!(::core::option::Option::Some(#offset)))
            }
            FieldKind::Embed { .. } => {
                let updated = shape.embed(field, "UPDATED");
                Some(quote!(#updated.map(|column| #offset + column)))
            }
            FieldKind::Column(_) | FieldKind::Ignored => None,
        })
        .collect();
    if columns.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn updated_columns() -> ::std::vec::Vec<usize> {
            let columns = [#(#columns),*];
            ::core::iter::Iterator::collect(::core::iter::Iterator::flatten(::core::iter::IntoIterator::into_iter(columns)))
        }
    }
}

/// The method `dependents`, where there are any.
fn dependents(model: &Model) -> TokenStream {
    let private = model.shape.private();
    let (cascades, nulls) = (&model.cascades, &model.nulls);
    if cascades.is_empty() && nulls.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn dependents() -> ::std::vec::Vec<#private::Dependent> {
            ::std::vec![
                #(#private::Dependent::deleted_along(#cascades),)*
                #(#private::Dependent::set_to_null(#nulls),)*
            ]
        }
    }
}

/// The type of the key, the method `key`, and the body of `set_generated_key`.
fn key(model: &Model) -> (TokenStream, TokenStream, TokenStream) {
    let private = model.shape.private();
    let key = local("key");
    let fields = match &model.key {
        Key::Embed(field) => {
            let field = &model.shape.fields[*field];
            let (ident, this) = (&field.ident, this());
            let key_type = model.shape.embed_key(field, "Key");
            let value = model.shape.embed_key(field, "key");
            let set = model.shape.embed_key(field, "set_generated_key");
            return (
                key_type.clone(),
                quote_spanned!(field.ty.span()=> fn key(&#this) -> #key_type { #value(&#this.#ident) }),
                quote_spanned!(field.ty.span()=> #set(&mut #this.#ident, #key)),
            );
        }
        Key::Fields { fields, .. } => fields.iter().map(|&field| &model.shape.fields[field]),
    };
    let types = fields.clone().map(|field| &field.ty);
    let values = fields.clone().map(|Field { ident, .. }| quote!(::core::clone::Clone::clone(&self.#ident)));
    let (types, values) = match fields.len() {
        1 => (quote!(#(#types)*), quote!(#(#values)*)),
        _ => (quote!((#(#types),*)), quote!((#(#values),*))),
    };
    let set = match (&model.key, fields.clone().next()) {
        (Key::Fields { generated: true, .. }, Some(Field { ident, .. })) => quote! {
            self.#ident = #private::generated_key::<Self>(#key)?;
            ::core::result::Result::Ok(())
        },
        _ => {
            let name = model.shape.ident.unraw().to_string();
            quote!(::core::result::Result::Err(#private::key_is_assigned(#name, #key)))
        }
    };
    let method = quote! {
        fn key(&self) -> Self::Key {
            #values
        }
    };
    (types, method, set)
}

fn from_row(shape: &Shape) -> TokenStream {
    let private = shape.private();
    let row = local("row");
    let fields = shape.fields.iter().zip(shape.offsets()).map(|(field, offset)| {
        let ident = &field.ident;
        let value = match &field.kind {
            FieldKind::Column(column) => {
                let (name, marker) = (&column.name, &column.marker);
                quote!(#private::read::<#marker>(#row, #offset, #name)?)
            }
            FieldKind::Embed { .. } => {
                let from_row = shape.embed(field, "from_row");
                quote_spanned!(field.ty.span()=> #from_row(#row, #offset)?)
            }
            FieldKind::Ignored => new::unset(shape, field),
        };
        quote!(#ident: #value)
    });
    quote!(::core::result::Result::Ok(Self { #(#fields),* }))
}

fn value(shape: &Shape) -> TokenStream {
    let (private, this) = (shape.private(), this());
    let column = local("column");
    let offsets = shape.offsets();
    let mut after_embed = false;
    let mut arms = TokenStream::new();
    for (at, field) in shape.fields.iter().enumerate() {
        let (ident, offset) = (&field.ident, &offsets[at]);
        match &field.kind {
            FieldKind::Column(Column { name, marker, .. }) => {
                let pattern = if after_embed { quote!(_ if #column == #offset) } else { quote!(#offset) };
                arms.extend(quote!(#pattern => #private::write::<#marker>(&self.#ident, #name),));
            }
            FieldKind::Embed { .. } => {
                // The arms above took every smaller column.
                let (value, end) = (shape.embed(field, "value"), &offsets[at + 1]);
                let value = quote_spanned!(field.ty.span()=> #value(&#this.#ident, #column - (#offset)));
                arms.extend(quote!(_ if #column < #end => #value,));
                after_embed = true;
            }
            FieldKind::Ignored => {}
        }
    }
    let name = shape.ident.unraw().to_string();
    quote! {
        match #column {
            #arms
            _ => ::core::result::Result::Err(#private::no_column(#name, #column)),
        }
    }
}

/// The body of `touch`, of models and embeds.
pub(super) fn touch(shape: &Shape) -> TokenStream {
    let this = this();
    let (now, new, updated) = (local("now"), local("new"), local("updated"));
    let has_updated =
        shape.fields.iter().filter_map(Field::column).any(|column| matches!(column.source, Source::Updated));
    let statements = shape.fields.iter().map(|field| {
        let (ident, function) = (&field.ident, field.function());
        match &field.kind {
            FieldKind::Embed { .. } => {
                let touch = shape.embed(field, "touch");
                quote_spanned!(field.ty.span()=> let #updated = #touch(&mut #this.#ident, #now, #new) || #updated;)
            }
            FieldKind::Column(Column { source: Source::Created, .. }) => quote! {
                if #new {
                    self.#ident = #function(#now);
                }
            },
            FieldKind::Column(Column { source: Source::Version, .. }) => quote! {
                if #new {
                    self.#ident = #function(1);
                }
            },
            FieldKind::Column(Column { source: Source::Updated, .. }) => quote!(self.#ident = #function(#now);),
            FieldKind::Column(_) | FieldKind::Ignored => TokenStream::new(),
        }
    });
    quote! {
        let #updated = #has_updated;
        #(#statements)*
        #updated
    }
}

fn heap_size(shape: &Shape) -> TokenStream {
    let (private, this) = (shape.private(), this());
    let sizes = shape.fields.iter().filter_map(|field| {
        let ident = &field.ident;
        match &field.kind {
            FieldKind::Column(Column { marker, .. }) => Some(quote!(#private::heap_size::<#marker>(&self.#ident))),
            FieldKind::Embed { .. } => {
                let heap_size = shape.embed(field, "heap_size");
                Some(quote_spanned!(field.ty.span()=> #heap_size(&#this.#ident)))
            }
            FieldKind::Ignored => None,
        }
    });
    quote!(0 #(+ #sizes)*)
}
