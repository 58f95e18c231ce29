//! What goes along with writes: hooks and rules. A trait that is missing is shown at the word that asks for it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{local, this};
use crate::ast::Model;

/// The constant `HOOKS`, where there are any.
pub(super) fn hooks(model: &Model) -> Option<TokenStream> {
    let (krate, private) = (&model.shape.krate, model.shape.private());
    model.along.hooks.as_ref().map(|word| {
        quote_spanned! {word.span()=>
            const HOOKS: ::core::option::Option<&'static dyn #private::Dispatch<Self>> = {
                const fn hooks<M: #krate::Hooks>() -> &'static dyn #private::Dispatch<M> {
                    &#private::OwnHooks::<M>::NEW
                }
                ::core::option::Option::Some(hooks::<Self>())
            };
        }
    })
}

/// The body of `from_row`: the object as its hook leaves it.
pub(super) fn loaded(model: &Model, object_of_row: &TokenStream) -> TokenStream {
    let Some(word) = &model.along.hooks else { return quote!(::core::result::Result::Ok(#object_of_row)) };
    let (krate, object) = (&model.shape.krate, local("object"));
    quote_spanned! {word.span()=>
        let mut #object = #object_of_row;
        #krate::Hooks::after_load(&mut #object)?;
        ::core::result::Result::Ok(#object)
    }
}

/// The constant `RULES` and the method `find_violations`, where there are rules.
pub(super) fn find_violations(model: &Model) -> Option<TokenStream> {
    let (krate, private, this) = (&model.shape.krate, model.shape.private(), this());
    let violations = local("violations");
    let declared = model
        .along
        .garde
        .as_ref()
        .map(|word| quote_spanned!(word.span()=> #private::check_declared(#this, #violations);));
    let coded = model
        .along
        .validate
        .as_ref()
        .map(|word| quote_spanned!(word.span()=> #krate::Validate::validate(#this, #violations);));
    let word = model.along.garde.as_ref().or(model.along.validate.as_ref())?;
    Some(quote_spanned! {word.span()=>
        const RULES: bool = true;

        fn find_violations(&#this, #violations: &mut #krate::Violations) {
            #declared
            #coded
        }
    })
}
