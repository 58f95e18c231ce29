//! Changes: every one makes of a table what it says, and keeps its rows.

use std::sync::Arc;

use thing_driver_api::schema::{Action, Change, ColumnSchema, Effect, TableChange, TableSchema};
use thing_driver_api::{Check, Column, ForeignKey, Table, TableBuilder, Value, ValueType};

use super::super::Database;
use super::super::statements::{Values, insert, insert_columns, stored, write};
use super::wanted::{built, create, id, wanted};
use super::{described, schema};
use crate::schema::{alter_in_vain, made, make};

/// The change from what is there to another table.
fn change(db: &Database<'_>, before: TableSchema, after: &Table, changes: Vec<Change>) -> Option<TableChange> {
    let mut after = wanted(db, after)?;
    let kept = before.options.iter().filter(|option| !after.options.contains(option)).cloned().collect::<Vec<_>>();
    after.options.extend(kept);
    after.attached.clone_from(&before.attached);
    Some(TableChange::alter(before, after, changes))
}

/// Makes these changes of what is there, which the database can say.
async fn changed(db: &Database<'_>, before: TableSchema, after: &Table, changes: Vec<Change>) -> TableSchema {
    let change = change(db, before, after, changes).expect("the database has all of it");
    made(&**db.executor(), &change).await;
    described(db, after.name()).await.expect("the table is there")
}

/// The tables are listed by their names, those of the database itself are not.
pub async fn tables_are_listed(db: &Database<'_>) {
    for name in ["zebra", "ant"] {
        create(db, db.table(name).column(id()).key([0]).generated_key(true)).await.expect("the table is there");
    }
    let tables = schema(db).tables().await.expect("tables are listed");
    let own: Vec<&String> = tables.iter().filter(|table| table.starts_with(&db.name(""))).collect();
    assert_eq!(own, [&db.name("ant"), &db.name("zebra")]);
    let mut sorted = tables.clone();
    sorted.sort();
    assert_eq!(tables, sorted);
    for table in &tables {
        described(db, table).await.expect("a table that is listed is there");
    }
}

fn items(db: &Database<'_>) -> TableBuilder {
    let column = |name: &'static str, value_type| Column::new(name, value_type);
    db.table("items")
        .column(id())
        .column(column("name", ValueType::Text))
        .column(column("size", ValueType::I16))
        .key([0])
}

/// A table of three rows.
async fn filled(db: &Database<'_>) -> (Arc<Table>, TableSchema) {
    let (table, found) = create(db, items(db)).await.expect("the table is there");
    for number in 1..=3 {
        let row = [Value::I64(number), Value::Text(format!("item {number}").into()), Value::I64(number * 10)];
        write(&**db.executor(), &insert(&table), &row).await.expect("the row is added");
    }
    (table, found)
}

async fn rows(db: &Database<'_>, table: &Arc<Table>) -> Vec<Values> {
    stored(&**db.executor(), table).await
}

/// Columns that may hold NULL, or have a default, are added to rows that are there.
pub async fn columns_are_added(db: &Database<'_>) {
    let (_, before) = filled(db).await;
    let after = items(db)
        .column(Column::new("maybe", ValueType::Text).nullable(true))
        .column(Column::new("count", ValueType::I32).default_value(Value::I64(4)).comment("it's \\ new"));
    let after = built(after);
    let changes = vec![Change::AddColumn("maybe".into()), Change::AddColumn("count".into())];
    changed(db, before, &after, changes).await;
    let rows = rows(db, &after).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0][3..], [Value::Null, Value::I64(4)]);
}

/// A column becomes wider, and one that may hold NULL.
pub async fn columns_are_widened(db: &Database<'_>) {
    let (_, before) = filled(db).await;
    let after = db.table("items").column(id()).column(Column::new("name", ValueType::Text).nullable(true));
    let after = built(after.column(Column::new("size", ValueType::I64)).key([0]));
    let alter = |name: &str| Change::AlterColumn(name.into());
    changed(db, before, &after, vec![alter("name"), alter("size")]).await;
    assert_eq!(rows(db, &after).await.len(), 3, "the rows are there still");
    let row = [Value::I64(4), Value::Null, Value::I64(i64::MAX)];
    write(&**db.executor(), &insert(&after), &row).await.expect("the row is added");
    assert!(rows(db, &after).await.contains(&row.to_vec()));
}

