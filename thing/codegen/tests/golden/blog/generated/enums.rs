// Made by `thing generate`; do not edit.

use thing::ColumnType;

/// The values of `Role`.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads.
    #[thing(rename = "USER")]
    User,
    #[thing(rename = "administrator")]
    Admin,
}
