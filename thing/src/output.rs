//! Output: objects as JSON, with the fields that are chosen when the program runs.
//!
//! ```text
//! "name,books{title}" ─▶ choice ─▶ Fields ─▶ what to load along
//!                                    └─────▶ bytes, object by object
//! ```

mod choice;
mod fields;
mod nested;
mod any;
mod computed;
mod value;
mod json;

pub(crate) use self::any::FieldsOf;
pub use self::any::{AnyFields, KindFields};
pub use self::computed::{Computed, JsonOutput};
pub use self::fields::Fields;
pub use self::json::{AsObject, JsonList};
pub use self::nested::Showable;
pub(crate) use self::nested::{Nested, Related};

use thing_driver_api::{Error, ErrorKind, Result};

use crate::{Loaded, Model, Query, Things};

impl<M: Model> Query<'_, M> {
    /// Loads the relations along that these fields show, nested ones too: in a constant number of statements, as by
    /// [`Query::with`].
    pub fn with_fields(self, fields: &Fields<M>) -> Self {
        self.also_loading(fields.preloads())
    }
}

impl<M: Model> Things<'_, M> {
    /// Loads the relations that these fields show, of objects that are there: a slice, a vector, the values of a map.
    ///
    /// # Errors
    ///
    /// As [`Query::all`].
    pub async fn load_fields<'o>(
        self,
        objects: impl IntoIterator<Item = &'o mut Loaded<M>>,
        fields: &Fields<M>,
    ) -> Result<()> {
        let mut objects: Vec<&mut Loaded<M>> = objects.into_iter().collect();
        self.preload(&mut objects, &fields.preloads()).await
    }
}

#[cold]
fn no_json_form(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, "a value has no JSON form").with_source(error)
}
