//! What is wanted for the table of a model is what is described once it is made.

use std::sync::Arc;

use thing_driver_api::schema::{Action, TableChange, TableSchema};
use thing_driver_api::{
    Check, Column, ColumnSet, ErrorKind, ForeignKey, ListItem, Table, TableBuilder, Value, ValueType,
};

use super::super::Database;
use super::super::samples::all_types;
use super::super::statements::{insert_columns, stored, write};
use super::{described, schema};
use crate::schema::made;

/// What is wanted; `None` where the database has no such thing.
pub(super) fn wanted(db: &Database<'_>, table: &Table) -> Option<TableSchema> {
    match schema(db).wanted(table) {
        Ok(wanted) => Some(wanted),
        Err(error) => {
            assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
            None
        }
    }
}

/// Makes a table as it is wanted; `None` where the database has no such thing.
pub(super) async fn create(db: &Database<'_>, table: TableBuilder) -> Option<(Arc<Table>, TableSchema)> {
    let table = built(table);
    made(&**db.executor(), &TableChange::create(wanted(db, &table)?)).await;
    let found = described(db, table.name()).await.expect("the table is there");
    Some((table, found))
}

pub(super) fn built(table: TableBuilder) -> Arc<Table> {
    Arc::new(table.build().expect("the kit's tables are valid"))
}

pub(super) fn id() -> Column {
    Column::new("id", ValueType::I64)
}

fn with_id(db: &Database<'_>, name: &str) -> TableBuilder {
    db.table(name).column(id()).key([0])
}

/// Columns of every type are described as they are wanted, with and without NULL, and with what they are for.
pub async fn wanted_columns_are_described(db: &Database<'_>) {
    let mut table = with_id(db, "types").comment("of every type");
    for value_type in all_types() {
        table = table.column(Column::new(format!("{value_type:?}"), value_type).comment("it's a \\ \"column\""));
        table = table.column(Column::new(format!("{value_type:?}?"), value_type).nullable(true));
    }
    create(db, table).await.expect("all types are there");
}

/// Defaults of every type are described as they are wanted, and fill in what was declared.
pub async fn wanted_defaults_are_described(db: &Database<'_>) {
    let text = |text: &'static str| Value::Text(text.into());
    let json = |text: &'static str| Value::Json(text.into());
    let decimal = |text: &str| Value::Decimal(text.parse().expect("a decimal number"));
    let object = "{\"b\": 1, \"aa\": \"it's \\\\ \\\"x\\\"\", \"a\": [true, null, 2.5]}";
    let defaults = [
        (ValueType::Bool, vec![Value::Bool(true), Value::Bool(false), Value::Null]),
        (ValueType::I16, vec![Value::I64(-1)]),
        (ValueType::I32, vec![Value::I64(0), Value::I64(i64::from(i32::MIN))]),
        (ValueType::I64, vec![Value::I64(-5), Value::I64(7), Value::I64(i64::MIN), Value::I64(i64::MAX)]),
        (ValueType::F32, vec![Value::F64(0.5), Value::F64(f64::from(0.1_f32))]),
        (ValueType::F64, [0.1, -1.5e300, -1e100, 1e20, 0.0, 5e-324, 123_456.75].map(Value::F64).into()),
        (ValueType::Text, ["", "it's; a -- \"text\"", "a \\ b", "'::text", "1", "null", "ü\n"].map(text).into()),
        (ValueType::Bytes, [&[][..], &[0, 255], &[0, 39, 92, 255]].map(|b| Value::Bytes(b.to_vec().into())).into()),
        (ValueType::Uuid, vec![Value::Uuid([9; 16]), Value::Uuid([0xa7; 16])]),
        (ValueType::Timestamp, [0, 1_000_001, 1_700_000_000_123_450].map(Value::Timestamp).into()),
        (ValueType::Date, [-300_000, 0, 1].map(Value::Date).into()),
        (ValueType::Time, [1, 1_000_000, 36_000_000_000].map(Value::Time).into()),
        (ValueType::Json, ["{}", "[]", object, "\"x\""].map(json).into()),
        (ValueType::Decimal, ["-1.5", "0", "1.50", "12345678901234567890.123"].map(decimal).into()),
        (ValueType::List(ListItem::I64), ["[]", "[1,-2]"].map(json).into()),
        (ValueType::List(ListItem::Text), ["[]", "[\"it's\",\"\",\"a \\\\ \\\"b\\\"\",\"null\"]"].map(json).into()),
    ];
    let mut table = with_id(db, "defaults");
    for (value_type, values) in &defaults {
        for (at, value) in values.iter().enumerate() {
            let column = Column::new(format!("{value_type:?}{at}"), *value_type);
            table = table.column(column.nullable(true).default_value(value.clone()));
        }
    }
    let (table, _) = create(db, table).await.expect("all types have defaults");
    let by_default = insert_columns(&table, vec![0], Vec::new());
    write(&**db.executor(), &by_default, &[Value::I64(1)]).await.expect("a row is added");
    let row = stored(&**db.executor(), &table).await.swap_remove(0);
    for (found, declared) in row[1..].iter().zip(defaults.iter().flat_map(|(_, values)| values)) {
        match (found, declared) {
            (Value::Json(found), Value::Json(declared)) => assert_eq!(document(found), document(declared)),
            _ => assert_eq!(found, declared),
        }
    }
}

