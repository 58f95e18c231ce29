use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(default = "eighteen")]
    age: i32,
    #[thing(default = 0)]
    name: String,
    #[thing(default = "none")]
    nick: Option<String>,
}

fn main() {}
