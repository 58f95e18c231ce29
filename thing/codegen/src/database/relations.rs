//! Relations: foreign keys as fields that lead from one model to another and back.

use heck::ToSnakeCase;
use thing_driver_api::schema::{Action, ForeignKeySchema, TableSchema};

use super::Reader;
use crate::model::{End, Link, Model, Relation, Table};
use crate::names::{self, Names};

/// A table and the name of its model.
type Named<'a> = (&'a TableSchema, String);

/// Whether the table is as Prisma makes one for a relation of many to many. Of old it has no primary key.
pub(super) fn is_link(table: &TableSchema, tables: &[&TableSchema]) -> bool {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let named = table.name.strip_prefix('_').is_some_and(|name| names::identifier(name, "") == name);
    let keyed = table.key.is_empty() || table.key == ["A", "B"];
    let indexed = table.index(&format!("{}_B_index", table.name)).is_some_and(|index| {
        let plain = !index.unique && index.condition.is_none() && index.method.is_none();
        plain && index.columns().is_some_and(|columns| columns == ["B"])
    });
    let refers = key_to(table, "A", tables).is_some() && key_to(table, "B", tables).is_some();
    named && columns == ["A", "B"] && keyed && indexed && refers
}

/// The table whose key, of one column, this column refers to.
fn key_to<'a>(table: &TableSchema, column: &str, tables: &[&'a TableSchema]) -> Option<&'a TableSchema> {
    let [key] = table.foreign_keys.iter().filter(|key| key.columns == [column]).collect::<Vec<_>>()[..] else {
        return None;
    };
    if (key.on_delete, key.on_update) != (Action::Cascade, Action::Cascade) {
        return None;
    }
    let target = tables.iter().find(|target| target.name == key.table && target.name != table.name)?;
    (target.key.len() == 1 && (key.references.is_empty() || key.references == target.key)).then_some(*target)
}

