use thing::Model;

#[derive(Clone, Model)]
#[thing(table = users)]
#[thing(key)]
#[thing(index)]
struct User {
    #[thing(key = "id")]
    id: u64,
    #[thing(column = 3)]
    name: String,
    #[thing(column = "")]
    mail: String,
    #[thing(index(name, mail))]
    city: String,
    #[thing(default(3))]
    age: i32,
    #[thing]
    height: i32,
    #[thing(column = "a", column = "b")]
    width: i32,
    #[thing(column "c")]
    depth: i32,
}

fn main() {}
