use thing::{Db, Model};

#[derive(Clone, Model)]
#[thing(unique(team, number))]
struct Player {
    id: u64,
    team: i64,
    number: i32,
    age: i32,
}

async fn ask(db: &Db, new: NewPlayer) {
    let players = db.things::<Player>();
    let _ = players.find_or_create(Player::AGE, new.clone()).await;
    let _ = players.find_or_create((Player::TEAM, Player::AGE), new.clone()).await;
    let _ = players.update_or_create(Player::ID, new, |_| ()).await;
}

fn main() {}
