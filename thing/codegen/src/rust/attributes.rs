//! Attributes: what stands in `#[thing(…)]`. Whatever the derive macros come to know is added here.

use super::constraints::RustForeignKey;
use super::names::code;
use super::plan::{Kind, Role, RustField, RustIndex, RustRelation, Struct};

/// The attributes of a struct, in their order.
pub(super) fn on_struct(planned: &Struct<'_>) -> Vec<String> {
    let mut attributes = vec![format!("table = {:?}", planned.table.table)];
    if planned.key.len() > 1 {
        attributes.push(format!("key({})", fields(planned, &planned.key)));
    }
    attributes.extend(planned.comment.map(|comment| format!("comment = {comment:?}")));
    attributes.extend(planned.indexes.iter().filter(|index| !goes_on_field(index)).map(|index| list(planned, index)));
    for (place, key) in planned.foreign_keys.iter().enumerate() {
        if !is_of_field(planned, place) {
            attributes.push(foreign_key(planned, key, true));
        }
    }
    for check in planned.checks.iter().filter(|check| check.field.is_none()) {
        attributes.push(format!("check(name = {:?}, {:?})", check.check.name, check.check.condition));
    }
    for word in ["cascades", "nulls"] {
        let of_word = planned.dependents.iter().filter(|dependent| dependent.word == word);
        let mut columns: Vec<String> =
            of_word.map(|dependent| format!("{}::{}", dependent.child, dependent.field.to_uppercase())).collect();
        columns.sort();
        if !columns.is_empty() {
            attributes.push(format!("{word}({})", columns.join(", ")));
        }
    }
    attributes.extend(planned.relations.iter().map(relation));
    attributes
}

/// An index of the struct.
fn list(planned: &Struct<'_>, index: &RustIndex<'_>) -> String {
    let (word, parts) = (word(index), index.fields.iter().zip(&index.index.parts));
    let columns = parts.map(|(&at, part)| {
        let direction = if part.descending { " desc" } else { "" };
        code(&planned.fields[at].name) + direction
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let condition = index.condition().map(|condition| format!(", where = {condition:?}"));
    let plain = condition.is_none() && !index.is_descending();
    match own_name(planned, index) {
        Some(name) => format!("{word}(name = {name:?}, columns({columns}){})", condition.unwrap_or_default()),
        None if plain => format!("{word}({columns})"),
        None => format!("{word}(columns({columns}){})", condition.unwrap_or_default()),
    }
}

/// Whether the word on the field says all of the index.
fn goes_on_field(index: &RustIndex<'_>) -> bool {
    index.fields.len() == 1 && index.condition().is_none() && !index.is_descending()
}

fn foreign_key(planned: &Struct<'_>, key: &RustForeignKey, on_struct: bool) -> String {
    let names: Vec<&str> = key.fields.iter().map(|&at| planned.fields[at].column.column.as_str()).collect();
    let usual = format!("{}_{}_foreign", planned.table.table, names.join("_"));
    let columns = on_struct.then(|| format!(", columns({})", fields(planned, &key.fields)));
    let name = (key.name != usual).then(|| format!(", name = {:?}", key.name));
    let on_delete = key.on_delete.map(|action| format!(", on_delete = {action:?}"));
    let on_update = key.on_update.map(|action| format!(", on_update = {action:?}"));
    let parts = [columns, name, on_delete, on_update].map(Option::unwrap_or_default).concat();
    format!("foreign_key({}{parts})", key.parent)
}

/// Whether the foreign key at this place stands on its field, which takes one.
fn is_of_field(planned: &Struct<'_>, place: usize) -> bool {
    let fields = &planned.foreign_keys[place].fields;
    fields.len() == 1 && planned.foreign_keys[..place].iter().all(|other| other.fields != *fields)
}

fn relation(relation: &RustRelation) -> String {
    let RustRelation { word, name, target, columns } = relation;
    let constants = columns.iter().map(|(owner, field)| match owner {
        Some(owner) => format!("{owner}::{}", field.to_uppercase()),
        None => field.to_uppercase(),
    });
    let constants = constants.collect::<Vec<_>>().join(", ");
    format!("{word}({}: {target}, {constants})", code(name))
}

/// The attributes of the field at this position, in their order.
pub(super) fn on_field(planned: &Struct<'_>, at: usize) -> Vec<String> {
    let field @ RustField { name, column, role, comment, .. } = &planned.fields[at];
    let mut attributes = Vec::new();
    if planned.key == [at] {
        if name != "id" {
            attributes.push("key".to_owned());
        }
        if is_integer(field) && *role != Role::GeneratedKey {
            attributes.push("assigned".to_owned());
        }
    }
    if column.column != *name {
        attributes.push(format!("column = {:?}", column.column));
    }
    for index in planned.indexes.iter().filter(|index| index.fields == [at] && goes_on_field(index)) {
        attributes.push(match own_name(planned, index) {
            Some(name) => format!("{} = {name:?}", word(index)),
            None => word(index).to_owned(),
        });
    }
    match role {
        Role::Given | Role::GeneratedKey => {}
        Role::Default(expression) => attributes.push(format!("default = {expression}")),
        Role::Created => attributes.push("created".to_owned()),
        Role::Updated => attributes.push("updated".to_owned()),
        Role::Deleted => attributes.push("deleted".to_owned()),
    }
    for (place, key) in planned.foreign_keys.iter().enumerate() {
        if key.fields == [at] && is_of_field(planned, place) {
            attributes.push(foreign_key(planned, key, false));
        }
    }
    let checks = planned.checks.iter().filter(|check| check.field == Some(at));
    attributes.extend(checks.map(|check| format!("check = {:?}", check.check.condition)));
    attributes.extend(comment.map(|comment| format!("comment = {comment:?}")));
    attributes
}

fn is_integer(field: &RustField<'_>) -> bool {
    matches!(field.kind, Kind::Plain(value_type) if value_type.is_integer())
}

fn word(index: &RustIndex<'_>) -> &'static str {
    if index.index.unique { "unique" } else { "index" }
}

/// The name of the index, where it is not what Thing calls it.
fn own_name<'a>(planned: &Struct<'_>, index: &RustIndex<'a>) -> Option<&'a str> {
    let columns: Vec<&str> = index.fields.iter().map(|&at| planned.fields[at].column.column.as_str()).collect();
    let usual = format!("{}_{}_{}", planned.table.table, columns.join("_"), word(index));
    (index.index.name != usual).then_some(&*index.index.name)
}

fn fields(planned: &Struct<'_>, positions: &[usize]) -> String {
    positions.iter().map(|&at| code(&planned.fields[at].name)).collect::<Vec<_>>().join(", ")
}
