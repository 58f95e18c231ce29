//! The statements of the raw clients, on one connection.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, Result, Row, Transaction, TransactionBehavior, params, params_from_iter};

use crate::data::{PostRow, UserRow};
use crate::subject::{Seen, Synchronous};

/// Adds a user.
pub const INSERT: &str =
    "INSERT INTO users (name, email, age, score, active, created_at, bio) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const UPDATE: &str = "UPDATE users SET score = ?2 WHERE id = ?1";
const BY_ID: &str = "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE id = ?1";
const BY_AGE: &str = "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE age = ?1 \
    ORDER BY id DESC LIMIT 100";
const BY_RANGE: &str = "SELECT id, name, email, age, score, active, created_at, bio FROM users \
    WHERE id >= ?1 AND id < ?2 ORDER BY id";

/// A user as the raw clients read it.
#[derive(Clone, Debug)]
pub struct RawUser {
    /// The key.
    pub id: i64,
    /// The other columns.
    pub row: UserRow,
}

impl RawUser {
    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            row: UserRow {
                name: row.get(1)?,
                email: row.get(2)?,
                age: row.get(3)?,
                score: row.get(4)?,
                active: row.get(5)?,
                created_at: row.get(6)?,
                bio: row.get(7)?,
            },
        })
    }

    /// What is checked.
    pub fn seen(&self) -> Seen {
        Seen { id: self.id, name_length: self.row.name.len(), age: self.row.age }
    }
}

/// Opens a connection, set up as Thing's are.
pub fn open(path: &Path, synchronous: Synchronous) -> Result<Connection> {
    let connection = Connection::open(path)?;
    set_up(&connection, synchronous)?;
    Ok(connection)
}

/// Sets a connection up.
pub fn set_up(connection: &Connection, synchronous: Synchronous) -> Result<()> {
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16000; \
         PRAGMA foreign_keys = OFF;",
        synchronous.name()
    ))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The user with this key.
pub fn get(connection: &Connection, id: i64) -> Result<RawUser> {
    connection.prepare_cached(BY_ID)?.query_row([id], RawUser::read)
}

/// The 100 users of this age with the highest keys.
pub fn list(connection: &Connection, age: i32) -> Result<Vec<RawUser>> {
    let mut statement = connection.prepare_cached(BY_AGE)?;
    let mut users = Vec::with_capacity(100);
    let mut rows = statement.query([age])?;
    while let Some(row) = rows.next()? {
        users.push(RawUser::read(row)?);
    }
    Ok(users)
}

/// Adds a user and gives its key.
pub fn insert(connection: &Connection, user: &UserRow) -> Result<i64> {
    let UserRow { name, email, age, score, active, created_at, bio } = user;
    connection.prepare_cached(INSERT)?.insert(params![name, email, age, score, active, created_at, bio])
}

/// Sets a score.
pub fn update(connection: &Connection, id: i64, score: f64) -> Result<()> {
    let changed = connection.prepare_cached(UPDATE)?.execute(params![id, score])?;
    assert_eq!(changed, 1);
    Ok(())
}

/// Adds users, all or none.
pub fn bulk(connection: &mut Connection, users: &[UserRow]) -> Result<()> {
    let transaction = begin(connection)?;
    for user in users {
        insert(&transaction, user)?;
    }
    transaction.commit()
}

/// Begins a transaction that writes.
pub fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Users with their posts; gives the number of both.
pub fn related(connection: &Connection, first: i64, end: i64) -> Result<(usize, usize)> {
    let mut statement = connection.prepare_cached(BY_RANGE)?;
    let users = statement.query_map([first, end], RawUser::read)?;
    let mut users: Vec<(RawUser, Vec<PostRow>)> = users.map(|user| Ok((user?, Vec::new()))).collect::<Result<_>>()?;
    let places: HashMap<i64, usize> = users.iter().enumerate().map(|(at, (user, _))| (user.id, at)).collect();
    let marks = vec!["?"; users.len()].join(", ");
    let posts = format!("SELECT id, user_id, title, body FROM posts WHERE user_id IN ({marks})");
    let mut statement = connection.prepare_cached(&posts)?;
    let ids: Vec<i64> = users.iter().map(|(user, _)| user.id).collect();
    let mut rows = statement.query(params_from_iter(ids))?;
    while let Some(row) = rows.next()? {
        let post = PostRow { id: row.get(0)?, user_id: row.get(1)?, title: row.get(2)?, body: row.get(3)? };
        users[places[&post.user_id]].1.push(post);
    }
    Ok((users.len(), users.iter().map(|(_, posts)| posts.len()).sum()))
}
