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
use thing_driver_api::{Error, Result, Row, Statement, ValueType, Written};

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

pub(super) async fn write(
    database: &Database,
    plans: &[Arc<Plan>],
    statements: &[Statement<'_>],
) -> Result<Vec<Written>, Failed> {
    let batch = Batch { database, plans, statements };
    // A value that can't be stored is found before anything is sent.
    let parts = batch.parts()?;
    if let [whole] = parts.as_slice()
        && !plans[0].raw()
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
    fn parts(&self) -> Result<Vec<Part>, Failed> {
        let mut parts = Vec::new();
        let mut at = 0;
        while at < self.statements.len() {
            let plan = &self.plans[at];
            let alike = if plan.inserts {
                self.plans[at..].iter().take_while(|other| Arc::ptr_eq(other, plan)).count()
            } else {
                1
            };
            self.split(Part { first: at, len: alike }, &mut parts)?;
            at += alike;
        }
        Ok(parts)
    }

    /// Splits inserts of one shape: each part has a power of two of rows, so that there are few texts.
    fn split(&self, alike: Part, parts: &mut Vec<Part>) -> Result<(), Failed> {
        let plan = &self.plans[alike.first];
        let limit = self.database.server.max_packet;
        let end = alike.first + alike.len;
        let mut first = alike.first;
        while first < end {
            let mut len = plan.most_rows().min(1 << (end - first).ilog2());
            if !plan.inserts {
                len = 1;
            }
            // About what the rows take, with room for the text and the types.
            let room = limit / 2;
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
        Ok(())
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
        for &part in parts {
            self.write_part(&mut lease, part, &mut written).await?;
        }
        let committed = lease.control("COMMIT".to_owned(), limit).await;
        lease.in_transaction = committed.is_err();
        committed.map_err(|failure| self.failed(failure, end, true))?;
        Ok(written)
    }

    async fn begin(&self) -> Result<Lease> {
        let limit = self.database.limit();
        let mut lease = self.database.pool.acquire(Purpose::Repeatable).await?;
        lease.in_transaction = true;
        match lease.control("START TRANSACTION".to_owned(), limit).await {
            Ok(()) => Ok(lease),
            Err(failure) if lease.reused && failure.lost() => {
                drop(lease);
                self.database.pool.doubt();
                let mut lease = self.database.pool.acquire(Purpose::Repeatable).await?;
                lease.in_transaction = true;
                let begun = lease.control("START TRANSACTION".to_owned(), limit).await;
                begun.map_err(|failure| failure.explain(Default::default()))?;
                Ok(lease)
            }
            Err(failure) => Err(failure.explain(Default::default())),
        }
    }

    /// Runs a part in the open transaction; a row that is refused is searched by halves.
    async fn write_part(&self, lease: &mut Lease, whole: Part, written: &mut Vec<Written>) -> Result<(), Failed> {
        let mut waiting = vec![whole];
        while let Some(part) = waiting.pop() {
            let bound = self.bind(part)?;
            match self.run(lease, part, bound, false, written).await {
                Ok(()) => {}
                Err(failure) if part.len > 1 && failure.spares_transaction() => {
                    let half = part.len / 2;
                    waiting.push(Part { first: part.first + half, len: part.len - half });
                    waiting.push(Part { first: part.first, len: half });
                }
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
        let text = if part.len > 1 { plan.rows(part.len) } else { plan.text.clone() };
        lease.execute(&text, bound, self.database.limit()).await?;
        let connection = lease.connection()?;
        let mut keys = Vec::new();
        if part.len > 1 && plan.returns_keys() {
            keys.reserve(part.len);
            while let Some(row) = connection.next_row().await? {
                match MysqlRow::new(&row).value(0, ValueType::I64) {
                    Ok(thing_driver_api::Value::I64(key)) => keys.push(key),
                    _ => return Err(Failure::Refused(error::key_out_of_range(alone))),
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
            let step = connection.server.key_increment;
            // The server makes the keys of one statement at once: neighbours, at its distance.
            keys.extend((0..part.len as i64).map(|n| first + n * step));
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
