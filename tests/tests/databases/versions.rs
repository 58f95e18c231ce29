//! Versions: a write by who saw an older row is refused, on every path, and raises the version otherwise.

use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Stack, statements};

matrix! {
    every: [
        a_version_counts_the_writes,
        a_save_of_an_older_object_is_refused,
        a_plain_struct_is_of_the_version_it_holds,
        a_delete_of_an_older_object_is_refused,
        a_row_that_is_gone_is_not_stale,
        an_older_object_is_refused_in_a_transaction,
        a_rollback_takes_the_version_back,
        a_rolled_back_savepoint_takes_its_version_back,
        many_are_saved_or_none,
        one_of_many_writers_wins_each_round,
        lists_and_counts_follow_the_version,
        the_version_belongs_to_saves,
        a_version_of_an_embed_counts_too,
        the_last_version_is_the_end,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Item {
    id: i64,
    #[thing(index)]
    shelf: i64,
    name: String,
    #[thing(version)]
    version: i64,
}

fn item(shelf: i64, name: &str) -> NewItem {
    NewItem { shelf, name: name.into() }
}

async fn items(stack: &Stack) -> Result<Db> {
    let db = stack.db::<Item>().await;
    db.things::<Item>().create_many([item(1, "Cup"), item(1, "Plate"), item(2, "Fork")]).await?;
    Ok(db)
}

/// What is stored, and that the cache says the same.
async fn stored(db: &Db, id: i64) -> Result<(String, i64)> {
    let cached = Item::by_id(db, id).await?;
    let stored = db.things::<Item>().by_id_uncached(id).await?;
    assert_eq!(cached, stored);
    Ok((stored.name.clone(), stored.version))
}

fn assert_stale<T: std::fmt::Debug>(result: Result<T>, seen: i64, stored: i64) {
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Stale { seen, stored }, "{error}");
    assert!(error.is_stale() && !error.is_retryable() && !error.is_not_found());
    let message = format!("the row has version {stored}, this object has {seen}");
    assert!(error.to_string().contains(&message), "{error}");
}

async fn a_version_counts_the_writes(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut cup = Item::by_id(&db, 1).await?;
    assert_eq!(cup.version, 1);
    for version in 2..5 {
        cup.name = format!("Cup {version}");
        let (sent, saved) = statements(&db, cup.save(&db)).await;
        saved?;
        assert_eq!((sent, cup.version, cup.original().version), (1, version, version));
        assert!(!cup.is_changed());
        assert_eq!(stored(&db, 1).await?, (format!("Cup {version}"), version));
    }
    let (sent, saved) = statements(&db, cup.save(&db)).await;
    saved?;
    assert_eq!((sent, cup.version), (0, 4), "without a change there is no write");
    let new = Item { id: 0, shelf: 1, name: "New".into(), version: 77 }.save(&db).await?;
    assert_eq!(new.version, 1);
    assert_eq!(stored(&db, new.id).await?.1, 1);
    cup.delete(&db).await?;
    assert!(Item::find(&db, 1).await?.is_none());
    Ok(())
}

async fn a_save_of_an_older_object_is_refused(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut one = Item::by_id(&db, 1).await?;
    let mut other = Item::by_id(&db, 1).await?;
    one.name = "One".into();
    one.save(&db).await?;
    // Also where it is another column.
    other.shelf = 9;
    assert_stale(other.save(&db).await, 1, 2);
    assert_eq!((other.version, other.is_changed()), (1, true));
    assert_eq!(stored(&db, 1).await?, ("One".into(), 2));
    assert_eq!(Item::filter(&db, Item::SHELF.eq(9)).count().await?, 0);
    one.name = "Two".into();
    one.save(&db).await?;
    assert_stale(other.save(&db).await, 1, 3);
    Ok(())
}

async fn a_plain_struct_is_of_the_version_it_holds(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let plain = Item::by_id(&db, 1).await?.into_inner();
    let saved = Item { name: "Saved".into(), ..plain.clone() }.save(&db).await?;
    assert_eq!((saved.version, stored(&db, 1).await?), (2, ("Saved".into(), 2)));
    assert_stale(Item { name: "Late".into(), ..plain }.save(&db).await, 1, 2);
    assert_stale(Item { version: 3, ..saved.into_inner() }.save(&db).await, 3, 2);
    assert_eq!(stored(&db, 1).await?, ("Saved".into(), 2));
    Ok(())
}

async fn a_delete_of_an_older_object_is_refused(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let old = Item::by_id(&db, 1).await?;
    let mut new = Item::by_id(&db, 1).await?;
    new.name = "New".into();
    new.save(&db).await?;
    assert_stale(old.clone().delete(&db).await, 1, 2);
    assert_stale(db.transaction(async |transaction| old.clone().delete(transaction).await).await, 1, 2);
    assert_eq!(stored(&db, 1).await?, ("New".into(), 2));
    new.delete(&db).await?;
    assert!(Item::find(&db, 1).await?.is_none());
    // By key nobody saw a version.
    db.things::<Item>().delete(2).await?;
    assert_eq!(db.things::<Item>().count().await?, 1);
    Ok(())
}

async fn a_row_that_is_gone_is_not_stale(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut gone = Item::by_id(&db, 1).await?;
    db.things::<Item>().delete(1).await?;
    gone.name = "Gone".into();
    assert!(gone.save(&db).await.unwrap_err().is_not_found());
    assert!(gone.clone().into_inner().save(&db).await.unwrap_err().is_not_found());
    assert!(gone.delete(&db).await.unwrap_err().is_not_found());
    Ok(())
}

async fn an_older_object_is_refused_in_a_transaction(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut old = Item::by_id(&db, 1).await?;
    let mut new = Item::by_id(&db, 1).await?;
    new.name = "New".into();
    new.save(&db).await?;
    old.name = "Old".into();
    let transaction = db.begin().await?;
    assert_stale(old.save(&transaction).await, 1, 2);
    // The refusal is no failure of the database's: the transaction goes on.
    let mut plate = Item::by_id(&transaction, 2).await?;
    plate.name = "Dish".into();
    plate.save(&transaction).await?;
    plate.name = "Bowl".into();
    plate.save(&transaction).await?;
    transaction.commit().await?;
    assert_eq!(plate.version, 3);
    assert_eq!(stored(&db, 1).await?, ("New".into(), 2));
    assert_eq!(stored(&db, 2).await?, ("Bowl".into(), 3));
    Ok(())
}

async fn a_rollback_takes_the_version_back(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut cup = Item::by_id(&db, 1).await?;
    let transaction = db.begin().await?;
    cup.name = "Mug".into();
    cup.save(&transaction).await?;
    assert_eq!((cup.version, cup.is_changed()), (2, false));
    let plain = Item::by_id(&transaction, 2).await?.into_inner();
    let mut plate = Item { name: "Dish".into(), ..plain }.save(&transaction).await?;
    assert_eq!(plate.version, 2);
    let copy = cup.clone();
    transaction.rollback().await?;
    assert_eq!((cup.version, cup.original().version, cup.is_changed()), (1, 1, true));
    assert_eq!(copy.into_inner(), Item { id: 1, shelf: 1, name: "Mug".into(), version: 1 });
    assert_eq!(stored(&db, 1).await?, ("Cup".into(), 1));
    cup.save(&db).await?;
    assert_eq!((cup.version, stored(&db, 1).await?), (2, ("Mug".into(), 2)));
    plate.name = "Bowl".into();
    plate.save(&db).await?;
    assert_eq!((plate.version, stored(&db, 2).await?), (2, ("Bowl".into(), 2)));
    Ok(())
}

async fn a_rolled_back_savepoint_takes_its_version_back(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut cup = Item::by_id(&db, 1).await?;
    let transaction = db.begin().await?;
    cup.name = "Mug".into();
    cup.save(&transaction).await?;
    let inner = transaction.begin().await?;
    cup.name = "Jug".into();
    cup.save(&inner).await?;
    // Changed once more, and not saved.
    cup.shelf = 5;
    assert_eq!(cup.version, 3);
    inner.rollback().await?;
    assert_eq!((cup.version, cup.name.as_str(), cup.shelf), (2, "Jug", 5));
    cup.name = "Pot".into();
    cup.save(&transaction).await?;
    assert_eq!(cup.version, 3);
    transaction.commit().await?;
    assert_eq!(stored(&db, 1).await?, ("Pot".into(), 3));
    cup.delete(&db).await?;
    assert_eq!(db.things::<Item>().count().await?, 2);
    Ok(())
}

async fn many_are_saved_or_none(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut many = db.things::<Item>().all().await?;
    let mut fork = Item::by_id(&db, 3).await?;
    fork.name = "Spoon".into();
    fork.save(&db).await?;
    many.iter_mut().for_each(|item| item.shelf = 7);
    let error = db.things::<Item>().save_many(&mut many).await.unwrap_err();
    assert!(error.is_stale() && error.to_string().contains("item 2"), "{error}");
    assert_eq!(many.iter().map(|item| item.version).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(Item::filter(&db, Item::SHELF.eq(7)).count().await?, 0);
    db.things::<Item>().save_many(&mut many[..2]).await?;
    assert_eq!(many.iter().map(|item| item.version).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(Item::filter(&db, Item::SHELF.eq(7)).count().await?, 2);
    Ok(())
}

async fn one_of_many_writers_wins_each_round(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    for round in 1..=3 {
        let cup = Item::by_id(&db, 1).await?;
        assert_eq!(cup.version, round);
        let mut tasks = Vec::new();
        for n in 0..6 {
            let (db, mut cup) = (db.clone(), cup.clone());
            cup.name = format!("{round}.{n}");
            tasks.push(tokio::spawn(async move {
                // Half of them in transactions.
                let saved = match n % 2 {
                    0 => cup.save(&db).await,
                    _ => db.transaction(async |transaction| cup.save(transaction).await).await,
                };
                saved.map(|()| cup.name.clone())
            }));
        }
        let mut won = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                Ok(name) => won.push(name),
                Err(error) => assert!(error.is_stale(), "{error}"),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!(stored(&db, 1).await?, (won.remove(0), round + 1));
    }
    Ok(())
}

async fn lists_and_counts_follow_the_version(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let written = || Item::filter(&db, Item::VERSION.gt(1));
    let shelf = || Item::filter(&db, Item::SHELF.eq(1)).order_by(Item::VERSION.desc());
    for _ in 0..2 {
        assert_eq!((written().count().await?, written().all().await?.len()), (0, 0));
        assert_eq!(shelf().first().await?.unwrap().id, 1);
    }
    let mut plate = Item::by_id(&db, 2).await?;
    plate.name = "Dish".into();
    plate.save(&db).await?;
    for _ in 0..2 {
        assert_eq!((written().count().await?, written().one().await?.name.as_str()), (1, "Dish"));
        assert_eq!(shelf().first().await?.unwrap().id, 2);
    }
    Ok(())
}

async fn the_version_belongs_to_saves(stack: &Stack) -> Result<()> {
    let db = items(stack).await?;
    let mut cup = Item::by_id(&db, 1).await?;
    cup.version = 5;
    let error = cup.save(&db).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(stored(&db, 1).await?, ("Cup".into(), 1));
    Ok(())
}

async fn a_version_of_an_embed_counts_too(stack: &Stack) -> Result<()> {
    #[derive(thing::Embed, Clone, Debug)]
    struct Base {
        id: i64,
        #[thing(version)]
        revision: i32,
    }

    #[derive(Model, Clone, Debug)]
    struct Page {
        title: String,
        #[thing(embed)]
        base: Base,
    }

    let db = stack.db::<Page>().await;
    let mut page = db.things::<Page>().create(NewPage { title: "One".into() }).await?;
    let mut old = Page::by_id(&db, page.base.id).await?;
    page.title = "Two".into();
    page.save(&db).await?;
    assert_eq!((page.base.revision, Page::by_id(&db, 1).await?.base.revision), (2, 2));
    old.title = "Old".into();
    assert_stale(old.save(&db).await, 1, 2);
    Ok(())
}

async fn the_last_version_is_the_end(stack: &Stack) -> Result<()> {
    #[derive(thing::ColumnType, Clone, Debug, PartialEq)]
    struct Revision(u32);

    #[derive(Model, Clone, Debug)]
    struct Note {
        id: i64,
        text: String,
        #[thing(version)]
        revision: Revision,
    }

    let db = stack.db::<Note>().await;
    db.things::<Note>().create(NewNote { text: "Note".into() }).await?;
    let last = u32::MAX - 1;
    db.raw(format!("UPDATE notes SET revision = {last}")).changes::<Note>().execute().await?;
    let mut note = Note::by_id(&db, 1).await?;
    assert_eq!(note.revision, Revision(last));
    note.text = "Last".into();
    note.save(&db).await?;
    assert_eq!(note.revision, Revision(u32::MAX));
    note.text = "Beyond".into();
    let error = note.save(&db).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { column: Some(column) } if column == "revision"), "{error}");
    Ok(())
}
