//! Cases: run one by name, or go through the list.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use thing_driver_api::Capability;

use super::{CASES, Database, Setup};

/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One case of the suite.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// `<area>::<behaviour>`: the path of its function below this module.
    pub name: &'static str,
    /// The capabilities without which it can't be run.
    pub needs: &'static [Capability],
    pub(super) test: for<'a> fn(&'a Database<'a>) -> Running<'a>,
}

/// How a case ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The driver does what the case asks.
    Passed,
    /// The case did not run: the driver does not state these capabilities.
    NotRun(Vec<Capability>),
}

impl Case {
    /// Runs the case on a new database of the setup.
    ///
    /// # Panics
    ///
    /// When the driver fails the case, after cleaning up.
    pub async fn run(&self, setup: &dyn Setup) -> Outcome {
        let database = Database::open(self, setup).await;
        let lacking = database.lacking(self.needs);
        if !lacking.is_empty() {
            database.clean_up().await;
            return Outcome::NotRun(lacking);
        }
        let test = tokio::time::timeout(PATIENCE, (self.test)(&database));
        let ended = AssertUnwindSafe(test).catch_unwind().await;
        database.clean_up().await;
        match ended {
            Ok(Ok(())) => Outcome::Passed,
            Ok(Err(_)) => panic!("{} did not end within {PATIENCE:?}", self.name),
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// The case of this name.
///
/// # Panics
///
/// When there is none.
pub fn case(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("there is no case `{name}`"))
}

/// Runs one case on a runtime of its own; what the tests of [`driver_suite!`](crate::driver_suite) do.
///
/// # Panics
///
/// When the driver fails the case.
pub fn run(name: &str, setup: &dyn Setup) {
    let outcome = crate::runtime().block_on(case(name).run(setup));
    if let Outcome::NotRun(lacking) = outcome {
        println!("not run: {name}: needs {}", names(&lacking));
    }
}

/// The areas in which a driver depends on the runtime.
const RUNTIME_AREAS: [&str; 5] = ["transactions::", "concurrency::", "cancellation::", "sinks::", "streaming::"];

/// Runs the cases in which a driver depends on the runtime once more, on one of a single thread, where nothing may wait
/// by blocking.
///
/// # Panics
///
/// When the driver fails a case; the last one printed.
pub fn run_on_a_current_thread(setup: &dyn Setup) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    for case in CASES.iter().filter(|case| RUNTIME_AREAS.iter().any(|area| case.name.starts_with(area))) {
        println!("on a current thread: {}", case.name);
        let _ = runtime.block_on(case.run(setup));
    }
}

/// Lists the cases that are not run, and checks that they are those which the author declared as lacking: a driver that
/// forgets to state a capability must not pass by running less.
///
/// # Panics
///
/// When a case is not run for want of a capability that is not declared, or when a declared one is there after all.
pub fn check_declared(setup: &dyn Setup, declared: &[Capability]) {
    let lacking = crate::runtime().block_on(async {
        let database = Database::open(&CASES[0], setup).await;
        let needed: Vec<Capability> = CASES.iter().flat_map(|case| case.needs).copied().collect();
        let lacking = database.lacking(&needed);
        database.clean_up().await;
        lacking
    });
    for case in CASES.iter().filter(|case| case.needs.iter().any(|c| lacking.contains(c))) {
        println!("not run: {}: needs {}", case.name, names(case.needs));
    }
    let undeclared: Vec<_> = lacking.iter().copied().filter(|c| !declared.contains(c)).collect();
    assert!(
        undeclared.is_empty(),
        "cases are not run because the driver does not state {0}; if it can't do that, say so: \
         `driver_suite!(setup, without: [{0}])`",
        names(&undeclared)
    );
    let present: Vec<_> = declared.iter().copied().filter(|c| !lacking.contains(c)).collect();
    assert!(present.is_empty(), "the driver states {}, or no case needs it: take it out of `without`", names(&present));
}

fn names(capabilities: &[Capability]) -> String {
    let names: Vec<String> = capabilities.iter().map(|c| format!("{c:?}")).collect();
    names.join(", ")
}
