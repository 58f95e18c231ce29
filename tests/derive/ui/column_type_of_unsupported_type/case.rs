use thing::ColumnType;

#[derive(Clone, ColumnType)]
struct Size(usize);

#[derive(ColumnType)]
struct NotClone(u64);

fn main() {}
