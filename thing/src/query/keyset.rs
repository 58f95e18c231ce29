//! Keysets: the rows behind a row in an order of several terms, as a condition. NULL is least.

use thing_driver_api::{Comparison, Order, Table, Value};

use crate::filter::{Node, Operand};

/// One term of an order, and the value that a row has there.
#[derive(Clone, Copy)]
struct Term<'a> {
    column: usize,
    descending: bool,
    nullable: bool,
    value: &'a Value<'static>,
}

/// The rows that come after the row with these values, or after and including it. `order` is total, and has as many terms
/// as there are values.
pub(super) fn following(table: &Table, order: &[Order], values: &[Value<'static>], including: bool) -> Node {
    let terms = order.iter().zip(values).map(|(&Order { column, descending }, value)| Term {
        column,
        descending,
        nullable: table.column(column).nullable,
        value,
    });
    let rows = terms.clone().rev().fold(None, |rest: Option<Node>, term| {
        Some(match rest {
            None if including => term.after_or_same(),
            None => term.after(),
            Some(rest) => either(term.after(), term.same().and(rest)),
        })
    });
    let rows = rows.unwrap_or(Node::Constant(false));
    match terms.clone().next().filter(|_| order.len() > 1).and_then(Term::bound) {
        // It follows from the rest, and lets the database begin in an index.
        Some(bound) => bound.and(rows),
        None => rows,
    }
}

/// The same order from its other end.
pub(super) fn reversed(order: &[Order]) -> Vec<Order> {
    order.iter().map(|term| Order { descending: !term.descending, ..*term }).collect()
}

fn either(one: Node, other: Node) -> Node {
    match (one, other) {
        (Node::Constant(false), node) | (node, Node::Constant(false)) => node,
        (one, other) => Node::Or(vec![one, other]),
    }
}

impl Term<'_> {
    fn compare(self, operator: Comparison) -> Node {
        Node::Compare { column: self.column, operator, operand: Operand::Value(self.value.clone()) }
    }

    fn is_null(self, negated: bool) -> Node {
        Node::IsNull { column: self.column, negated }
    }

    fn same(self) -> Node {
        if self.value.is_null() { self.is_null(false) } else { self.compare(Comparison::Equal) }
    }

    fn after(self) -> Node {
        match (self.value, self.descending) {
            (Value::Null, false) => self.is_null(true),
            (Value::Null, true) => Node::Constant(false),
            (_, false) => self.compare(Comparison::Greater),
            (_, true) if self.nullable => either(self.compare(Comparison::Less), self.is_null(false)),
            (_, true) => self.compare(Comparison::Less),
        }
    }

    fn after_or_same(self) -> Node {
        self.bound().unwrap_or_else(|| either(self.after(), self.same()))
    }

    /// The rows that are not before it by this term, where one comparison says so.
    fn bound(self) -> Option<Node> {
        match (self.value, self.descending) {
            (Value::Null, _) => None,
            (_, false) => Some(self.compare(Comparison::GreaterOrEqual)),
            (_, true) if self.nullable => None,
            (_, true) => Some(self.compare(Comparison::LessOrEqual)),
        }
    }
}
