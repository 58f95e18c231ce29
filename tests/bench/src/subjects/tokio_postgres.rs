//! Raw tokio-postgres: hand-written code as an application would write it for speed.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, Row, Statement};

use crate::data::{PostRow, UserRow};
use crate::subject::{Reader, Seen, Subject};
use crate::subjects::rusqlite::RawUser;
use crate::subjects::{PIPES, POOLED};

const GET: &str = "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE id = $1";
const LIST: &str =
    "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE age = $1 ORDER BY id DESC LIMIT 100";
const INSERT: &str = "INSERT INTO users (name, email, age, score, active, created_at, bio)
    VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
const UPDATE: &str = "UPDATE users SET score = $2 WHERE id = $1";
const RANGE: &str =
    "SELECT id, name, email, age, score, active, created_at, bio FROM users WHERE id >= $1 AND id < $2 ORDER BY id";
const POSTS: &str = "SELECT id, user_id, title, body FROM posts WHERE user_id = ANY($1)";
const COPY: &str = "COPY users (name, email, age, score, active, created_at, bio) FROM STDIN BINARY";

/// A pool of connections with prepared statements, or a few connections that all tasks share.
pub struct TokioPostgres {
    pool: Pool,
    /// Clients with their statements; empty where each call takes a connection of the pool.
    pipes: Vec<(Client, [Statement; 4])>,
    next: AtomicUsize,
}

impl TokioPostgres {
    /// A pool; each call takes a connection out of it.
    pub async fn pooled(url: &str) -> Self {
        let config = url.parse().expect("the URL of PostgreSQL is valid");
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager).max_size(POOLED).build().expect("the pool is built");
        Self { pool, pipes: Vec::new(), next: AtomicUsize::new(0) }
    }

    /// Connections over which the calls of all tasks are pipelined.
    pub async fn pipelined(url: &str) -> Self {
        let mut subject = Self::pooled(url).await;
        for _ in 0..PIPES {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL is there");
            tokio::spawn(connection);
            let prepare = async |text| client.prepare(text).await.expect("a statement is prepared");
            let statements = [prepare(GET).await, prepare(LIST).await, prepare(INSERT).await, prepare(UPDATE).await];
            subject.pipes.push((client, statements));
        }
        subject
    }

    fn pipe(&self) -> Option<&(Client, [Statement; 4])> {
        self.pipes.get(self.next.fetch_add(1, Ordering::Relaxed) % self.pipes.len().max(1))
    }

    async fn connection(&self) -> deadpool_postgres::Object {
        self.pool.get().await.expect("the pool has a connection")
    }
}

impl std::fmt::Debug for TokioPostgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokioPostgres").field("pipes", &self.pipes.len()).finish_non_exhaustive()
    }
}

fn user(row: &Row) -> RawUser {
    RawUser {
        id: row.get(0),
        row: UserRow {
            name: row.get(1),
            email: row.get(2),
            age: row.get(3),
            score: row.get(4),
            active: row.get(5),
            created_at: row.get(6),
            bio: row.get(7),
        },
    }
}

impl Reader for TokioPostgres {
    type User = RawUser;

    async fn get(&self, id: i64) -> RawUser {
        let row = match self.pipe() {
            Some((client, [get, ..])) => client.query_one(get, &[&id]).await,
            None => {
                let connection = self.connection().await;
                let get = connection.prepare_cached(GET).await.expect("a statement is prepared");
                connection.query_one(&get, &[&id]).await
            }
        };
        user(&row.expect("a user is read"))
    }

    fn seen(user: &RawUser) -> Seen {
        user.seen()
    }
}

impl Subject for TokioPostgres {
    async fn list(&self, age: i32) -> Vec<RawUser> {
        let rows = match self.pipe() {
            Some((client, [_, list, ..])) => client.query(list, &[&age]).await,
            None => {
                let connection = self.connection().await;
                let list = connection.prepare_cached(LIST).await.expect("a statement is prepared");
                connection.query(&list, &[&age]).await
            }
        };
        rows.expect("a list is read").iter().map(user).collect()
    }

    async fn insert(&self, row: UserRow) -> i64 {
        let UserRow { name, email, age, score, active, created_at, bio } = &row;
        let row = match self.pipe() {
            Some((client, [_, _, insert, _])) => {
                client.query_one(insert, &[name, email, age, score, active, created_at, bio]).await
            }
            None => {
                let connection = self.connection().await;
                let insert = connection.prepare_cached(INSERT).await.expect("a statement is prepared");
                connection.query_one(&insert, &[name, email, age, score, active, created_at, bio]).await
            }
        };
        row.expect("a user is added").get(0)
    }

    async fn update(&self, id: i64, score: f64) {
        let updated = match self.pipe() {
            Some((client, [_, _, _, update])) => client.execute(update, &[&id, &score]).await,
            None => {
                let connection = self.connection().await;
                let update = connection.prepare_cached(UPDATE).await.expect("a statement is prepared");
                connection.execute(&update, &[&id, &score]).await
            }
        };
        assert_eq!(updated.expect("a user is updated"), 1);
    }

    async fn save(&self, user: RawUser, score: f64) {
        self.update(user.id, score).await;
    }

    async fn bulk(&self, users: Vec<UserRow>) {
        let connection = self.connection().await;
        let sink = connection.copy_in(COPY).await.expect("a copy begins");
        let types = [Type::TEXT, Type::TEXT, Type::INT4, Type::FLOAT8, Type::BOOL, Type::INT8, Type::TEXT];
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for UserRow { name, email, age, score, active, created_at, bio } in &users {
            writer.as_mut().write(&[name, email, age, score, active, created_at, bio]).await.expect("a row is copied");
        }
        assert_eq!(writer.finish().await.expect("the copy ends"), users.len() as u64);
    }

    async fn related(&self, first: i64, end: i64) -> (usize, usize) {
        let connection = self.connection().await;
        let range = connection.prepare_cached(RANGE).await.expect("a statement is prepared");
        let rows = connection.query(&range, &[&first, &end]).await.expect("users are read");
        let mut users: Vec<(RawUser, Vec<PostRow>)> = rows.iter().map(|row| (user(row), Vec::new())).collect();
        let ids: Vec<i64> = users.iter().map(|(user, _)| user.id).collect();
        let places: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, &id)| (id, at)).collect();
        let posts = connection.prepare_cached(POSTS).await.expect("a statement is prepared");
        for row in connection.query(&posts, &[&ids]).await.expect("posts are read") {
            let post = PostRow { id: row.get(0), user_id: row.get(1), title: row.get(2), body: row.get(3) };
            users[places[&post.user_id]].1.push(post);
        }
        (users.len(), users.iter().map(|(_, posts)| posts.len()).sum())
    }
}
