//! Creating: one row, or many in one call.

use std::sync::Arc;

use thing_driver_api::{
    Change, ColumnSet, Error, Key, NoRows, Operation, Result, Shape, Statement, Table, Value, Written,
};

use super::item;
use crate::cache::{Announced, KnownRow, LISTED, Quarantine, Tags, image, inserted};
use crate::debt::{self, NewDebt};
use crate::retry::Retries;
use crate::session::Handle;
use crate::{Coherence, Db, Loaded, Model, ModelKey};

/// Whether the database makes the key of this object.
fn key_is_generated<M: Model>(object: &M) -> bool {
    M::table().has_generated_key() && object.key().is_unset()
}

/// The values of an insert by this shape.
fn insert_values<'o, M: Model>(object: &'o M, shape: &Shape) -> Result<Vec<Value<'o>>> {
    let mut values = Vec::with_capacity(M::table().columns().len());
    add_values(object, shape, &mut values)?;
    Ok(values)
}

/// The columns that an insert of this object writes.
pub(super) fn insert_columns<M: Model>(object: &M) -> Vec<usize> {
    let table = M::table();
    let generated = key_is_generated(object);
    (0..table.columns().len()).filter(|column| !generated || !table.key().contains(column)).collect()
}

pub(super) fn add_values<'o, M: Model>(object: &'o M, shape: &Shape, values: &mut Vec<Value<'o>>) -> Result<()> {
    let (Operation::Insert { columns, .. } | Operation::Upsert { columns, .. }) = shape.operation() else {
        return Ok(());
    };
    for &column in columns {
        values.push(object.value(column)?);
    }
    Ok(())
}

/// Adds one row.
pub(super) async fn create<M: Model>(session: Handle<'_>, coherence: Coherence, mut object: M) -> Result<M> {
    let db = session.db();
    let table = M::table();
    let generated = key_is_generated(&object);
    let state = db.model::<M>();
    let shape = if generated { &state.insert_generated } else { &state.insert };
    let Some(cache) = db.cache() else {
        let written = {
            let values = insert_values(&object, shape)?;
            session.write(&Statement::new(shape, &values), &mut NoRows).await?
        };
        take_key(&mut object, generated, written.generated_key)?;
        return Ok(object);
    };
    let row = row_to_be(&object, generated)?;
    let key = if generated { None } else { Some(object.key().to_key()?) };
    let tags = inserted(table, key.as_ref(), &row);
    let quarantine = match session {
        Handle::Db(_) => match Quarantine::close(db, cache, Tags::of(table, tags), coherence).await? {
            Announced::Closed(quarantine) => Some(quarantine),
            Announced::Owing(debt) => {
                let written = {
                    let values = insert_values(&object, shape)?;
                    owing(db, vec![Statement::new(shape, &values)], &debt).await.map_err(|(_, error)| error)?.pop()
                };
                take_key(&mut object, generated, written.and_then(|written| written.generated_key))?;
                return Ok(object);
            }
        },
        Handle::Transaction(transaction) => {
            transaction.touch(table, tags, coherence);
            None
        }
    };
    let written = {
        let values = insert_values(&object, shape)?;
        let statement = Statement::new(shape, &values);
        let mut no_rows = NoRows;
        let insert = session.write(&statement, &mut no_rows);
        match &quarantine {
            Some(quarantine) => quarantine.during(insert).await,
            None => insert.await,
        }
    };
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            match (session, quarantine) {
                (_, Some(quarantine)) => quarantine.fail(&error).await,
                (Handle::Transaction(transaction), None) => transaction.failed(&error),
                (Handle::Db(_), None) => {}
            }
            return Err(error);
        }
    };
    // From here on the row exists: what fails now must still open the tags.
    let keyed = take_key(&mut object, generated, written.generated_key).and_then(|()| object.key().to_key());
    let change = keyed.as_ref().ok().map(|key| change_of_insert(table, key, row));
    match (session, quarantine, change) {
        (_, Some(quarantine), Some(change)) => quarantine.release(vec![change]).await,
        // Without a change to tell, the tags are left to lapse.
        (_, Some(quarantine), None) => drop(quarantine),
        (Handle::Transaction(transaction), None, Some(change)) => transaction.changed(change),
        _ => {}
    }
    keyed?;
    Ok(object)
}

pub(super) fn change_of_insert(table: &Table, key: &Key, mut row: KnownRow) -> Arc<Change> {
    for (part, &column) in table.key().iter().enumerate() {
        row[column] = Some(key.value(part).into_owned());
    }
    image(table, key.clone(), ColumnSet::ALL, None, Some(row))
}

fn take_key<M: Model>(object: &mut M, generated: bool, key: Option<i64>) -> Result<()> {
    match key {
        _ if !generated => Ok(()),
        Some(key) => object.set_generated_key(key),
        None => Err(Error::backend("the database did not tell the key it made")),
    }
}

/// The row as the database will hold it; a generated key is not known yet.
pub(super) fn row_to_be<M: Model>(object: &M, generated: bool) -> Result<KnownRow> {
    let table = M::table();
    let value = |column| {
        if generated && table.key().contains(&column) {
            return Ok(None);
        }
        Ok(Some(object.value(column)?.into_owned()))
    };
    (0..table.columns().len()).map(value).collect()
}

