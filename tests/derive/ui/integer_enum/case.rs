use thing::ColumnType;

#[derive(Clone, ColumnType)]
#[thing(integer)]
enum Status {
    Active = 1,
    Idle,
    #[thing(rename = "gone")]
    Deleted = 3,
    Held(u8) = 4,
}

#[derive(Clone, ColumnType)]
#[thing(integer)]
struct Number(i64);

fn main() {}
