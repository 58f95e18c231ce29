//! The generated models of a database of MariaDB, against that database.
#![allow(unreachable_pub)]

#[macro_use]
mod support;

#[path = "golden/shop_mysql/mod.rs"]
mod shop_mysql;

use jiff::Timestamp;
use jiff::civil::{date, time};
use rust_decimal::Decimal;
use serde_json::json;
use shop_mysql::{
    Category, Customer, NewCategory, NewCustomer, NewOrder, NewOrderLine, NewOrderLineNote, NewProduct, NewTag,
    OldInvoice, Order, OrderLine, OrderLineMark, OrderLineNote, OrderStatus, Product, ProductSize, ProductTag, Tag,
};
use support::{assert_same, differences, make};
use thing::{ConstraintKind, Db, Json, Model};
use thing_driver_mysql::MysqlExecutor;
use thing_test_servers::MysqlDatabase;
use uuid::Uuid;

/// All models but that whose notes say that `sync` changes its table.
type Shop = (Customer, Category, Product, ProductTag, Tag, Order, OrderLine, OrderLineNote, OrderLineMark);

/// The database of the golden folder.
async fn shop() -> thing::Result<(MysqlDatabase, Db)> {
    let database = MysqlDatabase::create().await;
    let db = Db::builder(MysqlExecutor::open(database.url()).await?).build();
    make(&db, "shop_mysql").await?;
    Ok((database, db))
}

#[tokio::test]
async fn models_differ_in_nothing_from_the_database_that_they_were_made_of() -> thing::Result<()> {
    let (database, db) = shop().await?;
    let (steps, left) = differences::<Shop>(&db).await?;
    assert_eq!(steps, [""; 0]);
    // The notes tell of all but the defaults that `created` and `updated` fill in.
    assert_eq!(
        left,
        [
            "the default of column `member_since` of table `customers`",
            "the default of column `created_at` of table `customers`",
            "the default of column `changed_at` of table `customers`",
            "index `customers_name_start` of table `customers`",
            "column `upper_name` of table `products`",
            "column `name_length` of table `products`",
            "column `colours` of table `products`",
            "index `by_upper_name` of table `products`",
            "index `products_words` of table `products`",
            "check `upper_is_short` of table `products`",
            "foreign key `replacement` of table `products`",
            "foreign key `ordered_by_again` of table `orders`",
            "foreign key `mark_of_line` of table `order_line_marks`",
        ]
    );
    database.close().await;
    Ok(())
}

#[tokio::test]
async fn sync_changes_what_the_notes_say_and_keeps_the_rows() -> thing::Result<()> {
    let (database, db) = shop().await?;
    let reference = Uuid::from_u128(0x0102_0304_0506_4708_890a_0b0c_0d0e_0f10);
    let row = format!("(1, '{reference}', 9.90, 'CH', '2020-01-02 03:04:05', '10:20:30.5')");
    db.raw(format!("INSERT INTO old_invoices VALUES {row}")).execute().await?;
    let (steps, left) = differences::<OldInvoice>(&db).await?;
    assert_eq!(
        steps,
        ["change table `old_invoices`: change column `reference` from uuid to binary(16), change column `total` from \
          decimal(10,2) to decimal(65,30), change column `country` from char(2) collate utf8mb4_general_ci to \
          longtext, change column `paid_at` from datetime to datetime(6), change column `printed_at` from time(3) to \
          time(6)"]
    );
    assert_eq!(left, [""; 0]);
    db.sync::<OldInvoice>().await?;
    assert_eq!(differences::<OldInvoice>(&db).await?, (Vec::new(), left));
    let invoice = OldInvoice::by_id(&db, 1).await?;
    assert_eq!((invoice.reference, invoice.total), (reference, Decimal::new(990, 2)));
    assert_eq!(invoice.country, "CH");
    assert_eq!(invoice.paid_at, "2020-01-02T03:04:05Z".parse::<Timestamp>().ok());
    assert_eq!(invoice.printed_at, Some(time(10, 20, 30, 500_000_000)));
    database.close().await;
    Ok(())
}

#[tokio::test]
async fn objects_are_created_read_changed_and_deleted() -> thing::Result<()> {
    let (database, db) = shop().await?;
    let customers = db.things::<Customer>();
    let new = NewCustomer {
        id: Uuid::from_u128(1),
        email: "ann@example.com".into(),
        name: "Ann".into(),
        born: Some(date(1990, 2, 28)),
        wakes_at: Some(time(6, 30, 0, 1_000)),
        year_of_birth: Some(1990),
        settings: Some(Json(json!({ "dark": true }))),
        photo: Some(vec![0, 255]),
        fingerprint: Some(vec![1; 64]),
        member_since: date(2020, 1, 1),
        ..NewCustomer::default()
    };
    let mut ann = customers.create(new).await?;
    assert_eq!((ann.language.as_str(), ann.newsletter, ann.blocked), ("en", true, false));
    assert_same(&*Customer::by_id(&db, ann.id).await?, &*ann);
    let guest = NewCustomer {
        id: Uuid::from_u128(2),
        email: "bob@example.com".into(),
        name: "Bob".into(),
        member_since: date(2021, 1, 1),
        inviter_id: Some(ann.id),
        ..NewCustomer::default()
    };
    let bob = customers.create(guest).await?;
    assert_eq!(bob.settings.0, json!({}));

    let pens = db.things::<Category>().create(NewCategory { name: "pens".into(), parent_id: None }).await?;
    let new = NewProduct { sku: "p1".into(), name: "pen".into(), category_id: Some(pens.id), ..NewProduct::default() };
    let mut pen = db.things::<Product>().create(new).await?;
    assert_eq!((pen.price, pen.rating, pen.level), (Decimal::new(990, 2), 2.5, -1));
    assert_eq!((pen.r#type.as_str(), pen.size), ("it's a thing", ProductSize::Small));
    pen.size = ProductSize::ExtraLarge;
    (pen.stock, pen.sold, pen.shelf) = (4_294_967_295, i64::MAX, Some(65_535));
    pen.history = Some("é".repeat(100_000));
    pen.save(&db).await?;
    assert_same(&*Product::by_id(&db, "p1").await?, &*pen);
    let blue = db.things::<Tag>().create(NewTag { name: "blue".into() }).await?;
    assert!(pen.attach(&db, Product::TAGS, &blue).await?);
    assert_eq!(pen.load(&db, Product::TAGS).await?[0].name, "blue");

    let (order, note) = ordered!(&db, ann, pen);

    ann.blocked = true;
    ann.photo = Some(Vec::new());
    ann.year_of_birth = None;
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
    assert_eq!(customers.by_id(bob.id).await?.inviter_id, None);
    database.close().await;
    Ok(())
}
