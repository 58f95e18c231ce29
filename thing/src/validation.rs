//! Validation: the rules of a model, checked before an object is sent to the database.

use thing_driver_api::{Error, Result, Violation};

use crate::Model;

/// Rules of a model, in code. The struct says so with `#[thing(validate)]`.
///
/// An object is checked by `create`, `save`, `save_plain`, their `_many`, `insert_many`, upserts, change sets for one object,
/// and what is built on them; not by writes by a filter, `touch`, `restore` and raw SQL. That is after the hooks that come
/// before the write, so that they may put it right. Rules that look at one field
/// alone can be declared on it instead, with `#[thing(garde)]`; both are told at once.
///
/// ```
/// use thing::{Model, Validate, Violations};
///
/// #[derive(Model, Clone)]
/// #[thing(validate)]
/// struct Booking {
///     id: u64,
///     first_night: i32,
///     last_night: i32,
/// }
///
/// impl Validate for Booking {
///     fn validate(&self, violations: &mut Violations) {
///         if self.last_night < self.first_night {
///             violations.add("last_night", "is before the first");
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules in code",
    label = "no `impl Validate`",
    note = "write `impl Validate for {Self}`, or drop `#[thing(validate)]`"
)]
pub trait Validate: Model {
    /// Adds what is wrong with the object.
    fn validate(&self, violations: &mut Violations);
}

/// What was found to be wrong with an object.
#[derive(Clone, Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Adds a violation of a field; of none, with an empty name, where it is about the object as a whole.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Violation::new(field, message));
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Refuses an object that breaks the rules of its model.
pub(crate) fn check<M: Model>(object: &M) -> Result<()> {
    let mut violations = Violations::default();
    object.find_violations(&mut violations);
    if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations.0)) }
}

/// Adds what breaks the rules that are declared on the fields.
#[cfg(feature = "garde")]
pub fn check_declared<T: garde::Validate<Context: Default>>(object: &T, violations: &mut Violations) {
    let Err(report) = object.validate() else { return };
    for (path, error) in report.iter() {
        violations.add(path.to_string(), error.message());
    }
}

/// What no model has.
#[cfg(not(feature = "garde"))]
#[diagnostic::on_unimplemented(message = "`#[thing(garde)]` needs the feature `garde` of the crate `thing`")]
pub trait GardeFeature {}

/// Tells that the feature is missing.
#[cfg(not(feature = "garde"))]
pub fn check_declared<T: GardeFeature>(_: &T, _: &mut Violations) {}
