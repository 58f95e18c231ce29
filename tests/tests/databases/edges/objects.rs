//! Objects and writes at their edges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use thing::{ErrorKind, Model, Result};

use super::{Note, note, notes};
use crate::support::Stack;

matrix! {
    every: [
        an_unchanged_save_sends_nothing_and_keeps_the_time,
        a_row_that_is_gone_is_not_found_and_not_added,
        a_changed_key_is_refused_before_anything_is_sent,
        create_many_names_the_item_that_failed_and_stores_none,
        save_many_saves_all_or_none_and_the_objects_keep_their_changes,
        holders_of_one_object_do_not_see_each_others_changes,
        a_duplicate_is_a_violation_that_changes_nothing,
        what_an_old_copy_says_of_the_row_before_is_not_believed,
    ]
}

async fn an_unchanged_save_sends_nothing_and_keeps_the_time(stack: &Stack) -> Result<()> {
    let seconds = Arc::new(AtomicU64::new(100));
    let clock = seconds.clone();
    let now = move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst));
    let db = stack.builder().await.clock(now).build();
    db.sync::<Note>().await?;
    note(1, "one").create(&db).await?;
    let mut one = Note::by_id(&db, 1).await?;
    let before = one.updated_at;
    seconds.store(200, Ordering::SeqCst);
    // A mutable access that changes nothing, and a change taken back.
    one.title.push('!');
    one.title.pop();
    let sent = db.statistics().statements();
    one.save(&db).await?;
    db.things::<Note>().save_many([&mut one]).await?;
    assert_eq!(db.statistics().statements(), sent);
    assert_eq!(Note::by_id(&db, 1).await?.updated_at, before);
    one.title.push('!');
    one.save(&db).await?;
    assert_eq!(one.updated_at, before + Duration::from_secs(100));
    assert_eq!(*Note::by_id(&db, 1).await?, *one);
    Ok(())
}

async fn a_row_that_is_gone_is_not_found_and_not_added(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let mut held = Note::by_id(&db, 2).await?;
    let other = held.clone();
    db.things::<Note>().delete(2).await?;
    held.title = "back".into();
    assert!(held.save(&db).await.unwrap_err().is_not_found());
    assert!(held.is_changed(), "the change can be saved elsewhere");
    assert!(held.clone().into_inner().save(&db).await.unwrap_err().is_not_found());
    assert!(other.delete(&db).await.unwrap_err().is_not_found());
    assert!(db.things::<Note>().delete(2).await.unwrap_err().is_not_found());
    assert!(db.things::<Note>().delete(i64::MAX).await.unwrap_err().is_not_found());
    let error = db.things::<Note>().delete_many([1, 2]).await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("item 1"), "{error}");
    assert_eq!(db.things::<Note>().count().await?, 5, "the first was not deleted alone");
    assert!(Note::find(&db, 1).await?.is_some());
    Ok(())
}

