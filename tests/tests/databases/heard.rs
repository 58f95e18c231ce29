//! What listeners hear of the ways of writing that are more than a create, a save or a delete.

use std::sync::{Arc, Mutex};

use thing::{Changes, Db, Error, Event, EventListener, Listener, Model, Result, Transaction};

use crate::support::Stack;

matrix! {
    every: [
        marked_and_restored_objects_are_told,
        a_restore_can_be_refused,
        upserts_and_bulk_writes_are_told,
        replaced_objects_are_told_one_by_one,
        writes_by_filter_are_not_told,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(drafts: Draft, Draft::AUTHOR_ID))]
struct Author {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Draft {
    id: i64,
    #[thing(unique)]
    title: String,
    #[thing(index)]
    author_id: Option<i64>,
    #[thing(deleted)]
    deleted: bool,
}

fn draft(title: &str) -> NewDraft {
    NewDraft { title: title.into(), author_id: None }
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl EventListener for Heard {
    async fn on_event(&self, event: &Event, _: &Transaction) -> Result<()> {
        let columns: Vec<&str> = event.columns().map(|column| column.name).collect();
        self.0.lock().unwrap().push(format!("{:?} {} {}", event.kind(), event.table(), columns.join(",")));
        Ok(())
    }
}

/// Keeps what is called "gone" where it is.
struct Keeper;

impl Listener<Draft> for Keeper {
    async fn before_restore(&self, draft: &Draft, _: &Transaction) -> Result<()> {
        if draft.title == "gone" { Err(Error::refused("it stays where it is")) } else { Ok(()) }
    }

    async fn after_restore(&self, draft: &Draft, changes: &Changes<Draft>, _: &Transaction) -> Result<()> {
        assert!(!draft.deleted && changes.changed(Draft::DELETED));
        Ok(())
    }
}

async fn listening(stack: &Stack) -> Result<(Db, Heard)> {
    let heard = Heard::default();
    let db = stack.builder().await.listen::<Draft>(Keeper).listen_all(heard.clone()).build();
    db.sync::<(Author, Draft)>().await?;
    Ok((db, heard))
}

async fn marked_and_restored_objects_are_told(stack: &Stack) -> Result<()> {
    let (db, heard) = listening(stack).await?;
    let drafts = db.things::<Draft>();
    let one = drafts.create(draft("one")).await?;
    drafts.delete(one.id).await?;
    assert!(drafts.delete(one.id).await.unwrap_err().is_not_found());
    assert_eq!(drafts.find(one.id).await?, None);
    let one = drafts.restore(one.id).await?;
    assert!(drafts.restore(one.id).await.unwrap_err().is_not_found());
    assert_eq!(drafts.by_id(one.id).await?.title, "one");
    drafts.force_delete(one.id).await?;
    assert!(drafts.force_delete(one.id).await.unwrap_err().is_not_found());
    let all = "id,title,author_id,deleted";
    let expected = [
        format!("Created drafts {all}"),
        format!("Deleted drafts {all}"),
        "Restored drafts deleted".into(),
        format!("Deleted drafts {all}"),
    ];
    assert_eq!(heard.take(), expected);
    Ok(())
}

async fn a_restore_can_be_refused(stack: &Stack) -> Result<()> {
    let (db, heard) = listening(stack).await?;
    let drafts = db.things::<Draft>();
    let gone = drafts.create(draft("gone")).await?;
    drafts.delete(gone.id).await?;
    heard.take();
    assert!(drafts.restore(gone.id).await.unwrap_err().is_refused());
    assert_eq!(drafts.find(gone.id).await?, None);
    assert_eq!(heard.take(), [""; 0]);
    Ok(())
}

async fn upserts_and_bulk_writes_are_told(stack: &Stack) -> Result<()> {
    let (db, heard) = listening(stack).await?;
    let drafts = db.things::<Draft>();
    let mut bulk = drafts.insert_many();
    bulk.write([draft("one"), draft("two")]).await?;
    assert_eq!(bulk.finish().await?, 2);
    assert_eq!(heard.take().len(), 2);
    let one = drafts.upsert(NewDraft { author_id: Some(7), ..draft("one") }, Draft::TITLE, Draft::AUTHOR_ID).await?;
    assert_eq!(one.author_id, Some(7));
    assert_eq!(heard.take(), ["Updated drafts author_id"]);
    let mut bulk = drafts.upsert_many(Draft::TITLE, Draft::AUTHOR_ID);
    bulk.write([NewDraft { author_id: Some(8), ..draft("two") }, draft("three")]).await?;
    assert_eq!(bulk.finish().await?, 2);
    assert_eq!(heard.take(), ["Updated drafts author_id", "Created drafts id,title,author_id,deleted"]);
    assert_eq!(drafts.filter(Draft::AUTHOR_ID.is_not_null()).count().await?, 2);
    // What is marked as deleted is in nobody's way.
    drafts.delete(one.id).await?;
    let again = drafts.upsert(draft("one"), Draft::TITLE, Draft::AUTHOR_ID).await?;
    assert_ne!(again.id, one.id);
    Ok(())
}

async fn replaced_objects_are_told_one_by_one(stack: &Stack) -> Result<()> {
    let (db, heard) = listening(stack).await?;
    let mut ann = db.things::<Author>().create(NewAuthor { name: "Ann".into() }).await?;
    let drafts = db.things::<Draft>().create_many(["one", "two"].map(draft)).await?;
    heard.take();
    ann.replace_all(&db, Author::DRAFTS, &drafts[..1], [draft("three")]).await?;
    assert_eq!(heard.take(), ["Updated drafts author_id", "Created drafts id,title,author_id,deleted"]);
    ann.replace_all(&db, Author::DRAFTS, &drafts[1..], [] as [NewDraft; 0]).await?;
    assert_eq!(heard.take(), ["Updated drafts author_id"; 3]);
    assert_eq!(Author::DRAFTS.of(&db, &ann).pluck(Draft::TITLE).await?, ["two"]);
    Ok(())
}

async fn writes_by_filter_are_not_told(stack: &Stack) -> Result<()> {
    let (db, heard) = listening(stack).await?;
    let drafts = db.things::<Draft>();
    drafts.create_many(["one", "two"].map(draft)).await?;
    heard.take();
    assert_eq!(drafts.filter(Draft::TITLE.eq("one")).update(Draft::AUTHOR_ID.set(3)).await?, 1);
    assert_eq!(drafts.filter(Draft::AUTHOR_ID.eq(3)).delete().await?, 1);
    assert_eq!(drafts.count().await?, 1);
    assert_eq!(heard.take(), [""; 0]);
    Ok(())
}
