// Made by `thing generate`; do not edit.

use thing::ColumnType;

/// The values of `Result`.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultKind {
    Ok,
    #[thing(rename = "SELF")]
    SelfValue,
    A,
    #[thing(rename = "another a")]
    AValue,
    #[thing(rename = "x-y")]
    XY,
}
