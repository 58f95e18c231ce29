//! `thing init`: writes what is missing, and nothing else.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod support;

use std::fs;

use serde_json::json;
use support::{program, ran};

#[test]
fn a_project_begins_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"my-shop\"\n").expect("a file");
    let begun = ran(&mut program(folder, &["init", "--url", "sqlite:shop.db", "--json"])).ends(0).json();
    assert_eq!(begun["written"], json!(["thing.toml", "migrations/.gitkeep", "src/bin/manage.rs"]));
    let program_text = fs::read_to_string(folder.join("src/bin/manage.rs")).expect("the program");
    assert!(program_text.contains("// .models::<(my_shop::User, my_shop::Book)>()"), "{program_text}");
    let settings = fs::read_to_string(folder.join("thing.toml")).expect("the settings");
    assert!(settings.contains("url = \"sqlite:shop.db\"\n") && settings.contains("bin = \"manage\"\n"), "{settings}");

    fs::write(folder.join("src/bin/manage.rs"), "mine").expect("a file");
    fs::remove_file(folder.join("thing.toml")).expect("the file is there");
    let again = ran(&mut program(folder, &["init", "--json"])).ends(0).json();
    assert_eq!(again["kept"], json!(["migrations/.gitkeep", "src/bin/manage.rs"]));
    assert_eq!(again["written"], json!(["thing.toml"]));
    assert_eq!(fs::read_to_string(folder.join("src/bin/manage.rs")).expect("the program"), "mine");
}

#[test]
fn what_the_program_needs_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let next = |manifest: &str| {
        fs::write(folder.join("Cargo.toml"), manifest).expect("a file");
        ran(&mut program(folder, &["init", "--bin", "admin"])).ends(0).out
    };
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("src/main.rs"), "").expect("a file");
    let told = next("[package]\nname = \"my-shop\"\n");
    assert!(told.contains("default-run = \"my-shop\"") && told.contains("src/lib.rs"), "{told}");
    let text = fs::read_to_string(folder.join("src/bin/admin.rs")).expect("the program");
    assert!(text.contains("cargo run --bin admin"), "{text}");
    fs::write(folder.join("src/lib.rs"), "").expect("a file");
    let told = next("[package]\nname = \"my-shop\"\ndefault-run = \"my-shop\"\n");
    assert!(!told.contains("default-run") && !told.contains("src/lib.rs"), "{told}");
}

#[test]
fn passwords_are_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = ran(&mut program(folder.path(), &["init", "--url", "postgres://app:hunter2@localhost/shop"])).ends(0);
    assert!(ran.out.contains("keep the URL in DATABASE_URL"), "{ran:?}");
    let settings = fs::read_to_string(folder.path().join("thing.toml")).expect("the settings");
    assert!(!settings.contains("hunter2") && settings.contains("# url = "), "{settings}");
}

#[test]
fn a_program_needs_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    ran(&mut program(folder.path(), &["init", "--bin", "../manage"])).ends(2);
    assert!(!folder.path().join("thing.toml").exists());
}
