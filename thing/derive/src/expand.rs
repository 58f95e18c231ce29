//! Expansion: the code that the macros write.

mod along;
mod columns;
mod embed;
mod model;
mod new;
mod output;
mod relations;
mod table;

pub(crate) use embed::embed;
pub(crate) use model::model;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::ast::{Column, Field, FieldKind, Shape, Source};

/// A name that the struct's own code can't see and that sees none of it.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// `self` as the expansion's methods declare it, for code that is shown elsewhere.
fn this() -> TokenStream {
    quote!(self)
}

/// Wraps the expansion, so that its names collide with none of the module, and quiets lints that the author of the
/// struct can do nothing about.
fn hidden(code: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(
            // Nobody has to use every column.
            dead_code,
            // The author may deprecate a field; the expansion still reads it.
            deprecated,
            // Types that stand for columns are named after the struct and the field, for messages of the compiler.
            non_camel_case_types,
            // Nobody names these types, so nobody prints them.
            missing_debug_implementations,
            // What is public follows the struct and its fields.
            unreachable_pub,
            // Full paths hold wherever the struct stands.
            unused_qualifications,
            // Without time stamps there is no use for the time, without a generated key none for the key.
            unused_variables,
            // The default of an Option is often Some.
            clippy::unnecessary_wraps
        )]
        const _: () = { #code };
    }
}

/// `<Type as Trait>::member`, in the place of the type.
fn path(ty: &Type, of: &TokenStream, member: &str) -> TokenStream {
    let span = ty.span();
    let member = Ident::new(member, span);
    let of = of.clone().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    quote_spanned!(span=> <#ty as #(#of)*>::#member)
}

impl Shape {
    /// The path of what only expansions use.
    fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }

    /// The fields that are columns.
    fn columns(&self) -> impl Iterator<Item = (&Field, &Column)> {
        self.fields.iter().filter_map(|field| Some((field, field.column()?)))
    }

    /// `<Type as ColumnType>::member` of a field. As for all such paths, the compiler shows a type that lacks the trait in
    /// the declaration of the field.
    fn column_type(&self, field: &Field, member: &str) -> TokenStream {
        let krate = &self.krate;
        path(&field.ty, &quote!(#krate::ColumnType), member)
    }

    /// `<Type as Embed>::member` of a field.
    fn embed(&self, field: &Field, member: &str) -> TokenStream {
        let krate = &self.krate;
        path(&field.ty, &quote!(#krate::Embed), member)
    }

    /// The field that is the version, and the position of its column.
    fn version(&self) -> Option<(&Field, TokenStream)> {
        self.column_of(|source| matches!(source, Source::Version))
    }

    /// The field that marks deleted objects, and the position of its column.
    fn deleted(&self) -> Option<(&Field, TokenStream)> {
        self.column_of(|source| matches!(source, Source::Deleted))
    }

    fn column_of(&self, choose: impl Fn(&Source) -> bool) -> Option<(&Field, TokenStream)> {
        let at = self.fields.iter().position(|field| field.column().is_some_and(|column| choose(&column.source)))?;
        Some((&self.fields[at], self.offsets().swap_remove(at)))
    }

    /// The fields that together tell rows apart: those of each unique index, and of the key if the application makes it.
    fn unique(&self, assigned_key: &[usize]) -> Vec<Vec<usize>> {
        let mut all: Vec<Vec<usize>> = Vec::new();
        let indexes = self
            .indexes
            .iter()
            .filter(|index| index.unique && index.condition.is_none())
            .map(|index| index.fields.clone());
        for fields in indexes.chain([assigned_key.to_vec()]) {
            if !fields.is_empty() && !all.contains(&fields) {
                all.push(fields);
            }
        }
        all
    }

    /// `<Type as EmbedKey>::member` of a field.
    fn embed_key(&self, field: &Field, member: &str) -> TokenStream {
        let krate = &self.krate;
        path(&field.ty, &quote!(#krate::EmbedKey), member)
    }

    /// The position of every field's first column, and behind the last the number of columns. It is an expression of
    /// constants where embeds come before.
    fn offsets(&self) -> Vec<TokenStream> {
        let mut columns = 0usize;
        let mut embeds = TokenStream::new();
        let mut offsets = vec![quote!(#columns)];
        for field in &self.fields {
            match &field.kind {
                FieldKind::Column(_) => columns += 1,
                FieldKind::Embed { .. } => {
                    let len = self.embed(field, "LEN");
                    embeds.extend(quote!(+ #len));
                }
                FieldKind::Ignored => {}
            }
            offsets.push(quote!(#columns #embeds));
        }
        offsets
    }
}
