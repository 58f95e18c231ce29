//! Column types: newtypes and enums that one column holds.

use std::collections::HashMap;

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Expr, Fields, Ident, Path, Type, parse_quote};

use crate::attributes::{Derived, StructAttributes, VariantAttributes};
use crate::errors::Errors;

/// A type with `#[derive(ColumnType)]`.
pub(crate) struct ColumnType {
    ident: Ident,
    krate: Path,
    kind: Kind,
}

enum Kind {
    /// A tuple struct around another column type.
    Newtype(Box<Type>),
    /// Variants without data, each with the text that stands for it.
    Texts(Vec<(Ident, String)>),
    /// Variants without data, each with the number that stands for it.
    Integers(Vec<(Ident, Expr)>),
}

impl ColumnType {
    pub(crate) fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let attributes = StructAttributes::parse(&input.attrs, Derived::ColumnType, &mut errors);
        if !input.generics.params.is_empty() {
            errors.add(&input.generics, "a column type has no type parameters or lifetimes; write one type for each");
        }
        let kind = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                    fields.unnamed.first().map(|field| Kind::Newtype(Box::new(field.ty.clone())))
                }
                _ => {
                    errors.add(
                        &input.ident,
                        format!(
                            "a column holds one value; write `struct {}(…);` with one unnamed field, \
                             or derive `Embed` for a group of columns",
                            input.ident
                        ),
                    );
                    None
                }
            },
            Data::Enum(data) => Some(match attributes.integer {
                Some(_) => Kind::Integers(numbered(input, data, &mut errors)),
                None => Kind::Texts(variants(input, data, &mut errors)),
            }),
            Data::Union(data) => {
                errors.add(data.union_token, "a column type is an enum or a struct with one unnamed field");
                None
            }
        };
        if let (Some(word), Data::Struct(_)) = (&attributes.integer, &input.data) {
            errors.add(word, "`integer` is for enums; a newtype is stored as what it holds");
        }
        errors.finish(kind.map(|kind| Self {
            ident: input.ident.clone(),
            krate: attributes.krate.unwrap_or_else(|| parse_quote!(::thing)),
            kind,
        }))
    }

    pub(crate) fn expand(&self) -> TokenStream {
        let implementation = match &self.kind {
            Kind::Newtype(inner) => self.newtype(inner),
            Kind::Texts(variants) => self.texts(variants),
            Kind::Integers(variants) => self.integers(variants),
        };
        quote! {
            #[doc(hidden)]
            const _: () = { #implementation };
        }
    }

    /// A newtype is what its inner type is: a key, text or a time stamp too. The lifetime in those bounds makes the
    /// compiler check them where they are needed and not here, where they may not hold.
    fn newtype(&self, inner: &Type) -> TokenStream {
        let (ident, krate) = (&self.ident, &self.krate);
        let private = quote!(#krate::__private);
        quote! {
            #[automatically_derived]
            impl #krate::ColumnType for #ident {
                const TYPE: #private::ValueType = <#inner as #krate::ColumnType>::TYPE;
                const NULLABLE: bool = <#inner as #krate::ColumnType>::NULLABLE;
                const SECRET: bool = <#inner as #krate::ColumnType>::SECRET;

                fn to_value(&self) -> #private::Result<#private::Value<'_>> {
                    <#inner as #krate::ColumnType>::to_value(&self.0)
                }

                fn from_row(row: &dyn #private::Row, index: usize) -> #private::Result<Self> {
                    <#inner as #krate::ColumnType>::from_row(row, index).map(Self)
                }

                fn heap_size(&self) -> usize {
                    <#inner as #krate::ColumnType>::heap_size(&self.0)
                }
            }

            #[automatically_derived]
            impl #krate::ComparableType for #ident
            where
                for<'thing> #inner: #krate::ComparableType,
                for<'thing> Self: #krate::ColumnType,
            {
            }

            #[automatically_derived]
            impl #krate::TextType for #ident
            where
                for<'thing> #inner: #krate::TextType,
                for<'thing> Self: #krate::ColumnType,
            {
            }

            #[automatically_derived]
            impl #krate::JsonType for #ident
            where
                for<'thing> #inner: #krate::JsonType,
                for<'thing> Self: #krate::ColumnType,
            {
            }

            #[automatically_derived]
            impl #krate::ListType for #ident
            where
                for<'thing> #inner: #krate::ListType,
                for<'thing> Self: #krate::ColumnType,
            {
                type Item = <#inner as #krate::ListType>::Item;
            }

            #[automatically_derived]
            impl #krate::TimestampType for #ident
            where
                for<'thing> #inner: #krate::TimestampType,
                for<'thing> Self: #krate::ColumnType,
            {
                fn from_microseconds(microseconds: i64) -> Self {
                    Self(<#inner as #krate::TimestampType>::from_microseconds(microseconds))
                }
            }

            #[automatically_derived]
            impl #krate::NumberType for #ident
            where
                for<'thing> #inner: #krate::NumberType,
                for<'thing> Self: #krate::ColumnType,
            {
                type Amount = <#inner as #krate::NumberType>::Amount;

                fn amount(amount: Self::Amount) -> #private::Result<#private::Value<'static>> {
                    <#inner as #krate::NumberType>::amount(amount)
                }

                fn sum(
                    stored: &#private::Value<'_>,
                    amount: &#private::Value<'_>,
                ) -> ::core::option::Option<#private::Value<'static>> {
                    <#inner as #krate::NumberType>::sum(stored, amount)
                }

                fn limit(amount: &#private::Value<'_>) -> ::core::option::Option<#private::Value<'static>> {
                    <#inner as #krate::NumberType>::limit(amount)
                }
            }

            #[automatically_derived]
            impl #krate::VersionType for #ident
            where
                for<'thing> #inner: #krate::VersionType,
                for<'thing> Self: #krate::ColumnType,
            {
                fn from_version(version: i64) -> Self {
                    Self(<#inner as #krate::VersionType>::from_version(version))
                }
            }

            #[automatically_derived]
            impl #krate::ModelKey for #ident
            where
                for<'thing> #inner: #krate::ModelKey,
                for<'thing> Self: ::core::clone::Clone + ::core::cmp::Eq + ::core::hash::Hash + ::core::fmt::Debug,
            {
                fn to_key(&self) -> #private::Result<#private::Key> {
                    <#inner as #krate::ModelKey>::to_key(&self.0)
                }

                fn from_generated(key: i64) -> #private::Result<Self> {
                    <#inner as #krate::ModelKey>::from_generated(key).map(Self)
                }

                fn is_unset(&self) -> bool {
                    <#inner as #krate::ModelKey>::is_unset(&self.0)
                }
            }

            #[automatically_derived]
            impl #private::GeneratedKey for #ident
            where
                for<'thing> #inner: #private::GeneratedKey,
            {
                fn unset() -> Self {
                    Self(<#inner as #private::GeneratedKey>::unset())
                }
            }
        }
    }

    fn texts(&self, variants: &[(Ident, String)]) -> TokenStream {
        let (ident, krate) = (&self.ident, &self.krate);
        let private = quote!(#krate::__private);
        let name = ident.unraw().to_string();
        let (variants, texts): (Vec<&Ident>, Vec<&String>) = variants.iter().map(|(v, t)| (v, t)).unzip();
        quote! {
            #[automatically_derived]
            impl #krate::ColumnType for #ident {
                const TYPE: #private::ValueType = #private::ValueType::Text;

                fn to_value(&self) -> #private::Result<#private::Value<'_>> {
                    ::core::result::Result::Ok(#private::text(match self {
                        #(Self::#variants => #texts,)*
                    }))
                }

                fn from_row(row: &dyn #private::Row, index: usize) -> #private::Result<Self> {
                    match &*#private::Row::text(row, index)? {
                        #(#texts => ::core::result::Result::Ok(Self::#variants),)*
                        _ => ::core::result::Result::Err(#private::unknown_variant(#name, &[#(#texts),*])),
                    }
                }
            }

            #[automatically_derived]
            impl #krate::ComparableType for #ident {}
        }
    }

    /// Of 32 bits whatever the numbers, so that a variant that comes later does not change the column.
    fn integers(&self, variants: &[(Ident, Expr)]) -> TokenStream {
        let (ident, krate) = (&self.ident, &self.krate);
        let private = quote!(#krate::__private);
        let name = ident.unraw().to_string();
        let (variants, numbers): (Vec<&Ident>, Vec<&Expr>) = variants.iter().map(|(v, n)| (v, n)).unzip();
        let count = variants.len();
        let each: Vec<usize> = (0..count).collect();
        let wide = quote!(<::core::primitive::i64 as ::core::convert::From<::core::primitive::i32>>::from);
        quote! {
            const NUMBERS: [::core::primitive::i32; #count] = [#(#numbers),*];

            #[automatically_derived]
            impl #krate::ColumnType for #ident {
                const TYPE: #private::ValueType = #private::ValueType::I32;

                fn to_value(&self) -> #private::Result<#private::Value<'_>> {
                    ::core::result::Result::Ok(#private::Value::I64(#wide(match self {
                        #(Self::#variants => NUMBERS[#each],)*
                    })))
                }

                fn from_row(row: &dyn #private::Row, index: usize) -> #private::Result<Self> {
                    let number = #private::Row::i64(row, index)?;
                    #(if number == #wide(NUMBERS[#each]) {
                        return ::core::result::Result::Ok(Self::#variants);
                    })*
                    ::core::result::Result::Err(#private::unknown_number(#name, &NUMBERS))
                }
            }

            #[automatically_derived]
            impl #krate::ComparableType for #ident {}
        }
    }
}

