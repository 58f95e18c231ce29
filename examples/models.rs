//! Models: keys, newtypes, enums, embedded fields, indexes, defaults, JSON.
//!
//!     cargo run --example models

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thing::{ColumnType, Db, Embed, Json, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;
use uuid::Uuid;

/// A key of its own type: an order's key can't be given where a customer's is asked for.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CustomerId(i64);

/// Fields that several models have. The key is among them, and the database makes it.
#[derive(Embed, Clone, Debug)]
struct Base {
    id: i64,
    #[thing(created)]
    created_at: Timestamp,
    #[thing(updated)]
    updated_at: Timestamp,
}

/// Stored as text: `new`, `paid`, `on_its_way`.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq)]
enum Status {
    New,
    Paid,
    #[thing(rename = "on_its_way")]
    Sent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    city: String,
}

#[derive(Model, Clone, Debug)]
struct Customer {
    id: CustomerId,
    name: String,
    #[thing(unique)]
    email: String,
    phone: Option<String>,
    address: Json<Address>,
}

/// The table is called `orders`; what is ignored is no column.
#[derive(Model, Clone, Debug)]
struct Order {
    #[thing(embed)]
    base: Base,
    #[thing(index)]
    customer: CustomerId,
    #[thing(default = Status::New)]
    status: Status,
    #[thing(column = "sum_in_cents")]
    total: i64,
    #[thing(ignore)]
    note: Option<String>,
}

/// A key that the application makes, and a table with a name of its own.
#[derive(Model, Clone, Debug)]
#[thing(table = "api_keys")]
struct Token {
    #[thing(default = Uuid::new_v4())]
    id: Uuid,
    owner: CustomerId,
}

/// A key of two columns, and an index over one of them.
#[derive(Model, Clone, Debug)]
#[thing(key(customer, article), index(article))]
struct Favourite {
    customer: CustomerId,
    article: String,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<(Customer, Order, Token, Favourite)>().await?;

    // `NewCustomer` has the fields of `Customer` but for those that the database or the clock fills in.
    let address = Address { street: "1 Main Street".into(), city: "Springfield".into() };
    let alice =
        NewCustomer { name: "Alice".into(), email: "alice@example.com".into(), phone: None, address: Json(address) };
    let alice = db.things::<Customer>().create(alice).await?;
    println!("generated key:      {:?}", alice.id);
    println!("JSON:               {} in {}", alice.address.street, alice.address.city);

    let order = NewOrder { customer: alice.id, status: None, total: 4_990 };
    let mut order = db.things::<Order>().create(order).await?;
    println!("default:            {:?}", order.status);
    order.status = Status::Paid;
    order.save(&db).await?;
    let waiting = Order::filter(&db, Order::STATUS.ne(Status::Sent)).count().await?;
    println!("enum in a filter:   {waiting} not sent");
    println!("time of the update: {}", order.base.updated_at > order.base.created_at);
    let first = Order::filter(&db, Order::BASE.id.eq(order.base.id)).one().await?;
    println!("embedded column:    order {} of customer {:?}", first.base.id, first.customer);
    println!("ignored field:      {:?}", first.note);

    let token = NewToken { id: None, owner: alice.id };
    let token = db.things::<Token>().create(token).await?;
    println!("UUID key:           version {}", token.id.get_version_num());

    let favourite = Favourite { customer: alice.id, article: "tea".into() };
    favourite.create(&db).await?;
    let found = Favourite::find(&db, (alice.id, "tea".to_owned())).await?;
    println!("composite key:      {}", found.is_some());

    let again = NewCustomer {
        name: "Another Alice".into(),
        email: "alice@example.com".into(),
        phone: Some("555 0100".into()),
        address: alice.address.clone(),
    };
    if let Err(error) = db.things::<Customer>().create(again).await {
        println!("unique index:       {error}");
    }
    println!("indexes:            {}", index_names::<Order>().join(", "));
    Ok(())
}

fn index_names<M: Model>() -> Vec<String> {
    M::table().indexes().iter().map(|index| index.name.to_string()).collect()
}