/// The relation of many to many, if the names are what Prisma would give; without its fields.
pub(super) fn link(table: &TableSchema, named: &[Named<'_>]) -> Option<Link> {
    let tables: Vec<&TableSchema> = named.iter().map(|(table, _)| *table).collect();
    let model = |column| {
        let target = key_to(table, column, &tables)?;
        named.iter().find(|(table, _)| table.name == target.name).map(|(_, name)| name.clone())
    };
    let (a, b) = (model("A")?, model("B")?);
    if a > b {
        return None;
    }
    let own = table.name.strip_prefix('_')?.to_owned();
    let name = (names::link_table(None, &a, &b) != table.name).then_some(own);
    Some(Link { name, a: End::new(a, ""), b: End::new(b, "") })
}

/// Adds the relations of all foreign keys and the links.
pub(super) fn add(reader: &mut Reader, named: &[Named<'_>], links: Vec<Link>) {
    let mut found: Vec<Relation> = Vec::new();
    for (described, name) in named {
        let Some(table) = reader.model.table(name).cloned() else { continue };
        let mut keys: Vec<&ForeignKeySchema> = described.foreign_keys.iter().collect();
        keys.sort_by_key(|key| (&key.columns, reach(key.on_delete), &key.name));
        for key in keys {
            let target = named.iter().find(|(other, _)| other.name == key.table);
            let target = target.and_then(|(_, name)| reader.model.table(name));
            let relation = target
                .ok_or_else(|| format!("it refers to `{}`, which is not among the tables", key.table))
                .and_then(|target| relation(&reader.model, &table, target, key));
            match relation {
                Ok(relation) => match found.iter().find(|other| is_same(other, &relation)) {
                    Some(other) => {
                        let (columns, known) = (key.columns.join(", "), &other.constraint);
                        let message = format!(
                            "`{columns}` refers to `{}` by several foreign keys; `{known}` stands for all of them",
                            key.table
                        );
                        reader.note_table(&described.name, message);
                    }
                    None => found.push(relation),
                },
                Err(why) => {
                    let columns = key.columns.join(", ");
                    reader.note_table(&described.name, format!("the foreign key of `{columns}` is left out: {why}"));
                }
            }
        }
    }
    name_all(reader, found, links);
}

/// Of several foreign keys alike the one stands first that changes most: caches have to know what the database deletes.
fn reach(on_delete: Action) -> u8 {
    match on_delete {
        Action::Cascade => 0,
        Action::SetNull => 1,
        _ => 2,
    }
}

fn is_same(a: &Relation, b: &Relation) -> bool {
    (&a.from.table, &a.columns, &a.to.table, &a.references) == (&b.from.table, &b.columns, &b.to.table, &b.references)
}

/// The relation of a foreign key, without the names of its fields.
fn relation(model: &Model, table: &Table, target: &Table, key: &ForeignKeySchema) -> Result<Relation, String> {
    let positions = |table: &Table, columns: &[String]| {
        let find = |name: &String| table.columns.iter().position(|column| column.column.eq_ignore_ascii_case(name));
        columns.iter().map(find).collect::<Option<Vec<usize>>>()
    };
    let own = positions(table, &key.columns).ok_or("it names columns that are not there")?;
    let other = match key.references.as_slice() {
        // A foreign key without columns refers to the key.
        references if references.iter().all(String::is_empty) => target.key.as_ref().map(|key| key.columns.clone()),
        references => positions(target, references),
    };
    let other = other.ok_or_else(|| format!("`{}` has not the columns", target.table))?;
    let mut sorted = other.clone();
    sorted.sort_unstable();
    let unique = (target.key.iter().map(|key| key.columns.clone())).chain(
        target.indexes.iter().filter(|index| index.unique && index.condition.is_none()).map(|index| index.columns()),
    );
    let unique = unique.into_iter().any(|mut columns| {
        columns.sort_unstable();
        columns == sorted
    });
    if own.is_empty() || own.len() != other.len() || !unique {
        return Err(format!("the columns of `{}` that it refers to are not unique there", target.table));
    }
    for (&own, &other) in own.iter().zip(&other) {
        let (own, other) = (&table.columns[own], &target.columns[other]);
        if own.holds != other.holds {
            return Err(format!("`{}` is not of the type of `{}.{}`", own.column, target.table, other.column));
        }
    }
    let fields = |table: &Table, columns: &[usize]| columns.iter().map(|&at| table.columns[at].name.clone()).collect();
    let constraint = match key.name.as_str() {
        "" => names::constraint(&model.provider, &table.table, &table.column_names(&own), "_fkey"),
        name => name.to_owned(),
    };
    Ok(Relation {
        name: None,
        from: End::new(&table.name, ""),
        to: End::new(&target.name, ""),
        columns: fields(table, &own),
        references: fields(target, &other),
        optional: own.iter().any(|&at| table.columns[at].nullable),
        many: !table.is_unique(&own),
        on_delete: key.on_delete,
        on_update: key.on_update,
        constraint,
    })
}

/// Gives the fields of all relations names, and names to the relations that need them.
fn name_all(reader: &mut Reader, mut relations: Vec<Relation>, mut links: Vec<Link>) {
    let model = &reader.model;
    let mut fields: Vec<(String, Names)> = Vec::new();
    for table in &model.tables {
        let mut names = Names::default();
        table.columns.iter().for_each(|column| names.reserve(&column.name));
        fields.push((table.name.clone(), names));
    }
    let pairs: Vec<[String; 2]> = (relations.iter().map(|relation| pair(&relation.from.table, &relation.to.table)))
        .chain(links.iter().filter(|link| link.name.is_none()).map(|link| pair(&link.a.table, &link.b.table)))
        .collect();
    let several = |a: &str, b: &str| a == b || pairs.iter().filter(|known| **known == pair(a, b)).count() > 1;
    let mut take = |table: &str, wanted: [String; 2]| match fields.iter_mut().find(|(name, _)| name == table) {
        Some((_, names)) => names.first_free(wanted, "_"),
        None => wanted.into_iter().next().unwrap_or_default(),
    };
    let plural = |name: &str| model.table(name).map(|table| plural_of(&table.table)).unwrap_or_default();
    for relation in &mut relations {
        let target = relation.to.table.to_snake_case();
        let stem = match relation.columns.as_slice() {
            [column] => stem(column).unwrap_or_else(|| target.clone()),
            _ => target.clone(),
        };
        let longer = format!("{stem}_{target}");
        relation.from.field = take(&relation.from.table, [stem, longer]);
    }
    for relation in &mut relations {
        let (from, to) = (&relation.from.table, &relation.to.table);
        let own = if relation.many { plural(from) } else { from.to_snake_case() };
        let longer = format!("{}_{own}", relation.from.field);
        let several = several(from, to);
        let shorter = if several { longer.clone() } else { own };
        relation.name = several.then(|| format!("{from}_{}", relation.from.field));
        relation.to.field = take(&relation.to.table, [shorter, longer]);
    }
    for link in &mut links {
        let (a, b) = (plural(&link.a.table), plural(&link.b.table));
        let itself = link.a.table == link.b.table;
        let [a_field, b_field] = match itself {
            true => [format!("{b}_a"), format!("{a}_b")],
            false => [b, a],
        };
        let of = link.table().trim_start_matches('_').to_snake_case();
        link.a.field = take(&link.a.table, [a_field.clone(), format!("{of}_{a_field}")]);
        link.b.field = take(&link.b.table, [b_field.clone(), format!("{of}_{b_field}")]);
        // The fields of a model that is linked with itself are told apart by their order.
        if itself && link.a.field > link.b.field {
            std::mem::swap(&mut link.a.field, &mut link.b.field);
        }
    }
    reader.model.relations = relations;
    reader.model.links = links;
}

fn pair(a: &str, b: &str) -> [String; 2] {
    let mut pair = [a.to_owned(), b.to_owned()];
    pair.sort();
    pair
}

/// `author` of `author_id`.
fn stem(column: &str) -> Option<String> {
    let stem = ["_id", "_ID", "Id", "ID"].iter().find_map(|ending| column.strip_suffix(ending))?;
    let stem = stem.trim_end_matches('_');
    (!stem.is_empty()).then(|| stem.to_owned())
}

/// The name of a table as one of many.
fn plural_of(table: &str) -> String {
    let snake = names::field_name(table).to_snake_case();
    if snake.is_empty() { "rows".to_owned() } else { snake }
}
