//! Errors: each provoked for real.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use mysql_async::prelude::Queryable;
use support::{Fresh, Users, one, query, raw};
use thing_driver_api::{
    Column, ConstraintKind, ErrorKind, Executor, NoRows, Operation, Schema, Shape, Statement, Table, Value, ValueType,
};
use thing_driver_mysql::MysqlConfig;

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_its_password() {
    for url in [
        "postgres://u:secret@h/d",
        "mysql://u:secret@h",
        "mysql://u:secret@h/",
        "mysql://u:secret@h:port/d",
        "mysql://u:secret@h/d?unheard=secret",
        "secret",
    ] {
        let error = MysqlConfig::from_url(url).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{url}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    let config = MysqlConfig::from_url("mariadb://u:secret@host:33/d").unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("host:33") && !shown.contains("secret"), "{shown}");
}

#[tokio::test]
async fn an_executor_shows_no_password() {
    let url = thing_test_servers::mysql_url();
    let password = url.split(['/', ':', '@']).nth(4).unwrap().to_owned();
    let executor = thing_driver_mysql::MysqlExecutor::open(&url).await.unwrap();
    executor.describe("nothing").await.unwrap();
    let transaction = executor.begin(&Default::default()).await.unwrap();
    let shown = format!("{executor:?} {transaction:?}");
    assert!(password.len() > 8 && !shown.contains(&password), "{shown}");
}

#[tokio::test]
async fn constraints_are_told_apart() {
    let fresh = Fresh::new().await;
    for text in [
        "CREATE TABLE parent (id INT PRIMARY KEY)",
        "CREATE TABLE t (a INT, b VARCHAR(20), c INT NOT NULL, d INT, PRIMARY KEY (a, b), UNIQUE by_b_c (b, c), \
         CONSTRAINT to_parent FOREIGN KEY (d) REFERENCES parent (id), CONSTRAINT c_is_positive CHECK (c > 0))",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO t VALUES (1, 'x', 1, 1)",
    ] {
        raw(&fresh.executor, text).await.unwrap();
    }
    let cases = [
        ("INSERT INTO parent VALUES (1)", ConstraintKind::PrimaryKey, None, vec![], Some("PRIMARY")),
        ("INSERT INTO t VALUES (2, 'x', 1, 1)", ConstraintKind::Unique, None, vec![], Some("by_b_c")),
        ("INSERT INTO t VALUES (2, 'y', NULL, 1)", ConstraintKind::NotNull, None, vec!["c"], None),
        ("INSERT INTO t (a, b) VALUES (2, 'y')", ConstraintKind::NotNull, None, vec!["c"], None),
        ("INSERT INTO t VALUES (2, 'y', 0, 1)", ConstraintKind::Check, None, vec![], Some("c_is_positive")),
        ("INSERT INTO t VALUES (2, 'y', 1, 9)", ConstraintKind::ForeignKey, Some("t"), vec!["d"], Some("to_parent")),
        ("DELETE FROM parent", ConstraintKind::ForeignKey, Some("t"), vec!["d"], Some("to_parent")),
    ];
    for (text, kind, table, columns, name) in cases {
        let error = raw(&fresh.executor, text).await.unwrap_err();
        let constraint = error.constraint().unwrap_or_else(|| panic!("{text}: {error:?}"));
        assert_eq!(constraint.kind, kind, "{text}");
        assert_eq!(constraint.table.as_deref(), table, "{text}");
        assert_eq!(constraint.columns, columns, "{text}");
        assert_eq!(constraint.name.as_deref(), name, "{text}");
        assert!(error.to_string().chars().next().unwrap().is_lowercase(), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn a_unique_violation_names_table_columns_and_index_but_no_value() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    users.add(&fresh.executor, "s3cret' for key 'x").await.unwrap();
    let error = users.add(&fresh.executor, "s3cret' for key 'x").await.unwrap_err();
    let constraint = error.constraint().unwrap();
    assert_eq!(constraint.kind, ConstraintKind::Unique);
    assert_eq!(constraint.table.as_deref(), Some("users"));
    assert_eq!(constraint.columns, ["name"]);
    assert_eq!(constraint.name.as_deref(), Some("users_name_unique"));
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
}

#[tokio::test]
async fn values_that_do_not_fit_name_their_column() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT PRIMARY KEY, small SMALLINT, short VARCHAR(3), plain VARCHAR(9) CHARSET latin1, day DATE)")
        .await
        .unwrap();
    let cases = [
        ("small", Value::I64(70_000)),
        ("short", Value::Text("s3cret".into())),
        ("plain", Value::Text("日本".into())),
        ("day", Value::Text("s3cret".into())),
        ("small", Value::Text("s3cret".into())),
    ];
    for (column, value) in cases {
        let text = format!("INSERT INTO t (id, {column}) VALUES (1, ?)");
        let error = support::raw_with(&fresh.executor, &text, &[value]).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some(column.to_owned()) }, "{error:?}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    assert_eq!(one(&fresh.executor, "SELECT COUNT(*) FROM t").await, Value::I64(0));
}

