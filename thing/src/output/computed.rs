//! Computed fields: methods of the model whose results are shown.

use std::fmt;

use serde::Serialize;
use thing_driver_api::Result;

use super::no_json_form;

/// A field that the model computes. Made by the derive macro.
pub struct Computed<M> {
    name: &'static str,
    write: fn(&M, &mut JsonOutput<'_>) -> Result<()>,
}

impl<M> Computed<M> {
    /// A field of this name.
    pub fn new(name: &'static str, write: fn(&M, &mut JsonOutput<'_>) -> Result<()>) -> Self {
        Self { name, write }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn write(&self, object: &M, out: &mut Vec<u8>) -> Result<()> {
        (self.write)(object, &mut JsonOutput { out })
    }
}

impl<M> Clone for Computed<M> {
    fn clone(&self) -> Self {
        Self { name: self.name, write: self.write }
    }
}

impl<M> fmt::Debug for Computed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Where a computed value goes.
#[derive(Debug)]
pub struct JsonOutput<'a> {
    out: &'a mut Vec<u8>,
}

impl JsonOutput<'_> {
    /// Writes the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) for a value that has no JSON form.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        serde_json::to_writer(&mut *self.out, value).map_err(no_json_form)
    }
}
