//! Writing objects as JSON: one, several, or as many as come.

use std::fmt;
use std::io;

use thing_driver_api::{Error, ErrorKind, Result};

use super::fields::{Entry, Shown};
use super::{Fields, value};
use crate::{Loaded, Model};

/// So many bytes are collected before they are handed on.
const PIECE: usize = 16 * 1024;

/// An object of the model `M`, as it is or [`Loaded`]. Only what is `Loaded` holds relations.
#[diagnostic::on_unimplemented(message = "`{Self}` is no object of `{M}`", label = "expected `{M}` or `Loaded<{M}>`")]
pub trait AsObject<M: Model> {
    #[doc(hidden)]
    fn object(&self) -> &M;

    #[doc(hidden)]
    fn loaded(&self) -> Option<&Loaded<M>>;
}

impl<M: Model> AsObject<M> for M {
    fn object(&self) -> &M {
        self
    }

    fn loaded(&self) -> Option<&Loaded<M>> {
        None
    }
}

impl<M: Model> AsObject<M> for Loaded<M> {
    fn object(&self) -> &M {
        self
    }

    fn loaded(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<M: Model> Fields<M> {
    /// One object.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_loaded`] when a relation is to be shown that was not loaded; a value that has no JSON form.
    pub fn to_json(&self, object: &impl AsObject<M>) -> Result<String> {
        let mut out = Vec::new();
        self.write_object(object.object(), object.loaded(), &mut out)?;
        into_text(out)
    }

    /// An array of objects: of a slice, a vector, the values of a map.
    ///
    /// # Errors
    ///
    /// As [`Fields::to_json`].
    pub fn list_to_json<'o, O: AsObject<M> + 'o>(&self, objects: impl IntoIterator<Item = &'o O>) -> Result<String> {
        let mut out = Vec::new();
        self.write_array(objects, &mut out)?;
        into_text(out)
    }

    /// Writes one object.
    ///
    /// # Errors
    ///
    /// As [`Fields::to_json`], and those of `out`.
    pub fn write(&self, object: &impl AsObject<M>, mut out: impl io::Write) -> Result<()> {
        let mut json = Vec::new();
        self.write_object(object.object(), object.loaded(), &mut json)?;
        out.write_all(&json).map_err(not_written)
    }

    /// Writes an array of objects, piece by piece.
    ///
    /// # Errors
    ///
    /// As [`Fields::to_json`], and those of `out`. A part may have been written then.
    pub fn write_list<'o, O: AsObject<M> + 'o>(
        &self,
        objects: impl IntoIterator<Item = &'o O>,
        out: impl io::Write,
    ) -> Result<()> {
        let mut list = self.list(out);
        for object in objects {
            list.push(object)?;
        }
        list.finish().map(drop)
    }

    /// Begins an array of objects that come one by one, as from a [`stream`](crate::Query::stream) or from
    /// [`chunks`](crate::Query::chunks). Only pieces of it are in memory.
    pub fn list<W: io::Write>(&self, out: W) -> JsonList<'_, M, W> {
        JsonList { fields: self, out, piece: vec![b'['], objects: 0 }
    }

    pub(super) fn write_array<'o, O: AsObject<M> + 'o>(
        &self,
        objects: impl IntoIterator<Item = &'o O>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.push(b'[');
        for (n, object) in objects.into_iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.write_object(object.object(), object.loaded(), out)?;
        }
        out.push(b']');
        Ok(())
    }

    pub(super) fn write_object(&self, object: &M, loaded: Option<&Loaded<M>>, out: &mut Vec<u8>) -> Result<()> {
        out.push(b'{');
        for (n, Entry { key, shown, .. }) in self.entries().iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            match (shown, loaded) {
                (Shown::Column(column), _) => {
                    value::write(&object.value(*column)?, M::table().column(*column).value_type, out)?;
                }
                (Shown::Computed(computed), _) => computed.write(object, out)?,
                (Shown::Related(related), Some(loaded)) => related.write(loaded, out)?,
                (Shown::Related(related), None) => return Err(plain::<M>(&related.name())),
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// An array of objects that is being written, made by [`Fields::list`].
#[must_use = "the array is whole after `finish` only"]
pub struct JsonList<'f, M, W> {
    fields: &'f Fields<M>,
    out: W,
    piece: Vec<u8>,
    objects: u64,
}

impl<M: Model, W: io::Write> JsonList<'_, M, W> {
    /// Writes the next object.
    ///
    /// # Errors
    ///
    /// As [`Fields::to_json`], and those of the writer. Nothing of an object that has no JSON form is written.
    pub fn push(&mut self, object: &impl AsObject<M>) -> Result<()> {
        let end = self.piece.len();
        if self.objects > 0 {
            self.piece.push(b',');
        }
        let written = self.fields.write_object(object.object(), object.loaded(), &mut self.piece);
        written.inspect_err(|_| self.piece.truncate(end))?;
        self.objects += 1;
        if self.piece.len() >= PIECE { self.hand_on() } else { Ok(()) }
    }

    /// Ends the array, and gives the writer back, flushed.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn finish(mut self) -> Result<W> {
        self.piece.push(b']');
        self.hand_on()?;
        self.out.flush().map_err(not_written)?;
        Ok(self.out)
    }

    fn hand_on(&mut self) -> Result<()> {
        let written = self.out.write_all(&self.piece).map_err(not_written);
        self.piece.clear();
        written
    }
}

impl<M, W> fmt::Debug for JsonList<'_, M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonList").field("objects", &self.objects).finish_non_exhaustive()
    }
}

fn into_text(json: Vec<u8>) -> Result<String> {
    String::from_utf8(json).map_err(|error| Error::backend("a value is no UTF-8").with_source(error))
}

#[cold]
fn not_written(error: io::Error) -> Error {
    Error::backend("the JSON could not be written").with_source(error)
}

#[cold]
fn plain<M: Model>(relation: &str) -> Error {
    let message =
        format!("a plain {0} has no `{relation}`; show what a query `with_fields` or `load_fields` gave", M::NAME);
    Error::new(ErrorKind::NotLoaded, message)
}
