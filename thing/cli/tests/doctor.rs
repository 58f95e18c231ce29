//! `thing doctor` on each database.

mod support;

use serde_json::Value;
use support::{Base, golden};

/// The checks that found something, each with its severity.
fn found(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().map(|f| format!("{} {}", f["severity"], f["check"]).replace('"', "")).collect()
}

#[tokio::test]
async fn a_good_database_has_no_problems() {
    for base in Base::all().await {
        base.execute(&["CREATE TABLE one (id INTEGER NOT NULL PRIMARY KEY)"]).await;
        let report = base.thing(&["doctor", "--json", "--deep"]).ends(0).json();
        assert_eq!(found(&report), Vec::<String>::new(), "{report:#}");
        assert!(report["round_trip_ms"].is_f64() && report["facts"]["encoding"].is_string(), "{report:#}");
        let shown = base.thing(&["doctor"]).ends(0);
        golden(&format!("doctor.{}.txt", base.name()), &base.lasting(&shown.out));
        base.close().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_found() {
    let base = Base::sqlite();
    base.execute(&[
        "PRAGMA foreign_keys = OFF",
        "CREATE TABLE authors (id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL collate nocase)",
        "CREATE TABLE logs (what TEXT)",
    ])
    .await;
    let report = base.thing(&["doctor", "--json", "--deep"]).ends(3).json();
    assert_eq!(found(&report), ["error collation", "note key"], "{report:#}");
    let shown = base.thing(&["doctor"]).ends(3);
    assert!(shown.out.contains("error [collation] a column of `authors` compares text by nocase"), "{shown:?}");
    assert!(shown.out.ends_with("1 problem\n"), "{shown:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_database_of_postgres_is_found() {
    let base = Base::postgres().await;
    base.execute(&[
        "CREATE COLLATION lax (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "CREATE TABLE authors (id bigint PRIMARY KEY, name text COLLATE lax)",
    ])
    .await;
    let report = base.thing(&["doctor", "--json"]).ends(3).json();
    assert_eq!(found(&report), ["error collation"], "{report:#}");
    let read_only = format!("{}%20-cdefault_transaction_read_only%3Don", base.url);
    let report = base.thing(&["doctor", "--json", "--url", &read_only]).ends(3).json();
    assert!(found(&report).contains(&"error read_only".to_owned()), "{report:#}");
    let nowhere = base.url.replace("thing_test_", "nothing_test_");
    let report = base.thing(&["doctor", "--json", "--url", &nowhere]).ends(3).json();
    assert!(found(&report).contains(&"error schema".to_owned()), "{report:#}");
    base.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_database_of_mysql_is_found() {
    let base = Base::mysql().await;
    base.execute(&[
        "CREATE TABLE authors (id BIGINT PRIMARY KEY, name VARCHAR(50) COLLATE utf8mb4_general_ci)",
        "CREATE TABLE old (id BIGINT PRIMARY KEY) ENGINE = MyISAM",
    ])
    .await;
    let report = base.thing(&["doctor", "--json"]).ends(3).json();
    assert_eq!(found(&report), ["error engine", "note collation"], "{report:#}");
    base.close().await;
}

#[tokio::test]
async fn a_cache_is_looked_at_too() {
    let base = Base::sqlite();
    base.execute(&["CREATE TABLE one (id INTEGER NOT NULL PRIMARY KEY)"]).await;
    let report = base.thing(&["doctor", "--json", "--cache", &thing_test_servers::redis_url()]).json();
    assert!(report["facts"]["cache"].as_str().is_some_and(|cache| cache.contains("version")), "{report:#}");
}
