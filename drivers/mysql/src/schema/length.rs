//! Lengths: what an index has room for.

use thing_driver_api::{Table, ValueType};

/// What one character of utf8mb4 takes in an index.
const BYTES_OF_A_CHARACTER: usize = 4;
/// The bytes that the columns of one index may have together.
const INDEX_BYTES: usize = 3072;
/// The most characters, or bytes, of one column in an index.
const LONGEST_INDEXED: usize = 255;

/// The characters that an indexed column of text can have.
pub(super) fn of_text(table: &Table, column: usize) -> usize {
    of_indexed(table, column) / BYTES_OF_A_CHARACTER
}

/// The bytes that an indexed column of bytes can have.
pub(super) fn of_bytes(table: &Table, column: usize) -> usize {
    of_indexed(table, column).min(LONGEST_INDEXED)
}

/// The bytes that an indexed column of text or bytes can have, so that it fits all its indexes.
fn of_indexed(table: &Table, column: usize) -> usize {
    let keys = table.indexes().iter().map(|index| index.columns.as_slice()).chain([table.key()]);
    let room = keys.filter(|columns| columns.contains(&column)).map(|columns| {
        let grows = |&&column: &&usize| matches!(table.column(column).value_type, ValueType::Text | ValueType::Bytes);
        let growing = columns.iter().filter(grows).count();
        // What does not grow takes 30 bytes at most, its NULL mark included (a decimal).
        let fixed = 30 * (columns.len() - growing);
        // Two bytes of length and one NULL mark.
        INDEX_BYTES.saturating_sub(fixed) / growing.max(1) - 3
    });
    room.min().unwrap_or(INDEX_BYTES).min(LONGEST_INDEXED * BYTES_OF_A_CHARACTER)
}

/// The characters that each of so many columns of one index can have.
pub(super) fn of_each(columns: usize) -> usize {
    ((INDEX_BYTES / columns.max(1) - 3) / BYTES_OF_A_CHARACTER).min(LONGEST_INDEXED)
}
