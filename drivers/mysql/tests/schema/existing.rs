//! Tables of other programs, and what an index does to a column.

use thing_driver_api::{
    Column, ErrorKind, Executor, Index, NoRows, Operation, Schema, Shape, Statement, Table, Value, ValueType,
};

use crate::support::{self, Fresh, one, raw};

#[tokio::test]
async fn columns_of_other_programs_hold_what_they_keep_exactly() {
    use ValueType::*;
    let fresh = Fresh::new().await;
    let columns = [
        ("TINYINT(1)", vec![Bool, I16, I32, I64]),
        ("TINYINT", vec![I16, I32, I64]),
        ("SMALLINT", vec![I16]),
        ("SMALLINT UNSIGNED", vec![I32, I64]),
        ("MEDIUMINT UNSIGNED", vec![I32, I64]),
        ("INT", vec![I16, I32]),
        ("INT UNSIGNED", vec![I64]),
        ("BIGINT UNSIGNED", vec![I64]),
        ("BIT(1)", vec![Bool]),
        ("BIT(8)", vec![]),
        ("FLOAT", vec![F32]),
        ("DOUBLE", vec![F32, F64]),
        ("DOUBLE(5,2)", vec![]),
        ("DECIMAL(10,2)", vec![]),
        ("DECIMAL(65,30)", vec![Decimal]),
        ("CHAR(3)", vec![]),
        ("VARCHAR(3)", vec![Text, Json]),
        ("MEDIUMTEXT", vec![Text, Json]),
        ("BINARY(16)", vec![Uuid]),
        ("BINARY(3)", vec![]),
        ("VARBINARY(16)", vec![Bytes, Uuid]),
        ("BLOB", vec![Bytes, Uuid]),
        ("DATETIME", vec![]),
        ("DATETIME(6)", vec![Timestamp]),
        ("TIMESTAMP(6) NULL", vec![Timestamp]),
        ("DATE", vec![Date]),
        ("TIME(6)", vec![Time]),
        ("TIME", vec![]),
        ("ENUM('a')", vec![Text]),
        ("SET('a')", vec![]),
        ("YEAR", vec![I16, I32, I64]),
    ];
    let definitions: Vec<_> = columns.iter().enumerate().map(|(at, (sort, _))| format!("c{at} {sort}")).collect();
    raw(&fresh.executor, &format!("CREATE TABLE t ({})", definitions.join(", "))).await.unwrap();
    let described = fresh.executor.describe("t").await.unwrap().unwrap();
    for (column, (sort, holds)) in described.columns.iter().zip(columns) {
        assert_eq!(column.holds, holds, "{sort}");
        assert!(column.nullable, "{sort}");
    }
}

#[tokio::test]
async fn what_the_database_fills_in_is_a_default() {
    let fresh = Fresh::new().await;
    raw(
        &fresh.executor,
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL DEFAULT 0, b DATETIME(6) NOT NULL DEFAULT NOW(6), \
         c INT AS (a + 1) STORED, d VARCHAR(9) NOT NULL DEFAULT '', e INT NOT NULL)",
    )
    .await
    .unwrap();
    let described = fresh.executor.describe("t").await.unwrap().unwrap();
    let defaults: Vec<_> = described.columns.iter().map(|column| column.is_filled()).collect();
    assert_eq!(defaults, [true, true, true, true, true, false]);
}

#[tokio::test]
async fn indexes_over_the_beginning_of_a_column_stand_for_no_declared_one() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT PRIMARY KEY, a TEXT, b INT, INDEX part (a(10)), INDEX mixed (b, a(5)), UNIQUE whole (b))")
        .await
        .unwrap();
    let described = fresh.executor.describe("t").await.unwrap().unwrap();
    let columns: Vec<_> = described.indexes.iter().map(|index| (index.name.as_str(), index.columns())).collect();
    assert_eq!(columns, [("mixed", None), ("part", None), ("whole", Some(vec!["b"]))]);
}

