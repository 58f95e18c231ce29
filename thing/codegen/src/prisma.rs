//! The Prisma schema language: text to syntax to model, and model to text.
//!
//! The grammar and the meaning of its attributes are those of the
//! [reference](https://www.prisma.io/docs/orm/reference/prisma-schema-reference).

mod syntax;
mod parse;
mod arguments;
mod resolve;
mod relations;
mod write;
#[cfg(test)]
mod round_trip;

use crate::diagnostic::{Diagnostic, Mistake};
use crate::model::Model;
use crate::note::Note;

pub(crate) use resolve::SCALARS;
pub(crate) use write::provider_name;

/// Reads a Prisma schema.
///
/// Views, composite types and all that belongs to Prisma's own programs have no counterpart; notes tell of them.
///
/// # Errors
///
/// All mistakes that are found, in the order of the text: what can't be read, unknown words, names that nothing has,
/// relations of which an end is missing.
pub fn from_prisma(text: &str) -> Result<(Model, Vec<Note>), Vec<Diagnostic>> {
    let (document, mut mistakes) = parse::parse(text);
    let (model, notes) = resolve::resolve(&document, &mut mistakes);
    if mistakes.is_empty() {
        return Ok((model, notes));
    }
    mistakes.sort_by_key(|mistake| mistake.span.start);
    Err(mistakes.into_iter().map(|mistake: Mistake| mistake.locate(text)).collect())
}
