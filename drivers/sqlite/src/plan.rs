//! Plans: a shape as SQLite runs it, and where it runs.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use thing_driver_api::{Comparison, Condition, Operand, Operation, Result, Shape, Slot, Table, sql};

use crate::dialect::SqliteDialect;
use crate::error;
use crate::watch::BUDGET;

/// What the driver keeps with a shape.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The text.
    pub(crate) text: String,
    /// The slot of each placeholder.
    pub(crate) binds: Vec<Slot>,
    /// True for a statement in SQL of the application.
    pub(crate) raw: bool,
    /// Whether the database makes the key of the row that this inserts.
    pub(crate) generates_key: bool,
    /// Where it runs when it can be interrupted and run again.
    pub(crate) pace: Pace,
    /// Where it runs as a write in a transaction: interrupting it would roll back the whole.
    pub(crate) pace_in_transaction: Pace,
}

impl Plan {
    pub(crate) fn compile(shape: &Shape) -> Result<Self> {
        let table = shape.table();
        let operation = shape.operation();
        if let Operation::Raw { text } = operation
            && controls_transaction(text)
        {
            return Err(error::transaction_control());
        }
        let rendered = sql::render(shape, &SqliteDialect)?;
        let raw = matches!(operation, Operation::Raw { .. });
        Ok(Self {
            text: rendered.text,
            binds: rendered.binds,
            raw,
            generates_key: matches!((operation, table), (Operation::Insert { columns, .. }, Some(table))
                if table.has_generated_key() && !columns.contains(&table.key()[0])),
            pace: Pace::new(!raw),
            pace_in_transaction: Pace::new(table.is_some_and(|table| is_single_row(operation, table))),
        })
    }
}

fn is_single_row(operation: &Operation, table: &Table) -> bool {
    match operation {
        Operation::Insert { .. } | Operation::Upsert { .. } => true,
        Operation::Update { filter, .. } | Operation::Increment { filter, .. } | Operation::Delete { filter, .. } => {
            table.key().iter().all(|&column| pins(filter, column))
        }
        _ => false,
    }
}

/// True when the condition lets only one value of the column pass.
fn pins(condition: &Condition, column: usize) -> bool {
    match condition {
        Condition::And(terms) => terms.iter().any(|term| pins(term, column)),
        Condition::Compare { column: compared, operator: Comparison::Equal, operand: Operand::Slot(_) }
        | Condition::Same { column: compared, .. } => *compared == column,
        _ => false,
    }
}

/// True for BEGIN, COMMIT and their like, also behind comments.
fn controls_transaction(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            break;
        };
    }
    let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
    ["begin", "commit", "end", "rollback", "savepoint", "release"]
        .iter()
        .any(|control| word.eq_ignore_ascii_case(control))
}

/// Remembers whether a statement is short enough for the caller's thread.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How many short runs on a worker it still takes; 0 is short.
    proofs_wanted: AtomicU8,
}

impl Pace {
    const PROOFS_OF_THE_UNKNOWN: u8 = 3;
    const PROOFS_AFTER_A_LONG_RUN: u8 = 8;

    fn new(short: bool) -> Self {
        Self { proofs_wanted: AtomicU8::new(if short { 0 } else { Self::PROOFS_OF_THE_UNKNOWN }) }
    }

    pub(crate) fn is_short(&self) -> bool {
        self.proofs_wanted.load(Ordering::Relaxed) == 0
    }

    /// It exceeded the budget on the caller's thread.
    pub(crate) fn was_long(&self) {
        self.proofs_wanted.store(Self::PROOFS_AFTER_A_LONG_RUN, Ordering::Relaxed);
    }

    /// It took so long on a worker. What counts as short stays so, whatever brought it there: a disk that was busy for
    /// a moment makes no long statement.
    pub(crate) fn took(&self, duration: Duration) {
        if self.is_short() {
            return;
        }
        if duration > BUDGET / 2 {
            return self.was_long();
        }
        let wanted = self.proofs_wanted.load(Ordering::Relaxed);
        // Two runs at once may count as one, which only delays the way back.
        self.proofs_wanted.store(wanted.saturating_sub(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_control_is_seen_behind_comments() {
        assert!(controls_transaction(" -- now\n /* go */ ;begin immediate"));
        assert!(controls_transaction("COMMIT"));
        assert!(!controls_transaction("SELECT 1 -- begin"));
        assert!(!controls_transaction("/* begin"));
    }
}
