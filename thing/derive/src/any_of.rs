//! Choices of models: enums of what an object can belong to.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, GenericArgument, Ident, LitStr, Path, PathArguments, Type, Variant, parse_quote};

use crate::attributes::{Derived, StructAttributes, VariantAttributes};
use crate::errors::Errors;

/// An enum with `#[derive(AnyOf)]`.
pub(crate) struct AnyOf {
    ident: Ident,
    krate: Path,
    kinds: Vec<Kind>,
}

/// A variant: one of the models.
struct Kind {
    variant: Ident,
    model: Type,
    /// What stands for it in the database.
    text: String,
}

impl AnyOf {
    pub(crate) fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let attributes = StructAttributes::parse(&input.attrs, Derived::AnyOf, &mut errors);
        if !input.generics.params.is_empty() {
            errors.add(&input.generics, "a choice of models has no type parameters or lifetimes");
        }
        let Data::Enum(data) = &input.data else {
            errors.add(
                &input.ident,
                "`AnyOf` goes on an enum: `enum Subject { Post(Loaded<Post>), Photo(Loaded<Photo>) }`",
            );
            return errors.finish(None);
        };
        if data.variants.is_empty() {
            errors.add(&input.ident, format!("`{}` has no variants, so nothing could belong to it", input.ident));
        }
        let mut kinds: Vec<Kind> = Vec::new();
        for variant in &data.variants {
            let rename = VariantAttributes::parse(&variant.attrs, &mut errors).rename;
            let text = rename.as_ref().map_or_else(|| snake_case(&variant.ident), LitStr::value);
            if let Some(first) = kinds.iter().find(|kind| kind.text == text) {
                let message =
                    format!("`{}` is stored as `{text}` already; give one of them another name", first.variant);
                errors.add(variant, message);
            }
            match model(variant) {
                Some(model) => kinds.push(Kind { variant: variant.ident.clone(), model, text }),
                None => errors.add(
                    variant,
                    format!("`{0}` holds no loaded object; write `{0}(Loaded<…>)` with the model", variant.ident),
                ),
            }
        }
        errors.finish(Some(Self {
            ident: input.ident.clone(),
            krate: attributes.krate.unwrap_or_else(|| parse_quote!(::thing)),
            kinds,
        }))
    }

    pub(crate) fn expand(&self) -> TokenStream {
        let (ident, krate) = (&self.ident, &self.krate);
        let private = quote!(#krate::__private);
        let name = ident.unraw().to_string();
        let first = &self.kinds[0].model;
        let texts = self.kinds.iter().map(|kind| &kind.text);
        let members = self
            .kinds
            .iter()
            .map(|Kind { model, .. }| quote_spanned!(model.span()=> &#private::MemberOf::<#model>::NEW));
        // With one variant there is nothing else that it could be.
        let other = (self.kinds.len() > 1).then(|| quote!(_ => ::core::option::Option::None,));
        let kinds = self.kinds.iter().map(|Kind { variant, model, text }| {
            quote_spanned! {model.span()=>
                #[automatically_derived]
                impl #krate::KindOf<#model> for #ident {
                    const KIND: &'static ::core::primitive::str = #text;

                    fn of(object: #krate::Loaded<#model>) -> Self {
                        Self::#variant(object)
                    }

                    fn get(&self) -> ::core::option::Option<&#krate::Loaded<#model>> {
                        match self {
                            Self::#variant(object) => ::core::option::Option::Some(object),
                            #other
                        }
                    }

                    fn get_mut(&mut self) -> ::core::option::Option<&mut #krate::Loaded<#model>> {
                        match self {
                            Self::#variant(object) => ::core::option::Option::Some(object),
                            #other
                        }
                    }
                }
            }
        });
        // The compiler shows a model with a key of another type where it is named.
        let same = self.kinds.iter().map(|Kind { model, .. }| quote_spanned!(model.span()=> same::<#model>();));
        quote! {
            #[doc(hidden)]
            const _: () = {
                #[automatically_derived]
                impl #krate::AnyOf for #ident {
                    type Key = <#first as #krate::Model>::Key;

                    const NAME: &'static ::core::primitive::str = #name;
                    const KINDS: &'static [&'static ::core::primitive::str] = &[#(#texts),*];
                    const MEMBERS: &'static [&'static dyn #private::Member<Self>] = &[#(#members),*];
                }

                #(#kinds)*

                const fn same<T: #krate::Model<Key = <#first as #krate::Model>::Key>>() {}
                #(#same)*
            };
        }
    }
}

fn snake_case(variant: &Ident) -> String {
    variant.unraw().to_string().to_snake_case()
}

/// `Post` of `Post(Loaded<Post>)`.
fn model(variant: &Variant) -> Option<Type> {
    let Fields::Unnamed(fields) = &variant.fields else { return None };
    let Type::Path(path) = &fields.unnamed.first().filter(|_| fields.unnamed.len() == 1)?.ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Loaded")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first().filter(|_| arguments.args.len() == 1)? {
        GenericArgument::Type(model) => Some(model.clone()),
        _ => None,
    }
}
