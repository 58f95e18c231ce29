use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: Option<u64>,
}

#[derive(Clone, Model)]
#[thing(key(order_id, line))]
struct OrderLine {
    order_id: u64,
    line: Option<u32>,
}

type Nullable = Option<String>;

#[derive(Clone, Model)]
struct Hidden {
    #[thing(key, assigned)]
    code: Nullable,
}

fn main() {}