#[tokio::test]
async fn collations_are_told_and_judged_where_text_is_declared_exact() {
    let columns = "a VARCHAR(9) COLLATE utf8mb4_general_ci, b VARCHAR(9) COLLATE utf8mb4_bin, c VARCHAR(9) COLLATE utf8mb4_nopad_bin";
    for exact in [false, true] {
        let fresh = Fresh::with(|config| config.exact_text(exact)).await;
        raw(&fresh.executor, &format!("CREATE TABLE t ({columns})")).await.unwrap();
        let described = fresh.executor.describe("t").await.unwrap().unwrap();
        let holds: Vec<_> = described.columns.iter().map(|column| column.holds.contains(&ValueType::Text)).collect();
        assert_eq!(holds, [!exact, !exact, true]);
        assert!(described.columns[0].declared.contains("utf8mb4_general_ci"));
    }
}

#[tokio::test]
async fn a_table_is_made_with_all_its_indexes_or_not_at_all() {
    let fresh = Fresh::new().await;
    let table = Table::builder("t")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("a", ValueType::I64))
        .key([0])
        .index(Some("same"), [1], false)
        .index(Some("SAME "), [0, 1], false)
        .build()
        .unwrap();
    // The server knows no name that ends in a space.
    assert!(fresh.executor.create_table(&table).await.is_err());
    assert_eq!(fresh.executor.describe("t").await.unwrap(), None);
}

#[tokio::test]
async fn many_long_columns_fit_one_index() {
    let fresh = Fresh::new().await;
    let mut table = Table::builder("t").column(Column::new("id", ValueType::I64)).key([0]);
    for name in ["a", "b", "c", "d", "e", "f"] {
        table = table.column(Column::new(name, ValueType::Text).nullable(true));
    }
    let table = table.column(Column::new("g", ValueType::Bytes)).index(None, [1, 2, 3, 4, 5, 6, 7, 0], true).index(
        None,
        [1],
        false,
    );
    let table = table.build().unwrap();
    fresh.executor.create_table(&table).await.unwrap();
    let described = fresh.executor.describe("t").await.unwrap().unwrap();
    assert_eq!(described.indexes.len(), 2);
}

#[tokio::test]
async fn an_index_over_unbounded_text_bounds_it_and_loses_nothing() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id BIGINT PRIMARY KEY, name LONGTEXT COLLATE utf8mb4_general_ci NOT NULL COMMENT 'it\\'s \\\\ odd')")
        .await
        .unwrap();
    let indexed = Table::builder("t")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("name", ValueType::Text))
        .key([0])
        .index(None, [1], false)
        .build()
        .unwrap();
    let index: &Index = &indexed.indexes()[0];
    let long = "x".repeat(300);
    support::raw_with(&fresh.executor, "INSERT INTO t VALUES (1, ?)", &[Value::Text(long.as_str().into())])
        .await
        .unwrap();
    let error = fresh.executor.create_index(&indexed, index).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some("name".to_owned()) }, "{error:?}");
    assert_eq!(one(&fresh.executor, "SELECT name FROM t").await, Value::Text(long.into()));
    raw(&fresh.executor, "UPDATE t SET name = 'short'").await.unwrap();
    fresh.executor.create_index(&indexed, index).await.unwrap();
    let described = fresh.executor.describe("t").await.unwrap().unwrap();
    assert_eq!(described.columns[1].declared, "varchar(255) collate utf8mb4_general_ci");
    assert!(!described.columns[1].nullable);
    assert_eq!(described.indexes[0].columns(), Some(vec!["name"]));
    let comment = "SELECT column_comment FROM information_schema.columns WHERE table_schema = DATABASE() AND column_name = 'name'";
    assert_eq!(one(&fresh.executor, comment).await, Value::Text("it's \\ odd".into()));
}

#[tokio::test]
async fn text_longer_than_an_indexed_column_is_refused() {
    let fresh = Fresh::new().await;
    let table = Table::builder("t").column(Column::new("id", ValueType::Text)).key([0]).build().unwrap();
    fresh.executor.create_table(&table).await.unwrap();
    let insert = Shape::new(std::sync::Arc::new(table), Operation::Insert { columns: vec![0], returning: vec![] });
    for (length, fits) in [(255, true), (256, false)] {
        let values = [Value::Text("é".repeat(length).into())];
        let written = fresh.executor.write(&Statement::new(&insert, &values), &mut NoRows).await;
        match written {
            Ok(_) => assert!(fits),
            Err(error) => {
                assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some("id".to_owned()) }, "{error:?}")
            }
        }
    }
}