fn document(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

/// Keys are described as they are wanted: generated and given, of one column and of several.
pub async fn wanted_keys_are_described(db: &Database<'_>) {
    for value_type in [ValueType::I16, ValueType::I32, ValueType::I64] {
        let generated = db.table(&format!("generated_{value_type:?}")).column(Column::new("id", value_type));
        create(db, generated.key([0]).generated_key(true)).await.expect("keys are generated");
    }
    create(db, with_id(db, "given")).await.expect("keys are given");
    let name = Column::new("name", ValueType::Text);
    create(db, db.table("several").column(id()).column(name).key([1, 0])).await.expect("keys have several columns");
}

fn indexed(db: &Database<'_>, name: &str) -> TableBuilder {
    with_id(db, name)
        .column(Column::new("a", ValueType::I32))
        .column(Column::new("B", ValueType::Text).nullable(true))
        .column(Column::new("order", ValueType::Timestamp).nullable(true))
        .column(Column::new("bytes", ValueType::Bytes))
}

/// Indexes are described as they are wanted: the order of their columns, and whether they are unique.
pub async fn wanted_indexes_are_described(db: &Database<'_>) {
    let table = indexed(db, "indexed").index(None, [1, 2], false).index(None, [4, 2], true).index(
        Some(&db.name("it's an \"index\"")),
        [2, 1],
        true,
    );
    create(db, table).await.expect("indexes are there");
    let table = indexed(db, "descending")
        .index(Some(&db.name("either_way")), [1, 2, 3], true)
        .last_index(|index| index.descending(ColumnSet::from_iter([1, 3])));
    create(db, table).await.expect("indexes go either way");
}

/// Indexes of some rows only are described as they are wanted, or refused where the database has none.
pub async fn wanted_indexes_of_some_rows_are_described(db: &Database<'_>) {
    for (at, condition) in ["a > 10", " a IS  NOT NULL ", "a between 1 and 9 and id in (1, 2)"].into_iter().enumerate()
    {
        let table = indexed(db, &format!("some{at}"));
        create(db, table.index(None, [1], at == 0).last_index(|index| index.condition(condition))).await;
    }
}

/// Unique indexes of a table whose rows are marked as deleted count the living ones, whatever the mark is called.
pub async fn wanted_indexes_of_living_rows_are_described(db: &Database<'_>) {
    let marks = [
        Column::new("gone", ValueType::Timestamp).nullable(true),
        Column::new("is \"deleted\"", ValueType::Bool),
        Column::new("order", ValueType::Bool),
    ];
    for (at, mark) in marks.into_iter().enumerate() {
        let name = |suffix: &str| db.name(&format!("living{at}_{suffix}"));
        let table = with_id(db, &format!("living{at}"))
            .column(mark)
            .column(Column::new("a", ValueType::I32))
            .deleted(1)
            .index(Some(&name("plain")), [2], false)
            .index(Some(&name("sole")), [2], true)
            .index(Some(&name("two")), [2, 0], true);
        let (_, found) = create(db, table).await.expect("rows are marked");
        assert_eq!(found.indexes.iter().map(|index| index.living).collect::<Vec<_>>(), [false, true, true]);
    }
}

/// Foreign keys are described as they are wanted: with every action, of one column and of two, of the table itself.
pub async fn wanted_foreign_keys_are_described(db: &Database<'_>) {
    let parents = with_id(db, "parents").column(Column::new("other", ValueType::I32)).index(None, [1, 0], true);
    create(db, parents).await.expect("the table is there");
    let foreign = |name: &str, columns: Vec<usize>, references: Vec<&'static str>| {
        let references = references.into_iter().map(Into::into).collect();
        ForeignKey::new(db.name(name), columns, db.name("parents"), references)
    };
    let mut table = with_id(db, "children").column(Column::new("pair", ValueType::I32).nullable(true));
    let actions = [Action::NoAction, Action::Restrict, Action::Cascade, Action::SetNull];
    for (at, action) in actions.into_iter().enumerate() {
        let key = foreign(&format!("by_c{at}"), vec![at + 2], vec!["id"]);
        let column = Column::new(format!("c{at}"), ValueType::I64).nullable(true);
        table = table.column(column).foreign_key(key.on_delete(action).on_update(actions[(at + 1) % actions.len()]));
    }
    table = table.foreign_key(foreign("pair", vec![1, 2], vec!["other", "id"]));
    create(db, table).await.expect("foreign keys are there");
    let child = |name: &str| with_id(db, name).column(Column::new("a", ValueType::I64).nullable(true));
    for (at, action) in actions.into_iter().chain([Action::SetDefault]).enumerate() {
        let key = foreign(&format!("same{at}"), vec![1], vec!["id"]).on_delete(action).on_update(action);
        let table = child(&format!("child{at}")).index(None, [1], false).foreign_key(key);
        let made = create(db, table).await;
        assert!(made.is_some() || action == Action::SetDefault, "{action:?}");
    }
    let own = ForeignKey::new(db.name("own"), vec![1], db.name("itself"), vec!["id".into()]);
    create(db, child("itself").index(None, [1], false).foreign_key(own)).await.expect("a table refers to itself");
}

