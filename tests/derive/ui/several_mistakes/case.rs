use thing::Model;

#[derive(Clone, Model)]
#[thing(tabel = "people")]
#[thing(index(nmae))]
struct User {
    id: Option<u64>,
    #[thing(colunm = "full_name")]
    name: String,
    #[thing(column = "name")]
    nick: String,
    #[thing(belongs_to)]
    team: u64,
}

fn main() {}
