//! Isolation on a Redis server.

/// A prefix that no other test has, for keys and channels: `thing-test:`, 32 hexadecimal digits, `:`.
///
/// The server keeps nothing when it stops, so nobody has to delete the keys. Tests that flush the server, change its
/// settings or fill its memory take an [`Instance`](crate::Instance).
pub fn redis_prefix() -> String {
    format!("thing-test:{}:", uuid::Uuid::new_v4().simple())
}