/// Checks are described as they are wanted, whatever they are called and however they are written.
pub async fn wanted_checks_are_described(db: &Database<'_>) {
    let column = |name: &'static str| Column::new(name, ValueType::I64);
    let table = with_id(db, "checked")
        .column(column("a").comment("how many; it's \"a\""))
        .column(column("b"))
        .comment("what is checked")
        .check(Check::new(db.name("positive"), "a > 0"))
        .check(Check::new(db.name("a is sane"), " a BETWEEN 1 AND 9 or b in (1, 2, 3) "))
        .check(Check::new(db.name("odd 'name'"), "a <> b AND 'it''s' <> ''"));
    create(db, table).await.expect("checks are there");
}

/// When a column was renamed, a condition is told with its new name, not as it once was declared.
pub async fn conditions_are_told_as_they_are(db: &Database<'_>) {
    let table = with_id(db, "renamed").column(Column::new("age", ValueType::I32));
    let table = table.check(Check::new(db.name("grown"), "age between 18 and 150"));
    create(db, table).await.expect("checks are there");
    let mut session = schema(db).session().await.expect("a session begins");
    let rename = format!("ALTER TABLE {} RENAME COLUMN age TO years", db.name("renamed"));
    session.execute(&rename).await.expect("the column is renamed");
    let found = described(db, &db.name("renamed")).await.expect("the table is there");
    let condition = &found.checks[0].condition;
    assert!(condition.contains("years") && !condition.contains("age"), "{condition}");
}

/// Names of tables and columns are kept whole, or refused: never cut.
pub async fn names_are_kept_or_refused(db: &Database<'_>) {
    for length in [20, 70, 300] {
        let long = db.name(&"n".repeat(length));
        let of_table = Table::builder(long.clone()).column(id()).key([0]);
        let of_column = with_id(db, &format!("long{length}")).column(Column::new(long, ValueType::I32));
        for table in [of_table, of_column] {
            match schema(db).wanted(&built(table)) {
                Ok(wanted) => drop(made(&**db.executor(), &TableChange::create(wanted)).await),
                Err(error) => assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}"),
            }
        }
    }
}
