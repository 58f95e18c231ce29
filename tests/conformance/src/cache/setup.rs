//! What an author gives to the suite: a way to get an empty cache.

use std::sync::Arc;

use async_trait::async_trait;
use thing_driver_api::CacheClient;

/// Gives the suite its caches.
///
/// Every `async fn() -> C` whose result is a [`CacheClient`] is a setup. Implement the trait where something must be
/// done afterwards.
#[async_trait]
pub trait Setup: Send + Sync {
    /// Connects to a cache that holds nothing and that nobody else uses. Called once for each case; cases run at the
    /// same time.
    async fn cache(&self) -> Arc<dyn CacheClient>;

    /// Called after the case, whether it passed or not. The default drops the client.
    async fn clean_up(&self, cache: Arc<dyn CacheClient>) {
        drop(cache);
    }
}

#[async_trait]
impl<F, Connecting, C> Setup for F
where
    F: Fn() -> Connecting + Send + Sync,
    Connecting: Future<Output = C> + Send,
    C: CacheClient,
{
    async fn cache(&self) -> Arc<dyn CacheClient> {
        Arc::new(self().await)
    }
}
