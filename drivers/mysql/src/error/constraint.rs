//! Constraints: which one refused a write, and its columns, read from the sentences of both servers.

use thing_driver_api::{Constraint, ConstraintKind, Table};

pub(super) fn violated(constraint: &Constraint) -> String {
    let mut said = format!("{} constraint failed", constraint.kind);
    if let Some(table) = &constraint.table {
        said.push_str(&format!(": {table}"));
        if !constraint.columns.is_empty() {
            said.push_str(&format!(".{}", constraint.columns.join(", ")));
        }
    }
    if let Some(name) = constraint.name.as_deref().filter(|name| *name != PRIMARY) {
        said.push_str(&format!(" (`{name}`)"));
    }
    said
}

/// What the servers call the index of every primary key.
const PRIMARY: &str = "PRIMARY";

pub(super) fn read(kind: ConstraintKind, message: &str, table: Option<&Table>) -> Constraint {
    let constraint = Constraint::new(kind);
    match kind {
        ConstraintKind::Unique => unique(message, table),
        ConstraintKind::NotNull => match (quoted(message, '\''), table) {
            (Some(column), Some(table)) => constraint.on(table.name(), vec![column.to_owned()]),
            (Some(column), None) => {
                let mut constraint = constraint;
                constraint.columns.push(column.to_owned());
                constraint
            }
            _ => constraint,
        },
        ConstraintKind::ForeignKey => foreign_key(message, constraint),
        ConstraintKind::Check => {
            let name = quoted(message, '`').or_else(|| quoted(message, '\''));
            let constraint = match table {
                Some(table) => constraint.on(table.name(), Vec::new()),
                None => constraint,
            };
            match name {
                // MariaDB calls the check of a column `table`.`column`.
                Some(name) => constraint.named(name.rsplit_once("`.`").map_or(name, |(_, name)| name)),
                None => constraint,
            }
        }
        _ => constraint,
    }
}

/// Reads `Duplicate entry '...' for key 'name'`, and MySQL's `... for key 'table.name'`.
fn unique(message: &str, table: Option<&Table>) -> Constraint {
    let named = message.rsplit_once(" for key ").map(|(_, name)| name.trim_matches(['\'', '`']));
    let Some(named) = named else {
        return Constraint::new(ConstraintKind::Unique);
    };
    let Some(table) = table else {
        let name = named.rsplit_once('.').map_or(named, |(_, name)| name);
        let kind = if name == PRIMARY { ConstraintKind::PrimaryKey } else { ConstraintKind::Unique };
        return Constraint::new(kind).named(name);
    };
    let name = named.strip_prefix(table.name()).and_then(|name| name.strip_prefix('.')).unwrap_or(named);
    let columns = |columns: &[usize]| columns.iter().map(|&column| table.column(column).name.to_string()).collect();
    if name == PRIMARY {
        return Constraint::new(ConstraintKind::PrimaryKey).on(table.name(), columns(table.key())).named(name);
    }
    let index = table.indexes().iter().find(|index| index.name.eq_ignore_ascii_case(name));
    let columns = index.map(|index| columns(&index.columns)).unwrap_or_default();
    Constraint::new(ConstraintKind::Unique).on(table.name(), columns).named(name)
}

/// Reads ``... fails (`database`.`table`, CONSTRAINT `name` FOREIGN KEY (`a`, `b`) REFERENCES ...``.
fn foreign_key(message: &str, constraint: Constraint) -> Constraint {
    let Some((place, rest)) = message.split_once(", CONSTRAINT ") else {
        return constraint;
    };
    let table = place.rsplit_once("`.`").map(|(_, table)| table.trim_end_matches('`').to_owned());
    let name = quoted(rest, '`').map(str::to_owned);
    let columns = rest
        .split_once("FOREIGN KEY (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(columns, _)| columns.split(", ").map(|column| column.trim_matches('`').to_owned()).collect());
    let constraint = match table {
        Some(table) => constraint.on(table, columns.unwrap_or_default()),
        None => constraint,
    };
    match name {
        Some(name) => constraint.named(name),
        None => constraint,
    }
}

/// What stands between the first two marks.
fn quoted(message: &str, mark: char) -> Option<&str> {
    let (_, rest) = message.split_once(mark)?;
    rest.split_once(mark).map(|(quoted, _)| quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_messages_of_both_servers_give_the_index() {
        for message in
            ["Duplicate entry 'a for key b' for key 'by_name'", "Duplicate entry 'x' for key 'users.by_name'"]
        {
            let found = unique(message, None);
            assert_eq!((found.kind, found.name.as_deref()), (ConstraintKind::Unique, Some("by_name")), "{message}");
        }
        assert_eq!(unique("Duplicate entry '1' for key 'users.PRIMARY'", None).kind, ConstraintKind::PrimaryKey);
    }

    #[test]
    fn foreign_key_messages_give_table_columns_and_name() {
        let message = "Cannot add or update a child row: a foreign key constraint fails (`db`.`child`, CONSTRAINT \
                       `fk` FOREIGN KEY (`a`, `b`) REFERENCES `parent` (`x`, `y`))";
        let found = foreign_key(message, Constraint::new(ConstraintKind::ForeignKey));
        assert_eq!(found.table.as_deref(), Some("child"));
        assert_eq!(found.columns, ["a", "b"]);
        assert_eq!(found.name.as_deref(), Some("fk"));
    }
}
