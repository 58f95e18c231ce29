//! Batches: writes as one transaction, in as few round trips as possible.
//!
//! ```text
//! statements ─▶ runs of inserts of one shape ─▶ INSERT of many rows ─▶ a key for each row
//!                                                    └─ refused: halved, until the row is found
//! ```
//!
//! A batch that is one statement commits by itself.

use std::sync::Arc;

use mysql_async::Value as Native;
use thing_driver_api::{Error, Result, Row, Statement, Written};

use super::super::Database;
use crate::error::{self, Failure};
use crate::plan::Plan;
use crate::pool::{Lease, Purpose};
use crate::row::MysqlRow;
use crate::statistics::count;
use crate::values;

/// A failed statement, by its place in the batch.
type Failed = (usize, Error);

/// A part of a batch that is one statement on the wire: statement `first` and those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    first: usize,
    len: usize,
}

impl Part {
    /// The second half, and the first.
    fn halves(self) -> [Self; 2] {
        let half = self.len / 2;
        [Self { first: self.first + half, len: self.len - half }, Self { first: self.first, len: half }]
    }
}

pub(super) async fn write(
    database: &Database,
    plans: &[Arc<Plan>],
    statements: &[Statement<'_>],
) -> Result<Vec<Written>, Failed> {
    let batch = Batch { database, plans, statements };
    let parts = batch.parts();
    if let [whole] = parts.as_slice()
        && !plans[0].raw()
        && (whole.len == 1 || !plans[0].generates_key || plans[0].returns_keys())
    {
        return batch.alone(*whole).await;
    }
    batch.in_transaction(&parts).await
}

struct Batch<'a> {
    database: &'a Database,
    plans: &'a [Arc<Plan>],
    statements: &'a [Statement<'a>],
}

