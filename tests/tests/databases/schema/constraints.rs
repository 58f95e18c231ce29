//! Constraints and indexes that models declare, and the database sees to.

use thing::driver::Capability;
use thing::{Error, Model, Result};

use crate::support::{Database, Stack};

matrix! {
    uncached: [
        a_cascade_that_the_parent_does_not_know_is_refused,
        an_index_of_some_rows_counts_those,
        checks_are_made_changed_and_dropped,
        comments_are_no_difference,
        foreign_keys_are_made_and_hold,
        foreign_keys_in_a_circle_are_made,
        models_of_one_table_that_contradict_each_other_are_refused,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(cascades(Letter::WRITER_ID), nulls(Letter::READER_ID), comment = "people's own")]
struct Writer {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Letter {
    id: i64,
    #[thing(foreign_key(Writer, on_delete = "cascade"), index, comment = "who wrote it")]
    writer_id: i64,
    #[thing(foreign_key(Writer, name = "letters_to", on_delete = "set_null"), index)]
    reader_id: Option<i64>,
    #[thing(foreign_key(Letter, on_delete = "no_action"), index)]
    answers: Option<i64>,
}

fn is_foreign(result: Result<impl std::fmt::Debug>) -> bool {
    matches!(result, Err(error) if format!("{:?}", error.kind()).contains("ForeignKey"))
}

async fn foreign_keys_are_made_and_hold(stack: &Stack) -> Result<()> {
    // Those that refer come first in the list: the order is found.
    let db = stack.db::<(Letter, Writer)>().await;
    let writer = Writer { id: 0, name: "w".into() }.create(&db).await?.id;
    let reader = Writer { id: 0, name: "r".into() }.create(&db).await?.id;
    let letter = Letter { id: 0, writer_id: writer, reader_id: Some(reader), answers: None };
    let letter = letter.create(&db).await?.into_inner();
    assert!(is_foreign(Letter { id: 0, writer_id: 99, ..letter.clone() }.create(&db).await));
    assert!(is_foreign(Letter { id: 0, answers: Some(99), ..letter.clone() }.create(&db).await));
    Writer::by_id(&db, reader).await?.delete(&db).await?;
    assert_eq!(Letter::by_id(&db, letter.id).await?.reader_id, None);
    Writer::by_id(&db, writer).await?.delete(&db).await?;
    assert_eq!(Letter::find(&db, letter.id).await?, None);
    assert!(db.schema::<(Writer, Letter)>().plan().await?.is_empty());
    Ok(())
}

/// Letters without foreign keys, to which they are added.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "letters")]
struct OpenLetter {
    id: i64,
    #[thing(index)]
    writer_id: i64,
    #[thing(index)]
    reader_id: Option<i64>,
    #[thing(index)]
    answers: Option<i64>,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Egg {
    id: i64,
    #[thing(foreign_key(Hen), index)]
    hen_id: Option<i64>,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Hen {
    id: i64,
    #[thing(foreign_key(Egg), index)]
    egg_id: Option<i64>,
}

async fn foreign_keys_in_a_circle_are_made(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Egg, Hen)>().await;
    assert!(db.schema::<(Hen, Egg)>().plan().await?.is_empty());
    assert!(is_foreign(Egg { id: 0, hen_id: Some(1) }.create(&db).await));
    assert!(is_foreign(Hen { id: 0, egg_id: Some(1) }.create(&db).await));
    // Added to a table with a row that refers to none, a foreign key fails, and nothing has changed.
    let db = stack.db::<OpenLetter>().await;
    let open = OpenLetter { id: 0, writer_id: 5, reader_id: None, answers: None };
    let open = open.create(&db).await?;
    assert!(db.sync::<(Letter, Writer)>().await.is_err());
    assert_eq!(OpenLetter::by_id(&db, open.id).await?.writer_id, 5);
    open.delete(&db).await?;
    db.sync::<(Letter, Writer)>().await?;
    assert!(db.schema::<(Writer, Letter)>().plan().await?.is_empty());
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Silent {
    id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Loud {
    id: i64,
    #[thing(foreign_key(Silent, on_delete = "cascade"), index)]
    silent_id: i64,
}

async fn a_cascade_that_the_parent_does_not_know_is_refused(stack: &Stack) -> Result<()> {
    let db = stack.builder().await.build();
    let error: Error = db.sync::<(Silent, Loud)>().await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains("add `#[thing(cascades(Loud::SILENT_ID))]` to it"), "{message}");
    assert_eq!(db.executor().schema().unwrap().describe("louds").await?, None);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "parcels", check(name = "parcels_fit", "width < 100"))]
struct Parcel {
    id: i64,
    #[thing(check = "width > 0")]
    width: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "parcels", check(name = "parcels_fit", "width < 200"))]
struct WideParcel {
    id: i64,
    width: i32,
}

async fn checks_are_made_changed_and_dropped(stack: &Stack) -> Result<()> {
    let db = stack.db::<Parcel>().await;
    let parcel = |width| Parcel { id: 0, width };
    parcel(5).create(&db).await?;
    for width in [0, 100] {
        let refused = parcel(width).create(&db).await.unwrap_err();
        assert!(format!("{:?}", refused.kind()).contains("Check"), "{refused:?}");
    }
    assert!(db.schema::<Parcel>().plan().await?.is_empty());
    db.sync::<WideParcel>().await?;
    parcel(150).create(&db).await?;
    assert!(parcel(0).create(&db).await.is_err(), "what no model declares stays");
    let done = db.schema::<WideParcel>().allow("parcels.parcels_width_check").apply().await?;
    assert_eq!(done.steps().len(), 1);
    parcel(0).create(&db).await?;
    assert!(db.sync::<Parcel>().await.is_err(), "a row does not fulfil it");
    assert!(db.schema::<WideParcel>().plan().await?.is_empty());
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(unique(name = "one_open_door", columns(house), where = "width > 10"))]
#[thing(index(name = "widest_first", columns(house, width desc)))]
struct Door {
    id: i64,
    house: i32,
    width: i32,
}

async fn an_index_of_some_rows_counts_those(stack: &Stack) -> Result<()> {
    let db = stack.builder().await.build();
    let synced = db.sync::<Door>().await;
    if stack.database() == Database::Mysql {
        assert!(synced.is_err(), "there are no such indexes");
        return Ok(());
    }
    synced?;
    let door = |house, width| Door { id: 0, house, width };
    for (house, width) in [(1, 5), (1, 6), (1, 11), (2, 12)] {
        door(house, width).create(&db).await?;
    }
    assert!(door(1, 12).create(&db).await.unwrap_err().is_unique_violation());
    assert!(db.schema::<Door>().plan().await?.is_empty());
    Ok(())
}

async fn comments_are_no_difference(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Writer, Letter)>().await;
    assert!(db.executor().capabilities().has(Capability::Schema));
    assert!(db.schema::<(Writer, Letter)>().plan().await?.is_empty());
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "measures")]
struct Counted {
    id: i64,
    amount: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "measures")]
struct Described {
    id: i64,
    amount: String,
}

async fn models_of_one_table_that_contradict_each_other_are_refused(stack: &Stack) -> Result<()> {
    let db = stack.builder().await.build();
    let refused = db.sync::<(Counted, Described)>().await.unwrap_err();
    assert!(refused.to_string().contains("column `amount` is"), "{refused}");
    let plan = db.schema::<(Counted, Described)>().plan().await?;
    let kinds: Vec<&str> = plan.refused().iter().map(|refusal| refusal.kind).collect();
    assert_eq!(kinds, ["contradiction"]);
    assert_eq!(db.schema::<Counted>().plan().await?.steps().len(), 1, "no table was made");
    Ok(())
}
