//! Rust: model to files.
//!
//! ```text
//! mod.rs               written once: `mod generated; pub use generated::*;`, and yours from then on
//! generated/mod.rs     the modules, written anew each time
//! generated/enums.rs   all enums
//! generated/user.rs    one model each
//! ```
//!
//! Methods and traits of models are written beside `generated`, in modules that `mod.rs` declares.

mod links;
mod names;
mod values;
mod plan;
mod constraints;
mod attributes;
mod render;

use crate::files::File;
use crate::model::Model;
use crate::note::Note;

/// How Rust is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// What models and enums derive beyond what Thing needs, as paths: `serde::Serialize`.
    pub derives: Vec<String>,
}

impl Model {
    /// The Rust files of the model, in the order of their paths, which are relative to the folder of the models.
    ///
    /// A struct has the name of its model in PascalCase, a field that of its field in snake_case; the names of the
    /// database stand in attributes where they differ. A name that Rust has already gets `Row` or a number behind it.
    ///
    /// Foreign keys are declared as the database has them; a parent says by `cascades` and `nulls` what becomes of the rows
    /// that refer to it, so that caches know.
    ///
    /// What models can't say is left out, and a note tells of it: tables without a key, columns of types that no field
    /// has, relations by several columns, and indexes over expressions or parts of a column.
    pub fn to_rust(&self, options: &Options) -> (Vec<File>, Vec<Note>) {
        let model = links::with_links(self);
        let (plan, mut notes) = plan::plan(&model);
        notes.sort();
        notes.dedup();
        (render::files(&plan, options), notes)
    }
}
