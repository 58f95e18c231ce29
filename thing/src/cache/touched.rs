//! What a write touches: the tags of the rows before and after it, and its entry in the change log.

use std::sync::Arc;

use thing_driver_api::{CacheClient, Change, ColumnSet, Key, RowImage, Scope, Table, TableId, Tag, Value};

/// The values of a row by column; `None` where a value is not known.
pub(crate) type KnownRow = Vec<Option<Value<'static>>>;

/// Longer values are left out of the change log: lists that compare them take any change for theirs.
const LOGGED: usize = 256;

/// More changes than this are not told to the cache one by one: its log is shorter.
pub(crate) const LISTED: usize = 1000;

/// A write that touches more tags than this closes whole tables instead.
const NAMED: usize = 4096;

/// The tags that a write touches.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    tags: Vec<Tag>,
    tables: Vec<TableId>,
    /// Who writes, by the scopes that this program touches.
    writers: Vec<(TableId, u64)>,
    /// How many there were when those that stand there twice were last looked for.
    united: usize,
}

impl Tags {
    pub(crate) fn of(table: &Table, tags: Vec<Tag>) -> Self {
        let mut these = Self::default();
        these.add(table, tags);
        these
    }

    pub(crate) fn add(&mut self, table: &Table, tags: Vec<Tag>) {
        if !self.tables.contains(&table.id()) {
            self.tables.push(table.id());
            self.writers.push((table.id(), table.scopes_digest()));
        }
        self.tags.extend(tags);
        if self.tags.len() > self.united + 2 * NAMED {
            self.unite();
        }
    }

    /// Adds everything about tables.
    pub(crate) fn add_tables(&mut self, tables: Vec<TableId>) {
        self.tags.extend(tables.iter().map(|&table| Tag::table(table)));
        self.tables.extend(tables);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Has the client know who writes.
    pub(crate) fn declare(&self, client: &dyn CacheClient) {
        self.writers.iter().for_each(|&(table, scopes)| _ = client.declare(table, scopes));
    }

    /// The tags of the tables: what a debt names, since whoever pays it may touch other scopes than this program.
    pub(crate) fn of_tables(&self) -> Vec<Tag> {
        self.tables.iter().map(|&table| Tag::table(table)).collect()
    }

    /// Each tag once; those of the tables where there are too many.
    pub(crate) fn into_vec(mut self) -> Vec<Tag> {
        self.unite();
        self.tags.extend(self.writers.iter().map(|&(table, scopes)| Tag::writer(table, scopes)));
        self.tags
    }

    fn unite(&mut self) {
        self.tags.sort_unstable();
        self.tags.dedup();
        if self.tags.len() > NAMED {
            self.tags = self.tables.iter().map(|&table| Tag::table(table)).collect();
        }
        self.united = self.tags.len();
    }
}

/// The tags of an inserted row. The key is `None` while the database has not made it: what is known of absent rows
/// depends on the table's rows too.
pub(crate) fn inserted(table: &Table, key: Option<&Key>, row: &KnownRow) -> Vec<Tag> {
    let mut tags = Vec::with_capacity(2 + table.scopes().len());
    tags.extend(key.map(|key| Tag::row(table.id(), key)));
    row_set(table, row, &mut tags);
    tags
}

/// The tags of a deleted row.
pub(crate) fn deleted(table: &Table, key: &Key, row: &KnownRow) -> Vec<Tag> {
    inserted(table, Some(key), row)
}

fn row_set(table: &Table, row: &KnownRow, tags: &mut Vec<Tag>) {
    tags.push(Tag::rows(table.id(), &Scope::Table));
    for &scope in table.scopes() {
        if let Some(value) = &row[scope] {
            tags.push(Tag::rows(table.id(), &Scope::equal(&table.column(scope).name, value)));
        }
    }
}

/// The tags of an updated row whose `columns` may differ. The scope columns of both images are known.
pub(crate) fn updated(table: &Table, key: &Key, columns: ColumnSet, before: &KnownRow, after: &KnownRow) -> Vec<Tag> {
    let id = table.id();
    let mut tags = vec![Tag::row(id, key)];
    let touch_columns = |scope: &Scope<'_>, tags: &mut Vec<Tag>| {
        for column in columns.iter().take_while(|&c| c < table.columns().len()) {
            tags.push(Tag::column(id, scope, &table.column(column).name));
        }
    };
    touch_columns(&Scope::Table, &mut tags);
    for &column in table.scopes() {
        let name = &table.column(column).name;
        let (Some(old), Some(new)) = (&before[column], &after[column]) else {
            continue;
        };
        if old == new {
            touch_columns(&Scope::equal(name, new), &mut tags);
        } else {
            tags.push(Tag::rows(id, &Scope::equal(name, old)));
            tags.push(Tag::rows(id, &Scope::equal(name, new)));
        }
    }
    tags
}

/// One row's entry in the change log; `None` for an image means that there was no row.
pub(crate) fn image(
    table: &Table,
    key: Key,
    columns: ColumnSet,
    before: Option<KnownRow>,
    after: Option<KnownRow>,
) -> Arc<Change> {
    let logged = |row: Option<KnownRow>| match row {
        None => RowImage::Absent,
        Some(row) => {
            let short = |value: Option<Value<'static>>| value.filter(|v| v.heap_size() <= LOGGED);
            RowImage::Row(row.into_iter().map(short).collect())
        }
    };
    let change = Change::new(table.id(), key, columns, logged(before), logged(after));
    Arc::new(change.with_form(table.fingerprint()))
}
