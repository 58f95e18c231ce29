//! What holds for all commands: where the database is named, exit codes, passwords, colours, the project's own program.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod support;

use std::path::Path;

use support::{Base, Ran, program, ran};

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).expect("the file can be written");
}

/// A program in the place of Cargo that shows what it was asked for, and ends with this code.
fn pretend_cargo(folder: &Path, code: i32) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join("cargo");
    write(folder, "cargo", &format!("#!/bin/sh\necho \"$@\"\necho \"$DATABASE_URL|$CACHE_URL\"\nexit {code}\n"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("the file may be run");
    file
}

#[tokio::test]
async fn the_database_is_named_by_argument_environment_or_project_file() {
    let base = Base::sqlite();
    base.execute(&["CREATE TABLE one (id INTEGER NOT NULL PRIMARY KEY)"]).await;
    let folder = base.folder.path();
    let nothing = ran(&mut program(folder, &["inspect"])).ends(2);
    assert!(nothing.err.contains("set DATABASE_URL"), "{nothing:?}");
    ran(&mut program(folder, &["inspect", "--url", "sqlite:shop.db"])).ends(0);
    write(folder, "thing.toml", "url = \"sqlite:shop.db\"\n");
    let below = folder.join("below");
    std::fs::create_dir(&below).expect("a folder");
    ran(&mut program(&below, &["inspect", "one"])).ends(0);
    ran(program(&below, &["inspect"]).env("DATABASE_URL", "sqlite:other.db")).ends(1);
    ran(program(&below, &["inspect"]).env("DATABASE_URL", "")).ends(0);
    write(folder, "thing.toml", "url = \"sqlite:shop.db\"\ncolour = 1\n");
    let wrong = ran(&mut program(folder, &["inspect"])).ends(2);
    assert!(wrong.err.contains("thing.toml:2:1: unknown field `colour`"), "{wrong:?}");
}

#[test]
fn wrong_arguments_are_told_from_failures() {
    let base = Base::sqlite();
    base.thing(&["inspekt"]).ends(2);
    base.thing(&["inspect", "--rows", "3"]).ends(2);
    base.thing(&["explain"]).ends(2);
    base.thing(&["inspect", "--url", "oracle://localhost/x"]).ends(2);
    for wrong in ["/srv/shop.db", "postgres", ""] {
        let told = base.thing(&["inspect", "--url", wrong]).ends(2);
        assert!(told.err.contains("begins with one of sqlite:, postgres://"), "{told:?}");
    }
    base.thing(&["inspect", "--url", "postgres://localhost:1/x"]).ends(1);
    base.thing(&["--help"]).ends(0);
    base.thing(&["--version"]).ends(0);
}

#[test]
fn wrong_arguments_are_told_without_passwords_and_to_programs_too() {
    let base = Base::sqlite();
    for wrong in [
        &["migrate", "up", "postgres://app:hunter2@localhost/x"][..],
        &["inspect", "--cachet=redis://:hunter2@localhost"],
        &["inspect", "one", "two", "mysql://app:hunter2@localhost/x?password=hunter2"],
        &["inspect", "one", "--rows", "mysql://app:hunter2@localhost/x"],
    ] {
        let text = base.thing(wrong).ends(2);
        assert!(!text.err.contains("hunter2") && text.err.contains("--help"), "{text:?}");
        let json = base.thing(&[wrong, &["--json"][..]].concat()).ends(2);
        assert!(!json.out.contains("hunter2") && json.err.is_empty(), "{json:?}");
        let message = json.json()["error"]["message"].as_str().map(str::to_owned);
        assert!(message.is_some_and(|why| !why.starts_with("error") && why.contains("--help")), "{json:?}");
    }
}

#[tokio::test]
async fn passwords_are_never_shown() {
    let servers =
        [thing_test_servers::postgres_url(), thing_test_servers::mysql_url(), thing_test_servers::redis_url()];
    let wrong = servers.map(|url| {
        let (before, after) = url.rsplit_once('@').expect("the URL has a password");
        let user = before.rsplit_once(':').map_or(before, |(user, _)| user);
        format!("{user}:hunter2@{after}")
    });
    let base = Base::sqlite();
    let folder = base.folder.path();
    let mut runs: Vec<Ran> = Vec::new();
    for url in [
        &wrong[0],
        &wrong[1],
        "postgres://app:hunter2@localhost:1/x",
        "mysql://app:hunter2@localhost:1/x",
        "postgres://app:hunter2@local host/x",
        "mysql://app:hunter2@/",
        "oracle://app:hunter2@localhost/x",
        "postgres://app@localhost:1/x?password=hunter2",
        "postgres://app:hunter2@localhost/x?colour=hunter2",
    ] {
        for command in [&["inspect"][..], &["doctor", "--json"], &["explain", "SELECT 1"], &["init"]] {
            runs.push(ran(program(folder, command).env("DATABASE_URL", url)));
            runs.push(ran(program(folder, command).args(["--url", url])));
        }
        write(folder, "thing.toml", &format!("url = \"{url}\"\n"));
        runs.push(ran(&mut program(folder, &["inspect"])));
        write(folder, "thing.toml", &format!("url = \"{url}\" x\n"));
        runs.push(ran(&mut program(folder, &["inspect"])));
        write(folder, "thing.toml", &format!("bin = [\"{url}\"]\n"));
        runs.push(ran(&mut program(folder, &["inspect"])));
        std::fs::remove_file(folder.join("thing.toml")).expect("the file is there");
    }
    runs.push(base.thing(&["inspect", "--cache", &wrong[2]]).ends(1));
    runs.push(base.thing(&["inspect", "--cache", "redis://:hunter2@localhost:1", "--json"]).ends(1));
    for run in &runs {
        assert!(!run.out.contains("hunter2") && !run.err.contains("hunter2"), "{run:?}");
    }
    let good = thing_test_servers::postgres_url();
    let shown = ran(program(folder, &["inspect"]).env("DATABASE_URL", &good)).ends(0);
    let password =
        good.rsplit_once('@').and_then(|(before, _)| before.rsplit_once(':')).map_or("", |(_, password)| password);
    assert!(!shown.out.contains(password) && shown.out.contains(":***@"), "{shown:?}");
}

#[test]
fn colours_are_for_terminals_and_those_who_ask() {
    let base = Base::sqlite();
    let coloured = |arguments: &[&str], variable: Option<&str>| {
        let mut command = program(base.folder.path(), arguments);
        variable.map(|name| command.env(name, "1"));
        ran(&mut command).err.contains('\u{1b}')
    };
    assert!(!coloured(&["inspect"], None));
    assert!(coloured(&["inspect", "--color", "always"], None));
    assert!(coloured(&["inspect"], Some("CLICOLOR_FORCE")));
    assert!(!coloured(&["inspect", "--color", "never"], Some("CLICOLOR_FORCE")));
    assert!(!coloured(&["inspect"], Some("NO_COLOR")));
}

#[cfg(unix)]
#[test]
fn what_needs_models_is_done_by_the_projects_program() {
    let base = Base::sqlite();
    let folder = base.folder.path();
    let missing = base.thing(&["explain", "--query", "adults"]).ends(2);
    assert!(missing.err.contains("thing init"), "{missing:?}");
    write(folder, "thing.toml", "bin = \"manage\"\npackage = \"shop\"\n");
    for code in [0, 1, 2, 3] {
        let cargo = pretend_cargo(folder, code);
        let mut command = program(folder, &["explain", "--query", "adults", "--json", "--url", "mysql://a:b@c/d"]);
        let run = ran(command.env("CARGO", &cargo)).ends(code);
        let manifest = folder.join("Cargo.toml");
        let expected = format!(
            "run --quiet --bin manage --manifest-path {} --package shop -- explain --query adults --json\nmysql://a:b@c/d|\n",
            manifest.display()
        );
        assert_eq!(run.out, expected);
    }
    let cargo = pretend_cargo(folder, 101);
    let run = ran(program(folder, &["doctor", "--cache=redis://:a@b"]).env("CARGO", &cargo)).ends(1);
    assert!(run.out.ends_with("-- doctor\n|redis://:a@b\n"), "{run:?}");
    assert!(run.err.contains("`manage` could not be built"), "{run:?}");
}
