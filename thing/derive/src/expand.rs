//! Expansion: the code that the macros write.

mod columns;
mod embed;
mod model;
mod new;
mod table;

pub(crate) use embed::embed;
pub(crate) use model::model;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::ast::{FieldKind, Shape};

/// A name that the struct's own code can't see and that sees none of it.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
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
            missing_debug_implementations,
            unreachable_pub,
            unused_qualifications
        )]
        const _: () = { #code };
    }
}

impl Shape {
    /// The position of every field's first column, and behind the last the number of columns. It is an expression of
    /// constants where embeds come before.
    fn offsets(&self) -> Vec<TokenStream> {
        let krate = &self.krate;
        let mut columns = 0usize;
        let mut embeds = TokenStream::new();
        let mut offsets = vec![quote!(#columns)];
        for field in &self.fields {
            match &field.kind {
                FieldKind::Column(_) => columns += 1,
                FieldKind::Embed { .. } => {
                    let ty = &field.ty;
                    embeds.extend(quote!(+ <#ty as #krate::Embed>::LEN));
                }
                FieldKind::Ignored => {}
            }
            offsets.push(quote!(#columns #embeds));
        }
        offsets
    }
}
