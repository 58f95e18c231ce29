//! Output: what a model can show besides its columns.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::local;
use crate::ast::{FieldKind, Model};
use crate::attributes::RelationKind;

/// The methods `field_names`, `relations` and `computed`, where there is something to tell.
pub(super) fn output(model: &Model) -> TokenStream {
    let private = model.shape.private();
    let shape = &model.shape;
    let renamed: Vec<TokenStream> = shape
        .fields
        .iter()
        .zip(shape.offsets())
        .filter_map(|(field, offset)| match &field.kind {
            FieldKind::Column(column) if column.name != field.name() => {
                let name = field.name();
                Some(quote!((#offset, #name)))
            }
            _ => None,
        })
        .collect();
    let field_names = (!renamed.is_empty()).then(|| {
        quote! {
            fn field_names() -> ::std::vec::Vec<(usize, &'static str)> {
                ::std::vec![#(#renamed),*]
            }
        }
    });
    let named = model.relations.iter().map(|relation| {
        let constant = &relation.constant;
        match relation.kind {
            // The compiler shows what is no choice of models where it is declared.
            RelationKind::BelongsToAny => {
                quote_spanned!(relation.target.span()=> #private::NamedRelation::any(Self::#constant))
            }
            _ => quote!(#private::NamedRelation::new(Self::#constant)),
        }
    });
    let relations = (!model.relations.is_empty()).then(|| {
        quote! {
            fn relations() -> ::std::vec::Vec<#private::NamedRelation<Self>> {
                ::std::vec![#(#named),*]
            }
        }
    });
    let (object, out) = (local("object"), local("out"));
    let fields = model.computed.iter().map(|entry| {
        let name = entry.name.unraw().to_string();
        let (method, span) = (&entry.name, entry.name.span());
        let function = match &entry.function {
            Some(function) => quote!(#function),
            None => quote_spanned!(span=> Self::#method),
        };
        quote_spanned!(span=> #private::Computed::new(#name, |#object, #out| #out.value(&#function(#object))))
    });
    let computed = (!model.computed.is_empty()).then(|| {
        quote! {
            fn computed() -> ::std::vec::Vec<#private::Computed<Self>> {
                ::std::vec![#(#fields),*]
            }
        }
    });
    quote! {
        #field_names

        #relations

        #computed
    }
}