#[tokio::test]
async fn what_does_not_exist_is_a_matter_of_the_schema() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (a INT)").await.unwrap();
    for text in ["SELECT * FROM nowhere", "SELECT b FROM t", "INSERT INTO t (b) VALUES (1)", "DROP TABLE nowhere"] {
        let error = raw(&fresh.executor, text).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Schema, "{text}: {error:?}");
    }
}

#[tokio::test]
async fn nonsense_is_invalid_input_and_shown() {
    let fresh = Fresh::new().await;
    let error = raw(&fresh.executor, "SELEKT 1").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("SELEKT 1"), "{error}");
    let error = query(&fresh.executor, "SELECT :name", &[]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert_eq!(one(&fresh.executor, "SELECT 1").await, Value::I64(1));
}

#[tokio::test]
async fn several_statements_in_one_text_are_refused() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (a INT)").await.unwrap();
    let error = raw(&fresh.executor, "INSERT INTO t VALUES (1); DELETE FROM t").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error:?}");
}

#[tokio::test]
async fn a_server_that_only_reads_says_so() {
    let mut server = thing_test_servers::Instance::mariadb().await;
    let executor = thing_driver_mysql::MysqlExecutor::open(server.url()).await.unwrap();
    let users = Users::create(&executor).await;
    // The tests' user may write all the same; this one may not.
    let mut admin = mysql_async::Conn::from_url(server.url()).await.unwrap();
    for text in [
        "CREATE USER reader@'%' IDENTIFIED BY 'x'",
        "GRANT SELECT, INSERT ON *.* TO reader@'%'",
        "SET GLOBAL read_only = 1",
    ] {
        admin.query_drop(text).await.unwrap();
    }
    let url = format!("mysql://reader:x@{}/thing", server.address());
    let reader = thing_driver_mysql::MysqlExecutor::open(&url).await.unwrap();
    assert_eq!(users.count(&reader).await, 0);
    let error = users.add(&reader, "x").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ReadOnly, "{error:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused_before_anything_is_made() {
    let fresh = Fresh::new().await;
    let long = "x".repeat(65);
    let table = |name: String, column: String, index: String| {
        Table::builder(name)
            .column(Column::new("id", ValueType::I64))
            .column(Column::new(column, ValueType::I64))
            .key([0])
            .index(Some(&index), [1], false)
            .build()
            .unwrap()
    };
    let short = || "short".to_owned();
    for table in [
        table(long.clone(), short(), short()),
        table(short(), long.clone(), short()),
        table(short(), short(), long.clone()),
    ] {
        let error = fresh.executor.create_table(&table).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error:?}");
        assert!(error.message().contains(&long), "{error}");
        assert_eq!(fresh.executor.describe(table.name()).await.map_err(|e| e.kind().clone()).unwrap_or(None), None);
    }
}

#[tokio::test]
async fn returning_is_unsupported() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let shape = Shape::new(users.table.clone(), Operation::Delete { filter: support::by_id(0), returning: vec![0] });
    let deleted = fresh.executor.write(&Statement::new(&shape, &[Value::I64(1)]), &mut NoRows).await;
    assert_eq!(*deleted.unwrap_err().kind(), ErrorKind::Unsupported);
}
