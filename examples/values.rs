//! Values of more kinds: JSON documents, lists, sets, data maps, secrets, and enums stored as integers.
//!
//!     cargo run --example values

use serde::{Deserialize, Serialize};
use thing::{ColumnType, Data, Db, Filter, Json, Loaded, Model, Secret, Set};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Details {
    made_in: String,
    grams: Option<f64>,
    ports: Vec<String>,
}

/// Stored as an integer: its number is what other programs know it by.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq)]
#[thing(integer)]
enum State {
    Planned = 1,
    OnSale = 2,
}

#[derive(Model, Clone, Debug)]
struct Product {
    id: i64,
    name: String,
    details: Json<Details>,
    tags: Set<String>,
    #[thing(default)]
    data: Data,
    state: State,
    /// Nothing shows it by itself.
    #[thing(default = Secret::new(420))]
    cost: Secret<i64>,
}

fn product(name: &str, made_in: &str, grams: Option<f64>, ports: &[&str], tags: &[&str], state: State) -> NewProduct {
    let ports = ports.iter().map(|&port| port.to_owned()).collect();
    NewProduct {
        name: name.into(),
        details: Json(Details { made_in: made_in.into(), grams, ports }),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        data: None,
        state,
        cost: None,
    }
}

fn names(products: &[Loaded<Product>]) -> String {
    products.iter().map(|product| product.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<Product>().await?;
    let products = db.things::<Product>();
    products
        .create_many([
            product("Camera", "Japan", Some(640.0), &["USB", "HDMI"], &["small", "new"], State::Planned),
            product("Radio", "Germany", Some(350.5), &["USB"], &[], State::OnSale),
            product("Lamp", "Italy", None, &[], &["new"], State::OnSale),
        ])
        .await?;
    let show = async |what: &str, filter: Filter<Product>| -> thing::Result<()> {
        println!("{what}: {}", names(&products.filter(filter).all().await?));
        Ok(())
    };

    // A path leads into a document. What is not there, or of another kind, is neither equal nor different.
    show("made in Japan", Product::DETAILS.path("made_in").eq("Japan")).await?;
    show("lighter than half a kilo", Product::DETAILS.path("grams").lt(500)).await?;
    show("first port is USB", Product::DETAILS.path("ports[0]").eq("USB")).await?;

    // Sets and lists are asked for their elements.
    show("tagged \"new\"", Product::TAGS.has("new")).await?;
    show("tagged \"new\" and \"small\"", Product::TAGS.has_all(["new", "small"])).await?;
    show("without tags", Product::TAGS.is_empty()).await?;

    // A data map holds what has no column of its own. A save writes the column if something in it changed.
    let mut camera = products.filter(Product::NAME.eq("Camera")).one().await?;
    camera.data.set("warranty", &2)?;
    camera.save(&db).await?;
    let years: Option<u32> = camera.data.get("warranty")?;
    println!("data: {} years of warranty", years.unwrap_or_default());
    show("warranty of two years or more", Product::DATA.path("warranty").ge(2)).await?;

    println!("a secret is {:?}, revealed {}", camera.cost, camera.cost.reveal());

    let numbers: Vec<i64> = db.raw("SELECT state FROM products ORDER BY id").rows().await?;
    println!("stored as integers: {}, {}, {}", numbers[0], numbers[1], numbers[2]);
    Ok(())
}
