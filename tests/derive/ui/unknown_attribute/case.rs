use thing::Model;

#[derive(Clone, Model)]
#[thing(tabel = "people", colour = "red", created)]
struct User {
    id: u64,
    #[thing(colunm = "full_name")]
    name: String,
    #[thing(foreign)]
    team: u64,
    #[thing(table = "x")]
    age: i32,
}

fn main() {}
