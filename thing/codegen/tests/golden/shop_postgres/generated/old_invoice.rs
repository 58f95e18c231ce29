// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use jiff::civil::Time;
use rust_decimal::Decimal;
use thing::Model;

/// A row of the table `old_invoices`.
#[derive(Model, Clone, Debug)]
#[thing(table = "old_invoices")]
pub struct OldInvoice {
    #[thing(key, assigned)]
    pub number: i64,
    pub total: Decimal,
    #[thing(default = "DE")]
    pub country: String,
    pub paid_at: Option<Timestamp>,
    pub printed_at: Option<Time>,
}
