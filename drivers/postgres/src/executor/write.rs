//! Writes that are transactions of their own: each on a connection of its own, because one behind another on the same
//! connection would wait for its commit.

use std::pin::pin;
use std::sync::Arc;

use thing_driver_api::{Result, RowSink, Written};

use super::Database;
use crate::connection::{Done, Scope};
use crate::error::{Effect, Failure};
use crate::plan::Plan;
use crate::pool::Lease;
use crate::statistics::count;
use crate::values::Input;

/// How often a write is tried while connections turn out to be lost before it was sent.
pub(super) const ATTEMPTS: usize = 3;

impl Database {
    pub(crate) async fn write(&self, plan: &Arc<Plan>, input: Input<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let mut attempt = 1;
        loop {
            let mut lease = self.pool.lease().await?;
            let failure = match self.write_on(&mut lease, plan, input).await {
                Ok(done) => {
                    // Others may have the connection while the sink is at work.
                    drop(lease);
                    return done.deliver(plan, rows);
                }
                Err(failure) => failure,
            };
            if !failure.is_lost_unsent() || attempt == ATTEMPTS {
                return Err(failure.into_error(Some(plan), Effect::Open));
            }
            attempt += 1;
            count(&self.counters.retries);
        }
    }

    async fn write_on(&self, lease: &mut Lease, plan: &Plan, input: Input<'_>) -> Result<Done, Failure> {
        lease.soil();
        let outcome = self.in_time(pin!(lease.write(plan, input, Scope::Alone))).await;
        count(&self.counters.writes);
        match &outcome {
            Ok(_) => lease.clean(),
            Err(failure) if failure.leaves_connection_clean() => lease.clean(),
            Err(_) => {}
        }
        outcome
    }
}
