//! Living rows: what stands for an index that leaves out rows that are marked as deleted.
//!
//! The servers have no indexes of some rows. A generated column, 1 in a living row and NULL in a deleted one, is the last
//! part of such unique indexes: NULL is equal to nothing, so that deleted rows are in nobody's way. The column is listed
//! nowhere; the indexes are described with the mark as their condition, `` `deleted_at` IS NULL `` or `` NOT `deleted` ``.

use thing_driver_api::Column;
use thing_driver_api::schema::TableSchema;

use super::name::identifier;

/// The generated column.
pub(super) const LIVING: &str = "thing_living";

/// The condition that a row is not marked as deleted by this column.
pub(super) fn condition(column: &Column) -> String {
    written(&column.name, column.nullable)
}

/// The condition that the generated column stands for, by its expression as the server shows it.
pub(super) fn shown(expression: &str) -> Option<String> {
    let (_, rest) = expression.split_once('`')?;
    let mut name = String::new();
    let mut rest = rest.char_indices().peekable();
    while let Some((_, c)) = rest.next() {
        if c == '`' && rest.next_if(|(_, next)| *next == '`').is_none() {
            break;
        }
        name.push(c);
    }
    Some(written(&name, expression.to_ascii_lowercase().contains(" is null")))
}

/// The definition of the generated column.
pub(super) fn definition(condition: &str) -> String {
    let made = match condition.strip_prefix("NOT ") {
        Some(mark) => format!("IF({mark}, NULL, 1)"),
        None => format!("IF({condition}, 1, NULL)"),
    };
    format!("{} TINYINT(1) GENERATED ALWAYS AS ({made}) VIRTUAL", identifier(LIVING))
}

/// The condition of the indexes of a table that need the column.
pub(super) fn of(table: &TableSchema) -> Option<&str> {
    table.indexes.iter().filter(|index| index.living).find_map(|index| index.condition.as_deref())
}

fn written(name: &str, nullable: bool) -> String {
    let name = identifier(name);
    if nullable { format!("{name} IS NULL") } else { format!("NOT {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_from_the_words_of_the_server() {
        assert_eq!(shown("if(`gone` is null,1,NULL)").as_deref(), Some("`gone` IS NULL"));
        assert_eq!(shown("if((`a``b` is null),1,NULL)").as_deref(), Some("`a``b` IS NULL"));
        assert_eq!(shown("if(`gone`,NULL,1)").as_deref(), Some("NOT `gone`"));
    }
}
