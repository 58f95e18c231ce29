//! Where the examples are.

use std::path::{Path, PathBuf};

/// The program that Cargo built for the example, beside this test.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let profile = test.parent().and_then(Path::parent).expect("the test is in target/<profile>/deps");
    let program = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is missing; `cargo test -p thing-examples` builds it", program.display());
    program
}
