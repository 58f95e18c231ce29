//! The template database, and copies of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::data::{AUTHORS, POSTS_EACH, PostRow, USERS, UserRow};

const SCHEMA: &str = "
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        age INTEGER NOT NULL,
        score DOUBLE NOT NULL,
        active BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL,
        bio TEXT
    );
    CREATE TABLE posts (
        id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
        user_id BIGINT NOT NULL,
        title TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX users_age_id ON users (age, id);
    CREATE INDEX posts_user_id ON posts (user_id);
";

/// A database with all users and posts, made once and kept in a folder.
#[derive(Debug)]
pub struct Template {
    path: PathBuf,
}

impl Template {
    /// The template in this folder, which is filled if there is none.
    pub fn in_folder(folder: &Path) -> Self {
        let path = folder.join("thing-bench.db");
        if !path.exists() {
            let unfinished = folder.join("thing-bench-unfinished.db");
            remove(&unfinished);
            Self::fill(&unfinished);
            fs::rename(unfinished, &path).expect("the template database gets its name");
        }
        Self { path }
    }

    /// Makes a database with all users and posts.
    pub fn fill(path: &Path) {
        remove(path);
        fill(path).expect("the database is filled");
    }

    /// A copy that is on the disk already, so that no later commit waits for it.
    pub fn copy(&self, to: &Path) -> io::Result<()> {
        remove(to);
        fs::copy(&self.path, to)?;
        fs::File::open(to)?.sync_all()
    }
}

/// Removes a database with its log.
fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        // It may not be there.
        let _ = fs::remove_file(format!("{}{ending}", path.display()));
    }
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA journal_mode = WAL")?;
    connection.execute_batch(SCHEMA)?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare(crate::subjects::rusqlite::INSERT)?;
        for UserRow { name, email, age, score, active, created_at, bio } in (1..=USERS).map(UserRow::number) {
            insert.execute(params![name, email, age, score, active, created_at, bio])?;
        }
        let mut insert = transaction.prepare("INSERT INTO posts VALUES (?1, ?2, ?3, ?4)")?;
        for author in 1..=AUTHORS {
            for post in (0..POSTS_EACH).map(|nth| PostRow::of(author, nth)) {
                insert.execute(params![post.id, post.user_id, post.title, post.body])?;
            }
        }
    }
    transaction.commit()?;
    connection.execute_batch("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
}
