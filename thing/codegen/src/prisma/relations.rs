//! Relations: the two fields of each found, and made one.

use thing_driver_api::schema::Action;

use super::arguments::{arguments, items, name, text};
use super::syntax::{Expression, Field, Span};
use crate::diagnostic::Mistake;
use crate::model::{End, Link, Model, Relation, Table, Type};
use crate::names;

const ACTIONS: [(&str, Action); 5] = [
    ("Cascade", Action::Cascade),
    ("NoAction", Action::NoAction),
    ("Restrict", Action::Restrict),
    ("SetDefault", Action::SetDefault),
    ("SetNull", Action::SetNull),
];

/// A field whose type is a model.
#[derive(Debug)]
pub(super) struct Pending<'a> {
    table: String,
    field: &'a Field,
    name: Option<String>,
    columns: Option<&'a Expression>,
    references: Option<&'a Expression>,
    on_delete: Option<Action>,
    on_update: Option<Action>,
    map: Option<String>,
    ignored: bool,
}

impl<'a> Pending<'a> {
    pub(super) fn new(table: &str, field: &'a Field, mistakes: &mut Vec<Mistake>) -> Self {
        let mut pending = Self {
            table: table.to_owned(),
            field,
            name: None,
            columns: None,
            references: None,
            on_delete: None,
            on_update: None,
            map: None,
            ignored: false,
        };
        for attribute in &field.attributes {
            match attribute.name.text.as_str() {
                "relation" => {
                    let known = ["name", "fields", "references", "onDelete", "onUpdate", "map"];
                    let [name, columns, references, on_delete, on_update, map] =
                        arguments(attribute, known, 1, mistakes);
                    pending.name = name.and_then(|name| text(name, mistakes));
                    (pending.columns, pending.references) = (columns, references);
                    pending.on_delete = on_delete.and_then(|value| action(value, mistakes));
                    pending.on_update = on_update.and_then(|value| action(value, mistakes));
                    pending.map = map.and_then(|map| text(map, mistakes));
                }
                "ignore" => pending.ignored = true,
                other => {
                    let message = format!("`@{other}` is no attribute of a relation");
                    let mistake = Mistake::new(&attribute.name.span, message);
                    mistakes.push(mistake.among(other, "@", ["ignore", "relation"]));
                }
            }
        }
        pending
    }

    fn target(&self) -> &str {
        &self.field.of.name.text
    }

    fn span(&self) -> &Span {
        &self.field.name.span
    }

    fn end(&self) -> End {
        let mut end = End::new(&self.table, &self.field.name.text);
        (end.docs, end.ignored) = (self.field.docs.clone(), self.ignored);
        end
    }

    fn answers(&self, other: &Self) -> bool {
        self.table == other.target() && self.target() == other.table && self.name == other.name
    }
}

fn action(value: &Expression, mistakes: &mut Vec<Mistake>) -> Option<Action> {
    let word = name(value, mistakes)?;
    let action = ACTIONS.iter().find(|(known, _)| *known == word).map(|(_, action)| *action);
    if action.is_none() {
        let mistake = Mistake::new(&value.span, format!("`{word}` is no action"));
        mistakes.push(mistake.among(word, "", ACTIONS.map(|(known, _)| known)));
    }
    action
}

/// The word of an action.
pub(super) fn action_word(action: Action) -> &'static str {
    ACTIONS.iter().find(|(_, known)| *known == action).map_or("NoAction", |(word, _)| word)
}

/// What becomes of a row, where nothing is said, when the one that it refers to is deleted.
pub(super) fn usual_on_delete(optional: bool) -> Action {
    if optional { Action::SetNull } else { Action::Restrict }
}

