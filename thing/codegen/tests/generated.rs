//! The generated models of the golden schemas, as a program that compiles and works.
#![allow(unreachable_pub)]

mod support;

#[path = "golden/blog/mod.rs"]
mod blog;
#[path = "golden/blog_database/mod.rs"]
mod blog_database;
#[path = "golden/odd/mod.rs"]
mod odd;
#[path = "golden/shop/mod.rs"]
mod shop;
#[path = "golden/shop_database/mod.rs"]
mod shop_database;

use support::{differences, make};
use thing::{Db, Model};
use thing_driver_sqlite::SqliteExecutor;

#[tokio::test]
async fn the_blog_is_written_and_read_with_its_relations() -> thing::Result<()> {
    use blog::{Category, CategoryToPost, Likes, NewCategory, NewPost, NewProfile, NewUser, Post, Profile, Role, User};
    let db = Db::builder(SqliteExecutor::memory().await?).build();
    db.sync::<(User, Profile, Post, Category, CategoryToPost, Likes)>().await?;

    let new = NewUser { email: "ann@example.com".into(), role: Some(Role::Admin), ..NewUser::default() };
    let mut ann = db.things::<User>().create(new).await?;
    assert!(ann.created_at <= ann.updated_at);
    db.things::<Profile>().create(NewProfile { bio: Some("Writes".into()), user_id: ann.id }).await?;
    let new = |title: &str| NewPost { title: title.into(), author_id: ann.id, ..NewPost::default() };
    let mut posts = db.things::<Post>().create_many([new("One"), new("Two")]).await?;
    assert_eq!((posts[0].published, posts[0].r#type.as_str()), (false, "article"));
    let rust = db.things::<Category>().create(NewCategory { name: "rust".into() }).await?;

    assert!(posts[0].attach(&db, Post::CATEGORIES, &rust).await?);
    assert!(ann.attach(&db, User::LIKES, &posts[1]).await?);
    assert_eq!(ann.load(&db, User::POSTS).await?.len(), 2);
    assert_eq!(ann.load(&db, User::PROFILE).await?.unwrap().bio, "Writes");
    assert_eq!(ann.load(&db, User::LIKES).await?[0].title, "Two");
    assert_eq!(posts[1].load(&db, Post::LIKED_BY).await?[0].id, ann.id);
    assert_eq!(posts[0].load(&db, Post::CATEGORIES).await?[0].name, "rust");

    let role: String = db.raw("SELECT role FROM \"User\"").row().await?;
    assert_eq!(role, "administrator");
    ann.delete(&db).await?;
    assert_eq!(db.things::<Post>().count().await?, 0);
    assert_eq!(db.things::<Likes>().count().await?, 0);
    Ok(())
}

#[tokio::test]
async fn the_shop_is_written_and_read_with_its_relations() -> thing::Result<()> {
    use shop::{
        Category, Customer, Follows, NewCustomer, NewOrder, NewOrderLine, NewProduct, NewProductSupplier, NewSetting,
        NewSupplier, Order, OrderLine, OrderLineNote, OrderStatus, Product, ProductSupplier, ProductToTag, Setting,
        Supplier, Tag,
    };
    let db = Db::builder(SqliteExecutor::memory().await?).build();
    db.sync::<(Customer, Follows, Category, Product, ProductSupplier, Supplier)>().await?;
    db.sync::<(ProductToTag, Tag, Order, OrderLine, OrderLineNote, Setting)>().await?;

    let customer = |email: &str| NewCustomer { email: email.into(), ..NewCustomer::default() };
    let ann = db.things::<Customer>().create(customer("ann@example.com")).await?;
    let guest = NewCustomer { inviter_id: Some(ann.id), ..customer("bob@example.com") };
    let mut bob = db.things::<Customer>().create(guest).await?;
    assert_eq!(bob.settings.0, serde_json::json!({}));
    assert_eq!(bob.load(&db, Customer::INVITED_BY).await?.unwrap().id, ann.id);
    assert!(bob.attach(&db, Customer::FOLLOWING, &ann).await?);
    assert_eq!(Customer::FOLLOWERS.of(&db, &ann).await?.one().await?.id, bob.id);

    let mut pen = db.things::<Product>().create(NewProduct { name: "pen".into(), ..NewProduct::default() }).await?;
    assert_eq!((pen.price, pen.stock, pen.sku.len()), (rust_decimal::Decimal::new(990, 2), 0, 36));
    let mut order = db.things::<Order>().create(NewOrder { status: None, customer_id: bob.id }).await?;
    assert_eq!(order.status, OrderStatus::New);
    let line = NewOrderLine { order_id: order.id, position: 1, sku: pen.sku.clone(), count: None };
    db.things::<OrderLine>().create(line).await?;
    assert_eq!(order.load(&db, Order::LINES).await?[0].count, 1);

    let shop = db.things::<Supplier>().create(NewSupplier { name: "Pens".into() }).await?;
    let delivered = NewProductSupplier { sku: pen.sku.clone(), supplier_id: shop.id, price: pen.price };
    db.things::<ProductSupplier>().create(delivered).await?;
    assert_eq!(pen.load(&db, Product::LINKED_SUPPLIERS).await?[0].name, "Pens");
    assert_eq!(pen.load(&db, Product::SUPPLIERS).await?[0].supplier_id, shop.id);

    let setting = db.things::<Setting>().create(NewSetting { name: "a".into(), value: "b".into() }).await?;
    assert_eq!(Setting::by_id(&db, "a").await?.value, setting.value);
    assert!(bob.delete(&db).await.is_err(), "an order refers to the customer");
    Ok(())
}

#[tokio::test]
async fn odd_names_and_values_are_written_and_read() -> thing::Result<()> {
    use odd::{NewOptionRow, NewType, OptionRow, ResultKind, Type};
    let db = Db::builder(SqliteExecutor::memory().await?).build();
    db.sync::<(OptionRow, Type, odd::NewUser, odd::UserRow, odd::VecRow, odd::VecRowRow)>().await?;
    let made = db.things::<Type>().create(NewType { r#type: "key".into(), self_: 5, ..NewType::default() }).await?;
    assert_eq!(
        (made.quoted.as_str(), made.result),
        ("a \"quoted\" \\ text\nof two lines é", Some(ResultKind::SelfValue))
    );
    assert_eq!((made.small, made.large, made.ratio), (Some(-5), -9_000_000_000, 2.0));
    let new = NewOptionRow { type_id: made.r#type.clone(), ..NewOptionRow::default() };
    let mut option = db.things::<OptionRow>().create(new).await?;
    assert_eq!(option.load(&db, OptionRow::TYPE).await?.unwrap().self_, 5);
    assert_eq!(OptionRow::by_id(&db, option.id).await?.foo_bar_2, None);
    Ok(())
}

#[tokio::test]
async fn models_of_a_database_differ_in_nothing_from_it() -> thing::Result<()> {
    use blog_database::{Category, CategoryPost, Likes, Post, Profile, User};
    let db = Db::builder(SqliteExecutor::memory().await?).build();
    make(&db, "blog_database").await?;
    let (steps, left) = differences::<(User, Profile, Post, Category, CategoryPost, Likes)>(&db).await?;
    assert_eq!(steps, [""; 0]);
    assert_eq!(left, ["the default of column `created_at` of table `users`"], "the field is `created`");
    Ok(())
}

#[tokio::test]
async fn what_models_of_a_database_do_not_say_stays_there() -> thing::Result<()> {
    use shop_database::{Category, Customer, Order, OrderLine, OrderLineMark, OrderLineNote, Product};
    type Shop = (Customer, Category, Product, Order, OrderLine, OrderLineNote, OrderLineMark);
    let db = Db::builder(SqliteExecutor::memory().await?).build();
    make(&db, "shop_database").await?;
    let (steps, left) = differences::<Shop>(&db).await?;
    assert_eq!(steps, [""; 0]);
    assert_eq!(
        left,
        [
            "column `upper_name` of table `products`",
            "index `by_lower_name` of table `products`",
            "index `by_upper_name` of table `products`",
            "check `upper_is_short` of table `products`",
            "foreign key of table `products`",
            "foreign key of table `order_line_marks`",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn models_and_their_database_give_the_same_prisma_schema() -> thing::Result<()> {
    let tables = [blog::User::table(), blog::Post::table(), blog::Profile::table(), blog::Category::table()];
    let tables: Vec<&thing::driver::Table> = tables.iter().map(|table| &***table).collect();
    let (of_models, _) = thing_codegen::from_tables(&tables, "sqlite");
    let (text, notes) = of_models.to_prisma("sqlite");
    assert_eq!(notes, []);
    let (again, _) = thing_codegen::from_prisma(&text).unwrap();
    assert_eq!(again.to_prisma("sqlite").0, text);

    let executor = SqliteExecutor::memory().await?;
    let db = Db::builder(executor.clone()).build();
    db.sync::<(blog::User, blog::Profile, blog::Post, blog::Category)>().await?;
    let schema = thing::driver::Executor::schema(&executor).unwrap();
    let mut described = Vec::new();
    for table in &tables {
        let mut table_schema = schema.describe(table.name()).await?.unwrap();
        table_schema.name = table.name().to_owned();
        described.push(table_schema);
    }
    let (of_database, _) = thing_codegen::from_database(&described, "sqlite");
    assert_eq!(of_database.to_prisma("sqlite").0, text);
    Ok(())
}