impl Batch<'_> {
    /// Splits the batch where the shape changes, below the limits of the server.
    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut at = 0;
        while at < self.statements.len() {
            let plan = &self.plans[at];
            let alike = if plan.inserts {
                self.plans[at..].iter().take_while(|other| Arc::ptr_eq(other, plan)).count()
            } else {
                1
            };
            self.split(Part { first: at, len: alike }, &mut parts);
            at += alike;
        }
        parts
    }

    /// Splits inserts of one shape: each part has a power of two of rows, so that there are few texts.
    fn split(&self, alike: Part, parts: &mut Vec<Part>) {
        let plan = &self.plans[alike.first];
        // About what the rows may take, with room for the text and the types.
        let room = self.database.server.max_packet / 2;
        let end = alike.first + alike.len;
        let mut first = alike.first;
        while first < end {
            let len = if plan.inserts { plan.most_rows().min(1 << (end - first).ilog2()) } else { 1 };
            let mut bytes = 0;
            let mut fit = 0;
            for statement in &self.statements[first..first + len] {
                bytes += statement.values.iter().map(|v| v.heap_size() + values::OVERHEAD_OF_A_VALUE).sum::<usize>();
                if bytes > room && fit > 0 {
                    break;
                }
                fit += 1;
            }
            let len = 1 << usize::ilog2(fit.max(1));
            parts.push(Part { first, len });
            first += len;
        }
    }

    /// One statement, which commits by itself.
    async fn alone(&self, part: Part) -> Result<Vec<Written>, Failed> {
        let bound = self.bind(part)?;
        let mut lease = self.database.pool.acquire(Purpose::Once).await.map_err(|e| (part.first, e))?;
        let mut written = Vec::with_capacity(part.len);
        match self.run(&mut lease, part, bound, true, &mut written).await {
            Ok(()) => Ok(written),
            // The server undid the statement, but did not say because of which row. One by one they tell.
            Err(failure) if part.len > 1 && failure.spares_transaction() => {
                drop(lease);
                self.in_transaction(&[part]).await
            }
            Err(failure) => Err(self.failed(failure, part.first, true)),
        }
    }

    async fn in_transaction(&self, parts: &[Part]) -> Result<Vec<Written>, Failed> {
        let end = self.statements.len();
        let limit = self.database.limit();
        let mut lease = self.begin().await.map_err(|e| (0, e))?;
        let mut written = Vec::with_capacity(end);
        if let Err(failed) = self.write_parts(&mut lease, parts, &mut written).await {
            // The caller may try again at once, and would wait for the locks.
            lease.in_transaction = lease.control("ROLLBACK".to_owned(), limit).await.is_err();
            return Err(failed);
        }
        let committed = lease.control("COMMIT".to_owned(), limit).await;
        lease.in_transaction = committed.is_err();
        committed.map_err(|failure| self.failed(failure, end, true))?;
        Ok(written)
    }

    async fn begin(&self) -> Result<Lease> {
        let limit = self.database.limit();
        let mut lease = self.database.pool.acquire(Purpose::Repeatable).await?;
        let mut begun = lease.begin_batch(limit).await;
        if begun.as_ref().is_err_and(|failure| lease.reused && failure.lost()) {
            // Nothing happened yet: another connection may do better.
            drop(lease);
            self.database.pool.doubt();
            lease = self.database.pool.acquire(Purpose::Repeatable).await?;
            begun = lease.begin_batch(limit).await;
        }
        begun.map_err(|failure| failure.explain(Default::default()))?;
        Ok(lease)
    }

    /// Runs the parts in the open transaction. While the server works on one, the values of the next are bound.
    async fn write_parts(&self, lease: &mut Lease, parts: &[Part], written: &mut Vec<Written>) -> Result<(), Failed> {
        let mut bound = parts.first().map(|&part| self.bind(part)).transpose()?.unwrap_or_default();
        for (at, &part) in parts.iter().enumerate() {
            let following = async { parts.get(at + 1).map(|&part| self.bind(part)).transpose() };
            let running = self.run(lease, part, std::mem::take(&mut bound), false, written);
            let (ran, following) = tokio::join!(running, following);
            match ran {
                Ok(()) => {}
                Err(failure) if part.len > 1 && failure.spares_transaction() => {
                    self.write_halves(lease, part, written).await?;
                }
                Err(failure) => return Err(self.failed(failure, part.first, false)),
            }
            bound = following?.unwrap_or_default();
        }
        Ok(())
    }

    /// Runs a part of which a row was refused by halves, until only that row is left.
    async fn write_halves(&self, lease: &mut Lease, refused: Part, written: &mut Vec<Written>) -> Result<(), Failed> {
        let mut waiting = refused.halves().to_vec();
        while let Some(part) = waiting.pop() {
            let bound = self.bind(part)?;
            match self.run(lease, part, bound, false, written).await {
                Ok(()) => {}
                Err(failure) if part.len > 1 && failure.spares_transaction() => waiting.extend(part.halves()),
                Err(failure) => return Err(self.failed(failure, part.first, false)),
            }
        }
        Ok(())
    }

    fn bind(&self, part: Part) -> Result<Vec<Native>, Failed> {
        let plan = &self.plans[part.first];
        let mut bound = Vec::with_capacity(part.len * plan.binds.len());
        for at in part.first..part.first + part.len {
            let given = self.statements[at].values;
            if plan.raw() {
                bound.extend(values::bind_all(given).map_err(|e| (at, e))?);
                continue;
            }
            for &slot in &plan.binds {
                let value = given.get(slot).ok_or_else(|| (at, values::missing(slot)))?;
                bound.push(values::bind(slot + 1, value).map_err(|e| (at, e))?);
            }
        }
        values::check_size(&bound, self.database.server.max_packet).map_err(|e| (part.first, e))?;
        Ok(bound)
    }

    /// Runs one statement, and says for each of its rows what was written.
    async fn run(
        &self,
        lease: &mut Lease,
        part: Part,
        bound: Vec<Native>,
        alone: bool,
        written: &mut Vec<Written>,
    ) -> Result<(), Failure> {
        let plan = &self.plans[part.first];
        if plan.commits_implicitly {
            return Err(Failure::Refused(error::implicit_commit()));
        }
        if part.len > 1 {
            count(&self.database.counters.bulk_inserts);
        }
        // Alone, nothing else says which keys were made.
        let returning = alone && part.len > 1 && plan.returns_keys();
        let text = if part.len > 1 { plan.rows(part.len, returning) } else { plan.text.clone() };
        lease.execute(&text, bound, self.database.limit()).await?;
        let connection = lease.connection()?;
        let mut keys = Vec::new();
        if returning {
            keys.reserve(part.len);
            while let Some(row) = connection.next_row().await? {
                match MysqlRow::new(&row).i64(0) {
                    Ok(key) => keys.push(key),
                    Err(_) => return Err(Failure::Refused(error::key_out_of_range(alone))),
                }
            }
        } else {
            connection.read_rest().await?;
        }
        if !plan.generates_key {
            let rows = if part.len > 1 { 1 } else { connection.affected_rows() };
            written.extend((0..part.len).map(|_| Written::new(rows)));
            return Ok(());
        }
        if keys.is_empty() {
            let first = connection.generated_key().unwrap_or_default();
            let first = i64::try_from(first).map_err(|_| Failure::Refused(error::key_out_of_range(alone)))?;
            let step = connection.key_increment;
            // InnoDB reserves the keys of an INSERT whose rows are counted beforehand all at once, at that distance:
            // <https://dev.mysql.com/doc/refman/8.0/en/innodb-auto-increment-handling.html>, "simple inserts".
            for n in 0..part.len as i64 {
                let key = n.checked_mul(step).and_then(|distance| first.checked_add(distance));
                keys.push(key.ok_or_else(|| Failure::Refused(error::key_out_of_range(alone)))?);
            }
        }
        if keys.len() != part.len {
            return Err(Failure::Refused(error::no_answer()));
        }
        written.extend(keys.into_iter().map(|key| Written::new(1).generated(key)));
        Ok(())
    }

    fn failed(&self, failure: Failure, at: usize, alone: bool) -> Failed {
        if failure.lost() {
            self.database.pool.doubt();
        }
        match self.plans.get(at) {
            Some(plan) => (at, failure.explain(plan.about(alone))),
            None => (at, failure.explain(error::About { commits: true, ..Default::default() })),
        }
    }
}
