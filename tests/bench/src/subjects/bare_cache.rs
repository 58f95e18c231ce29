//! A bare cache: what a hit of Thing's cache is compared with.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::data::USERS;
use crate::subject::{Reader, Seen};
use crate::subjects::rusqlite::RawUser;

/// A cache of users in shared ownership.
pub struct BareCache {
    users: Cache<i64, Arc<RawUser>>,
}

impl BareCache {
    /// An empty cache with room for all users.
    pub fn new() -> Self {
        // Twice the number: shards don't fill evenly.
        let users = Cache::new(2 * USERS as usize);
        Self { users }
    }

    /// Puts a user in.
    pub fn put(&self, user: RawUser) {
        self.users.insert(user.id, Arc::new(user));
    }
}

impl Default for BareCache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BareCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BareCache").field("users", &self.users.len()).finish()
    }
}

impl Reader for BareCache {
    type User = Arc<RawUser>;

    async fn get(&self, id: i64) -> Arc<RawUser> {
        self.users.get(&id).expect("every user is cached")
    }

    fn seen(user: &Arc<RawUser>) -> Seen {
        (**user).seen()
    }
}
