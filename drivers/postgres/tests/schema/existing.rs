//! Tables of others: what they hold, where they are found, and what is made beside them.

use thing_driver_api::{Column, ErrorKind, Executor, ListItem, Schema, Table, Value, ValueType};

use crate::support::{self, Place, Users, query, raw};

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_others_are_described() {
    let place = Place::new().await;
    place
        .run(
            "CREATE DOMAIN positive AS int NOT NULL DEFAULT 1; CREATE TYPE mood AS ENUM ('happy'); \
             CREATE COLLATION blurred (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             CREATE TABLE t (a serial, b bigint GENERATED ALWAYS AS IDENTITY, c varchar(5), d text COLLATE blurred, \
               e numeric(10, 2), f numeric, g timestamp, h int GENERATED ALWAYS AS (1) STORED, i positive, j mood, \
               k char(3), gone int, l text NOT NULL DEFAULT 'x', PRIMARY KEY (b, a)); \
             ALTER TABLE t DROP gone; \
             CREATE INDEX plain ON t (c, f DESC) INCLUDE (g); CREATE UNIQUE INDEX sole ON t (l); \
             CREATE INDEX part ON t (c) WHERE c IS NOT NULL; CREATE INDEX lowered ON t (lower(c))",
        )
        .await;
    let table = place.executor.schema().unwrap().describe("t").await.unwrap().unwrap();
    assert_eq!(table.key, ["b", "a"]);
    let found: Vec<_> = table
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.holds.first().copied(), column.nullable, column.is_filled()))
        .collect();
    assert_eq!(
        found,
        [
            ("a", Some(ValueType::I16), false, true),
            ("b", Some(ValueType::I16), false, true),
            ("c", Some(ValueType::Text), true, false),
            ("d", Some(ValueType::Json), true, false),
            ("e", None, true, false),
            ("f", Some(ValueType::Decimal), true, false),
            ("g", Some(ValueType::Timestamp), true, false),
            ("h", Some(ValueType::I16), true, true),
            ("i", Some(ValueType::I16), false, true),
            ("j", Some(ValueType::Text), true, false),
            ("k", None, true, false),
            ("l", Some(ValueType::Text), false, true),
        ]
    );
    assert_eq!(table.columns[4].declared, "numeric(10,2)");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_found_along_the_search_path() {
    let place = Place::new().await;
    Users::create(&place.executor).await;
    let other = Place::new().await;
    assert_eq!(other.executor.schema().unwrap().describe("users").await.unwrap(), None);
    let path = format!("{}, {}", other.schema.name(), place.schema.name());
    let both = Place::with(|config| config.search_path(&path)).await;
    assert!(both.executor.schema().unwrap().describe("users").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn long_names_of_indexes_are_kept_and_others_are_refused() {
    let place = Place::new().await;
    let name = "a_column_with_a_rather_long_name_for_a_column";
    let table = |table: &'static str| {
        Table::builder(table)
            .column(Column::new("id", ValueType::I64))
            .column(Column::new(name, ValueType::Text))
            .column(Column::new("größe", ValueType::I32))
            .key([0])
            .index(None, [1, 2], false)
            .index(Some("it's \"one\" \\ of the longest names that anybody ever gave to an index"), [2], true)
    };
    let fine = table("a_table_with_a_long_name").build().unwrap();
    assert!(fine.indexes().iter().all(|index| index.name.len() > 63));
    let schema = place.executor.schema().unwrap();
    schema.create_table(&fine).await.unwrap();
    let described = schema.describe(fine.name()).await.unwrap().unwrap();
    let mut found: Vec<_> = described.indexes.iter().map(|index| index.name.clone()).collect();
    let mut declared: Vec<_> = fine.indexes().iter().map(|index| index.name.to_string()).collect();
    found.sort();
    declared.sort();
    assert_eq!(found, declared, "an index is found by the name that it was declared with");
    let twice = schema.create_index(&fine, &fine.indexes()[0]).await.unwrap_err();
    assert_eq!(*twice.kind(), ErrorKind::Schema);

    let long = table("a_table_whose_name_is_so_long_that_postgres_would_cut_off_its_end_silently").build().unwrap();
    let error = schema.create_table(&long).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("63"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_wholly_or_not_at_all() {
    let place = Place::new().await;
    place.run("CREATE TABLE users_name_unique (id int)").await;
    let schema = place.executor.schema().unwrap();
    let error = schema.create_table(&support::users()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema, "{error:?}");
    assert_eq!(schema.describe("users").await.unwrap(), None);
    raw(&place.executor, "DROP TABLE users_name_unique").await.unwrap();
    schema.create_table(&support::users()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_of_every_type_are_what_was_declared() {
    let place = Place::with(|config| config.setting("timezone", "UTC")).await;
    let columns = [
        (ValueType::Bool, Value::Bool(true)),
        (ValueType::I64, Value::I64(i64::MIN)),
        (ValueType::F64, Value::F64(-1.5e300)),
        (ValueType::F64, Value::F64(f64::NEG_INFINITY)),
        (ValueType::Text, Value::Text("it's a \\ \"text\"".into())),
        (ValueType::Bytes, Value::Bytes(vec![0, 39, 92, 255].into())),
        (ValueType::Uuid, Value::Uuid([7; 16])),
        (ValueType::Timestamp, Value::Timestamp(1_700_000_000_123_456)),
        (ValueType::Date, Value::Date(-719_162)),
        (ValueType::Time, Value::Time(1)),
        (ValueType::Json, Value::Json("{\"a\": \"\\\\ '\"}".into())),
        (ValueType::Decimal, Value::Decimal("-1.5".parse().unwrap())),
    ];
    let mut table = Table::builder("t").column(Column::new("id", ValueType::I64)).key([0]);
    for (at, (value_type, default)) in columns.iter().enumerate() {
        table = table.column(Column::new(format!("c{at}"), *value_type).default_value(default.clone()));
    }
    place.executor.create_table(&table.build().unwrap()).await.unwrap();
    raw(&place.executor, "INSERT INTO t (id) VALUES (1)").await.unwrap();
    let stored = query(&place.executor, "SELECT * FROM t", &[]).await.unwrap().rows;
    assert_eq!(stored[0][1..], columns.map(|(_, default)| default));
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_of_lists_are_what_was_declared() {
    let place = Place::new().await;
    let defaults = [
        (ListItem::Text, r#"["a b","it's","{}","","NULL","\\"]"#),
        (ListItem::Text, "[]"),
        (ListItem::Bool, "[true,false]"),
        (ListItem::I64, "[1,-2]"),
        (ListItem::Uuid, r#"["00000000-0000-0000-0000-000000000007"]"#),
    ];
    let mut table = Table::builder("t").column(Column::new("id", ValueType::I64)).key([0]);
    for (at, (item, default)) in defaults.into_iter().enumerate() {
        let column = Column::new(format!("c{at}"), ValueType::List(item));
        table = table.column(column.default_value(Value::Json(default.into())));
    }
    let table = table.build().unwrap();
    let schema = place.executor.schema().unwrap();
    schema.create_table(&table).await.unwrap();
    assert_eq!(schema.describe("t").await.unwrap(), Some(schema.wanted(&table).unwrap()));
    raw(&place.executor, "INSERT INTO t (id) VALUES (1)").await.unwrap();
    let columns: Vec<String> = (0..defaults.len()).map(|at| format!("to_json(c{at})::text")).collect();
    let stored = query(&place.executor, &format!("SELECT {} FROM t", columns.join(", ")), &[]).await.unwrap().rows;
    assert_eq!(stored[0], defaults.map(|(_, default)| Value::Text(default.into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_does_not_order_by_bytes_is_refused_where_it_is_declared_to() {
    let place = Place::with(|config| config.bytewise_text(true)).await;
    place
        .run("CREATE TABLE t (id bigint PRIMARY KEY, a text COLLATE \"C\", b text COLLATE \"und-x-icu\", c text)")
        .await;
    let table = place.executor.schema().unwrap().describe("t").await.unwrap().unwrap();
    let holds: Vec<_> = table.columns[1..].iter().map(|column| column.holds.contains(&ValueType::Text)).collect();
    assert_eq!(holds, [true, false, true], "the test database has the collation C.UTF-8");
}
