use thing::Model;

#[derive(Clone, Model)]
struct Item {
    id: u64,
    name: String,
    stock: Option<i32>,
    weight: f64,
}

fn main() {
    let _ = Item::NAME.plus(1);
    let _ = Item::STOCK.plus(1);
    let _ = Item::WEIGHT.plus(1);
}