/// Adds many rows as one transaction of the driver's, in one call. Errors count them from `first` on.
pub(super) async fn create_many<M: Model>(
    db: &Db,
    coherence: Coherence,
    objects: Vec<M>,
    first: usize,
) -> Result<Vec<Loaded<M>>> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let state = db.model::<M>();
    let touching = match db.cache() {
        Some(_) => Some(Touching::of(&objects, first)?),
        None => None,
    };
    let (quarantine, written) = {
        // The values of all rows in one allocation, and where each row's end.
        let mut values = Vec::with_capacity(objects.len() * M::table().columns().len());
        let mut ends = Vec::with_capacity(objects.len());
        for (index, object) in objects.iter().enumerate() {
            let generated = key_is_generated(object);
            let shape = if generated { &state.insert_generated } else { &state.insert };
            add_values(object, shape, &mut values).map_err(|error| item::<M>(error, first + index))?;
            ends.push((shape, values.len()));
        }
        let mut start = 0;
        let row = |(shape, end)| Statement::new(shape, &values[std::mem::replace(&mut start, end)..end]);
        let statements: Vec<Statement<'_>> = ends.into_iter().map(row).collect();
        db.counters().transaction();
        db.counters().writes_by(statements.len());
        let quarantine = match (db.cache(), touching) {
            (Some(cache), Some(Touching { tags, rows })) => {
                Some((Quarantine::close(db, cache, tags, coherence).await?, rows))
            }
            _ => None,
        };
        match quarantine {
            Some((Announced::Closed(quarantine), rows)) => {
                let written = quarantine.during(write_all(db, &statements)).await;
                (Some((quarantine, rows)), written)
            }
            Some((Announced::Owing(debt), _)) => (None, owing(db, statements, &debt).await),
            None => (None, write_all(db, &statements).await),
        }
    };
    let written = match written {
        Ok(written) => written,
        Err((index, error)) => {
            if let Some((quarantine, _)) = quarantine {
                quarantine.fail(&error).await;
            }
            let failed_at_commit = index >= objects.len();
            return Err(if failed_at_commit { error.context(M::NAME) } else { item::<M>(error, first + index) });
        }
    };
    let keyed = |(mut object, written): (M, Written)| {
        let generated = key_is_generated(&object);
        take_key(&mut object, generated, written.generated_key)?;
        Ok(Loaded::of(object))
    };
    let created: Result<Vec<Loaded<M>>> = match written.len() == objects.len() {
        true => objects.into_iter().zip(written).map(keyed).collect(),
        false => Err(Error::backend("the driver did not tell of each row that it added")),
    };
    if let Some((quarantine, rows)) = quarantine {
        let changes: Option<Vec<Arc<Change>>> = created.as_ref().ok().zip(rows).and_then(|(created, rows)| {
            let change = |(object, row): (&Loaded<M>, KnownRow)| {
                object.key().to_key().ok().map(|key| change_of_insert(M::table(), &key, row))
            };
            created.iter().zip(rows).map(change).collect()
        });
        match changes {
            Some(changes) => quarantine.release(changes).await,
            None => quarantine.release_unlisted().await,
        }
    }
    created
}

pub(super) async fn write_all(db: &Db, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
    let mut retries = Retries::new();
    loop {
        let written = db.executor().write_atomic(statements).await;
        if !retries.again(written.as_ref().err().map(|(_, error)| error)).await {
            return written;
        }
    }
}

/// Adds rows of which the cache could not be told, together with what is owed to it.
pub(super) async fn owing(
    db: &Db,
    mut statements: Vec<Statement<'_>>,
    debt: &NewDebt,
) -> Result<Vec<Written>, (usize, Error)> {
    let rows = statements.len();
    statements.push(debt.statement());
    let mut written = write_all(db, &statements).await.map_err(|(index, error)| {
        let error = if index == rows { debt::refused(error) } else { error };
        (index, error)
    })?;
    written.truncate(rows);
    debt::remind(db);
    Ok(written)
}

/// What many inserts will touch.
struct Touching {
    tags: Tags,
    /// The rows, if they are few enough to be told one by one.
    rows: Option<Vec<KnownRow>>,
}

impl Touching {
    fn of<M: Model>(objects: &[M], first: usize) -> Result<Self> {
        let table = M::table();
        let listed = objects.len() <= LISTED;
        let mut tags = Tags::default();
        let mut rows = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            let generated = key_is_generated(object);
            let row = if listed { row_to_be(object, generated) } else { scopes_of(object) };
            let row = row.map_err(|error| item::<M>(error, first + index))?;
            let key = if generated { None } else { Some(object.key().to_key()?) };
            tags.add(table, inserted(table, key.as_ref(), &row));
            if listed {
                rows.push(row);
            }
        }
        Ok(Self { tags, rows: listed.then_some(rows) })
    }
}

/// As much of the row as decides about its tags.
fn scopes_of<M: Model>(object: &M) -> Result<KnownRow> {
    let table = M::table();
    let mut row = vec![None; table.columns().len()];
    for &column in table.scopes() {
        row[column] = Some(object.value(column)?.into_owned());
    }
    Ok(row)
}
