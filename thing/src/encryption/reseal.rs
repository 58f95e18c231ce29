//! Rotation: the values of a whole column under a new key.

use thing_driver_api::{Comparison, Result, Value};

use super::{KeyRing, SealedType, envelope};
use crate::filter::{Filter, Node, Operand};
use crate::things::shown;
use crate::write::{Action, Rewrite};
use crate::{Column, ColumnSpec, Model, ModelKey, Things};

/// So many objects are read at a time.
const CHUNK: u64 = 500;

impl<M: Model> Things<'_, M> {
    /// Seals all values of a column anew that another key than the sealing one of the ring sealed, and gives their number. The
    /// former key must be in the ring.
    ///
    /// Values under the sealing key are not read, so that a run which was cut short is gone on with by another, and one that
    /// finds nothing is quick. Objects come in chunks, and each is written by itself if it still holds the value that was
    /// read; who writes at the same time is not waited for, and neither undone. Deleted objects, and those that a rule hides,
    /// are sealed too. As it means nothing new, `updated` stays; a version is raised. Hooks and listeners are not told.
    ///
    /// While programs that seal with the former key are running, there will be more to do: run it again when they are gone.
    ///
    /// # Errors
    ///
    /// As [`Column::open`], for the first value that does not open; the error names the object. What was sealed before it stays.
    /// Else as [`Query::update`](crate::Query::update).
    pub async fn reseal<C>(self, column: Column<C>, keys: &KeyRing) -> Result<u64>
    where
        C: ColumnSpec<Model = M>,
        C::Type: SealedType,
    {
        let column = column.index();
        let compare = |operator, bytes: Vec<u8>| {
            let operand = Operand::Value(Value::Bytes(bytes.into()));
            Node::Compare { column, operator, operand }
        };
        let (least, beyond) = envelope::range(keys.primary());
        let others = vec![compare(Comparison::Less, least), compare(Comparison::GreaterOrEqual, beyond)];
        let all = self.all_objects().with_deleted().unfiltered();
        let mut chunks = all.filter(Filter::new(Node::Or(others))).chunks(CHUNK);
        let mut resealed = 0;
        while let Some(chunk) = chunks.next().await? {
            for object in chunk {
                let Value::Bytes(old) = object.value(column)? else { continue };
                let key = object.key().to_key()?;
                let new = envelope::open(keys, M::table(), column, &old)
                    .map_err(|error| error.about(M::table(), column))
                    .and_then(|plain| envelope::seal(keys, M::table(), column, &plain))
                    .map_err(|error| error.context(format!("reseal {} {}", M::NAME, shown(&key))))?;
                let unchanged = Node::key(M::table(), &key).and(compare(Comparison::Equal, old.into_owned()));
                let set = Action::Set(vec![(column, Value::Bytes(new.into()))]);
                resealed += Rewrite::new::<M>(self.coherence(), unchanged, set).run(self.session()).await?;
            }
        }
        Ok(resealed)
    }
}
