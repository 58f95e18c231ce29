//! Agreement: random conditions over random rows pass the same rows in the database as in the reference evaluator.
//!
//! The numbers are the same in every run, so a failure repeats.

use std::sync::Arc;

use thing_driver_api::{Column, Condition, Operand, Slot, Table, Value, ValueType};

use super::Database;
use super::filters::{COMPARISONS, judge};
use super::samples::{EXACT, NUMBERS, samples};
use super::statements::{Values, write_all};
use crate::random::Random;

const ROWS: i64 = 60;
const CONDITIONS: usize = 250;
const COLUMNS_OF_A_TYPE: usize = 2;

/// Random conditions over integers, truth values, bytes, UUIDs and dates.
pub async fn conditions_on_exact_types(db: &Database<'_>) {
    agree(db, &EXACT, 1).await;
}

/// Random conditions over floats, timestamps and times.
pub async fn conditions_on_numbers(db: &Database<'_>) {
    agree(db, &NUMBERS, 2).await;
}

/// Random conditions over text, LIKE among them.
pub async fn conditions_on_text(db: &Database<'_>) {
    agree(db, &[ValueType::Text], 3).await;
}

async fn agree(db: &Database<'_>, types: &[ValueType], seed: u64) {
    let mut random = Random::new(seed);
    let (table, rows) = random_rows(db, types, &mut random).await;
    for _ in 0..CONDITIONS {
        let mut generator = Generator { types, random: &mut random, slots: Vec::new() };
        let condition = generator.condition(3);
        let slots = generator.slots;
        judge(db, &table, &rows, condition, &slots).await;
    }
}

async fn random_rows(db: &Database<'_>, types: &[ValueType], random: &mut Random) -> (Arc<Table>, Vec<Values>) {
    let mut table = db.table("rows").column(Column::new("id", ValueType::I64)).key([0]);
    let columns = types.iter().flat_map(|&t| [t; COLUMNS_OF_A_TYPE]);
    for (n, value_type) in columns.clone().enumerate() {
        table = table.column(Column::new(format!("c{n}"), value_type).nullable(true));
    }
    let table = db.create(table).await;
    let rows: Vec<Values> = (0..ROWS)
        .map(|id| {
            let values = columns
                .clone()
                .map(|value_type| if random.one_in(5) { Value::Null } else { random_value(value_type, random) });
            std::iter::once(Value::I64(id)).chain(values).collect()
        })
        .collect();
    write_all(&**db.executor(), &table, &rows).await;
    (table, rows)
}

/// A sample, or a small value that other rows are likely to hold too.
fn random_value(value_type: ValueType, random: &mut Random) -> Value<'static> {
    let small = random.below(8) as i64 - 3;
    match value_type {
        _ if random.one_in(3) => random.pick(&samples(value_type)).clone(),
        ValueType::I16 | ValueType::I32 | ValueType::I64 => Value::I64(small),
        ValueType::F32 | ValueType::F64 => Value::F64(small as f64 / 2.0),
        ValueType::Timestamp => Value::Timestamp(small * 500_000),
        ValueType::Text => Value::Text(random_text(random).into()),
        _ => random.pick(&samples(value_type)).clone(),
    }
}

fn random_text(random: &mut Random) -> String {
    let length = random.below(5);
    (0..length).map(|_| *random.pick(&['a', 'A', 'b', '%', '_', '\\', 'é', ' '])).collect()
}

/// A pattern in which every `\` escapes something.
fn random_pattern(random: &mut Random) -> String {
    let length = random.below(5);
    (0..length).map(|_| *random.pick(&["a", "A", "b", "%", "_", r"\%", r"\_", r"\\", "é", " "])).collect()
}

struct Generator<'a> {
    types: &'a [ValueType],
    random: &'a mut Random,
    slots: Vec<Value<'static>>,
}

impl Generator<'_> {
    fn condition(&mut self, depth: usize) -> Condition {
        if depth == 0 || self.random.one_in(4) {
            return self.leaf();
        }
        match self.random.below(5) {
            0 | 1 => Condition::And(self.terms(depth)),
            2 | 3 => Condition::Or(self.terms(depth)),
            _ => Condition::Not(Box::new(self.condition(depth - 1))),
        }
    }

    fn terms(&mut self, depth: usize) -> Vec<Condition> {
        let count = 1 + self.random.below(3);
        (0..count).map(|_| self.condition(depth - 1)).collect()
    }

    fn leaf(&mut self) -> Condition {
        let at = self.random.below(self.types.len());
        let value_type = self.types[at];
        let first = 1 + at * COLUMNS_OF_A_TYPE;
        let column = first + self.random.below(COLUMNS_OF_A_TYPE);
        let negated = self.random.one_in(2);
        match self.random.below(if value_type == ValueType::Text { 9 } else { 7 }) {
            0 => Condition::IsNull { column, negated },
            1 => Condition::In {
                column,
                slots: (0..=self.random.below(4)).map(|_| self.slot(value_type, false)).collect(),
                negated,
            },
            2 => Condition::Between {
                column,
                low: self.slot(value_type, true),
                high: self.slot(value_type, true),
                negated,
            },
            3 => Condition::Same { column, slot: self.slot(value_type, true) },
            4 => Condition::Compare {
                column,
                operator: *self.random.pick(&COMPARISONS),
                operand: Operand::Column(first + self.random.below(COLUMNS_OF_A_TYPE)),
            },
            5 | 6 => Condition::Compare {
                column,
                operator: *self.random.pick(&COMPARISONS),
                operand: Operand::Slot(self.slot(value_type, true)),
            },
            _ => {
                let pattern = random_pattern(self.random);
                self.slots.push(Value::Text(pattern.into()));
                Condition::Like { column, pattern: Slot(self.slots.len() - 1), negated }
            }
        }
    }

    fn slot(&mut self, value_type: ValueType, may_be_null: bool) -> Slot {
        let value =
            if may_be_null && self.random.one_in(10) { Value::Null } else { random_value(value_type, self.random) };
        self.slots.push(value);
        Slot(self.slots.len() - 1)
    }
}
