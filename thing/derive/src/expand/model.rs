//! Models: `impl Model`, the typed columns and the struct for new objects.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::{along, columns, hidden, local, new, output, relations, table, this};
use crate::ast::{Column, Field, FieldKind, Key, Model, OnDelete, Shape, Source};

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
    let one_version = at_most_one(&model.shape, "VERSION", "version", model.shape.version().is_some());
    let one_deleted =
        at_most_one(&model.shape, "DELETED", "field for deleted objects", model.shape.deleted().is_some());
    let implementation = implementation(model);
    let hidden = hidden(&quote! {
        #columns
        #relations
        #functions
        #limit
        #one_version
        #one_deleted
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

/// Embeds may bring another field of a sort of which there is one; only the compiler can count them.
fn at_most_one(shape: &Shape, constant: &str, what: &str, has_own: bool) -> TokenStream {
    let embeds: Vec<&Field> = shape.fields.iter().filter(|f| matches!(f.kind, FieldKind::Embed { .. })).collect();
    if embeds.is_empty() {
        return TokenStream::new();
    }
    let own = usize::from(has_own);
    let others = embeds.into_iter().map(|field| shape.embed(field, constant));
    let message = format!("`{}` has more than one {what}, those of its embeds included; leave one", shape.ident);
    quote! {
        const _: () = {
            const COUNT: usize = #own #(+ #others.is_some() as usize)*;
            ::core::assert!(COUNT <= 1, #message);
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
    let column = column_of_embeds(shape, "VERSION");
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

/// The column that one of the embeds has for this constant, if any has.
fn column_of_embeds(shape: &Shape, constant: &str) -> TokenStream {
    let embeds = shape.fields.iter().zip(shape.offsets()).filter(|(f, _)| matches!(f.kind, FieldKind::Embed { .. }));
    embeds.fold(quote!(::core::option::Option::None), |others, (field, offset)| {
        let own = shape.embed(field, constant);
        quote! {
            match #own {
                ::core::option::Option::Some(column) => ::core::option::Option::Some(#offset + column),
                ::core::option::Option::None => #others,
            }
        }
    })
}

/// The constant `DELETED` and the method `is_deleted`, where objects may be marked as deleted.
fn deleted(shape: &Shape) -> TokenStream {
    let (krate, this) = (&shape.krate, this());
    if let Some((Field { ident, ty, .. }, offset)) = shape.deleted() {
        return quote! {
            const DELETED: ::core::option::Option<usize> = ::core::option::Option::Some(#offset);

            fn is_deleted(&self) -> bool {
                <#ty as #krate::DeletedType>::is_deleted(&self.#ident)
            }
        };
    }
    let embeds: Vec<&Field> = shape.fields.iter().filter(|f| matches!(f.kind, FieldKind::Embed { .. })).collect();
    if embeds.is_empty() {
        return TokenStream::new();
    }
    let column = column_of_embeds(shape, "DELETED");
    let marked = embeds.iter().map(|field| {
        let (ident, is_deleted) = (&field.ident, shape.embed(field, "is_deleted"));
        quote_spanned!(field.ty.span()=> || #is_deleted(&#this.#ident))
    });
    quote! {
        const DELETED: ::core::option::Option<usize> = #column;

        fn is_deleted(&self) -> bool {
            false #(#marked)*
        }
    }
}

/// The constant `KEEPS` and the method `keep`, where there is a rule.
fn keep(model: &Model) -> TokenStream {
    let Some(rule) = &model.keep else { return TokenStream::new() };
    let krate = &model.shape.krate;
    quote_spanned! {rule.span()=>
        const KEEPS: bool = true;

        fn keep() -> ::core::option::Option<#krate::Filter<Self>> {
            ::core::option::Option::Some(#rule)
        }
    }
}

/// The method `on_delete`, where relations say something.
fn on_delete(model: &Model) -> TokenStream {
    let private = model.shape.private();
    let actions = model.relations.iter().filter_map(|relation| {
        let function = match relation.on_delete? {
            OnDelete::Restrict => quote!(restrict),
            OnDelete::Cascade => quote!(cascade),
            OnDelete::SetNull => quote!(set_null),
        };
        let (name, column) = (format!("{}::{}", model.shape.ident.unraw(), relation.constant), &relation.columns[0]);
        Some(quote_spanned!(column.span()=> #private::OnDelete::#function(#name, #column)))
    });
    let actions: Vec<TokenStream> = actions.collect();
    if actions.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn on_delete() -> ::std::vec::Vec<#private::OnDelete> {
            ::std::vec![#(#actions),*]
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
    let referring = table::referring(model);
    let from_row = along::loaded(model, &object_of_row(shape));
    let (hooks, find_violations) = (along::hooks(model), along::find_violations(model));
    let value = value(shape);
    let touch = touch(shape);
    let (version, deleted) = (version(shape), deleted(shape));
    let (keep, on_delete) = (keep(model), on_delete(model));
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
    let output = output::output(model);
    quote! {
        #[automatically_derived]
        impl #krate::Model for #ident {
            type Key = #key_type;

            const NAME: &'static str = #name;

            #coherence

            #version

            #deleted

            #keep

            #hooks

            fn table() -> &'static #private::Arc<#private::Table> {
                #table
            }

            #referring

            #dependents

            #on_delete

            #updated_columns

            #output

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

            #find_violations

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

/// The struct with the values of a row.
fn object_of_row(shape: &Shape) -> TokenStream {
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
    quote!(Self { #(#fields),* })
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
