//! The plan: what of the model becomes Rust, and by which names.

use std::collections::BTreeMap;

use thing_driver_api::ValueType;

use super::constraints::{RustCheck, RustDependent, RustForeignKey, checks, dependent, foreign_key, names_left_out};
use super::names::{ModuleNames, TypeNames, field, variants};
use super::values::{Filled, filled, is_key_type};
use crate::model::{Column, Enum, Index, LIVING, Model, Relation, Table, Type, Variant};
use crate::names::{Names, field_name};
use crate::note::Note;

/// The most parts of a composite key, and the most columns of a model.
const MOST_PARTS: usize = 4;
const MOST_COLUMNS: usize = thing_driver_api::MAX_COLUMNS;

/// What becomes Rust.
pub(super) struct Plan<'a> {
    pub(super) enums: Vec<RustEnum<'a>>,
    pub(super) structs: Vec<Struct<'a>>,
}

#[derive(Clone)]
pub(super) struct RustEnum<'a> {
    pub(super) name: String,
    pub(super) of: &'a Enum,
    /// Each with its name in Rust.
    pub(super) variants: Vec<(&'a Variant, String)>,
}

pub(super) struct Struct<'a> {
    pub(super) name: String,
    pub(super) module: String,
    pub(super) table: &'a Table,
    pub(super) fields: Vec<RustField<'a>>,
    /// The positions of the key's fields among the fields.
    pub(super) key: Vec<usize>,
    /// The indexes that a model can declare.
    pub(super) indexes: Vec<RustIndex<'a>>,
    pub(super) foreign_keys: Vec<RustForeignKey>,
    pub(super) checks: Vec<RustCheck<'a>>,
    /// What the database does to rows that refer to one of these.
    pub(super) dependents: Vec<RustDependent>,
    pub(super) relations: Vec<RustRelation>,
    /// What the database keeps as the comment.
    pub(super) comment: Option<&'a str>,
    /// The names of fields and relations.
    names: Names,
}

pub(super) struct RustField<'a> {
    pub(super) name: String,
    pub(super) column: &'a Column,
    pub(super) kind: Kind<'a>,
    pub(super) role: Role,
    /// What the database keeps as the comment.
    pub(super) comment: Option<&'a str>,
}

/// What a field holds.
#[derive(Clone)]
pub(super) enum Kind<'a> {
    Plain(ValueType),
    Enum(RustEnum<'a>),
}

/// Where the value of a field comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Given,
    Default(String),
    GeneratedKey,
    Created,
    Updated,
    Deleted,
}

pub(super) struct RustIndex<'a> {
    pub(super) index: &'a Index,
    /// The positions of its fields.
    pub(super) fields: Vec<usize>,
}

pub(super) struct RustRelation {
    pub(super) word: &'static str,
    pub(super) name: String,
    pub(super) target: String,
    /// The columns that it goes by: the struct, unless it is this one, and the field.
    pub(super) columns: Vec<(Option<String>, String)>,
}

impl RustIndex<'_> {
    /// The condition that the model declares: none where it follows from the column that marks rows as deleted.
    pub(super) fn condition(&self) -> Option<&str> {
        self.index.condition.as_deref().filter(|condition| *condition != LIVING)
    }

    pub(super) fn is_descending(&self) -> bool {
        self.index.parts.iter().any(|part| part.descending)
    }
}

struct Planner<'a> {
    model: &'a Model,
    enums: BTreeMap<&'a str, RustEnum<'a>>,
    notes: Vec<Note>,
}

pub(super) fn plan(model: &Model) -> (Plan<'_>, Vec<Note>) {
    let mut planner = Planner { model, enums: BTreeMap::new(), notes: Vec::new() };
    let (mut types, mut modules) = (TypeNames::new(), ModuleNames::new());
    let names: Vec<String> = model.tables.iter().map(|table| types.model(&table.name)).collect();
    for one in &model.enums {
        planner.enumeration(one, &mut types);
    }
    let mut structs: Vec<Struct<'_>> = Vec::new();
    for (table, name) in model.tables.iter().zip(names) {
        if let Some(mut planned) = planner.table(table, name) {
            planned.module = modules.module(&planned.name);
            structs.push(planned);
        }
    }
    let links = planner.relations(&mut structs);
    planner.many_to_many(&mut structs, &links);
    let enums = planner.enums.into_values().collect();
    (Plan { enums, structs }, planner.notes)
}

