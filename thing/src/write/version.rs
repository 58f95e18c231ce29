//! Versions: a write by who saw an older row than there is has no effect.

use thing_driver_api::{ColumnSet, Error, ErrorKind, Key, Result, Value};

use super::{find_row, row_before};
use crate::Model;
use crate::cache::KnownRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::visibility::{is_living, living_mark};

/// The version that the caller of a write saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    column: usize,
    version: i64,
}

impl Seen {
    /// That of an object; `None` where the model has no version.
    pub(crate) fn of<M: Model>(object: &M) -> Result<Option<Self>> {
        let Some(column) = M::VERSION else { return Ok(None) };
        match object.value(column)? {
            Value::I64(version) => Ok(Some(Self { column, version })),
            other => Err(Error::invalid_input(format!("the version of {} is {}, no integer", M::NAME, other.kind()))),
        }
    }

    /// Gives the object the version that it will have when it is written.
    pub(super) fn raise<M: Model>(self, object: &mut M) -> Result<()> {
        let next = self.version.checked_add(1).map(Value::I64);
        object.set_version(self.version.saturating_add(1));
        if next == Some(object.value(self.column)?) {
            return Ok(());
        }
        let name = &M::table().column(self.column).name;
        Err(Error::invalid_data(
            name.as_ref(),
            format!("column `{name}` holds no higher version; give it a wider type"),
        ))
    }

    /// Refuses the write of a row that has another version.
    pub(super) fn check(self, row: &KnownRow) -> Result<()> {
        match row[self.column] {
            Some(Value::I64(stored)) if stored != self.version => Err(Error::stale(self.version, stored)),
            _ => Ok(()),
        }
    }

    pub(crate) fn version(self) -> i64 {
        self.version
    }

    pub(super) fn column(self) -> usize {
        self.column
    }
}

/// What a statement compares that is guarded by nothing but the version, and by the mark of deleted rows: the columns, and
/// as much of the row as they need.
pub(super) fn guard_of<M: Model>(seen: Option<Seen>) -> (ColumnSet, KnownRow) {
    let table = M::table();
    let version = seen.map(|seen| (seen.column, Value::I64(seen.version)));
    let (mut columns, mut row) = (ColumnSet::EMPTY, Vec::new());
    for (column, value) in version.into_iter().chain(living_mark(table)) {
        row.resize(table.columns().len(), None);
        columns.insert(column);
        row[column] = Some(value);
    }
    (columns, row)
}

/// The row as it is now, if that is of the version that the caller saw.
pub(super) async fn seen_row<M: Model>(session: Handle<'_>, key: &Key, seen: Option<Seen>) -> Result<KnownRow> {
    let row = row_before::<M>(session, key).await?;
    seen.map_or(Ok(()), |seen| seen.check(&row))?;
    Ok(row)
}

/// Why a statement guarded by nothing but the version matched no row.
pub(super) async fn refusal<M: Model>(session: Handle<'_>, key: &Key, seen: Option<Seen>) -> Error {
    let Some(seen) = seen else { return not_found::<M>(key) };
    match find_row(session, M::table(), key).await {
        Ok(None) => not_found::<M>(key),
        Ok(Some(row)) if !is_living(M::table(), &row) => not_found::<M>(key),
        Ok(Some(row)) => match seen.check(&row) {
            Err(stale) => stale,
            Ok(()) => Error::new(ErrorKind::Conflict, "the row was changed meanwhile"),
        },
        Err(error) => error,
    }
}
