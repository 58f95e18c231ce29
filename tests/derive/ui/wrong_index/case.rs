use thing::Model;

#[derive(Clone, Model)]
#[thing(index(nmae, age))]
#[thing(unique(name = "by_colour", columns(colour)))]
#[thing(index(name, name))]
#[thing(index(cache))]
#[thing(index(name = "empty"))]
#[thing(index(name = "u", column(name)))]
struct User {
    id: u64,
    #[thing(index = "shared")]
    name: String,
    #[thing(unique = "shared")]
    age: i32,
    #[thing(index, unique)]
    mail: String,
    #[thing(ignore)]
    cache: String,
}

fn main() {}
