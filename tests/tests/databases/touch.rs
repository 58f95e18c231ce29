//! Touching: the time of the last write moves, and nothing else but the version.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Stack, at};

matrix! {
    every: [
        the_time_moves_and_the_cache_follows,
        unsaved_changes_stay_unsaved,
        what_can_not_be_touched_says_so,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Page {
    id: i64,
    text: String,
    #[thing(updated)]
    updated_at: SystemTime,
    #[thing(version)]
    version: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Plain {
    id: i64,
    text: String,
}

/// With a clock that goes on by a second at each look.
async fn pages(stack: &Stack) -> Result<Db> {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = move || at(seconds.fetch_add(1, Ordering::Relaxed));
    let db = stack.builder().await.clock(clock).build();
    db.sync::<(Page, Plain)>().await?;
    db.things::<Page>().create(NewPage { text: "one".into() }).await?;
    Ok(db)
}

async fn the_time_moves_and_the_cache_follows(stack: &Stack) -> Result<()> {
    let db = pages(stack).await?;
    let before = Page::by_id(&db, 1).await?;
    let newer = || Page::filter(&db, Page::UPDATED_AT.gt(before.updated_at)).count();
    assert_eq!(newer().await?, 0);
    let touched = db.things::<Page>().touch(1).await?;
    assert!(touched.updated_at > before.updated_at);
    assert_eq!((touched.version, touched.text.as_str()), (2, "one"));
    assert_eq!(Page::by_id(&db, 1).await?, touched);
    assert_eq!(newer().await?, 1);
    let transaction = db.begin().await?;
    transaction.things::<Page>().touch(1).await?;
    transaction.rollback().await?;
    assert_eq!(Page::by_id(&db, 1).await?, touched);
    Ok(())
}

async fn unsaved_changes_stay_unsaved(stack: &Stack) -> Result<()> {
    let db = pages(stack).await?;
    let mut page = Page::by_id(&db, 1).await?;
    let mut old = page.clone();
    page.touch(&db).await?;
    assert!(!page.is_changed());
    assert_eq!(page.version, 2);
    page.text = "two".into();
    page.touch(&db).await?;
    assert!(page.is_changed());
    assert_eq!((page.version, page.original().text.as_str(), page.text.as_str()), (3, "one", "two"));
    assert_eq!(Page::by_id(&db, 1).await?.text, "one");
    page.save(&db).await?;
    assert_eq!(Page::by_id(&db, 1).await?, page);
    assert!(old.touch(&db).await.unwrap_err().is_stale());

    let transaction = db.begin().await?;
    page.touch(&transaction).await?;
    assert_eq!(page.version, 5);
    transaction.rollback().await?;
    assert_eq!(page.version, 4);
    page.text = "three".into();
    page.save(&db).await?;
    Ok(())
}

async fn what_can_not_be_touched_says_so(stack: &Stack) -> Result<()> {
    let db = pages(stack).await?;
    assert!(db.things::<Page>().touch(9).await.unwrap_err().is_not_found());
    let error = db.things::<Plain>().touch(1).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    Ok(())
}
