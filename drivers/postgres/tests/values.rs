//! Values: against the server's own text, and columns that others made.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Place, query, query_as, raw_with};
use thing_driver_api::{Decimal, ErrorKind, Value, ValueType};

fn text(value: &str) -> Value<'static> {
    Value::Text(value.to_owned().into())
}

/// What the server reads from a value, and the value that it gives for its own text.
async fn agrees(place: &Place, declared: &str, value: Value<'static>, said: &str) {
    let shown = query(&place.executor, &format!("SELECT $1::{declared}::text"), std::slice::from_ref(&value)).await;
    assert_eq!(shown.unwrap().rows, [[text(said)]], "{declared} {said} as the server reads it");
    let read = query(&place.executor, &format!("SELECT $1::text::{declared}"), &[text(said)]).await;
    assert_eq!(read.unwrap().rows, [[value]], "{declared} {said} as the server gives it");
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_are_what_the_server_says() {
    let place = Place::new().await;
    for said in [
        "0",
        "1",
        "-1",
        "9999",
        "10000",
        "10001",
        "100000000",
        "0.1",
        "0.0001",
        "0.00001",
        "-0.00012345",
        "12345.6789",
        "1000000000000000000000.000000000001",
        "99999999999999999999999999999999999",
        "-99999999999999999999999999999999999.999",
        "0.000000000000000000000000000001",
        "12345678901234567890.123456789",
    ] {
        agrees(&place, "numeric", Value::Decimal(said.parse().unwrap()), said).await;
    }
    let padded = query(&place.executor, "SELECT 1.500::numeric, 1000.00::numeric, 0.00::numeric", &[]).await.unwrap();
    let expected = ["1.5", "1000", "0"].map(|number| Value::Decimal(number.parse::<Decimal>().unwrap()));
    assert_eq!(padded.rows, [expected]);
    for beyond in ["'NaN'", "'Infinity'", "1e40", "1e-31"] {
        let error = query(&place.executor, &format!("SELECT {beyond}::numeric"), &[]).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidData { column: None }, "{beyond}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_types_are_what_the_server_says() {
    let place = Place::with(|config| config.setting("timezone", "UTC")).await;
    agrees(&place, "timestamptz", Value::Timestamp(1_700_000_000_123_456), "2023-11-14 22:13:20.123456+00").await;
    agrees(&place, "timestamp", Value::Timestamp(-1), "1969-12-31 23:59:59.999999").await;
    agrees(&place, "timestamptz", Value::Timestamp(-210_866_803_200_000_000), "4714-11-24 00:00:00+00 BC").await;
    agrees(&place, "date", Value::Date(-719_162), "0001-01-01").await;
    agrees(&place, "date", Value::Date(19_000), "2022-01-08").await;
    agrees(&place, "time", Value::Time(86_399_999_999), "23:59:59.999999").await;
    agrees(&place, "uuid", Value::Uuid([0xab; 16]), "abababab-abab-abab-abab-abababababab").await;
    agrees(&place, "bytea", Value::Bytes(vec![0, 255].into()), "\\x00ff").await;
    agrees(&place, "float4", Value::F64(0.1_f32.into()), "0.1").await;
    agrees(&place, "float8", Value::F64(f64::NEG_INFINITY), "-Infinity").await;
    agrees(&place, "smallint", Value::I64(-32_768), "-32768").await;
    agrees(&place, "oid", Value::I64(4_000_000_000), "4000000000").await;
    agrees(&place, "boolean", Value::Bool(true), "true").await;
    agrees(&place, "jsonb", Value::Json("{\"a\": 1}".into()), "{\"a\": 1}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_before_it_is_sent() {
    let place = Place::new().await;
    let before = place.executor.statistics();
    for (declared, value) in [
        ("smallint", Value::I64(40_000)),
        ("integer", Value::I64(3_000_000_000)),
        ("oid", Value::I64(-1)),
        ("float4", Value::F64(0.1)),
        ("float8", Value::I64(i64::MAX)),
        ("float8", Value::F64(f64::NAN)),
        ("text", Value::Text("a\0b".into())),
        ("jsonb", Value::Json("\"\0\"".into())),
        ("timestamptz", Value::Timestamp(i64::MIN)),
        ("date", Value::Date(i32::MAX)),
        ("time", Value::Time(86_400_000_000)),
        ("integer", text("5")),
        ("text", Value::I64(5)),
        ("boolean", Value::I64(1)),
        ("uuid", Value::Bytes(vec![0; 16].into())),
    ] {
        let error = query(&place.executor, &format!("SELECT $1::{declared}"), std::slice::from_ref(&value)).await;
        let error = error.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidData { column: None }, "{declared} {value:?}: {error}");
        assert!(error.to_string().starts_with("a value "), "{error}");
    }
    assert_eq!(place.executor.statistics().discarded_connections, before.discarded_connections);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_other_types_are_read_where_that_is_exact() {
    let place = Place::new().await;
    place
        .run(
            "CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); \
             CREATE TABLE old (small smallint, num numeric, name varchar(10), padded char(5), at timestamp, mood mood, \
               positive positive, single real, big bigint, doc json, odd interval)",
        )
        .await;
    let text_of_all = "INSERT INTO old VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = [
        Value::I64(7),
        Value::I64(8),
        text("name"),
        text("pad"),
        Value::Timestamp(0),
        text("sad"),
        Value::I64(3),
        Value::F64(0.5),
        Value::I64(1 << 60),
        Value::Json("[1]".into()),
        text("1 day"),
    ];
    raw_with(&place.executor, text_of_all, &values).await.unwrap();
    let types = [
        ValueType::I64,
        ValueType::I64,
        ValueType::Text,
        ValueType::Text,
        ValueType::Timestamp,
        ValueType::Text,
        ValueType::Decimal,
        ValueType::F64,
        ValueType::I64,
        ValueType::Json,
    ];
    let columns = "small, num, name, padded::text, at, mood, positive, single, big, doc";
    let read = query_as(&place.executor, &format!("SELECT {columns} FROM old"), &[], &types).await.unwrap();
    let mut expected = values[..10].to_vec();
    expected[6] = Value::Decimal(3.into());
    assert_eq!(read.rows, [expected]);
    for (column, expected, words) in [
        ("padded", ValueType::Text, "cast the column to text"),
        ("big", ValueType::F64, "an integer that no float equals"),
        ("num", ValueType::F64, "cast the column to double precision"),
        ("name", ValueType::I64, "varchar"),
        ("small", ValueType::Bool, "int2"),
        ("num + 0.5", ValueType::I64, "no 64-bit integer"),
        ("mood", ValueType::Json, "happy"),
    ] {
        let read = query_as(&place.executor, &format!("SELECT {column} FROM old"), &[], &[expected]).await;
        match read {
            Err(error) => assert!(error.to_string().contains(words), "{column}: {error}"),
            // Text may well be a document; whether it is one is up to who reads it.
            Ok(rows) => assert_eq!((column, rows.rows.len()), ("mood", 1)),
        }
    }
    let error = query(&place.executor, "SELECT odd FROM old", &[]).await.unwrap_err();
    assert!(error.to_string().contains("interval") && error.to_string().contains("text"), "{error}");
    let refused = raw_with(&place.executor, "INSERT INTO old (mood) VALUES ($1)", &[text("angry")]).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::InvalidData { column: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn arrays_come_as_json_and_go_as_text() {
    let place = Place::new().await;
    for (array, json) in [
        ("'{}'::int[]", "[]"),
        ("ARRAY[1, NULL, -3]", "[1,null,-3]"),
        ("ARRAY[[1, 2], [3, 4]]::bigint[]", "[[1,2],[3,4]]"),
        ("ARRAY['a\"b', NULL, '']", "[\"a\\\"b\",null,\"\"]"),
        ("ARRAY[1.50, 2]::numeric[]", "[1.5,2]"),
        ("ARRAY['{\"a\": 1}']::jsonb[]", "[{\"a\": 1}]"),
        ("ARRAY[true]", "[true]"),
        ("ARRAY['2020-02-29']::date[]", "[\"2020-02-29\"]"),
    ] {
        let read = query(&place.executor, &format!("SELECT {array}"), &[]).await.unwrap();
        assert_eq!(read.rows, [[Value::Json(json.into())]], "{array}");
    }
    let sum = query(&place.executor, "SELECT sum(n) FROM unnest($1::int[]) n", &[text("{1,2,3}")]).await.unwrap();
    assert_eq!(sum.rows, [[Value::I64(6)]]);
    let odd = query(&place.executor, "SELECT $1::interval::text", &[text("26 hours")]).await.unwrap();
    assert_eq!(odd.rows, [[text("26:00:00")]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_as_arrays() {
    let place = Place::new().await;
    place.run("CREATE TABLE lists (small smallint[], big bigint[], texts text[], ids uuid[], flags boolean[])").await;
    let insert = "INSERT INTO lists VALUES ($1, $2, $3, $4, $5)";
    let json = |text: &'static str| Value::Json(text.into());
    let ids = r#"["01020304-0506-4708-890a-0b0c0d0e0f10"]"#;
    let texts = r#"["a,b", "{}", "NULL", "\u00e9\""]"#;
    let given = [json("[ 1 , -2]"), json("[]"), json(texts), json(ids), json("[true]")];
    raw_with(&place.executor, insert, &given).await.unwrap();
    let columns = "small::text, big::text, texts::text, ids::text, flags::text";
    let said = query(&place.executor, &format!("SELECT {columns} FROM lists"), &[]).await.unwrap();
    let texts = r#"{"a,b","{}","NULL","é\""}"#;
    let ids = "{01020304-0506-4708-890a-0b0c0d0e0f10}";
    assert_eq!(said.rows, [["{1,-2}", "{}", texts, ids, "{t}"].map(text)]);
    for (column, wrong) in [
        ("small", "[32768]"),
        ("big", "[1.5]"),
        ("big", r#"["1"]"#),
        ("big", "[null]"),
        ("big", "{}"),
        ("big", "[[1]]"),
        ("ids", r#"["no uuid"]"#),
        ("texts", r#"["a\u0000"]"#),
        ("flags", "[1]"),
    ] {
        let insert = format!("INSERT INTO lists ({column}) VALUES ($1)");
        let error = raw_with(&place.executor, &insert, &[json(wrong)]).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidData { column: None }, "{wrong}: {error}");
    }
}
