use thing::Model;

#[derive(Clone, Model)]
#[thing(computed, computed(name))]
struct User {
    id: u64,
    name: String,
}

fn main() {}