/// A column gets another type, no NULL, a default and a comment at once, and all of it back; the rows keep their values.
pub async fn columns_change_in_all_ways_at_once(db: &Database<'_>) {
    let sized = |size: Column| built(db.table("items").column(id()).column(size).key([0]));
    let small = || Column::new("size", ValueType::I16).nullable(true);
    let (before, found) =
        create(db, db.table("items").column(id()).column(small()).key([0])).await.expect("it is there");
    let row = |id: i64, size: i64| vec![Value::I64(id), Value::I64(size)];
    write(&**db.executor(), &insert(&before), &row(1, 5)).await.expect("the row is added");
    let large = Column::new("size", ValueType::I64).default_value(Value::I64(3)).comment("in metres");
    let after = sized(large.clone());
    let alter = || vec![Change::AlterColumn("size".into())];
    let found = changed(db, found, &after, alter()).await;
    let by_default = insert_columns(&after, vec![0], Vec::new());
    write(&**db.executor(), &by_default, &[Value::I64(2)]).await.expect("the row is added");
    assert_eq!(rows(db, &after).await, [row(1, 5), row(2, 3)]);
    let commented = sized(large.comment("in inches"));
    let found = changed(db, found, &commented, alter()).await;
    changed(db, found, &sized(small()), alter()).await;
    assert_eq!(rows(db, &before).await, [row(1, 5), row(2, 3)]);
}

/// Where a value does not fit what its column gets, the plan says that it may fail, it fails, and nothing has changed.
pub async fn values_that_do_not_fit_stop_the_change(db: &Database<'_>) {
    let (table, before) = filled(db).await;
    let wide = items(db).column(Column::new("large", ValueType::I64).default_value(Value::I64(100_000)));
    let wide = built(wide.column(Column::new("maybe", ValueType::I32).nullable(true)));
    let adds = ["large", "maybe"].map(|name| Change::AddColumn(name.into())).into();
    changed(db, before, &wide, adds).await;
    for (column, wanted_type) in [("name", ValueType::I64), ("large", ValueType::I16), ("maybe", ValueType::I32)] {
        let other = db.table("other").column(id()).column(Column::new(column, wanted_type)).key([0]);
        let wanted = wanted(db, &built(other)).expect("the types are there").columns.swap_remove(1);
        if column == "large" && wanted.holds.contains(&ValueType::I64) {
            // The database has one type for all integers.
            continue;
        }
        let narrow = |known: &mut ColumnSchema| *known = wanted;
        alter_in_vain(&**db.executor(), table.name(), column, narrow).await;
        assert_eq!(rows(db, &wide).await.len(), 3, "{column}");
    }
}

/// A key that was given begins to count, from behind what is there, and ends it.
pub async fn keys_come_to_count(db: &Database<'_>) {
    let name = || Column::new("name", ValueType::Text);
    let table = || db.table("counted").column(id()).column(name()).key([0]);
    let (given, before) = create(db, table()).await.expect("the table is there");
    let row = [Value::I64(40), Value::Text("a".into())];
    write(&**db.executor(), &insert(&given), &row).await.expect("the row is added");
    let counted = built(table().generated_key(true));
    let alter = || vec![Change::AlterColumn("id".into())];
    let found = changed(db, before, &counted, alter()).await;
    let without_key = insert_columns(&counted, vec![1], Vec::new());
    write(&**db.executor(), &without_key, &[Value::Text("b".into())]).await.expect("the row is added");
    let ids: Vec<i64> = rows(db, &counted).await.iter().map(|row| super::super::statements::id(row)).collect();
    assert_eq!(ids, [40, 41]);
    changed(db, found, &given, alter()).await;
    assert_eq!(rows(db, &given).await.len(), 2);
}

