// Made by `thing generate`; do not edit.

use thing::ColumnType;

/// The values of `order_status`.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    New,
    Paid,
    #[thing(rename = "sent back")]
    SentBack,
}
