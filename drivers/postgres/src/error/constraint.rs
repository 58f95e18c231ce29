//! Constraints: which one refused a write, and its columns.

use thing_driver_api::{Constraint, ConstraintKind, ErrorKind};
use tokio_postgres::error::DbError;

use crate::plan::Plan;

/// What the server says of a violation (SQLSTATE 23xxx), without values.
pub(super) fn refusal(server: &DbError, plan: Option<&Plan>) -> (ErrorKind, String) {
    let sort = match server.code().code() {
        "23505" => ConstraintKind::Unique,
        "23503" | "23001" => ConstraintKind::ForeignKey,
        "23502" => ConstraintKind::NotNull,
        "23514" => ConstraintKind::Check,
        _ => ConstraintKind::Other,
    };
    let model = plan.and_then(|plan| plan.table.as_deref());
    let of_this_table = model.is_none_or(|model| Some(model.name()) == server.table());
    let columns = match (sort, server.column()) {
        (_, Some(column)) => vec![column.to_owned()],
        (ConstraintKind::Unique, None) => key_columns(server.detail()),
        // When rows still refer to it, the columns are those of the other table.
        (ConstraintKind::ForeignKey, None) if of_this_table && !plan.is_some_and(|plan| plan.deletes) => {
            key_columns(server.detail())
        }
        _ => Vec::new(),
    };
    let mut constraint = Constraint::new(sort);
    let name = server.constraint();
    if sort == ConstraintKind::Unique && is_key(&columns, model.filter(|_| of_this_table), name) {
        constraint.kind = ConstraintKind::PrimaryKey;
    }
    if let Some(table) = server.table() {
        constraint = constraint.on(table, columns);
    }
    if let Some(name) = name {
        constraint = constraint.named(name);
    }
    let said = said(&constraint);
    (ErrorKind::Constraint(constraint), said)
}

fn is_key(columns: &[String], model: Option<&thing_driver_api::Table>, name: Option<&str>) -> bool {
    match model {
        Some(model) if !columns.is_empty() => {
            model.key().iter().map(|&column| model.column(column).name.as_ref()).eq(columns.iter().map(String::as_str))
        }
        _ => name.is_some_and(|name| name.ends_with("_pkey")),
    }
}

fn said(constraint: &Constraint) -> String {
    let mut said = format!("{} constraint failed", constraint.kind);
    if let Some(table) = &constraint.table {
        said.push_str(": ");
        said.push_str(table);
        if !constraint.columns.is_empty() {
            said.push('.');
            said.push_str(&constraint.columns.join(", "));
        }
    }
    if let Some(name) = &constraint.name {
        said.push_str(&format!(" ({name})"));
    }
    said
}

/// Reads `Key (a, "b c")=(1, 2) already exists.`, in whichever language; empty where it is written otherwise, as for an
/// index over an expression.
fn key_columns(detail: Option<&str>) -> Vec<String> {
    detail.and_then(read_columns).unwrap_or_default()
}

fn read_columns(detail: &str) -> Option<Vec<String>> {
    let mut rest = detail[detail.find('(')? + 1..].chars();
    let mut columns = Vec::new();
    loop {
        let mut name = String::new();
        let mut next = rest.next()?;
        if next == '"' {
            loop {
                match rest.next()? {
                    '"' if rest.clone().next() == Some('"') => {
                        rest.next();
                        name.push('"');
                    }
                    '"' => break,
                    c => name.push(c),
                }
            }
            next = rest.next()?;
        } else {
            while next.is_alphanumeric() || next == '_' || next == '$' {
                name.push(next);
                next = rest.next()?;
            }
        }
        if name.is_empty() {
            return None;
        }
        columns.push(name);
        match next {
            ',' if rest.next() == Some(' ') => {}
            ')' if rest.as_str().starts_with("=(") => return Some(columns),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::key_columns;

    #[test]
    fn columns_are_read_from_the_detail() {
        for (detail, columns) in [
            ("Key (email)=(a@b) already exists.", &["email"][..]),
            ("Key (a, b)=(1, 2) already exists.", &["a", "b"]),
            ("Schlüssel »(a, b)=(1, 2)« existiert bereits.", &["a", "b"]),
            (r#"Key ("two words", "say ""hi""", größe)=(1)=(2, 3) exists"#, &["two words", "say \"hi\"", "größe"]),
            ("Key (lower(email))=(a) already exists.", &[]),
            ("Key (a", &[]),
            ("", &[]),
        ] {
            assert_eq!(key_columns(Some(detail)), columns, "{detail}");
        }
    }
}
