//! The rules of the workspace: who may depend on whom.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The workspace's own packages that `package` depends on, directly or not, when it is built for use.
fn own_dependencies(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--all-features", "--edges", "normal", "--prefix", "none", "--package", package])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut own: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| name.starts_with("thing") && *name != package)
        .map(str::to_owned)
        .collect();
    own.sort_unstable();
    own.dedup();
    own
}

#[test]
fn the_core_depends_on_no_driver_and_no_cache() {
    assert_eq!(own_dependencies("thing"), ["thing-derive", "thing-driver-api", "thing-migrate"]);
}

#[test]
fn the_contract_and_the_macros_depend_on_nothing_of_the_workspace() {
    assert!(own_dependencies("thing-driver-api").is_empty());
    assert!(own_dependencies("thing-derive").is_empty());
}

#[test]
fn drivers_and_caches_depend_on_the_contract_alone() {
    for package in [
        "thing-driver-sqlite",
        "thing-driver-postgres",
        "thing-driver-mysql",
        "thing-cache-memory",
        "thing-cache-redis",
    ] {
        assert_eq!(own_dependencies(package), ["thing-driver-api"], "{package}");
    }
}

/// Documentation may name databases as examples; code may not.
#[test]
fn no_database_is_named_in_the_sources_of_core_and_contract() {
    let names = ["sqlite", "postgres", "mysql", "mariadb", "redis", "dynamo", "moka", "quick_cache"];
    let mut looked_at = 0;
    for folder in ["thing/src", "thing/derive/src", "thing-driver-api/src"] {
        let mut folders = vec![root().join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                looked_at += 1;
                for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
                    let code = line.trim_start();
                    if code.starts_with("//") {
                        continue;
                    }
                    let lower = code.to_lowercase();
                    let named = names.iter().find(|name| lower.contains(*name));
                    assert_eq!(named, None, "{}:{}: {code}", path.display(), number + 1);
                }
            }
        }
    }
    assert!(looked_at > 40, "only {looked_at} source files were found");
}
