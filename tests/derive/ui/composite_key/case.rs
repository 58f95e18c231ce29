use thing::Model;

#[derive(Clone, Model)]
#[thing(key(a, b, c, d, e))]
struct TooLong {
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
}

#[derive(Clone, Model)]
#[thing(key(order, line, line))]
struct Wrong {
    orders: u64,
    #[thing(assigned)]
    line: u32,
}

#[derive(Clone, Model)]
#[thing(key(order, line))]
struct Assigned {
    order: u64,
    #[thing(assigned)]
    line: u32,
}

fn main() {}
