//! The generated models of a database of PostgreSQL, against that database.
#![allow(unreachable_pub)]

#[macro_use]
mod support;

#[path = "golden/shop_postgres/mod.rs"]
mod shop_postgres;

use jiff::Timestamp;
use jiff::civil::{date, time};
use rust_decimal::Decimal;
use serde_json::json;
use shop_postgres::{
    Category, Customer, NewCategory, NewCustomer, NewOrder, NewOrderLine, NewOrderLineNote, NewProduct, NewTag,
    OldInvoice, Order, OrderLine, OrderLineMark, OrderLineNote, OrderStatus, Product, ProductTag, Tag,
};
use support::{assert_same, differences, make};
use thing::{ConstraintKind, Db, Json, List, Model};
use thing_driver_postgres::PostgresExecutor;
use thing_test_servers::PostgresSchema;
use uuid::Uuid;

/// All models but that whose notes say that `sync` changes its table.
type Shop = (Customer, Category, Product, ProductTag, Tag, Order, OrderLine, OrderLineNote, OrderLineMark);

/// The database of the golden folder, in a schema of its own.
async fn shop() -> thing::Result<(PostgresSchema, Db)> {
    let schema = PostgresSchema::create().await;
    let db = Db::builder(PostgresExecutor::open(schema.url()).await?).build();
    make(&db, "shop_postgres").await?;
    Ok((schema, db))
}

#[tokio::test]
async fn models_differ_in_nothing_from_the_database_that_they_were_made_of() -> thing::Result<()> {
    let (schema, db) = shop().await?;
    let (steps, left) = differences::<Shop>(&db).await?;
    assert_eq!(steps, [""; 0]);
    // The notes tell of all but the defaults that `created` and the key fill in.
    assert_eq!(
        left,
        [
            "the default of column `id` of table `customers`",
            "column `last_address` of table `customers`",
            "the default of column `sizes` of table `customers`",
            "the default of column `member_since` of table `customers`",
            "the default of column `created_at` of table `customers`",
            "the default of column `changed_at` of table `customers`",
            "index `customers_lower_name` of table `customers`",
            "index `customers_tags` of table `customers`",
            "column `words` of table `products`",
            "column `delivery` of table `products`",
            "index `products_name_like` of table `products`",
            "index `products_words` of table `products`",
            "foreign key `products_replaced_by_fkey` of table `products`",
            "foreign key `orders_customer_id_fkey` of table `orders`",
            "foreign key `order_line_marks_order_id_position_fkey` of table `order_line_marks`",
        ]
    );
    schema.close().await;
    Ok(())
}

#[tokio::test]
async fn sync_changes_what_the_notes_say_and_keeps_the_rows() -> thing::Result<()> {
    let (schema, db) = shop().await?;
    db.raw("INSERT INTO old_invoices VALUES (1, 9.90, 'CH', '2020-01-02 03:04:05', '10:20:30.5')").execute().await?;
    let (steps, left) = differences::<OldInvoice>(&db).await?;
    assert_eq!(
        steps,
        [
            "change column `total` of table `old_invoices` from numeric(10,2) to numeric",
            "change column `country` of table `old_invoices` from character(2) to text collate \"C\"",
            "change column `paid_at` of table `old_invoices` from timestamp(0) without time zone to timestamp with time zone",
            "change column `printed_at` of table `old_invoices` from time(3) without time zone to time without time zone",
        ]
    );
    assert_eq!(left, ["column `mood` of table `old_invoices`"]);
    db.sync::<OldInvoice>().await?;
    assert_eq!(differences::<OldInvoice>(&db).await?, (Vec::new(), left));
    let invoice = OldInvoice::by_id(&db, 1).await?;
    assert_eq!((invoice.total, invoice.country.as_str()), (Decimal::new(990, 2), "CH"));
    assert_eq!(invoice.paid_at, "2020-01-02T03:04:05Z".parse::<Timestamp>().ok());
    assert_eq!(invoice.printed_at, Some(time(10, 20, 30, 500_000_000)));
    schema.close().await;
    Ok(())
}

#[tokio::test]
async fn objects_are_created_read_changed_and_deleted() -> thing::Result<()> {
    let (schema, db) = shop().await?;
    let customers = db.things::<Customer>();
    let new = NewCustomer {
        email: "ann@example.com".into(),
        name: "Ann".into(),
        born: Some(date(1990, 2, 28)),
        wakes_at: Some(time(6, 30, 0, 1_000)),
        tags: Some(List(vec!["a b".into(), "{c}".into()])),
        sizes: List(vec![36, -1]),
        wishes: Some(List(vec![Uuid::from_u128(7)])),
        settings: Some(Json(json!({ "dark": true }))),
        photo: Some(vec![0, 255]),
        member_since: date(2020, 1, 1),
        changed_at: Timestamp::UNIX_EPOCH,
        ..NewCustomer::default()
    };
    let mut ann = customers.create(new).await?;
    assert_eq!((ann.language.as_str(), ann.newsletter), ("en", true));
    assert_same(&*Customer::by_id(&db, ann.id).await?, &*ann);
    let guest = NewCustomer {
        email: "bob@example.com".into(),
        name: "Bob".into(),
        member_since: date(2021, 1, 1),
        inviter_id: Some(ann.id),
        ..NewCustomer::default()
    };
    let bob = customers.create(guest).await?;
    assert_eq!((bob.tags.len(), &bob.settings.0), (0, &json!({})));

    let pens = db.things::<Category>().create(NewCategory { name: "pens".into(), parent_id: None }).await?;
    let new = NewProduct { sku: "p1".into(), name: "pen".into(), category_id: Some(pens.id), ..NewProduct::default() };
    let mut pen = db.things::<Product>().create(new).await?;
    assert_eq!((pen.price, pen.rating, pen.rank), (Decimal::new(990, 2), 2.5, Some(-1)));
    assert_eq!(pen.r#type, "it's a thing");
    assert_same(&*Product::by_id(&db, "p1").await?, &*pen);
    let blue = db.things::<Tag>().create(NewTag { name: "blue".into() }).await?;
    assert!(pen.attach(&db, Product::TAGS, &blue).await?);
    assert_eq!(pen.load(&db, Product::TAGS).await?[0].name, "blue");

    let (order, note) = ordered!(&db, ann, pen);

    ann.wishes = None;
    ann.tags.push("d".into());
    ann.photo = Some(Vec::new());
    ann.save(&db).await?;
    assert_same(&*Customer::by_id(&db, ann.id).await?, &*ann);
    assert!(order.clone().delete(&db).await.is_err(), "a note refers to its line");
    note.delete(&db).await?;
    order.delete(&db).await?;
    assert_eq!(db.things::<OrderLine>().count().await?, 0);
    pens.delete(&db).await?;
    assert_eq!(Product::by_id(&db, "p1").await?.category_id, None);
    Product::by_id(&db, "p1").await?.delete(&db).await?;
    assert_eq!(db.things::<ProductTag>().count().await?, 0);
    ann.delete(&db).await?;
    assert_eq!(customers.count().await?, 1);
    schema.close().await;
    Ok(())
}
