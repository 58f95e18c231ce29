//! Cases: run one by name, or go through the list.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;

use super::{CASES, Setup, Subject};

/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) type Running<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One case of the suite.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// `<area>::<behaviour>`: the path of its function below this module.
    pub name: &'static str,
    pub(super) test: for<'a> fn(&'a Subject) -> Running<'a>,
}

impl Case {
    /// Runs the case on a new cache of the setup.
    ///
    /// # Panics
    ///
    /// When the cache fails the case, after cleaning up.
    pub async fn run(&self, setup: &dyn Setup) {
        let cache = setup.cache().await;
        let subject = Subject::new(cache.clone());
        let test = tokio::time::timeout(PATIENCE, (self.test)(&subject));
        let ended = AssertUnwindSafe(test).catch_unwind().await;
        drop(subject);
        setup.clean_up(cache).await;
        match ended {
            Ok(Ok(())) => {}
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

/// Runs one case on a runtime of its own; what the tests of [`cache_suite!`](crate::cache_suite) do.
///
/// # Panics
///
/// When the cache fails the case.
pub fn run(name: &str, setup: &dyn Setup) {
    crate::runtime().block_on(case(name).run(setup));
}
