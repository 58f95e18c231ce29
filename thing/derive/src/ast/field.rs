//! Fields: what each is to the table.

use std::collections::HashMap;

use quote::format_ident;
use syn::ext::IdentExt;
use syn::{DeriveInput, Expr, Ident, Lit, LitStr, Type, Visibility, parse_quote};

use super::raw::{RawField, last_segment};
use super::{Column, Field, FieldKind, Source};
use crate::attributes::{Derived, FieldAttributes, FieldDefault};
use crate::errors::Errors;

/// The most columns a table can have; the contract crate has the same number.
const MAX_COLUMNS: usize = 128;

#[derive(Clone, Copy)]
pub(super) enum Role {
    Key { generated: bool },
    Other,
}

pub(super) fn kind(
    input: &DeriveInput,
    derived: Derived,
    raw: &RawField<'_>,
    role: Role,
    errors: &mut Errors,
) -> FieldKind {
    let attributes = &raw.attributes;
    if let Some(word) = &attributes.ignore {
        if let Some(key) = &attributes.key {
            errors.add(key, "the key can't be ignored: without it a row is not found again");
        } else if attributes.words() > 1 {
            errors.add(word, "an ignored field is no column; drop the other attributes or `ignore`");
        }
        return FieldKind::Ignored;
    }
    if let Some(word) = &attributes.embed {
        if derived == Derived::Embed {
            errors.add(word, "an embed can't hold another embed; embed both in the model");
        }
        let own = [&attributes.embed, &attributes.key, &attributes.given, &attributes.assigned];
        let own = own.into_iter().flatten().count() + usize::from(attributes.prefix.is_some());
        if attributes.words() > own {
            errors.add(word, "an embed is several columns; put the other attributes on the fields of its struct");
        }
        return FieldKind::Embed {
            prefix: attributes.prefix.as_ref().map(LitStr::value).unwrap_or_default(),
            given: attributes.given.is_some(),
        };
    }
    if derived == Derived::Embed
        && let Some(word) = attributes.foreign_key.as_ref().map(|key| &key.word)
    {
        errors.add(word, "a foreign key is declared on the model: `#[thing(foreign_key(Author, columns(author_id)))]`");
    }
    if derived == Derived::Embed
        && let Some(condition) = &attributes.check
    {
        errors.add(condition, "a check is declared on the model: `#[thing(check(name = \"…\", \"…\"))]`");
    }
    if let Some(prefix) = &attributes.prefix {
        errors.add(prefix, "`prefix` goes with `embed`; rename a single column with `column = \"…\"`");
    }
    if let Some(given) = &attributes.given {
        errors.add(given, "`given` goes with `embed`; a column without a default is always given");
    }
    FieldKind::Column(Column {
        name: attributes.column.as_ref().map_or_else(|| raw.name(), LitStr::value),
        marker: format_ident!("{}_{}", input.ident.unraw(), raw.name(), span = raw.ident.span()),
        is_key: matches!(role, Role::Key { .. }),
        source: source(raw, role, errors),
    })
}

fn source(raw: &RawField<'_>, role: Role, errors: &mut Errors) -> Source {
    let FieldAttributes { default, created, updated, version, deleted, .. } = &raw.attributes;
    if let (Some(_), Some(updated)) = (created, updated) {
        errors.add(updated, "a field holds the time of creation or of the last update, not both; drop one");
    }
    if let (Some(other), Some(deleted)) = (created.as_ref().or(updated.as_ref()).or(version.as_ref()), deleted) {
        errors.add(deleted, format!("a field that is `{other}` can't mark deleted objects too; drop one"));
    }
    let stamp = created.as_ref().or(updated.as_ref());
    if let (Some(stamp), Some(version)) = (stamp, version) {
        errors.add(version, format!("a field that is `{stamp}` holds a time, and a version is a number; drop one"));
    }
    if let (Some(stamp), Some(default)) = (stamp.or(version.as_ref()).or(deleted.as_ref()), default) {
        errors.add(&default.word, format!("`{stamp}` fills the field in; drop the default"));
    }
    match role {
        Role::Key { generated } => {
            if let Some(deleted) = deleted {
                errors.add(deleted, "the key can't mark deleted objects: it never changes");
            }
            if let Some(version) = version {
                errors
                    .add(version, "the key can't be the version: it never changes, and a version does at every write");
            }
            if let Some(stamp) = stamp {
                errors.add(
                    stamp,
                    format!("the key can't be `{stamp}`: it never changes, and two rows can be made at one time"),
                );
            }
            if generated && let Some(default) = default {
                errors.add(
                    &default.word,
                    "the database makes this key; drop the default, or write `assigned` when the application makes it",
                );
            }
            if generated {
                return Source::GeneratedKey;
            }
        }
        Role::Other if created.is_some() => return Source::Created,
        Role::Other if updated.is_some() => return Source::Updated,
        Role::Other if version.is_some() => return Source::Version,
        Role::Other if deleted.is_some() => return Source::Deleted,
        Role::Other => {}
    }
    match default {
        Some(default) => Source::Default(default_expression(default, &raw.field.ty)),
        None => Source::Given,
    }
}

