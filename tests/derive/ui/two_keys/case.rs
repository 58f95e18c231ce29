use thing::Model;

#[derive(Clone, Model)]
struct OrderLine {
    #[thing(key)]
    order_id: u64,
    #[thing(key)]
    line: u32,
}

#[derive(Clone, Model)]
#[thing(key(order_id, line))]
struct Delivery {
    order_id: u64,
    #[thing(key)]
    line: u32,
}

fn main() {}
