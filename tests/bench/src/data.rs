//! The rows: made by a seeded generator, so that every database holds the same.

use thing_test_random::Random;

/// The users in a new database.
pub const USERS: i64 = 100_000;
/// The first so many users have posts.
pub const AUTHORS: i64 = 10_000;
/// How many posts each of them has.
pub const POSTS_EACH: i64 = 10;
/// The lowest age; each of the 60 ages is as frequent as the others.
pub const YOUNGEST: i32 = 18;
/// The number of ages.
pub const AGES: u64 = 60;

/// A user that is not in the database yet.
#[derive(Clone, Debug, PartialEq)]
pub struct UserRow {
    /// 19 bytes.
    pub name: String,
    /// About 29 bytes.
    pub email: String,
    /// 18 to 77.
    pub age: i32,
    /// 0 to 10,000.
    pub score: f64,
    /// True for nine in ten.
    pub active: bool,
    /// Microseconds since 1970.
    pub created_at: i64,
    /// About 100 bytes, and none for every tenth user.
    pub bio: Option<String>,
}

impl UserRow {
    /// User number `number`; in a new database the number is the key.
    pub fn number(number: i64) -> Self {
        let random = Random::seeded(number as u64);
        Self {
            name: format!("User Number {number:07}"),
            email: format!("user{number}@mail{}.example.com", random.below(50)),
            age: age(&random),
            score: random.below(1_000_000) as f64 / 100.0,
            active: random.below(10) != 0,
            created_at: 1_700_000_000_000_000 + number * 1_000_003,
            bio: (number % 10 != 0).then(|| {
                let digits = random.bits() % 1_000_000;
                format!(
                    "{digits:0>20} likes long walks, relational algebra and reading about query planners before bed. "
                )
            }),
        }
    }

    /// Many users, numbered from `first`.
    pub fn numbered(first: i64, count: usize) -> Vec<Self> {
        (first..).take(count).map(Self::number).collect()
    }
}

/// A random age.
pub fn age(random: &Random) -> i32 {
    YOUNGEST + random.below(AGES) as i32
}

/// A post.
#[derive(Clone, Debug)]
pub struct PostRow {
    /// The key.
    pub id: i64,
    /// The author.
    pub user_id: i64,
    /// About 20 bytes.
    pub title: String,
    /// About 90 bytes.
    pub body: String,
}

impl PostRow {
    /// Post number `nth` of a user, counted from 0.
    pub fn of(user_id: i64, nth: i64) -> Self {
        Self {
            id: (user_id - 1) * POSTS_EACH + nth + 1,
            user_id,
            title: format!("Post {nth} of user {user_id}"),
            body: format!(
                "Body of post {nth} by {user_id}: lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_sizes_that_they_are_said_to_have() {
        let user = UserRow::number(4711);
        assert_eq!(user.name.len(), 19);
        assert!((18..78).contains(&user.age));
        assert!(user.bio.is_some_and(|bio| bio.len() > 90));
        assert_eq!(UserRow::number(10).bio, None);
        assert_eq!(PostRow::of(2, 0).id, 11);
    }
}