/// A relation that Rust has: the positions of both structs, and of the field that holds it.
struct Held<'a> {
    relation: &'a Relation,
    from: usize,
    to: usize,
    field: usize,
}

impl<'a> Planner<'a> {
    fn note(&mut self, table: &Table, column: Option<&str>, message: impl Into<String>) {
        let about = match column {
            Some(column) => format!("{}.{column}", table.table),
            None => format!("table {}", table.table),
        };
        self.notes.push(Note::new(about, message));
    }

    fn enumeration(&mut self, one: &'a Enum, types: &mut TypeNames) {
        if one.variants.is_empty() || one.variants.iter().any(|variant| variant.text.is_empty()) {
            let message = "it has an empty value, which no variant stands for; its columns are text";
            self.notes.push(Note::new(format!("enum {}", one.name), message));
            return;
        }
        let name = types.enumeration(&one.name);
        let names = variants(one.variants.iter().map(|variant| variant.name.as_str()));
        let variants = one.variants.iter().zip(names).collect();
        self.enums.insert(&one.name, RustEnum { name, of: one, variants });
    }

    /// The struct of a table, without its module and relations; `None` when no model can have it.
    fn table(&mut self, table: &'a Table, name: String) -> Option<Struct<'a>> {
        if table.ignored {
            self.note(table, None, "it is ignored; no model is made of it");
            return None;
        }
        let mut names = Names::default();
        let key = self.key(table)?;
        let mut planned = Struct {
            name,
            module: String::new(),
            table,
            fields: Vec::new(),
            key: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            dependents: Vec::new(),
            relations: Vec::new(),
            comment: self.comment(table, None, table.docs.as_deref()),
            names: Names::default(),
        };
        for (at, column) in table.columns.iter().enumerate() {
            let Some(kind) = self.kind(table, column) else { continue };
            if planned.fields.iter().any(|other| other.column.column.eq_ignore_ascii_case(&column.column)) {
                self.note(table, Some(&column.column), "another column differs in letter case only; it is left out");
                continue;
            }
            let role = self.role(table, column, &kind, &key, at, &planned);
            let comment = self.comment(table, Some(&column.column), column.docs.as_deref());
            planned.fields.push(RustField { name: field(&column.name, &mut names), column, kind, role, comment });
        }
        if planned.fields.len() > MOST_COLUMNS {
            self.note(table, None, format!("it has more than {MOST_COLUMNS} columns; no model is made of it"));
            return None;
        }
        let position =
            |at: usize| planned.fields.iter().position(|field| std::ptr::eq(field.column, &table.columns[at]));
        let Some(places) = key.iter().map(|&at| position(at)).collect() else {
            self.note(table, None, "a column of its key has a type that no field has; no model is made of it");
            return None;
        };
        planned.key = places;
        for index in &table.indexes {
            let fields = index.parts.iter().map(|part| position(part.column)).collect::<Option<Vec<usize>>>();
            match fields.ok_or("it has a column that no field has").and_then(|fields| declared(&planned, index, fields))
            {
                // A unique key stands for the primary key that the table lacks.
                Ok(fields) if table.key.is_none() && fields == planned.key && index.unique => {}
                Ok(fields) => planned.indexes.push(RustIndex { index, fields }),
                Err(why) => self.note(table, None, format!("the index `{}` is left out: {why}", index.name)),
            }
        }
        self.drop_second_indexes(&mut planned);
        let (checks, left) = checks(table, &planned);
        planned.checks = checks;
        left.into_iter().for_each(|message| self.note(table, None, message));
        planned.names = names;
        Some(planned)
    }

    /// What the database is to keep as the comment: the documentation, where it keeps any. That of a link is made here.
    fn comment(&mut self, table: &Table, column: Option<&str>, docs: Option<&'a str>) -> Option<&'a str> {
        let docs = docs?;
        let is_link = self.model.links.iter().any(|link| link.table() == table.table);
        let most = match (self.model.provider.as_str(), column) {
            ("sqlite", _) => return None,
            ("mysql", None) => 2048,
            ("mysql", Some(_)) => 1024,
            _ => usize::MAX,
        };
        if is_link {
            return None;
        }
        if docs.chars().count() > most {
            self.note(table, column, format!("the database keeps comments of {most} characters; this one is left out"));
            return None;
        }
        Some(docs)
    }

    /// The positions of the key's columns: the primary key, or the first unique columns that hold no NULL.
    fn key(&mut self, table: &'a Table) -> Option<Vec<usize>> {
        let own = table.key.as_ref().map(|key| key.columns.clone());
        let never_null = |columns: &Vec<usize>| columns.iter().all(|&at| !table.columns[at].nullable);
        let unique = || {
            let indexes = table.indexes.iter().filter(|index| index.unique && index.condition.is_none());
            indexes.map(Index::columns).find(never_null)
        };
        let found = own.or_else(unique);
        let Some(key) = found else {
            self.note(table, None, "it has no key; no model is made of it");
            return None;
        };
        if table.key.is_none() {
            let names = table.column_names(&key).join("`, `");
            self.note(
                table,
                None,
                format!("it has no primary key; its unique `{names}` serves as one, and `sync` makes it the key"),
            );
        }
        if key.len() > MOST_PARTS {
            self.note(table, None, format!("its key has more than {MOST_PARTS} columns; no model is made of it"));
            return None;
        }
        for &at in &key {
            let column = &table.columns[at];
            let fits = column.value_type().is_some_and(|value_type| is_key_type(&column.holds, value_type));
            if !fits || column.ignored {
                self.note(
                    table,
                    Some(&column.column),
                    "no key of a model has this type; no model is made of the table",
                );
                return None;
            }
        }
        Some(key)
    }

    fn kind(&mut self, table: &Table, column: &'a Column) -> Option<Kind<'a>> {
        if column.ignored {
            return None;
        }
        let Some(value_type) = column.value_type() else {
            let mut message = "no field has its type; it is left out".to_owned();
            if !column.nullable && column.default.is_none() && !column.list {
                message += ", and Thing can't add rows, since it may not be NULL";
            }
            self.note(table, Some(&column.column), message);
            return None;
        };
        Some(match &column.holds {
            Type::Enum(name) => match self.enums.get(name.as_str()) {
                Some(one) => Kind::Enum(one.clone()),
                None => Kind::Plain(value_type),
            },
            _ => Kind::Plain(value_type),
        })
    }

    fn role(
        &mut self,
        table: &Table,
        column: &Column,
        kind: &Kind<'_>,
        key: &[usize],
        at: usize,
        planned: &Struct<'_>,
    ) -> Role {
        let stamp = matches!(kind, Kind::Plain(ValueType::Timestamp)) && !column.nullable && !key.contains(&at);
        let taken = |role: Role| planned.fields.iter().any(|field| field.role == role);
        if column.deleted && !taken(Role::Deleted) {
            return Role::Deleted;
        }
        if column.updated {
            if stamp && !taken(Role::Updated) {
                return Role::Updated;
            }
            let message = "`updated` goes on one point in time that is never NULL; the application sets this one";
            self.note(table, Some(&column.column), message);
        }
        let Some(default) = &column.default else { return Role::Given };
        let expression = match filled(default, kind, key.contains(&at)) {
            Ok(Filled::No) => return Role::Given,
            Ok(Filled::Counter) if key == [at] => return Role::GeneratedKey,
            Ok(Filled::Now) if stamp && !taken(Role::Created) && is_first_created(table, column) => {
                return Role::Created;
            }
            Ok(Filled::Counter) => Err("a counter is the key alone; the application gives the value".to_owned()),
            Ok(Filled::Now) => {
                Err("one field is filled in with the time of creation; the application gives this one".to_owned())
            }
            Ok(Filled::Expression(expression)) => Ok(expression),
            Err(why) => Err(why),
        };
        match expression {
            Ok(expression) if column.nullable && expression.starts_with('"') => {
                Role::Default(format!("Some({expression}.into())"))
            }
            Ok(expression) if column.nullable => Role::Default(format!("Some({expression})")),
            Ok(expression) => Role::Default(expression),
            Err(why) => {
                self.note(table, Some(&column.column), why);
                Role::Given
            }
        }
    }

    /// A model refuses two indexes over the same columns.
    fn drop_second_indexes(&mut self, planned: &mut Struct<'a>) {
        let mut kept: Vec<RustIndex<'a>> = Vec::new();
        let mut indexes = std::mem::take(&mut planned.indexes);
        indexes.sort_by_key(|index| !index.index.unique);
        for index in indexes {
            let alike = |other: &RustIndex<'_>| {
                (other.index.parts == index.index.parts, other.condition()) == (true, index.condition())
            };
            if kept.iter().any(alike) {
                let name = &index.index.name;
                self.note(planned.table, None, format!("the index `{name}` is left out: another has the same columns"));
            } else {
                kept.push(index);
            }
        }
        kept.sort_by(|a, b| (&a.index.name, &a.fields).cmp(&(&b.index.name, &b.fields)));
        planned.indexes = kept;
    }

    /// Adds the foreign keys, and the relations that one column holds, at both ends.
    fn relations(&mut self, structs: &mut [Struct<'a>]) -> Vec<Held<'a>> {
        let mut held = Vec::new();
        self.foreign_keys(structs);
        let model = self.model;
        for relation in &model.relations {
            match find(structs, relation) {
                Ok(Some(found)) => held.push(found),
                Ok(None) => {}
                Err(why) => {
                    let about = format!("{}.{}", relation.from.table, relation.from.field);
                    self.notes
                        .push(Note::new(about, format!("the relation is left out: {why}; its columns are fields")));
                }
            }
        }
        for Held { relation, from, to, field: at } in &held {
            if !relation.from.ignored {
                let target = structs[*to].name.clone();
                let name = field(&relation.from.field, &mut structs[*from].names);
                let columns = vec![(None, structs[*from].fields[*at].name.clone())];
                structs[*from].relations.push(RustRelation { word: "belongs_to", name, target, columns });
            }
        }
        for Held { relation, from, to, field: at } in &held {
            if !relation.to.ignored && !relation.to.field.is_empty() {
                let target = structs[*from].name.clone();
                let columns = vec![(Some(target.clone()), structs[*from].fields[*at].name.clone())];
                let name = field(&relation.to.field, &mut structs[*to].names);
                let word = if relation.many { "has_many" } else { "has_one" };
                structs[*to].relations.push(RustRelation { word, name, target, columns });
            }
            let dependent = dependent(relation, &structs[*from], *at);
            structs[*to].dependents.extend(dependent);
        }
        held
    }

    /// Adds the foreign keys of the relations whose both tables have models.
    fn foreign_keys(&mut self, structs: &mut [Struct<'a>]) {
        let model = self.model;
        for relation in &model.relations {
            let place = |name: &str| structs.iter().position(|planned| planned.table.name == name);
            let (Some(from), Some(to)) = (place(&relation.from.table), place(&relation.to.table)) else { continue };
            match foreign_key(relation, &structs[from], &structs[to]) {
                Ok(key) => structs[from].foreign_keys.push(key),
                Err(why) => {
                    let message = format!("the foreign key `{}` is left to the database: {why}", relation.constraint);
                    self.note(structs[from].table, None, message);
                }
            }
        }
    }

    /// Adds the relations that go by a table whose key is two columns that each hold a relation.
    fn many_to_many(&mut self, structs: &mut [Struct<'a>], held: &[Held<'a>]) {
        let mut added = Vec::new();
        for (link, planned) in structs.iter().enumerate() {
            let &[first, second] = planned.key.as_slice() else { continue };
            let by = |field: usize| held.iter().find(|held| held.from == link && held.field == field);
            let (Some(first), Some(second)) = (by(first), by(second)) else { continue };
            added.push((link, first, second));
            added.push((link, second, first));
        }
        for (link, own, other) in added {
            let (link_name, target) = (structs[link].name.clone(), structs[other.to].name.clone());
            let implicit = self.implicit(structs[link].table, own.relation);
            let plural = field_name(&structs[other.to].table.table);
            let names = &mut structs[own.to].names;
            let wanted = match implicit {
                Some((_, ignored)) if ignored => continue,
                Some((name, _)) => name,
                None if own.to == other.to => format!("{}_{plural}", other.relation.from.field),
                None if names.holds(&plural) => format!("linked_{plural}"),
                None => plural,
            };
            let name = field(&wanted, names);
            let columns =
                [own, other].map(|held| (Some(link_name.clone()), structs[link].fields[held.field].name.clone()));
            let columns = columns.to_vec();
            structs[own.to].relations.push(RustRelation { word: "many_to_many", name, target, columns });
        }
    }

    /// The field of the link whose table this is, at the end of the relation, and whether it is ignored.
    fn implicit(&self, table: &Table, own: &Relation) -> Option<(String, bool)> {
        let link = self.model.links.iter().find(|link| own.to.field.is_empty() && link.table() == table.table)?;
        let end = if own.columns == ["a"] { &link.a } else { &link.b };
        Some((end.field.clone(), end.ignored))
    }
}

/// The fields of an index that a model can declare.
fn declared(planned: &Struct<'_>, index: &Index, fields: Vec<usize>) -> Result<Vec<usize>, &'static str> {
    let marks = index.unique && planned.table.columns.iter().any(|column| column.deleted);
    match &index.condition {
        Some(condition) if condition == LIVING && marks => {}
        Some(condition) if condition == LIVING => return Err("no field marks the rows that it does not count"),
        Some(_) if marks => return Err("its condition is more than that rows are not deleted"),
        None if marks => return Err("unique indexes of a model with `deleted` do not count deleted rows"),
        Some(condition) if names_left_out(planned.table, planned, condition) => {
            return Err("no field has a column that its condition names");
        }
        Some(_) | None => {}
    }
    if index.method.is_some() || index.parts.iter().any(|part| part.operators.is_some()) {
        return Err("models declare no sorts of indexes");
    }
    if index.parts.iter().any(|part| part.length.is_some()) {
        return Err("models declare whole columns only");
    }
    Ok(fields)
}

/// Of several points in time with the present as default, the one that is called so holds the time of creation, or the first.
fn is_first_created(table: &Table, column: &Column) -> bool {
    let filled = |other: &&Column| {
        other.default == Some(crate::DefaultValue::Now)
            && !other.updated
            && !other.nullable
            && other.value_type() == Some(ValueType::Timestamp)
    };
    let called =
        |other: &&Column| ["creat", "insert"].iter().any(|word| other.column.to_ascii_lowercase().contains(word));
    let candidates = || table.columns.iter().filter(filled);
    let chosen = candidates().find(called).or_else(|| candidates().next());
    chosen.is_some_and(|chosen| std::ptr::eq(chosen, column))
}

/// The relation in Rust; `None` where one of its tables has no model.
fn find<'a>(structs: &[Struct<'_>], relation: &'a Relation) -> Result<Option<Held<'a>>, &'static str> {
    let place = |name: &str| structs.iter().position(|planned| planned.table.name == name);
    let (Some(from), Some(to)) = (place(&relation.from.table), place(&relation.to.table)) else {
        return Ok(None);
    };
    let (holder, target) = (&structs[from], &structs[to]);
    let ([column], [reference]) = (relation.columns.as_slice(), relation.references.as_slice()) else {
        return Err("it goes by several columns");
    };
    let [key] = target.key.as_slice() else { return Err("what it refers to has a key of several columns") };
    let key = &target.fields[*key];
    if key.column.name != *reference {
        return Err("it refers to other columns than the key");
    }
    let field = holder.fields.iter().position(|field| field.column.name == *column);
    let field = field.ok_or("no field has the type of its column")?;
    let same = match (&holder.fields[field].kind, &key.kind) {
        (Kind::Plain(own), Kind::Plain(other)) => own == other,
        _ => false,
    };
    if !same {
        return Err("its column is not of the type of the key");
    }
    Ok(Some(Held { relation, from, to, field }))
}