/// A text given for a type that is no primitive is converted into it, so that `"active"` is a `String`.
fn default_expression(default: &FieldDefault, ty: &Type) -> Expr {
    let Some(value) = &default.value else {
        return parse_quote!(::core::default::Default::default());
    };
    let literal = matches!(value, Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_) | Lit::ByteStr(_)));
    let plain =
        last_segment(ty).is_some_and(|name| name == "Option" || name.to_string().starts_with(char::is_lowercase));
    if literal && !plain {
        return parse_quote!(::core::convert::Into::into(#value));
    }
    value.clone()
}

pub(super) fn refuse_second_stamps(raw: &[RawField<'_>], errors: &mut Errors) {
    let created = raw.iter().filter_map(|f| Some((f, f.attributes.created.as_ref()?)));
    let updated = raw.iter().filter_map(|f| Some((f, f.attributes.updated.as_ref()?)));
    let version = raw.iter().filter_map(|f| Some((f, f.attributes.version.as_ref()?)));
    let deleted = raw.iter().filter_map(|f| Some((f, f.attributes.deleted.as_ref()?)));
    let all = [created.collect::<Vec<_>>(), updated.collect(), version.collect(), deleted.collect()];
    for mut stamps in all.map(Vec::into_iter) {
        let Some((first, _)) = stamps.next() else {
            continue;
        };
        for (_, word) in stamps {
            let what = if word == "version" { "the version" } else { &format!("`{word}`") };
            errors.add(word, format!("`{}` is {what} already; one field is enough", first.name()));
        }
    }
}

/// Two columns can't have one name, nor two constants.
pub(super) fn refuse_equal_names(raw: &[RawField<'_>], fields: &[Field], errors: &mut Errors) {
    let mut columns: HashMap<String, &Ident> = HashMap::new();
    let mut constants: HashMap<Ident, &Ident> = HashMap::new();
    let mut count = 0;
    for (raw, field) in raw.iter().zip(fields) {
        if let Some(column) = field.column() {
            count += 1;
            if count == MAX_COLUMNS + 1 {
                errors.add(raw.ident, format!("a table has at most {MAX_COLUMNS} columns; this is one more"));
            }
            if let Some(first) = columns.insert(column.name.to_lowercase(), raw.ident) {
                let message = format!("column `{}` is declared twice, first by `{first}`; rename one", column.name);
                match &raw.attributes.column {
                    Some(name) => errors.add(name, message),
                    None => errors.add(raw.ident, message),
                }
            }
        }
        if !matches!(field.kind, FieldKind::Ignored)
            && let Some(first) = constants.insert(field.constant(), raw.ident)
        {
            errors.add(
                raw.ident,
                format!("`{first}` and `{}` would both be `{}`; rename one", raw.ident, field.constant()),
            );
        }
    }
}

pub(super) fn narrower<'a>(a: &'a Visibility, b: &'a Visibility) -> &'a Visibility {
    let width = |vis: &Visibility| match vis {
        Visibility::Public(_) => 3,
        Visibility::Restricted(restricted) if restricted.path.is_ident("crate") => 2,
        Visibility::Restricted(restricted) if restricted.path.is_ident("self") => 0,
        Visibility::Restricted(_) => 1,
        Visibility::Inherited => 0,
    };
    if width(a) < width(b) { a } else { b }
}