/// A table and its column get other names, and keep their rows.
pub async fn tables_and_columns_are_renamed(db: &Database<'_>) {
    let (_, before) = filled(db).await;
    let after = db.table("things").column(id()).column(Column::new("label", ValueType::Text));
    let after = built(after.column(Column::new("size", ValueType::I16)).key([0]));
    let column = Change::RenameColumn { from: "name".into(), to: "label".into() };
    changed(db, before, &after, vec![Change::RenameTable, column]).await;
    assert_eq!(described(db, &db.name("items")).await, None);
    assert_eq!(rows(db, &after).await.len(), 3);
}

/// Conditions and indexes follow the columns that get other names, also where one changes besides; a comment goes.
pub async fn conditions_are_renamed_with_their_columns(db: &Database<'_>) {
    let (check, index) = (db.name("grown"), db.name("by_age"));
    let people = |table: &str, age: &'static str, name: Column| {
        let table = db.table(table).column(id()).column(name).column(Column::new(age, ValueType::I32).nullable(true));
        let condition = format!("{age} in (1, 2) or {age} is null");
        table.key([0]).index(Some(&index), [2], false).check(Check::new(check.clone(), condition))
    };
    let name = Column::new("name", ValueType::Text);
    let (_, before) = create(db, people("people", "age", name).comment("who")).await.expect("the table is there");
    let called = || Column::new("called", ValueType::Text).nullable(true).comment("by others");
    let renamed = |from: &str, to: &str| Change::RenameColumn { from: from.into(), to: to.into() };
    let changes = vec![
        Change::RenameTable,
        renamed("age", "years"),
        renamed("name", "called"),
        Change::AlterColumn("called".into()),
    ];
    let found = changed(db, before, &built(people("persons", "years", called()).comment("who")), changes).await;
    changed(db, found, &built(people("persons", "years", called())), vec![Change::ChangeComment]).await;
}

/// A column goes, and the plan says that its values are lost.
pub async fn columns_are_dropped(db: &Database<'_>) {
    let (_, before) = filled(db).await;
    let after = built(db.table("items").column(id()).column(Column::new("name", ValueType::Text)).key([0]));
    let dropped = change(db, before, &after, vec![Change::DropColumn("size".into())]).expect("the columns are there");
    let steps = schema(db).plan(&dropped).expect("the change is planned");
    assert!(steps.iter().flat_map(|step| step.loses()).any(|lost| lost.contains("`size`")), "{steps:?}");
    made(&**db.executor(), &dropped).await;
    assert_eq!(rows(db, &after).await.len(), 3);
}

/// A unique index, a foreign key and a check of [`items`].
struct Constraints {
    index: String,
    key: String,
    check: String,
}

impl Constraints {
    fn of(db: &Database<'_>) -> Self {
        Self { index: db.name("by_size"), key: db.name("parent_key"), check: db.name("small") }
    }

    /// The table with them, where rows refer to their parents by their own key.
    fn on(&self, db: &Database<'_>, table: TableBuilder, action: Action) -> Arc<Table> {
        let foreign = ForeignKey::new(self.key.clone(), vec![0], db.name("parent"), vec!["id".into()]);
        let table = table.index(Some(&self.index), [2], true).foreign_key(foreign.on_delete(action));
        built(table.check(Check::new(self.check.clone(), "size < 100")))
    }

    fn adds(&self) -> Vec<Change> {
        let (index, key, check) = (self.index.clone(), self.key.clone(), self.check.clone());
        vec![Change::CreateIndex(index), Change::AddCheck(check), Change::AddForeignKey(key)]
    }

    fn drops(&self) -> Vec<Change> {
        let (index, key, check) = (self.index.clone(), self.key.clone(), self.check.clone());
        vec![Change::DropForeignKey(key), Change::DropCheck(check), Change::DropIndex(index)]
    }
}

