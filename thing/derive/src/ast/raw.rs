//! Fields as they are written, with their attributes, not judged yet.

use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Ident, Type};

use crate::attributes::{Derived, FieldAttributes};
use crate::errors::{Errors, did_you_mean};

/// A named field with its attributes, not judged yet.
pub(super) struct RawField<'a> {
    pub(super) field: &'a syn::Field,
    pub(super) ident: &'a Ident,
    pub(super) attributes: FieldAttributes,
}

impl RawField<'_> {
    pub(super) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    pub(super) fn is_column(&self) -> bool {
        self.attributes.ignore.is_none() && self.attributes.embed.is_none()
    }
}

/// The fields of a struct with named fields and without generics; anything else is a mistake.
pub(super) fn raw_fields<'a>(
    input: &'a DeriveInput,
    derived: Derived,
    errors: &mut Errors,
) -> Option<Vec<RawField<'a>>> {
    let (article, word) = match derived {
        Derived::Embed => ("an", "embed"),
        Derived::Model | Derived::ColumnType | Derived::AnyOf => ("a", "model"),
    };
    if !input.generics.params.is_empty() {
        errors.add(
            &input.generics,
            format!("{article} {word} has no type parameters or lifetimes; write one struct for each type, which owns its data"),
        );
    }
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            Fields::Unnamed(fields) => {
                errors.add(
                    fields,
                    format!(
                        "the fields of {article} {word} have names, which name the columns; write `{} {{ … }}`",
                        input.ident
                    ),
                );
                return None;
            }
            Fields::Unit => {
                errors.add(
                    &input.ident,
                    format!("`{}` has no fields; {article} {word} needs at least one column", input.ident),
                );
                return None;
            }
        },
        Data::Enum(data) => {
            errors.add(
                data.enum_token,
                format!("{article} {word} is a struct; an enum can be a column, with `#[derive(ColumnType)]`"),
            );
            return None;
        }
        Data::Union(data) => {
            errors.add(data.union_token, format!("{article} {word} is a struct with named fields"));
            return None;
        }
    };
    let raw: Vec<RawField<'a>> = fields
        .iter()
        .filter_map(|field| {
            let attributes = FieldAttributes::parse(&field.attrs, errors);
            field.ident.as_ref().map(|ident| RawField { field, ident, attributes })
        })
        .collect();
    if raw.iter().all(|f| f.attributes.ignore.is_some()) {
        errors.add(
            &input.ident,
            format!("`{}` has no columns; {article} {word} needs at least one field that is not ignored", input.ident),
        );
        return None;
    }
    Some(raw)
}

/// The positions of the fields that a list names.
pub(super) fn resolve(names: &[Ident], raw: &[RawField<'_>], list: &str, errors: &mut Errors) -> Option<Vec<usize>> {
    let mistakes = errors.len();
    let mut fields = Vec::new();
    for name in names {
        let text = name.unraw().to_string();
        match raw.iter().position(|field| field.name() == text) {
            None => {
                let known: Vec<String> = raw.iter().filter(|f| f.is_column()).map(RawField::name).collect();
                let hint = did_you_mean(&text, known.iter().map(String::as_str));
                errors.add(name, format!("`{list}` names `{text}`, which is not a field{hint}"));
            }
            Some(at) if !raw[at].is_column() => {
                errors.add(name, format!("`{list}` names `{text}`, which is not a column of its own"));
            }
            Some(at) if fields.contains(&at) => errors.add(name, format!("`{list}` names `{text}` twice; drop one")),
            Some(at) => fields.push(at),
        }
    }
    (errors.len() == mistakes).then_some(fields)
}

pub(super) fn positions(raw: &[RawField<'_>], choose: impl Fn(&RawField<'_>) -> bool) -> Vec<usize> {
    let chosen = raw.iter().enumerate().filter(|(_, field)| choose(field));
    chosen.map(|(at, _)| at).collect()
}

/// The last part of a type's path: `String` of `std::string::String`.
pub(crate) fn last_segment(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}
