//! Constraints: foreign keys and checks, those of fields and those of the struct.

use syn::LitStr;

use super::raw::{RawField, last_segment, resolve};
use super::{Check, ForeignAction, ForeignKey};
use crate::attributes::{CheckEntry, ForeignKeyEntry};
use crate::errors::Errors;

/// The foreign keys: those of single fields in the order of the fields, then those that the struct declares.
pub(super) fn foreign_keys(entries: &[ForeignKeyEntry], raw: &[RawField<'_>], errors: &mut Errors) -> Vec<ForeignKey> {
    let mut keys = Vec::new();
    for (at, field) in raw.iter().enumerate() {
        if let Some(entry) = &field.attributes.foreign_key {
            keys.extend(foreign_key(entry, vec![at], raw, errors));
        }
    }
    for entry in entries {
        let fields = entry.fields.as_deref().unwrap_or_default();
        if let Some(fields) = resolve(fields, raw, "foreign_key", errors) {
            keys.extend(foreign_key(entry, fields, raw, errors));
        }
    }
    keys
}

fn foreign_key(
    entry: &ForeignKeyEntry,
    fields: Vec<usize>,
    raw: &[RawField<'_>],
    errors: &mut Errors,
) -> Option<ForeignKey> {
    let on_delete = action("on_delete", entry.on_delete.as_ref(), true, errors);
    let on_update = action("on_update", entry.on_update.as_ref(), false, errors);
    let changes = matches!(on_delete, ForeignAction::Cascade | ForeignAction::SetNull);
    if changes && fields.len() > 1 {
        errors.add(
            &entry.on_delete,
            "a cache can't be told what a foreign key of several columns changes; let the application delete the rows",
        );
        return None;
    }
    let nullable = |&field: &usize| last_segment(&raw[field].field.ty).is_some_and(|name| name == "Option");
    if on_delete == ForeignAction::SetNull && !fields.iter().all(nullable) {
        errors.add(&entry.on_delete, "a column that becomes NULL is an Option; make the field one");
        return None;
    }
    let (parent, name) = (entry.parent.clone(), entry.name.as_ref().map(LitStr::value));
    Some(ForeignKey { parent, name, fields, on_delete, on_update })
}

fn action(word: &str, text: Option<&LitStr>, deletes: bool, errors: &mut Errors) -> ForeignAction {
    let Some(text) = text else { return ForeignAction::NoAction };
    match text.value().as_str() {
        "no_action" => ForeignAction::NoAction,
        "restrict" => ForeignAction::Restrict,
        "cascade" => ForeignAction::Cascade,
        "set_null" if deletes => ForeignAction::SetNull,
        _ => {
            let known = if deletes { "\"cascade\", \"set_null\"" } else { "\"cascade\"" };
            errors.add(text, format!("`{word}` is \"no_action\", \"restrict\", {known}"));
            ForeignAction::NoAction
        }
    }
}

/// The checks: those of fields, named after the table and the column, then those that the struct declares.
pub(super) fn checks(table: &str, entries: &[CheckEntry], raw: &[RawField<'_>], errors: &mut Errors) -> Vec<Check> {
    let of_fields = raw.iter().filter_map(|field| {
        let condition = field.attributes.check.as_ref()?.value();
        let column = field.attributes.column.as_ref().map_or_else(|| field.name(), LitStr::value);
        Some(Check { name: format!("{table}_{column}_check"), condition })
    });
    let mut checks: Vec<Check> = of_fields.collect();
    for CheckEntry { name, condition } in entries {
        let check = Check { name: name.as_ref().map(LitStr::value).unwrap_or_default(), condition: condition.value() };
        if checks.iter().any(|known| known.name.eq_ignore_ascii_case(&check.name)) {
            errors.add(name, format!("another check is called `{}`; rename one", check.name));
        }
        checks.push(check);
    }
    checks
}