/// Adds the relations and links of these fields to the model.
pub(super) fn relations(model: &mut Model, mut pending: Vec<Pending<'_>>, mistakes: &mut Vec<Mistake>) {
    let mut unanswered = Vec::new();
    while let Some(one) = pending.pop() {
        let mut answers = pending.iter().enumerate().filter(|(_, other)| one.answers(other)).map(|(at, _)| at);
        let (found, second) = (answers.next(), answers.next());
        let Some(found) = found else {
            unanswered.push(one);
            continue;
        };
        if second.is_some() {
            let message = format!("`{}` has several relations with `{}`", one.table, one.target());
            let mistake = Mistake::new(one.span(), message);
            mistakes.push(mistake.hint("give each a name, at both ends: `@relation(\"name\")`"));
            pending.retain(|other| !one.answers(other));
            continue;
        }
        let other = pending.remove(found);
        match (one.columns.is_some(), other.columns.is_some()) {
            (true, true) => {
                let mistake = Mistake::new(one.span(), "both ends of this relation have `fields`");
                mistakes.push(mistake.hint("only the end whose table has the columns lists them"));
            }
            (true, false) => model.relations.extend(relation(model, &one, &other, mistakes)),
            (false, true) => model.relations.extend(relation(model, &other, &one, mistakes)),
            (false, false) if one.field.of.list && other.field.of.list => {
                model.links.extend(link(model, &one, &other, mistakes));
            }
            (false, false) => {
                let holder = if one.field.of.list { &other } else { &one };
                let message = format!("the relation `{}` does not say which columns hold it", holder.field.name.text);
                let hint = "add `@relation(fields: […], references: […])` at one of its ends";
                mistakes.push(Mistake::new(holder.span(), message).hint(hint));
            }
        }
    }
    mistakes.extend(unanswered.iter().map(|one| without_answer(one, &unanswered)));
}

fn without_answer(one: &Pending<'_>, others: &[Pending<'_>]) -> Mistake {
    let (table, target) = (&one.table, one.target());
    let message = format!("the relation `{}` has no field on `{target}` that leads back", one.field.name.text);
    let nearly = others.iter().find(|other| other.table == target && other.target() == table);
    let hint = match (nearly, &one.name) {
        (Some(near), _) => {
            format!("`{target}.{}` has another name in its `@relation`; give both the same", near.field.name.text)
        }
        (None, Some(name)) => format!("add `field {table}[] @relation(\"{name}\")` to `{target}`"),
        (None, None) if table == target => "a relation of a model with itself has a name and two fields".to_owned(),
        (None, None) => format!("add `field {table}[]` to `{target}`"),
    };
    Mistake::new(one.span(), message).hint(hint)
}

