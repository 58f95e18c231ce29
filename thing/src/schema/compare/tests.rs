//! Comparisons, change by change.

use thing_driver_api::ValueType;
use thing_driver_api::schema::{
    Action, Change, CheckSchema, ColumnSchema, ForeignKeySchema, IndexPart, IndexSchema, TableSchema,
};

use super::super::{Consent, Wanted};
use super::{Comparison, compare};

fn column(name: &str, declared: &str, holds: &[ValueType]) -> ColumnSchema {
    ColumnSchema::new(name, declared, holds.to_vec())
}

fn users() -> TableSchema {
    let mut table = TableSchema::new("users");
    table.columns = vec![
        column("id", "BIGINT", &[ValueType::I64, ValueType::I32]),
        column("name", "TEXT", &[ValueType::Text]),
        column("age", "INT", &[ValueType::I32]),
    ];
    table.key = vec!["id".into()];
    table.indexes = vec![IndexSchema::new("by_name", vec![IndexPart::column("name")], false)];
    table
}

fn wanted(schema: TableSchema) -> Wanted {
    let types = schema.columns.iter().map(|column| (column.name.clone(), column.holds[0])).collect();
    Wanted { types, ..Wanted::exactly(schema) }
}

fn changes(found: &Comparison) -> &[Change] {
    found.change.as_ref().map_or(&[], |change| &change.changes)
}

fn compared(before: &TableSchema, after: TableSchema) -> Comparison {
    let found = compare(before, &wanted(after), &Consent::none());
    if let Some(after) = found.change.as_ref().and_then(|change| change.after.clone()) {
        // What is to be is what no comparison finds a difference with.
        assert_eq!(compare(&after, &Wanted::exactly(after.clone()), &Consent::everything()).change, None);
    }
    found
}

#[test]
fn equal_tables_do_not_differ() {
    let found = compared(&users(), users());
    assert!(found.change.is_none() && found.left.is_empty() && found.refusals.is_empty());
}

#[test]
fn a_type_that_holds_the_values_stays() {
    let mut after = users();
    after.columns[0] = column("id", "INTEGER", &[ValueType::I32]);
    assert_eq!(changes(&compared(&users(), after.clone())), []);
    after.columns[2] = column("AGE", "BIGINT", &[ValueType::I64]);
    let found = compared(&users(), after);
    assert_eq!(changes(&found), [Change::AlterColumn("age".into())]);
    let altered = found.change.unwrap().after.unwrap();
    assert_eq!((altered.columns[0].declared.as_str(), altered.columns[2].declared.as_str()), ("BIGINT", "BIGINT"));
    let mut exact = users();
    exact.columns = altered.columns;
    let exact = Wanted::exactly(exact);
    assert_eq!(changes(&compare(&users(), &exact, &Consent::none())), [Change::AlterColumn("age".into())]);
}

#[test]
fn a_unique_constraint_serves_for_an_index_of_another_name() {
    let unique = |name: &str| IndexSchema::new(name, vec![IndexPart::column("age")], true);
    let (mut before, mut after) = (users(), users());
    before.indexes.push(unique("made_by_the_database"));
    after.indexes.push(unique("users_age_unique"));
    assert_eq!(changes(&compared(&before, after.clone())), [Change::CreateIndex("users_age_unique".into())]);
    before.indexes[1].constraint = true;
    let found = compared(&before, after);
    assert!(found.change.is_none() && found.left.is_empty());
}

#[test]
fn nullability_defaults_and_comments_differ() {
    let mut after = users();
    after.columns[1].nullable = true;
    after.columns[2].default = Some("5".into());
    after.comment = Some("those who".into());
    let found = compared(&users(), after.clone());
    let expected = [Change::AlterColumn("name".into()), Change::AlterColumn("age".into()), Change::ChangeComment];
    assert_eq!(changes(&found), expected);
    // The other way round the model has no default and no comment: they are left alone.
    let mut back = users();
    back.columns[1].nullable = true;
    let found = compared(&after, back.clone());
    assert_eq!(changes(&found), []);
    assert_eq!(found.left[0].to_string(), "the default of column `age` of table `users`");
    let found = compare(&after, &wanted(back.clone()), &Consent::none().allow("users.age"));
    assert_eq!(changes(&found), [Change::AlterColumn("age".into())]);
    let found = compare(&after, &wanted(back), &Consent::everything());
    assert_eq!(changes(&found), [Change::AlterColumn("age".into()), Change::ChangeComment]);
}

