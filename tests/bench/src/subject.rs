//! Subjects: what is measured.

use crate::data::UserRow;

/// Reads users by key.
pub trait Reader: Send + Sync + 'static {
    /// What a user becomes.
    type User: Send + Sync + 'static;

    /// The user with this key.
    fn get(&self, id: i64) -> impl Future<Output = Self::User> + Send;

    /// What of a user is checked, so that nothing is optimised away.
    fn seen(user: &Self::User) -> Seen;
}

/// What of a user is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The key.
    pub id: i64,
    /// The bytes of the name.
    pub name_length: usize,
    /// The age.
    pub age: i32,
}

/// A way to use the database, one operation for each kind of workload.
pub trait Subject: Reader {
    /// The 100 users of this age with the highest keys, descending.
    fn list(&self, age: i32) -> impl Future<Output = Vec<Self::User>> + Send;

    /// Adds a user, committed on return, and gives the key.
    fn insert(&self, user: UserRow) -> impl Future<Output = i64> + Send;

    /// Sets the score of the user with this key.
    fn update(&self, id: i64, score: f64) -> impl Future<Output = ()> + Send;

    /// Sets the score of a user that was read before.
    fn save(&self, user: Self::User, score: f64) -> impl Future<Output = ()> + Send;

    /// Adds users, all or none, in the fastest way there is.
    fn bulk(&self, users: Vec<UserRow>) -> impl Future<Output = ()> + Send;

    /// The users with keys from `first` to `end - 1`, each with its posts. Gives the number of both.
    fn related(&self, first: i64, end: i64) -> impl Future<Output = (usize, usize)> + Send;
}

/// When a commit waits for the disk: SQLite's `PRAGMA synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// At checkpoints.
    Normal,
    /// At every commit.
    Full,
}

impl Synchronous {
    /// `NORMAL` or `FULL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Full => "FULL",
        }
    }
}