/// The relation whose columns `from` names.
fn relation(model: &Model, from: &Pending<'_>, to: &Pending<'_>, mistakes: &mut Vec<Mistake>) -> Option<Relation> {
    let (table, target) = (model.table(&from.table)?, model.table(&to.table)?);
    if from.field.of.list {
        let mistake = Mistake::new(from.span(), "the end of a relation that has `fields` is one object, no list");
        mistakes.push(mistake.hint(format!("drop the `[]`, or move `fields` to `{}`", to.table)));
        return None;
    }
    let Some(references) = from.references else {
        let mistake = Mistake::new(from.span(), "this relation has `fields` but no `references`");
        mistakes.push(mistake.hint(format!("add `references: […]` with the key of `{}`", to.table)));
        return None;
    };
    let (columns, references) = (fields(from.columns?, table, mistakes)?, fields(references, target, mistakes)?);
    if columns.len() != references.len() {
        let mistake = Mistake::new(from.span(), "`fields` and `references` are not equally many");
        mistakes.push(mistake.hint("every field refers to one"));
        return None;
    }
    for (own, other) in columns.iter().zip(&references) {
        let (Some(own), Some(other)) = (table.column(own), target.column(other)) else { continue };
        if own.holds != other.holds && !matches!(own.holds, Type::Unsupported(_)) {
            let message = format!("`{}` and `{}.{}` are of different types", own.name, target.name, other.name);
            mistakes.push(Mistake::new(from.span(), message).hint("a column has the type of what it refers to"));
        }
    }
    let positions: Vec<usize> = columns.iter().filter_map(|field| table.position(field)).collect();
    let referred: Vec<usize> = references.iter().filter_map(|field| target.position(field)).collect();
    if !to.field.of.list && !is_unique_in_any_order(table, &positions) {
        let message =
            format!("`{}` says that one object has one of these, but nothing keeps it so", to.field.name.text);
        let hint = format!("mark `{}.{}` with `@unique`", table.name, columns.join("`, `"));
        mistakes.push(Mistake::new(to.span(), message).hint(hint));
    }
    if !is_unique_in_any_order(target, &referred) {
        let message = format!("`{}` of `{}` does not tell its objects apart", references.join("`, `"), target.name);
        mistakes.push(Mistake::new(from.span(), message).hint("refer to its key, or to what is `@unique`"));
    }
    let holds_null = |at: &usize| table.columns.get(*at).is_some_and(|column| column.nullable);
    if !from.field.of.optional && positions.iter().any(holds_null) {
        let message = format!("`{}` is not optional, but its columns are", from.field.name.text);
        let hint = format!("write `{}?`", from.target());
        mistakes.push(Mistake::new(&from.field.of.name.span, message).hint(hint));
    }
    if to.field.of.optional == to.field.of.list {
        let message = format!("`{}` has no column that keeps it from being absent", to.field.name.text);
        let hint = format!("write `{}?` or `{}[]`", to.target(), to.target());
        mistakes.push(Mistake::new(&to.field.of.name.span, message).hint(hint));
    }
    let optional = from.field.of.optional;
    let constraint = from
        .map
        .clone()
        .unwrap_or_else(|| names::constraint(&model.provider, &table.table, &table.column_names(&positions), "_fkey"));
    Some(Relation {
        name: from.name.clone(),
        from: from.end(),
        to: to.end(),
        columns,
        references,
        optional,
        many: to.field.of.list,
        on_delete: from.on_delete.unwrap_or_else(|| usual_on_delete(optional)),
        on_update: from.on_update.unwrap_or(Action::Cascade),
        constraint,
    })
}

fn is_unique_in_any_order(table: &Table, columns: &[usize]) -> bool {
    let sorted = |columns: &[usize]| {
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        columns
    };
    let wanted = sorted(columns);
    table.key.as_ref().is_some_and(|key| sorted(&key.columns) == wanted)
        || table.indexes.iter().any(|index| index.unique && sorted(&index.columns()) == wanted)
}

/// The fields that a list names, all of them with columns.
fn fields(list: &Expression, table: &Table, mistakes: &mut Vec<Mistake>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let items = items(list, mistakes);
    let count = items.len();
    for item in items {
        if table.column(item.name).is_some() && !names.contains(&item.name.to_owned()) {
            names.push(item.name.to_owned());
            continue;
        }
        let message = format!("`{}` is no field of `{}` with a column, or is listed twice", item.name, table.name);
        let known = table.columns.iter().map(|column| column.name.as_str());
        mistakes.push(Mistake::new(item.span, message).among(item.name, "", known));
    }
    (names.len() == count && count > 0).then_some(names)
}

/// The link of two lists. `A` is the first in the order of the alphabet: of the models, and for one model of its fields.
fn link(model: &Model, one: &Pending<'_>, other: &Pending<'_>, mistakes: &mut Vec<Mistake>) -> Option<Link> {
    let mut ends = [one, other];
    ends.sort_by(|a, b| (&a.table, &a.field.name.text).cmp(&(&b.table, &b.field.name.text)));
    for end in ends {
        let key = model.table(&end.table)?.key.as_ref();
        if key.is_none_or(|key| key.columns.len() != 1) {
            let message = format!("`{}` has no key of one field, which a relation of many to many needs", end.table);
            let hint = "make a model of the table that links the two";
            mistakes.push(Mistake::new(end.span(), message).hint(hint));
            return None;
        }
    }
    let [a, b] = ends;
    Some(Link { name: one.name.clone(), a: a.end(), b: b.end() })
}
