use thing::Model;

#[derive(Clone, Model)]
#[thing(coherence = "eventual")]
struct User {
    id: u64,
}

fn main() {}