/// Indexes, foreign keys and checks are added to a table with rows, hold, become others, and go again.
pub async fn constraints_come_and_go(db: &Database<'_>) {
    let (parent, _) = create(db, db.table("parent").column(id()).key([0])).await.expect("the table is there");
    let (plain, before) = filled(db).await;
    for number in 1..=3 {
        write(&**db.executor(), &insert(&parent), &[Value::I64(number)]).await.expect("the row is added");
    }
    let constraints = Constraints::of(db);
    let after = constraints.on(db, items(db), Action::NoAction);
    let found = changed(db, before, &after, constraints.adds()).await;
    for (row, what) in [([1, 50], "the key"), ([9, 60], "the reference"), ([2, 100], "the check")] {
        let row = [Value::I64(row[0]), Value::Text("x".into()), Value::I64(row[1])];
        write(&**db.executor(), &insert(&after), &row).await.expect_err(what);
    }
    let cascading = constraints.on(db, items(db), Action::Cascade);
    let key = || constraints.key.clone();
    let again = vec![Change::DropForeignKey(key()), Change::AddForeignKey(key())];
    let found = changed(db, found, &cascading, again).await;
    let index = || constraints.index.clone();
    let foreign = cascading.foreign_keys()[0].clone();
    let wider = items(db).index(Some(&index()), [2, 0], false).foreign_key(foreign);
    let wider = built(wider.check(cascading.checks()[0].clone()));
    let found = changed(db, found, &wider, vec![Change::DropIndex(index()), Change::CreateIndex(index())]).await;
    changed(db, found, &plain, constraints.drops()).await;
    assert_eq!(rows(db, &plain).await.len(), 3);
}

/// Constraints that rows break are said to fail, and fail; where changes are part of a transaction, nothing has changed.
pub async fn constraints_that_rows_break_are_not_added(db: &Database<'_>) {
    create(db, db.table("parent").column(id()).key([0])).await.expect("the table is there");
    let (plain, before) = filled(db).await;
    let constraints = Constraints::of(db);
    let after = constraints.on(db, items(db), Action::NoAction);
    let adding = change(db, before.clone(), &after, constraints.adds()).expect("the database has all of it");
    let steps = schema(db).plan(&adding).expect("the change is planned");
    let mut effects = steps.iter().flat_map(|step| &step.effects);
    assert!(effects.any(|effect| matches!(effect, Effect::MayFail(_))), "{steps:?}");
    make(&**db.executor(), &adding).await.expect_err("rows refer to none");
    if schema(db).session().await.expect("there are sessions").is_transactional() {
        assert_eq!(described(db, plain.name()).await, Some(before), "nothing has changed");
    }
}

/// A column of a foreign key is changed together with an index, and the foreign key stays.
pub async fn columns_of_foreign_keys_are_changed(db: &Database<'_>) {
    create(db, db.table("places").column(id()).key([0])).await.expect("the table is there");
    let index = db.name("by_age");
    let people = |place: Column| {
        let key = ForeignKey::new(db.name("lives"), vec![1], db.name("places"), vec!["id".into()]);
        let table = db.table("people").column(id()).column(place).column(Column::new("age", ValueType::I32));
        table.key([0]).foreign_key(key)
    };
    let place = || Column::new("place", ValueType::I64);
    let before = people(place().nullable(true)).index(Some(&index), [2], false);
    let (_, before) = create(db, before).await.expect("the table is there");
    let changes = vec![Change::AlterColumn("place".into()), Change::DropIndex(index.clone())];
    let after = built(people(place().comment("where")));
    let found = changed(db, before, &after, changes).await;
    assert_eq!(found.foreign_keys.len(), 1);
}

/// The key becomes another, and the rows stay.
pub async fn keys_are_changed(db: &Database<'_>) {
    let (_, before) = filled(db).await;
    let after = db.table("items").column(id()).column(Column::new("name", ValueType::Text));
    let after = built(after.column(Column::new("size", ValueType::I16)).key([0, 2]));
    let changes = vec![Change::AlterColumn("id".into()), Change::ChangeKey];
    changed(db, before, &after, changes).await;
    assert_eq!(rows(db, &after).await.len(), 3);
    let row = [Value::I64(1), Value::Text("x".into()), Value::I64(11)];
    write(&**db.executor(), &insert(&after), &row).await.expect("another row by the new key");
}

/// Dropping a table says that its rows are lost, and then it is not there.
pub async fn tables_are_dropped(db: &Database<'_>) {
    let (table, before) = filled(db).await;
    let drop = TableChange::drop(before);
    let steps = make(&**db.executor(), &drop).await.expect("the table goes");
    assert!(steps.iter().any(|step| step.loses().next().is_some()), "{steps:?}");
    assert_eq!(described(db, table.name()).await, None);
}
