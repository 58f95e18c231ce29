//! Keys: which field or embed is the primary key, and who makes it.

use syn::{DeriveInput, Ident};

use super::Key;
use super::raw::{RawField, last_segment, positions, resolve};
use crate::attributes::StructAttributes;
use crate::errors::Errors;

/// The most parts of a composite key: so many have an `impl ModelKey`.
const MAX_KEY_PARTS: usize = 4;

/// Finds the key: declared on the struct, or on a field, or by the name `id`, or in an embed.
pub(super) fn model_key(
    input: &DeriveInput,
    attributes: &StructAttributes,
    raw: &[RawField<'_>],
    errors: &mut Errors,
) -> Option<Key> {
    let mistakes = errors.len();
    let key = match &attributes.key {
        Some((word, names)) => composite_key(word, names, raw, errors),
        None => own_key(raw, errors).or_else(|| embedded_key(raw, errors)),
    };
    if let Some(Key::Fields { fields, .. }) = &key {
        refuse_nullable_keys(raw, fields, errors);
    }
    // What could not be read may have been the key.
    let unclear = attributes.unclear || raw.iter().any(|f| f.attributes.unclear || f.attributes.key.is_some());
    if key.is_none() && errors.len() == mistakes && !unclear {
        errors.add(
            &input.ident,
            format!(
                "`{}` has no primary key; name a field `id`, mark one with `#[thing(key)]`, \
                 or list several on the struct with `#[thing(key(a, b))]`",
                input.ident
            ),
        );
    }
    key
}

fn composite_key(word: &Ident, names: &[Ident], raw: &[RawField<'_>], errors: &mut Errors) -> Option<Key> {
    for field in raw {
        if let Some(word) = &field.attributes.key {
            errors.add(word, "the key is declared on the struct; drop one of the two");
        }
    }
    if names.len() > MAX_KEY_PARTS {
        errors.add(word, format!("a key has at most {MAX_KEY_PARTS} parts, this one has {}", names.len()));
        return None;
    }
    let fields = resolve(names, raw, "key", errors)?;
    let generated = fields.len() == 1 && is_generated(&raw[fields[0]]);
    Some(Key::Fields { fields, generated })
}

/// The key that is a field: marked, or named `id`.
pub(super) fn own_key(raw: &[RawField<'_>], errors: &mut Errors) -> Option<Key> {
    let marked: Vec<usize> = positions(raw, |f| f.attributes.key.is_some() && f.attributes.embed.is_none());
    if let [_, others @ ..] = marked.as_slice()
        && !others.is_empty()
    {
        let names: Vec<String> = marked.iter().map(|&at| raw[at].name()).collect();
        for &other in others {
            errors.add(
                &raw[other].attributes.key,
                format!(
                    "`{}` is marked as the key already; for a key of several fields write \
                     `#[thing(key({}))]` on the struct",
                    names[0],
                    names.join(", ")
                ),
            );
        }
    }
    let embed_is_key = raw.iter().any(|f| f.attributes.key.is_some() && f.attributes.embed.is_some());
    let named_id = || positions(raw, |f| f.name() == "id" && f.is_column());
    let field = match marked.first() {
        Some(&field) => field,
        None if embed_is_key => return None,
        None => *named_id().first()?,
    };
    Some(Key::Fields { fields: vec![field], generated: is_generated(&raw[field]) })
}

/// The key that an embed holds: the only embed, or the one that is marked.
fn embedded_key(raw: &[RawField<'_>], errors: &mut Errors) -> Option<Key> {
    let embeds = positions(raw, |f| f.attributes.embed.is_some());
    let marked = positions(raw, |f| f.attributes.embed.is_some() && f.attributes.key.is_some());
    match (marked.as_slice(), embeds.as_slice()) {
        (&[marked], _) => Some(Key::Embed(marked)),
        ([], &[only]) => Some(Key::Embed(only)),
        ([], []) => None,
        ([], several) => {
            let names: Vec<String> = several.iter().map(|&at| format!("`{}`", raw[at].name())).collect();
            errors.add(
                raw[several[0]].ident,
                format!(
                    "the key can be in {}; write `#[thing(embed, key)]` on the embed that holds it",
                    names.join(" or ")
                ),
            );
            None
        }
        ([_, others @ ..], _) => {
            for &other in others {
                errors.add(&raw[other].attributes.key, "another embed holds the key already; drop one of the two");
            }
            None
        }
    }
}

/// Whether the database makes the key, which it does unless the field or the name of its type says otherwise. For a type
/// that turns out to be no integer, the expansion asks in vain for the trait `GeneratedKey`, whose message says what to
/// write.
fn is_generated(field: &RawField<'_>) -> bool {
    let assigned_type = last_segment(&field.field.ty).is_some_and(|name| name == "String" || name == "Uuid");
    field.attributes.assigned.is_none() && !assigned_type
}

pub(super) fn refuse_nullable_keys(raw: &[RawField<'_>], fields: &[usize], errors: &mut Errors) {
    for &field in fields {
        let ty = &raw[field].field.ty;
        if last_segment(ty).is_some_and(|name| name == "Option") {
            errors.add(ty, format!("the key `{}` can't be an Option: a key is never NULL", raw[field].name()));
        }
    }
}

/// `assigned` says something about the key only.
pub(super) fn check_assigned(raw: &[RawField<'_>], key: Option<&Key>, errors: &mut Errors) {
    let parts: Option<&[usize]> = key.map(|key| match key {
        Key::Fields { fields, .. } => fields.as_slice(),
        Key::Embed(_) => &[],
    });
    for (at, field) in raw.iter().enumerate() {
        let Some(word) = &field.attributes.assigned else {
            continue;
        };
        if field.attributes.embed.is_some() {
            errors.add(word, "`assigned` goes on the key's field, inside the embed");
        } else if parts.is_some_and(|parts| !parts.contains(&at)) {
            errors.add(word, "`assigned` says that the application makes the key, but this field is not the key");
        } else if parts.is_some_and(|parts| parts.len() > 1) {
            errors.add(word, "the parts of a composite key are always assigned; drop `assigned`");
        }
    }
}