#[test]
fn what_nobody_wants_stays_until_it_is_allowed_to_go() {
    let mut before = users();
    before.columns.push(column("nick", "TEXT", &[ValueType::Text]));
    before.columns[3].nullable = true;
    before.indexes.push(IndexSchema::new("by_nick", vec![IndexPart::column("Nick")], false));
    before.checks.push(CheckSchema::new("short", "length(\"nick\") < 9"));
    before.foreign_keys.push(ForeignKeySchema::new("fk", vec!["nick".into()], "nicks", vec!["id".into()]));
    let found = compared(&before, users());
    let left: Vec<_> = found.left.iter().map(|left| (left.kind, left.name.as_str())).collect();
    assert_eq!(left, [("column", "nick"), ("index", "by_nick"), ("check", "short"), ("foreign key", "fk")]);
    assert!(found.change.is_none() && found.refusals.is_empty());
    let found = compare(&before, &wanted(users()), &Consent::none().allow("users.by_nick"));
    assert_eq!(changes(&found), [Change::DropIndex("by_nick".into())]);
    let found = compare(&before, &wanted(users()), &Consent::none().allow("Users.Nick"));
    let expected = [
        Change::DropForeignKey("fk".into()),
        Change::DropCheck("short".into()),
        Change::DropIndex("by_nick".into()),
        Change::DropColumn("nick".into()),
    ];
    assert_eq!(changes(&found), expected, "what hangs on a column goes with it");
    assert_eq!(found.change.unwrap().after.unwrap(), users());
}

#[test]
fn a_column_that_nothing_fills_is_refused() {
    let mut before = users();
    before.columns.push(column("isbn", "TEXT", &[ValueType::Text]));
    let found = compared(&before, users());
    assert_eq!(found.refusals[0].kind, "unfilled_column");
    let refusal = found.refusals[0].to_string();
    assert!(refusal.contains("column `isbn` is NOT NULL without default and no field fills it"), "{refusal}");
    assert!(refusal.contains("allow(\"users.isbn\")"), "{refusal}");
    before.columns[3].default = Some("''".into());
    assert!(compared(&before, users()).refusals.is_empty());
}

#[test]
fn new_columns_come_last_and_keys_change_after_them() {
    let mut after = users();
    after.columns.insert(0, column("uid", "UUID", &[ValueType::Uuid]));
    after.key = vec!["uid".into()];
    let found = compared(&users(), after);
    assert_eq!(changes(&found), [Change::AddColumn("uid".into()), Change::ChangeKey]);
    let names: Vec<_> = found.change.unwrap().after.unwrap().columns.into_iter().map(|column| column.name).collect();
    assert_eq!(names, ["id", "name", "age", "uid"]);
}

#[test]
fn changed_indexes_checks_and_foreign_keys_are_made_again() {
    let mut before = users();
    before.checks.push(CheckSchema::new("old_enough", "age > 17"));
    let mut key = ForeignKeySchema::new("fk", vec!["age".into()], "ages", vec!["id".into()]);
    before.foreign_keys.push(key.clone());
    let mut after = before.clone();
    after.indexes[0].parts[0].descending = true;
    after.checks[0].condition = "age > 20".into();
    key.on_delete = Action::Cascade;
    after.foreign_keys[0] = key;
    let expected = [
        Change::DropForeignKey("fk".into()),
        Change::DropCheck("old_enough".into()),
        Change::DropIndex("by_name".into()),
        Change::CreateIndex("by_name".into()),
        Change::AddCheck("old_enough".into()),
        Change::AddForeignKey("fk".into()),
    ];
    assert_eq!(changes(&compared(&before, after.clone())), expected);
    after.indexes[0].parts[0].descending = false;
    after.indexes[0].condition = Some("age > 1".into());
    after.checks[0] = CheckSchema::new("other_name", "age > 17");
    after.foreign_keys.clone_from(&before.foreign_keys);
    after.foreign_keys[0].name = "other".into();
    let expected = [Change::DropIndex("by_name".into()), Change::CreateIndex("by_name".into())];
    assert_eq!(changes(&compared(&before, after)), expected, "a check and a foreign key go by what they say");
}

#[test]
fn a_foreign_key_that_is_there_twice_is_left_once() {
    let mut before = users();
    let key = |name: &str, on_delete| {
        let mut key = ForeignKeySchema::new(name, vec!["name".into()], "names", vec!["id".into()]);
        key.on_delete = on_delete;
        key
    };
    for twin in [key("b", Action::NoAction), key("b", Action::Cascade), key("", Action::NoAction)] {
        for name in ["a", "c", &*twin.name].into_iter().filter(|name| !name.is_empty()) {
            before.foreign_keys = vec![key("a", Action::NoAction), twin.clone()];
            let mut after = users();
            after.foreign_keys = vec![if name == twin.name { twin.clone() } else { key(name, Action::NoAction) }];
            let found = compared(&before, after);
            assert_eq!(changes(&found), [], "{name} of {twin:?}");
            let other = if name == twin.name { "a" } else { &*twin.name };
            let left: Vec<_> = found.left.iter().map(|left| (left.kind, left.name.as_str())).collect();
            assert_eq!(left, [("foreign key", other)], "{name} of {twin:?}");
        }
    }
}
