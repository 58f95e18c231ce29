//! Questions: what a list or a count asks, how its entry is named, and what it depends on.

use thing_driver_api::{
    ColumnSet, Comparison, Condition, EntryKey, JsonTest, ListTest, Operand, Order, Scope, Slot, Table, Tag, Value,
};

/// What a cached query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The keys of a window of an ordered list.
    List,
    /// How many rows match.
    Count,
    /// Whether a row matches.
    Exists,
    /// The keys of a page, and where it begins and ends.
    Page,
}

/// A query with its values.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) kind: Kind,
    pub(crate) table: &'a Table,
    pub(crate) filter: &'a Condition,
    pub(crate) order: &'a [Order],
    /// Whether there is a limit, and whether there is an offset.
    pub(crate) window: (bool, bool),
    /// Of the filter, then limit and offset.
    pub(crate) values: &'a [Value<'static>],
    /// Whether every program that writes to the table touches the scopes that this one declares.
    pub(crate) scoped: bool,
}

impl Question<'_> {
    /// The name of the entry.
    pub(crate) fn key(&self) -> EntryKey {
        EntryKey::Query { table: self.table.id(), question: self.name().into() }
    }

    /// All that was asked of the table, in an encoding in which different questions differ. The fingerprint fixes what the
    /// column numbers mean.
    pub(crate) fn name(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96);
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.table.fingerprint().to_le_bytes());
        write_condition(self.filter, &mut bytes);
        bytes.push(0xfe);
        for term in self.order {
            bytes.extend_from_slice(&[column(term.column), u8::from(term.descending)]);
        }
        bytes.extend_from_slice(&[0xff, u8::from(self.window.0), u8::from(self.window.1)]);
        for value in self.values {
            value.write_canonical(&mut bytes);
        }
        bytes
    }

    /// The set of rows that the query is about: an equality on a column that leads an index, where the filter demands
    /// one, else the table.
    pub(crate) fn scope(&self) -> Scope<'_> {
        if !self.scoped || self.is_raw() {
            return Scope::Table;
        }
        let scopes = self.table.scopes();
        let terms: &[Condition] = match self.filter {
            Condition::And(terms) => terms,
            one => std::slice::from_ref(one),
        };
        let found = scopes.iter().find_map(|&scope| {
            terms.iter().find_map(|term| match term {
                Condition::Compare { column, operator: Comparison::Equal, operand: Operand::Slot(slot) }
                    if *column == scope =>
                {
                    Some((scope, &self.values[slot.0]))
                }
                Condition::IsNull { column, negated: false } if *column == scope => Some((scope, &Value::Null)),
                _ => None,
            })
        });
        match found {
            Some((column, value)) => Scope::equal(&self.table.column(column).name, value),
            None => Scope::Table,
        }
    }

    /// The columns that decide which rows match and in which order. The key is left out: it never changes.
    pub(crate) fn mentioned(&self) -> ColumnSet {
        let mut columns: ColumnSet = match self.kind {
            Kind::List | Kind::Page => self.order.iter().map(|term| term.column).collect(),
            Kind::Count | Kind::Exists => ColumnSet::EMPTY,
        };
        mention(self.filter, &mut columns);
        if self.is_raw() {
            columns = (0..self.table.columns().len()).collect();
        }
        columns.iter().filter(|column| !self.table.key().contains(column)).collect()
    }

    /// The columns that the filter looks at, as far as it is not raw.
    pub(crate) fn filtered(&self) -> ColumnSet {
        let mut columns = ColumnSet::EMPTY;
        mention(self.filter, &mut columns);
        columns
    }

    /// Whether only the database knows what the filter means.
    pub(crate) fn is_raw(&self) -> bool {
        is_raw(self.filter)
    }

    /// The tags that the entry depends on. The scope's own column is not among them: a write that changes it moves the
    /// row between scopes, and so touches their rows.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        let id = self.table.id();
        let scope = self.scope();
        let mut tags = vec![Tag::rows(id, &scope)];
        for column in self.mentioned().iter() {
            let name: &str = &self.table.column(column).name;
            if !matches!(&scope, Scope::Equal(scoped, _) if *scoped == name) {
                tags.push(Tag::column(id, &scope, name));
            }
        }
        tags
    }
}

