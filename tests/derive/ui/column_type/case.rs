use thing::ColumnType;

#[derive(Clone, ColumnType)]
enum Shape {
    Point,
    Circle(f64),
    Square { side: f64 },
}

#[derive(Clone, ColumnType)]
enum Status {
    Active,
    #[thing(rename = "active")]
    Enabled,
    #[thing(renamed = "off")]
    Disabled,
}

#[derive(Clone, ColumnType)]
enum Never {}

#[derive(Clone, ColumnType)]
struct Pair(u64, u64);

#[derive(Clone, ColumnType)]
struct Named {
    id: u64,
}

#[derive(Clone, ColumnType)]
struct Generic<T>(T);

#[derive(Clone, ColumnType)]
#[thing(table = "x")]
struct Table(u64);

fn main() {}
