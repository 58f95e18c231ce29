//! Realistic schemas, and what is made of them, compared with the files in `golden`. `GOLDEN=write` writes these anew.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{folder, make, model_of};
use thing::Db;
use thing::driver::Executor;
use thing_codegen::{Model, Note, Options, compare_files, from_prisma, write_files};
use thing_driver_mysql::MysqlExecutor;
use thing_driver_postgres::PostgresExecutor;
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresSchema};

/// Compares with a file, or writes it.
fn check(path: &Path, text: &str) {
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let known = fs::read_to_string(path).unwrap_or_default();
    assert!(known == text, "{} differs; run with GOLDEN=write and look at the difference:\n{text}", path.display());
}

fn lines(notes: &[Note]) -> String {
    notes.iter().map(|note| format!("{note}\n")).collect()
}

fn read(name: &str) -> (Model, Vec<Note>) {
    let text = fs::read_to_string(folder(name).join("schema.prisma")).unwrap();
    from_prisma(&text).unwrap_or_else(|found| {
        let all: Vec<String> = found.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n\n"))
    })
}

/// Compares what is made of the database that the statements of `schema.sql` make.
async fn check_database(name: &str, executor: impl Executor + Clone + 'static) -> thing::Result<()> {
    make(&Db::builder(executor.clone()).build(), name).await?;
    check_all(name, model_of(&executor).await?);
    Ok(())
}

fn check_all(name: &str, (model, mut notes): (Model, Vec<Note>)) {
    let (files, more) = model.to_rust(&Options::default());
    let mut known: Vec<PathBuf> = Vec::new();
    for file in &files {
        let path = folder(name).join(&file.path);
        check(&path, &file.text);
        known.push(path);
    }
    for entry in fs::read_dir(folder(name).join("generated")).unwrap() {
        let path = entry.unwrap().path();
        assert!(known.contains(&path), "{} is not made any more; remove it", path.display());
    }
    let (text, others) = model.to_prisma(&model.provider);
    check(&folder(name).join("written.prisma"), &text);
    notes.extend(more);
    notes.extend(others);
    check(&folder(name).join("notes.txt"), &lines(&notes));

    let (again, _) = from_prisma(&text).unwrap();
    assert_eq!(again.to_prisma(&again.provider).0, text);
}

fn check_prisma(name: &str) {
    let (model, notes) = read(name);
    check_all(name, (model.clone(), notes));

    // The second pass gives the same model.
    let (again, _) = from_prisma(&model.to_prisma(&model.provider).0).unwrap();
    assert_eq!(again, model);
}

#[test]
fn the_blog_is_as_known() {
    check_prisma("blog");
}

#[test]
fn the_shop_is_as_known() {
    check_prisma("shop");
}

#[test]
fn names_that_are_taken_and_values_that_are_odd_are_as_known() {
    check_prisma("odd");
}

#[tokio::test]
async fn the_databases_of_sqlite_are_as_known() -> thing::Result<()> {
    for name in ["blog_database", "shop_database"] {
        check_database(name, SqliteExecutor::memory().await?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_database_of_postgres_is_as_known() -> thing::Result<()> {
    let schema = PostgresSchema::create().await;
    check_database("shop_postgres", PostgresExecutor::open(schema.url()).await?).await?;
    schema.close().await;
    Ok(())
}

#[tokio::test]
async fn the_database_of_mysql_is_as_known() -> thing::Result<()> {
    let database = MysqlDatabase::create().await;
    check_database("shop_mysql", MysqlExecutor::open(database.url()).await?).await?;
    database.close().await;
    Ok(())
}

#[test]
fn a_schema_written_for_another_database_stays_as_it_is() {
    for (name, provider) in
        [("blog", "postgresql"), ("blog", "mysql"), ("shop", "mysql"), ("shop", "sqlite"), ("odd", "sqlite")]
    {
        let (text, _) = read(name).0.to_prisma(provider);
        let (again, _) = from_prisma(&text).unwrap();
        assert_eq!(again.to_prisma(provider).0, text, "{name} for {provider}");
    }
}

#[test]
fn the_order_of_models_makes_no_difference() {
    let text = fs::read_to_string(folder("shop").join("schema.prisma")).unwrap();
    let mut blocks: Vec<&str> = text.split_inclusive("\n}\n").collect();
    blocks.reverse();
    let (turned, _) = from_prisma(&blocks.concat()).unwrap();
    let (model, _) = read("shop");
    assert_eq!(turned, model);
    assert_eq!(turned.to_rust(&Options::default()), model.to_rust(&Options::default()));
}

#[test]
fn generated_files_stay_as_they_are_when_a_project_is_formatted() {
    for name in ["blog", "odd", "shop"] {
        let (files, _) = read(name).0.to_rust(&Options::default());
        for settings in ["", "max_width = 60\n", "max_width = 120\nuse_small_heuristics = \"Max\"\n"] {
            let project = tempfile::tempdir().unwrap();
            fs::write(project.path().join("rustfmt.toml"), settings).unwrap();
            let (main, models) = (project.path().join("main.rs"), project.path().join("models"));
            fs::write(&main, "mod models;\nfn main( ) { }\n").unwrap();
            write_files(&models, &files).unwrap();
            for edition in ["2021", "2024"] {
                let ran = Command::new("rustfmt").args(["--edition", edition]).arg(&main).status();
                assert!(ran.expect("rustfmt, a component of the toolchain").success());
                let compared = compare_files(&models, &files).unwrap();
                assert_eq!((compared.unchanged.len(), compared.notes.len()), (files.len(), 0), "{compared:?}");
            }
            assert!(fs::read_to_string(&main).unwrap().ends_with("fn main() {}\n"), "it was formatted");
        }
    }
}