/// Reports an enum that has no variants, and variants that hold data, which `column` can't keep.
fn check(input: &DeriveInput, data: &syn::DataEnum, column: &str, errors: &mut Errors) {
    if data.variants.is_empty() {
        errors.add(&input.ident, format!("`{}` has no variants, so no column could hold it", input.ident));
    }
    for variant in data.variants.iter().filter(|variant| !matches!(variant.fields, Fields::Unit)) {
        errors.add(
            variant,
            format!(
                "`{}` holds data, which {column} can't keep; drop the data, or store the enum as `Json<{}>`",
                variant.ident, input.ident
            ),
        );
    }
}

/// The number of each variant is written down: one that is counted would change when a variant comes before it.
fn numbered(input: &DeriveInput, data: &syn::DataEnum, errors: &mut Errors) -> Vec<(Ident, Expr)> {
    check(input, data, "an integer column", errors);
    let mut variants = Vec::new();
    for variant in &data.variants {
        if let Some(rename) = VariantAttributes::parse(&variant.attrs, errors).rename {
            errors.add(rename, "the enum is stored as integers; drop `rename`, or drop `integer`");
        }
        match &variant.discriminant {
            Some((_, number)) => variants.push((variant.ident.clone(), number.clone())),
            None => errors.add(
                &variant.ident,
                format!("say which number is stored: `{} = {}`", variant.ident, variants.len() + 1),
            ),
        }
    }
    variants
}

fn variants(input: &DeriveInput, data: &syn::DataEnum, errors: &mut Errors) -> Vec<(Ident, String)> {
    check(input, data, "a text column", errors);
    let mut known: HashMap<String, &Ident> = HashMap::new();
    let mut variants = Vec::new();
    for variant in &data.variants {
        let attributes = VariantAttributes::parse(&variant.attrs, errors);
        let text = match &attributes.rename {
            Some(text) => text.value(),
            None => variant.ident.unraw().to_string().to_snake_case(),
        };
        if let Some(first) = known.insert(text.clone(), &variant.ident) {
            let message =
                format!("`{first}` is stored as `{text}` already; give one of them `#[thing(rename = \"…\")]`");
            match &attributes.rename {
                Some(rename) => errors.add(rename, message),
                None => errors.add(&variant.ident, message),
            }
        }
        variants.push((variant.ident.clone(), text));
    }
    variants
}
