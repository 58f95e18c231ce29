//! Reads: beside others on a shared connection when they are short, else on a connection of their own.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use thing_driver_api::{Key, Result, RowSink};

use super::Database;
use crate::connection::{Connection, Ended, Scope};
use crate::error::{Effect, Failure};
use crate::lanes::Shortfall;
use crate::plan::Plan;
use crate::statistics::count;
use crate::values::Input;

/// How often a read is tried while connections turn out to be lost.
const ATTEMPTS: usize = 3;
/// More keys than these are not read on a shared connection, where others would wait for their rows.
const SHARED_KEYS: usize = 512;
/// How many keys one statement reads, so that its parameters stay of moderate size.
const KEYS_PER_STATEMENT: usize = 16_384;

impl Database {
    pub(crate) async fn read(&self, plan: &Arc<Plan>, input: Input<'_>, rows: &mut dyn RowSink) -> Result<()> {
        if !plan.exclusive
            && plan.pace.is_short()
            && is_small(input)
            && let Some(shared) = self.lanes.pick()
        {
            match shared.read(plan, input, rows).await {
                Ok(()) => {
                    count(&self.counters.pipelined_reads);
                    return Ok(());
                }
                Err(Shortfall::Stalled) => count(&self.counters.moved_reads),
                Err(Shortfall::Failed(failure)) if failure.is_lost() => count(&self.counters.retries),
                Err(Shortfall::Failed(failure)) => return Err(failure.into_error(Some(plan), Effect::None)),
            }
            rows.restart();
        }
        // This way has much state. Apart, it leaves the future of the short way small.
        Box::pin(self.read_alone(plan, input, rows)).await
    }

    /// Reads on a connection of its own.
    async fn read_alone(&self, plan: &Plan, input: Input<'_>, rows: &mut dyn RowSink) -> Result<()> {
        // A raw statement may write.
        let effect = if plan.raw { Effect::Open } else { Effect::None };
        let mut attempt = 1;
        loop {
            let mut lease = self.pool.lease().await?;
            lease.soil();
            let started = Instant::now();
            let outcome = self.in_time(pin!(read_parts(&lease, plan, input, Scope::Alone, rows))).await;
            count(&self.counters.exclusive_reads);
            let failure = match outcome {
                Ok(ended) => {
                    if is_small(input) {
                        plan.pace.took(started.elapsed());
                    }
                    if ended == Ended::Wholly {
                        lease.clean();
                    }
                    return Ok(());
                }
                Err(failure) => failure,
            };
            if failure.leaves_connection_clean() {
                lease.clean();
            }
            let repeatable = failure.is_lost_unsent() || (failure.is_lost() && effect == Effect::None);
            if !repeatable || attempt == ATTEMPTS {
                return Err(failure.into_error(Some(plan), effect));
            }
            attempt += 1;
            count(&self.counters.retries);
            rows.restart();
        }
    }
}

/// The input of a read by key.
pub(crate) fn of_keys(keys: &[Key]) -> Option<Input<'_>> {
    match keys {
        [] => None,
        [key] => Some(Input::Key(key)),
        keys => Some(Input::Keys(keys)),
    }
}

/// Runs a read on this connection, as many statements as its keys take.
pub(crate) async fn read_parts(
    connection: &Connection,
    plan: &Plan,
    input: Input<'_>,
    scope: Scope,
    rows: &mut dyn RowSink,
) -> Result<Ended, Failure> {
    let progress = AtomicU64::new(0);
    let Input::Keys(keys) = input else {
        return connection.read(plan, input, scope, &progress, rows).await;
    };
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        if connection.read(plan, Input::Keys(keys), scope, &progress, rows).await? == Ended::Early {
            return Ok(Ended::Early);
        }
    }
    Ok(Ended::Wholly)
}

fn is_small(input: Input<'_>) -> bool {
    match input {
        Input::Keys(keys) => keys.len() <= SHARED_KEYS,
        _ => true,
    }
}