async fn a_changed_key_is_refused_before_anything_is_sent(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let mut one = Note::by_id(&db, 1).await?;
    one.id = 77;
    one.title = "moved".into();
    let sent = db.statistics().statements();
    assert_eq!(*one.save(&db).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(db.statistics().statements(), sent);
    assert!(Note::find(&db, 77).await?.is_none());
    // Deleting means the row that was read.
    one.delete(&db).await?;
    assert!(Note::find(&db, 1).await?.is_none());
    Ok(())
}

async fn create_many_names_the_item_that_failed_and_stores_none(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    assert!(db.things::<Note>().create_many([] as [Note; 0]).await?.is_empty());
    let new = [note(1, "new"), note(1, "newer"), note(1, "a%b"), note(1, "newest")];
    let error = db.things::<Note>().create_many(new.clone()).await.unwrap_err();
    assert!(error.is_unique_violation() && error.to_string().contains("item 2"), "{error}");
    assert_eq!(db.things::<Note>().count().await?, 6);
    let error = db.transaction(async |transaction| {
        transaction.things::<Note>().create(note(1, "kept")).await?;
        let error = transaction.things::<Note>().create_many(new).await.unwrap_err();
        assert_eq!(transaction.things::<Note>().count().await?, 7);
        Result::Ok(error)
    });
    let error = error.await?;
    assert!(error.to_string().contains("item 2"), "{error}");
    assert_eq!(db.things::<Note>().count().await?, 7, "the transaction went on without them");
    Ok(())
}

async fn save_many_saves_all_or_none_and_the_objects_keep_their_changes(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let mut objects = db.things::<Note>().all().await?;
    for object in &mut objects {
        object.weight += 100.0;
    }
    objects[4].title = "a%b".into();
    let error = db.things::<Note>().save_many(&mut objects).await.unwrap_err();
    assert!(error.is_unique_violation() && error.to_string().contains("item 4"), "{error}");
    assert!(objects.iter().all(|object| object.is_changed() && object.weight >= 100.0));
    assert!(db.things::<Note>().all().await?.iter().all(|note| note.weight < 100.0));
    objects[4].title = "free".into();
    db.things::<Note>().save_many(&mut objects).await?;
    assert!(!objects.iter().any(|object| object.is_changed()));
    assert!(db.things::<Note>().all().await?.iter().all(|note| note.weight >= 100.0));
    assert_eq!(Note::by_id(&db, 5).await?.title, "free");
    Ok(())
}

async fn holders_of_one_object_do_not_see_each_others_changes(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    Note::by_id(&db, 1).await?;
    let mut one = Note::by_id(&db, 1).await?;
    let two = Note::by_id(&db, 1).await?;
    let mut three = one.clone();
    let listed = Note::filter(&db, Note::ID.eq(1)).all().await?;
    one.title = "mine".into();
    three.rank = None;
    assert_eq!((two.title.as_str(), two.rank), ("a%b", Some(1)));
    assert_eq!((three.title.as_str(), listed[0].rank), ("a%b", Some(1)));
    assert_eq!((one.original().title.as_str(), one.rank), ("a%b", Some(1)));
    assert_eq!(Note::by_id(&db, 1).await?.title, "a%b", "an unsaved change is nobody else's");
    one.save(&db).await?;
    assert_eq!(two.title, "a%b", "what was read stays as it was read");
    three.save(&db).await?;
    let stored = Note::by_id(&db, 1).await?;
    assert_eq!((stored.title.as_str(), stored.rank), ("mine", None), "each wrote its own columns only");
    Ok(())
}

async fn a_duplicate_is_a_violation_that_changes_nothing(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let mut two = Note::by_id(&db, 2).await?;
    two.title = "a%b".into();
    two.rank = Some(9);
    assert!(two.save(&db).await.unwrap_err().is_unique_violation());
    assert!(note(1, "a%b").create(&db).await.unwrap_err().is_unique_violation());
    let taken = Note { id: 1, ..note(1, "free") };
    assert!(taken.create(&db).await.unwrap_err().is_unique_violation());
    for _ in 0..2 {
        assert_eq!(Note::by_id(&db, 2).await?.rank, Some(2));
        assert_eq!(Note::filter(&db, Note::RANK.eq(9)).count().await?, 0);
        assert_eq!(db.things::<Note>().count().await?, 6);
    }
    two.title = "own".into();
    two.save(&db).await?;
    assert_eq!(Note::filter(&db, Note::RANK.eq(9)).count().await?, 1);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Blob {
    id: i64,
    data: Vec<u8>,
}

async fn what_an_old_copy_says_of_the_row_before_is_not_believed(stack: &Stack) -> Result<()> {
    let db = stack.builder().await.build();
    db.sync::<Blob>().await?;
    let mut old = Blob { id: 0, data: b"a".to_vec() }.create(&db).await?;
    let mut new = Blob::by_id(&db, old.id).await?;
    new.data = b"b".to_vec();
    new.save(&db).await?;
    let listed = || Blob::filter(&db, Blob::DATA.eq(b"b")).all();
    assert_eq!(listed().await?.len(), 1);
    // To this copy the row never held what the list is about.
    old.data = b"c".to_vec();
    old.save(&db).await?;
    assert_eq!(listed().await?.len(), 0);
    Ok(())
}
