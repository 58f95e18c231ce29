// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use thing::Model;

use super::{OptionRow, ResultKind, VecRowRow};

/// A row of the table `Type`.
#[derive(Model, Clone, Debug)]
#[thing(table = "Type")]
#[thing(has_many(options: OptionRow, OptionRow::TYPE_ID))]
#[thing(has_many(row: VecRowRow, VecRowRow::TYPE_))]
pub struct Type {
    #[thing(key)]
    pub r#type: String,
    #[thing(column = "self")]
    pub self_: i32,
    #[thing(default = "a \"quoted\" \\ text\nof two lines é")]
    pub quoted: String,
    #[thing(default = Some(ResultKind::SelfValue))]
    pub result: Option<ResultKind>,
    pub blank: String,
    #[thing(default = Some(-5))]
    pub small: Option<i16>,
    pub huge: i16,
    #[thing(default = -9000000000)]
    pub large: i64,
    #[thing(default = 2.0)]
    pub ratio: f64,
    #[thing(default = Some("maybe".into()))]
    pub maybe: Option<String>,
    pub made: Timestamp,
    pub second: Timestamp,
    pub seen: Option<Timestamp>,
    #[thing(created)]
    pub created: Timestamp,
    pub counter: i32,
    pub secret: String,
    pub token: String,
}
