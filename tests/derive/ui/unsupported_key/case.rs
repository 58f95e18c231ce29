use thing::{ColumnType, Model};
use uuid::Uuid;

#[derive(Clone, Model)]
struct Measurement {
    id: f64,
}

#[derive(Clone, ColumnType)]
struct UserId(u64);

#[derive(Clone, Model)]
struct NotHashed {
    id: UserId,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
struct BookId(Uuid);

#[derive(Clone, Model)]
struct NotAssigned {
    id: BookId,
}

fn main() {}
