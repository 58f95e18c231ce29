//! Servers whose settings change what SQL means.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use mysql_async::prelude::Queryable;
use support::{Rows, Users, one, raw, raw_with};
use thing_driver_api::{
    Column, Condition, ErrorKind, Executor, Operation, Schema, Shape, Slot, Statement, Table, Value, ValueType,
};
use thing_driver_mysql::MysqlExecutor;

const MODES: [&str; 4] = [
    "",
    "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT",
    "PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE,HIGH_NOT_PRECEDENCE",
    "ORACLE",
];

#[tokio::test(flavor = "multi_thread")]
async fn statements_mean_the_same_under_every_mode_of_the_server() {
    let server = thing_test_servers::Instance::mariadb().await;
    let mut admin = mysql_async::Conn::from_url(server.url()).await.unwrap();
    for (at, mode) in MODES.into_iter().enumerate() {
        for text in [
            format!("SET GLOBAL sql_mode = '{mode}'"),
            "SET GLOBAL time_zone = '+05:00'".to_owned(),
            "SET GLOBAL autocommit = 0".to_owned(),
            "SET GLOBAL collation_connection = utf8mb4_general_ci".to_owned(),
            format!("CREATE DATABASE db{at}"),
        ] {
            admin.query_drop(text).await.unwrap();
        }
        let (address, _) = server.url().rsplit_once('/').unwrap();
        let url = format!("{address}/db{at}");
        let executor = MysqlExecutor::open(&url).await.unwrap();
        let table = Table::builder("odd `name\"")
            .column(Column::new("id", ValueType::I64))
            .column(Column::new("te\"xt", ValueType::Text).default_value(Value::Text(r#"a\b'c"d"#.into())))
            .key([0])
            .build()
            .unwrap();
        executor.create_table(&table).await.unwrap();
        let table = std::sync::Arc::new(table);
        let insert = Shape::new(table.clone(), Operation::Insert { columns: vec![0], returning: vec![] });
        executor.write(&Statement::new(&insert, &[Value::I64(1)]), &mut Rows::default()).await.unwrap();
        let like = Condition::Like { column: 1, pattern: Slot(0), negated: false };
        let shape = support::select(&table, like);
        let mut rows = Rows::of(&[ValueType::I64, ValueType::Text]);
        executor.fetch(&Statement::new(&shape, &[Value::Text(r#"a\\b'_\"d"#.into())]), &mut rows).await.unwrap();
        assert_eq!(rows.rows, [[Value::I64(1), Value::Text(r#"a\b'c"d"#.into())]], "{mode}");
        // Too long a text is refused, not cut.
        raw(&executor, "CREATE TABLE short (a VARCHAR(2), b TIMESTAMP(6) NULL)").await.unwrap();
        let error =
            raw_with(&executor, "INSERT INTO short (a) VALUES (?)", &[Value::Text("abc".into())]).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{mode}: {error:?}");
        let now = Value::Timestamp(1_700_000_000_000_000);
        raw_with(&executor, "INSERT INTO short (b) VALUES (?)", std::slice::from_ref(&now)).await.unwrap();
        assert_eq!(one(&executor, "SELECT b FROM short").await, now, "{mode}");
        assert_eq!(
            one(&executor, "SELECT UNIX_TIMESTAMP(b) FROM short").await,
            Value::Decimal("1700000000".parse().unwrap())
        );
        let users = Users::create(&executor).await;
        users.add(&executor, "a").await.unwrap();
        let other = MysqlExecutor::open(&url).await.unwrap();
        assert_eq!(users.count(&other).await, 1, "a write is committed: {mode}");
    }
}
