//! Schemas: what the models want and the database has, and the way from the one to the other.
//!
//! ```text
//! models ── wanted ──▶ Wanted ──────┐
//!                                   ├─ compare ─▶ SchemaPlan ─ shown, refused, or ─▶ applied: lock, look again, run
//! database ─ describe ▶ TableSchema ┘
//! ```
//!
//! [`Db::schema`] is the way for models; [`SchemaPlan::new`] compares what is at hand, without a database.

mod compare;
mod consent;
mod explain;
mod model_set;
mod parent;
mod plan;
mod progress;
mod refusal;
mod rename;
mod run;
mod sync;
mod wanted;

pub use compare::{Comparison, Left, compare};
pub use consent::Consent;
pub use model_set::{Declared, ModelSet};
#[doc(hidden)]
pub use parent::{Parent, foreign_key};
pub use plan::{PlannedStep, SchemaPlan};
pub use progress::Event;
pub use refusal::Refusal;
pub use sync::SchemaSync;
pub use wanted::Wanted;

use thing_driver_api::Result;

use crate::Db;

impl Db {
    /// Makes the tables of these models what the models declare: creates what is missing, adds columns, widens types,
    /// rebuilds indexes. The same as `db.schema::<S>().apply()`.
    ///
    /// What the database has and no model declares stays as it is. Nothing is lost: see [`SchemaSync::allow`].
    ///
    /// # Errors
    ///
    /// As [`SchemaSync::apply`].
    pub async fn sync<S: ModelSet>(&self) -> Result<()> {
        self.schema::<S>().apply().await.map(drop)
    }

    /// Compares the tables of these models with the database: to see what would change, to change it, or to have a
    /// program start only when there is nothing to change.
    pub fn schema<S: ModelSet>(&self) -> SchemaSync<'_> {
        SchemaSync::new(self, S::declared())
    }

    /// As [`Db::schema`], of models that are collected at run time.
    #[doc(hidden)]
    pub fn schema_of(&self, models: Vec<Declared>) -> SchemaSync<'_> {
        SchemaSync::new(self, models)
    }
}
