//! Raw mysql_async: its own pool, prepared statements.

use std::collections::HashMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, Row, TxOpts, Value};

use crate::data::{PostRow, UserRow};
use crate::subject::{Reader, Seen, Subject};
use crate::subjects::POOLED;
use crate::subjects::rusqlite::RawUser;

const GET: &str = "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE id = ?";
const LIST: &str =
    "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE age = ? ORDER BY id DESC LIMIT 100";
const INSERT: &str =
    "INSERT INTO users (name, email, age, score, active, created_at, bio) VALUES (?, ?, ?, ?, ?, ?, ?)";
const UPDATE: &str = "UPDATE users SET score = ? WHERE id = ?";
const RANGE: &str =
    "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE id >= ? AND id < ? ORDER BY id";

/// Rows in one statement of a bulk insert: more than this gained nothing.
const ROWS: usize = 1000;

/// A pool of connections.
#[derive(Debug)]
pub struct MysqlAsync {
    pool: Pool,
}

impl MysqlAsync {
    /// A pool that neither pings nor resets a connection between two calls.
    pub fn pooled(url: &str) -> Self {
        let constraints = PoolConstraints::new(POOLED, POOLED).expect("as many connections as at least");
        let pool = PoolOpts::default().with_constraints(constraints).with_reset_connection(false);
        let options = Opts::from_url(url).expect("the URL of MySQL is valid");
        Self { pool: Pool::new(OptsBuilder::from_opts(options).prefer_socket(false).pool_opts(pool)) }
    }

    async fn connection(&self) -> Conn {
        self.pool.get_conn().await.expect("the pool has a connection")
    }
}

fn user(row: Row) -> RawUser {
    let (id, name, email, age, score, active, created_at, bio) = mysql_async::from_row(row);
    RawUser { id, row: UserRow { name, email, age, score, active, created_at, bio } }
}

impl Reader for MysqlAsync {
    type User = RawUser;

    async fn get(&self, id: i64) -> RawUser {
        let row: Option<Row> = self.connection().await.exec_first(GET, (id,)).await.expect("a user is read");
        user(row.expect("the user exists"))
    }

    fn seen(user: &RawUser) -> Seen {
        user.seen()
    }
}

impl Subject for MysqlAsync {
    async fn list(&self, age: i32) -> Vec<RawUser> {
        self.connection().await.exec_map(LIST, (age,), user).await.expect("a list is read")
    }

    async fn insert(&self, row: UserRow) -> i64 {
        let UserRow { name, email, age, score, active, created_at, bio } = row;
        let mut connection = self.connection().await;
        let values = (name, email, age, score, active, created_at, bio);
        connection.exec_drop(INSERT, values).await.expect("a user is added");
        connection.last_insert_id().expect("the user has a key") as i64
    }

    async fn update(&self, id: i64, score: f64) {
        self.connection().await.exec_drop(UPDATE, (score, id)).await.expect("a user is updated");
    }

    async fn save(&self, user: RawUser, score: f64) {
        self.update(user.id, score).await;
    }

    async fn bulk(&self, users: Vec<UserRow>) {
        let mut connection = self.connection().await;
        let mut transaction = connection.start_transaction(TxOpts::default()).await.expect("a transaction begins");
        for some in users.chunks(ROWS) {
            let rows = vec!["(?, ?, ?, ?, ?, ?, ?)"; some.len()].join(", ");
            let text = format!("INSERT INTO users (name, email, age, score, active, created_at, bio) VALUES {rows}");
            let mut values: Vec<Value> = Vec::with_capacity(some.len() * 7);
            for UserRow { name, email, age, score, active, created_at, bio } in some {
                values.extend([Value::from(name), email.into(), age.into(), score.into(), active.into()]);
                values.extend([Value::from(created_at), bio.as_deref().into()]);
            }
            transaction.exec_drop(text, Params::Positional(values)).await.expect("users are added");
        }
        transaction.commit().await.expect("the transaction commits");
    }

    async fn related(&self, first: i64, end: i64) -> (usize, usize) {
        let mut connection = self.connection().await;
        let mut users: Vec<(RawUser, Vec<PostRow>)> =
            connection.exec_map(RANGE, (first, end), |row| (user(row), Vec::new())).await.expect("users are read");
        let ids: Vec<Value> = users.iter().map(|(user, _)| user.id.into()).collect();
        let places: HashMap<i64, usize> = users.iter().enumerate().map(|(at, (user, _))| (user.id, at)).collect();
        let list = vec!["?"; ids.len()].join(", ");
        let text = format!("SELECT id, user_id, title, body FROM posts WHERE user_id IN ({list})");
        let post = |(id, user_id, title, body)| PostRow { id, user_id, title, body };
        let posts = connection.exec_map(text, Params::Positional(ids), post).await.expect("posts are read");
        for post in posts {
            users[places[&post.user_id]].1.push(post);
        }
        (users.len(), users.iter().map(|(_, posts)| posts.len()).sum())
    }
}
