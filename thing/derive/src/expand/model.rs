//! Models: `impl Model`, the typed columns and the struct for new objects.

use proc_macro2::TokenStream;
use quote::quote;

use super::{columns, hidden, local, new, table};
use crate::ast::{Column, Field, FieldKind, Key, Model, Shape, Source};

/// The expansion of `#[derive(Model)]`.
pub(crate) fn model(model: &Model) -> TokenStream {
    let (new_struct, from_new) = match &model.new {
        Some(name) => new::new(model, name),
        None => Default::default(),
    };
    let columns = columns::columns(model);
    let functions = new::functions(&model.shape);
    let limit = column_limit(&model.shape);
    let implementation = implementation(model);
    let hidden = hidden(&quote! {
        #columns
        #functions
        #limit
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
    quote!(const _: () = ::core::assert!(#count <= 128, #message);)
}

fn implementation(model: &Model) -> TokenStream {
    let shape = &model.shape;
    let (ident, krate) = (&shape.ident, &shape.krate);
    let private = quote!(#krate::__private);
    let name = ident.to_string();
    let (key_type, key_value, set_key) = key(model);
    let table = table::table(model);
    let from_row = from_row(shape);
    let value = value(shape);
    let touch = touch(shape);
    let heap_size = heap_size(shape);
    let (row, column, now, new, key) = (local("row"), local("column"), local("now"), local("new"), local("key"));
    quote! {
        #[automatically_derived]
        impl #krate::Model for #ident {
            type Key = #key_type;

            const NAME: &'static str = #name;

            fn table() -> &'static #private::Arc<#private::Table> {
                #table
            }

            fn key(&self) -> Self::Key {
                #key_value
            }

            #[allow(unused_variables)]
            fn set_generated_key(&mut self, #key: i64) -> #private::Result<()> {
                #set_key
            }

            fn from_row(#row: &dyn #private::Row) -> #private::Result<Self> {
                #from_row
            }

            fn value(&self, #column: usize) -> #private::Result<#private::Value<'_>> {
                #value
            }

            #[allow(unused_variables)]
            fn touch(&mut self, #now: i64, #new: bool) -> bool {
                #touch
            }

            fn heap_size(&self) -> usize {
                #heap_size
            }
        }
    }
}

/// The type of the key, the key of an object, and the body of `set_generated_key`.
fn key(model: &Model) -> (TokenStream, TokenStream, TokenStream) {
    let krate = &model.shape.krate;
    let key = local("key");
    let fields = match &model.key {
        Key::Embed(field) => {
            let Field { ident, ty, .. } = &model.shape.fields[*field];
            return (
                quote!(<#ty as #krate::EmbedKey>::Key),
                quote!(<#ty as #krate::EmbedKey>::key(&self.#ident)),
                quote!(<#ty as #krate::EmbedKey>::set_generated_key(&mut self.#ident, #key)),
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
        (Key::Fields { generated: true, .. }, Some(field)) => set_generated_key(&model.shape, field),
        _ => {
            let name = model.shape.ident.to_string();
            quote!(::core::result::Result::Err(#krate::__private::key_is_assigned(#name, #key)))
        }
    };
    (types, values, set)
}

/// The body of `set_generated_key` for a field.
pub(super) fn set_generated_key(shape: &Shape, field: &Field) -> TokenStream {
    let (krate, ident, key) = (&shape.krate, &field.ident, local("key"));
    quote! {
        self.#ident = #krate::ModelKey::from_generated(#key)?;
        ::core::result::Result::Ok(())
    }
}

fn from_row(shape: &Shape) -> TokenStream {
    let krate = &shape.krate;
    let row = local("row");
    let fields = shape.fields.iter().zip(shape.offsets()).map(|(field, offset)| {
        let Field { ident, ty, .. } = field;
        let value = match &field.kind {
            FieldKind::Column(column) => {
                let (name, marker) = (&column.name, &column.marker);
                quote!(#krate::__private::read_column::<#marker>(#row, #offset, #name)?)
            }
            FieldKind::Embed { .. } => quote!(<#ty as #krate::Embed>::from_row(#row, #offset)?),
            FieldKind::Ignored => quote!(::core::default::Default::default()),
        };
        quote!(#ident: #value)
    });
    quote!(::core::result::Result::Ok(Self { #(#fields),* }))
}

fn value(shape: &Shape) -> TokenStream {
    let krate = &shape.krate;
    let column = local("column");
    let offsets = shape.offsets();
    let mut after_embed = false;
    let mut arms = TokenStream::new();
    for (at, field) in shape.fields.iter().enumerate() {
        let (ident, ty, offset) = (&field.ident, &field.ty, &offsets[at]);
        match &field.kind {
            FieldKind::Column(Column { name, marker, .. }) => {
                let pattern = if after_embed { quote!(_ if #column == #offset) } else { quote!(#offset) };
                arms.extend(quote!(#pattern => #krate::__private::write_column::<#marker>(&self.#ident, #name),));
            }
            FieldKind::Embed { .. } => {
                // The arms above took every smaller column.
                let end = &offsets[at + 1];
                arms.extend(quote!(_ if #column < #end => <#ty as #krate::Embed>::value(&self.#ident, #column - (#offset)),));
                after_embed = true;
            }
            FieldKind::Ignored => {}
        }
    }
    let name = shape.ident.to_string();
    quote! {
        match #column {
            #arms
            _ => ::core::result::Result::Err(#krate::__private::no_column(#name, #column)),
        }
    }
}

/// The body of `touch`, of models and embeds.
pub(super) fn touch(shape: &Shape) -> TokenStream {
    let krate = &shape.krate;
    let (now, new, updated) = (local("now"), local("new"), local("updated"));
    let has_updated = shape.fields.iter().filter_map(Field::column).any(|column| matches!(column.source, Source::Updated));
    let statements = shape.fields.iter().map(|field| {
        let (ident, ty, function) = (&field.ident, &field.ty, field.function());
        match &field.kind {
            FieldKind::Embed { .. } => quote! {
                let #updated = <#ty as #krate::Embed>::touch(&mut self.#ident, #now, #new) || #updated;
            },
            FieldKind::Column(Column { source: Source::Created, .. }) => quote! {
                if #new {
                    self.#ident = #function(#now);
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
    let krate = &shape.krate;
    let sizes = shape.fields.iter().filter_map(|field| {
        let Field { ident, ty, .. } = field;
        match &field.kind {
            FieldKind::Column(Column { marker, .. }) => Some(quote!(#krate::__private::heap_size::<#marker>(&self.#ident))),
            FieldKind::Embed { .. } => Some(quote!(<#ty as #krate::Embed>::heap_size(&self.#ident))),
            FieldKind::Ignored => None,
        }
    });
    quote!(0 #(+ #sizes)*)
}
