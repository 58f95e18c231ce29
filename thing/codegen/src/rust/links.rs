//! Links: relations of many to many as tables that have a model.

use thing_driver_api::schema::Action;

use crate::model::{Column, End, Index, IndexPart, Key, Link, Model, Relation, Table};
use crate::names;

/// The model with a table for each link, by which the two fields of the link go.
pub(super) fn with_links(model: &Model) -> Model {
    let mut model = model.clone();
    let mut used = names::Names::default();
    model.tables.iter().for_each(|table| used.reserve(&table.name));
    model.enums.iter().for_each(|one| used.reserve(&one.name));
    for link in model.links.clone() {
        let wanted = names::type_name(link.table().trim_start_matches('_'));
        let link_name = format!("{wanted}Link");
        let name = used.first_free([wanted, link_name], "");
        let Some((table, relations)) = link_table(&model, &link, &name) else { continue };
        model.tables.push(table);
        model.relations.extend(relations);
    }
    model.sort();
    model
}

fn link_table(model: &Model, link: &Link, name: &str) -> Option<(Table, [Relation; 2])> {
    let (a, b) = (model.table(&link.a.table)?, model.table(&link.b.table)?);
    let key_of = |table: &Table| {
        let [key] = table.key.as_ref()?.columns.as_slice() else { return None };
        table.columns.get(*key).cloned()
    };
    let (a_key, b_key) = (key_of(a)?, key_of(b)?);
    let column = |field: &str, name: &str, key: &Column| {
        let mut column = Column::new(field, name, key.holds.clone());
        column.native.clone_from(&key.native);
        column
    };
    let table = link.table();
    let index = Index {
        name: format!("{table}_B_index"),
        alias: None,
        parts: vec![IndexPart::new(1)],
        unique: false,
        method: None,
        condition: None,
    };
    let end = |own: &End, other: &End, column: &str, key: &Column| Relation {
        name: None,
        from: End::new(
            name,
            if own.table == other.table { format!("{column}_{}", own.table) } else { own.table.clone() },
        ),
        // Nothing leads back but the relation of many to many itself.
        to: End::new(&own.table, ""),
        columns: vec![column.to_owned()],
        references: vec![key.name.clone()],
        optional: false,
        many: true,
        on_delete: Action::Cascade,
        on_update: Action::Cascade,
        constraint: format!("{table}_{}_fkey", column.to_uppercase()),
    };
    let relations = [end(&link.a, &link.b, "a", &a_key), end(&link.b, &link.a, "b", &b_key)];
    let columns = vec![column("a", "A", &a_key), column("b", "B", &b_key)];
    let docs = Some(format!("Links [`{}`] and [`{}`].", link.a.table, link.b.table));
    let key = Some(Key { columns: vec![0, 1], ..Key::default() });
    let name = name.to_owned();
    Some((Table { name, table, docs, columns, key, indexes: vec![index], ..Table::default() }, relations))
}