fn mention(condition: &Condition, columns: &mut ColumnSet) {
    match condition {
        Condition::And(terms) | Condition::Or(terms) => terms.iter().for_each(|term| mention(term, columns)),
        Condition::Not(inner) => mention(inner, columns),
        Condition::Compare { column, operand, .. } => {
            columns.insert(*column);
            if let Operand::Column(other) = operand {
                columns.insert(*other);
            }
        }
        Condition::In { column, .. }
        | Condition::Between { column, .. }
        | Condition::Like { column, .. }
        | Condition::IsNull { column, .. }
        | Condition::Same { column, .. }
        | Condition::Json { column, .. }
        | Condition::List { column, .. } => columns.insert(*column),
        _ => {}
    }
}

fn is_raw(condition: &Condition) -> bool {
    match condition {
        Condition::And(terms) | Condition::Or(terms) => terms.iter().any(is_raw),
        Condition::Not(inner) => is_raw(inner),
        Condition::Raw { .. } => true,
        _ => false,
    }
}

/// Columns are fewer than [`MAX_COLUMNS`](thing_driver_api::MAX_COLUMNS), 128.
fn column(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}

/// Slots are numbered in the order of the tree, so that only their number matters.
fn write_condition(condition: &Condition, out: &mut Vec<u8>) {
    match condition {
        Condition::Constant(value) => out.extend_from_slice(&[1, u8::from(*value)]),
        Condition::And(terms) => write_terms(2, terms, out),
        Condition::Or(terms) => write_terms(3, terms, out),
        Condition::Not(inner) => {
            out.push(4);
            write_condition(inner, out);
        }
        Condition::Compare { column: left, operator, operand } => {
            out.extend_from_slice(&[5, column(*left), *operator as u8]);
            match operand {
                Operand::Slot(Slot(_)) => out.push(0),
                Operand::Column(right) => out.extend_from_slice(&[1, column(*right)]),
            }
        }
        Condition::In { column: left, slots, negated } => {
            out.extend_from_slice(&[6, column(*left), u8::from(*negated)]);
            out.extend_from_slice(&(slots.len() as u64).to_le_bytes());
        }
        Condition::Between { column: left, negated, .. } => {
            out.extend_from_slice(&[7, column(*left), u8::from(*negated)]);
        }
        Condition::Like { column: left, negated, .. } => {
            out.extend_from_slice(&[8, column(*left), u8::from(*negated)]);
        }
        Condition::IsNull { column: left, negated } => {
            out.extend_from_slice(&[9, column(*left), u8::from(*negated)]);
        }
        Condition::Same { column: left, .. } => out.extend_from_slice(&[10, column(*left)]),
        Condition::Raw { pieces, .. } => {
            out.push(11);
            out.extend_from_slice(&(pieces.len() as u64).to_le_bytes());
            for piece in pieces {
                write_text(piece, out);
            }
        }
        Condition::Json { column: left, path, test: JsonTest::Compare { kind, operator, .. } } => {
            out.extend_from_slice(&[12, column(*left), *kind as u8, *operator as u8]);
            write_text(&path.to_string(), out);
        }
        Condition::Json { column: left, path, test: test @ (JsonTest::Exists | JsonTest::IsNull) } => {
            out.extend_from_slice(&[13, column(*left), u8::from(*test == JsonTest::IsNull)]);
            write_text(&path.to_string(), out);
        }
        Condition::List { column: left, test: ListTest::Has { .. } } => out.extend_from_slice(&[14, column(*left)]),
        Condition::List { column: left, test: ListTest::IsEmpty } => out.extend_from_slice(&[15, column(*left)]),
        // Conditions of queries are made by `Filter`, which makes no others.
        other => out.extend_from_slice(format!("{other:?}").as_bytes()),
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn write_terms(tag: u8, terms: &[Condition], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(terms.len() as u64).to_le_bytes());
    terms.iter().for_each(|term| write_condition(term, out));
}
