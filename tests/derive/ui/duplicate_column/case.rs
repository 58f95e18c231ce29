use thing::Model;

#[derive(Clone, Model)]
#[allow(non_snake_case)]
struct User {
    id: u64,
    name: String,
    #[thing(column = "NAME")]
    nick: String,
    user_id: u64,
    #[thing(column = "other")]
    userId: u64,
}

fn main() {}
