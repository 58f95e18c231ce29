// Made by `thing generate`; do not edit.

use thing::ColumnType;

/// The values of `OrderStatus`.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    New,
    Paid,
    #[thing(rename = "sent back")]
    SentBack,
}

/// The values of `ProductSize`.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProductSize {
    Small,
    Large,
    #[thing(rename = "extra large")]
    ExtraLarge,
}
