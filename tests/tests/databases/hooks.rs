//! Hooks and listeners: who is told of a write, when, and what an error of theirs undoes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use thing::{
    Changes, Db, DbBuilder, Error, ErrorKind, Event, EventKind, EventListener, Hooks, Listener, Model, Result, Session,
    Transaction,
};
use thing_conformance::recording::{Matcher, RecordingExecutor, When};

use crate::support::{Stack, statements};

matrix! {
    every: [
        hooks_come_in_order,
        listeners_come_after_hooks,
        hooks_before_a_write_change_the_object,
        a_refusal_leaves_nothing,
        an_error_after_the_write_undoes_it,
        an_error_after_the_write_dooms_the_transaction,
        changes_tell_old_and_new,
        a_plain_save_tells_what_the_row_was,
        a_commit_is_told_once_in_order,
        a_rollback_is_told,
        a_dropped_transaction_is_told,
        what_fails_after_the_end_is_counted,
        many_at_once_run_hooks,
        whatever_creates_and_saves_runs_hooks,
        links_are_told,
        increments_are_told_when_they_are_done,
        raw_statements_are_not_told,
        a_write_that_met_another_runs_its_hooks_again,
        only_a_known_end_is_told,
        objects_are_loaded_through_their_hook,
        hooks_cost_the_row_before,
        nobody_reads_what_was_undone,
    ]
}

/// Its hooks write notes, in the transaction they are given.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(hooks, no_new)]
struct Article {
    id: i64,
    #[thing(unique)]
    slug: String,
    #[thing(index)]
    title: String,
    stars: i32,
    #[thing(ignore)]
    loaded: bool,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Note {
    id: i64,
    text: String,
}

/// It has no hooks.
#[derive(Model, Clone, Debug, PartialEq)]
struct Tag {
    id: i64,
    #[thing(index)]
    name: String,
}

async fn note<S: Session + ?Sized>(session: &S, text: impl Into<String>) -> Result<()> {
    Note { id: 0, text: text.into() }.create(session).await.map(drop)
}

impl Hooks for Article {
    async fn before_save(&mut self, transaction: &Transaction) -> Result<()> {
        self.title = self.title.trim().to_owned();
        note(transaction, "before save").await
    }

    async fn before_create(&mut self, transaction: &Transaction) -> Result<()> {
        note(transaction, "before create").await
    }

    async fn before_update(&mut self, transaction: &Transaction) -> Result<()> {
        note(transaction, "before update").await?;
        match self.title.as_str() {
            "refused" => Err(Error::refused("this title is taken from nobody")),
            _ => Ok(()),
        }
    }

    async fn before_delete(&self, transaction: &Transaction) -> Result<()> {
        note(transaction, format!("before delete {}", self.title)).await
    }

    async fn after_create(&self, changes: &Changes<Self>, transaction: &Transaction) -> Result<()> {
        assert_eq!(changes.new(Self::ID)?, Some(self.id));
        note(transaction, "after create").await
    }

    async fn after_update(&self, changes: &Changes<Self>, transaction: &Transaction) -> Result<()> {
        let names: Vec<&str> = changes.columns().map(|column| column.name).collect();
        note(transaction, format!("after update of {}", names.join(", "))).await
    }

    async fn after_save(&self, _: &Changes<Self>, transaction: &Transaction) -> Result<()> {
        note(transaction, "after save").await?;
        match self.title.as_str() {
            "fails" => Err(Error::invalid_input("the hook failed")),
            _ => Ok(()),
        }
    }

    async fn after_delete(&self, _: &Changes<Self>, transaction: &Transaction) -> Result<()> {
        note(transaction, format!("after delete {}", self.title)).await
    }

    fn after_load(&mut self) -> Result<()> {
        self.loaded = true;
        match self.title.as_str() {
            "unreadable" => Err(Error::invalid_input("nobody can read this")),
            _ => Ok(()),
        }
    }

    async fn after_commit(changes: Changes<Self>, db: &Db) -> Result<()> {
        assert!(changes.new(Self::TITLE)?.is_none_or(|title| title != "panics"), "as it was told to");
        note(db, format!("committed {:?}", changes.kind())).await
    }

    async fn after_rollback(changes: Changes<Self>, db: &Db) -> Result<()> {
        note(db, format!("rolled back {:?}", changes.kind())).await
    }
}

fn article(slug: &str) -> Article {
    Article { id: 0, slug: slug.into(), title: slug.into(), stars: 0, loaded: false }
}

async fn articles(stack: &Stack) -> Db {
    stack.db::<(Article, Note, Tag)>().await
}

/// A database with listeners.
async fn listening(stack: &Stack, listen: impl FnOnce(DbBuilder) -> DbBuilder) -> Db {
    let db = listen(stack.builder().await).build();
    db.sync::<(Article, Note, Tag)>().await.unwrap();
    db
}

/// The notes since the last look.
async fn notes(db: &Db) -> Vec<String> {
    let notes = db.things::<Note>().all().await.unwrap();
    db.things::<Note>().delete_many(notes.iter().map(|note| note.id)).await.unwrap();
    notes.into_iter().map(|note| note.text.clone()).collect()
}

/// What listeners heard.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn hear(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Hears of the writes of one model, by a name of its own.
struct Named(&'static str, Heard);

impl Listener<Tag> for Named {
    async fn before_save(&self, _: &mut Tag, _: &Transaction) -> Result<()> {
        self.1.hear(format!("{} before save", self.0));
        Ok(())
    }

    async fn before_delete(&self, tag: &Tag, _: &Transaction) -> Result<()> {
        self.1.hear(format!("{} before delete of {}", self.0, tag.name));
        Ok(())
    }

    async fn after_create(&self, tag: &Tag, _: &Changes<Tag>, _: &Transaction) -> Result<()> {
        self.1.hear(format!("{} after create of {}", self.0, tag.name));
        Ok(())
    }

    async fn after_update(&self, tag: &Tag, changes: &Changes<Tag>, _: &Transaction) -> Result<()> {
        let old = changes.old(Tag::NAME)?.unwrap_or_default();
        self.1.hear(format!("{} after update of {old} to {}", self.0, tag.name));
        Ok(())
    }

    async fn after_delete(&self, tag: &Tag, changes: &Changes<Tag>, _: &Transaction) -> Result<()> {
        assert_eq!(changes.new(Tag::NAME)?, None);
        self.1.hear(format!("{} after delete of {}", self.0, tag.name));
        Ok(())
    }

    async fn after_commit(&self, changes: Vec<Changes<Tag>>, _: &Db) -> Result<()> {
        self.1.hear(format!("{} committed {}", self.0, names(&changes)?));
        Ok(())
    }

    async fn after_rollback(&self, changes: Vec<Changes<Tag>>, _: &Db) -> Result<()> {
        self.1.hear(format!("{} rolled back {}", self.0, names(&changes)?));
        Ok(())
    }
}

fn names(changes: &[Changes<Tag>]) -> Result<String> {
    let name = |change: &Changes<Tag>| {
        let name = change.new(Tag::NAME)?.or(change.old(Tag::NAME)?);
        Ok(format!("{:?} {}", change.kind(), name.unwrap_or_default()))
    };
    Ok(changes.iter().map(name).collect::<Result<Vec<_>>>()?.join(", "))
}

/// Hears of the writes of all models, but of notes.
struct All(Heard);

impl EventListener for All {
    fn listens_to(&self, table: &str) -> bool {
        table != "notes"
    }

    async fn on_event(&self, event: &Event, transaction: &Transaction) -> Result<()> {
        let columns: Vec<&str> = event.columns().map(|column| column.name).collect();
        self.0.hear(format!("all {:?} {} {}", event.kind(), event.table(), columns.join(",")));
        // It works in the transaction of the write.
        transaction.things::<Note>().count().await.map(drop)
    }

    async fn after_commit(&self, events: Vec<Event>, _: &Db) -> Result<()> {
        self.0.hear(format!("all committed {}", events.len()));
        Ok(())
    }

    async fn after_rollback(&self, events: Vec<Event>, _: &Db) -> Result<()> {
        self.0.hear(format!("all rolled back {}", events.len()));
        Ok(())
    }
}

async fn hooks_come_in_order(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let mut one = db.things::<Article>().create(article("one")).await?;
    let wanted = ["before save", "before create", "after create", "after save", "committed Created"];
    assert_eq!(notes(&db).await, wanted);
    one.stars = 3;
    one.save(&db).await?;
    let wanted = ["before save", "before update", "after update of stars", "after save", "committed Updated"];
    assert_eq!(notes(&db).await, wanted);
    one.save(&db).await?;
    assert!(notes(&db).await.is_empty(), "nothing changed");
    let id = one.id;
    one.delete(&db).await?;
    let deleted = ["before delete one", "after delete one", "committed Deleted"];
    assert_eq!(notes(&db).await, deleted);
    assert!(Article::find(&db, id).await?.is_none());
    let one = article("one").create(&db).await?;
    notes(&db).await;
    db.things::<Article>().delete(one.id).await?;
    assert_eq!(notes(&db).await, deleted, "by key as by object");
    assert!(db.things::<Article>().delete(one.id).await.unwrap_err().is_not_found());
    Ok(())
}

async fn listeners_come_after_hooks(stack: &Stack) -> Result<()> {
    let heard = Heard::default();
    let listen = |builder: DbBuilder| {
        let builder = builder.listen_all(All(heard.clone()));
        builder.listen::<Tag>(Named("first", heard.clone())).listen::<Tag>(Named("second", heard.clone()))
    };
    let db = listening(stack, listen).await;
    let mut tag = db.things::<Tag>().create(NewTag { name: "a".into() }).await?;
    let wanted = [
        "first before save",
        "second before save",
        "first after create of a",
        "second after create of a",
        "all Created tags id,name",
        "first committed Created a",
        "second committed Created a",
        "all committed 1",
    ];
    assert_eq!(heard.take(), wanted);
    tag.name = "b".into();
    tag.save(&db).await?;
    assert_eq!(
        heard.take()[2..5],
        ["first after update of a to b", "second after update of a to b", "all Updated tags name"]
    );
    tag.delete(&db).await?;
    assert_eq!(heard.take()[..3], ["first before delete of b", "second before delete of b", "first after delete of b"]);
    article("one").create(&db).await?;
    assert_eq!(heard.take(), ["all Created articles id,slug,title,stars", "all committed 1"]);
    assert_eq!(notes(&db).await.len(), 5);
    assert!(heard.take().is_empty(), "nobody listens to notes");
    Ok(())
}

async fn hooks_before_a_write_change_the_object(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let mut one = Article { title: "  one ".into(), ..article("one") }.create(&db).await?;
    assert_eq!(one.title, "one");
    one.title = " two ".into();
    one.save(&db).await?;
    assert_eq!((one.title.as_str(), one.is_changed()), ("two", false));
    assert_eq!(Article::by_id(&db, one.id).await?.title, "two");
    let plain = Article { title: " three ".into(), ..one.into_inner() };
    assert_eq!(plain.save(&db).await?.title, "three");
    assert_eq!(Article::filter(&db, Article::TITLE.eq("three")).count().await?, 1);
    Ok(())
}

async fn a_refusal_leaves_nothing(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let mut one = article("one").create(&db).await?;
    notes(&db).await;
    one.title = " refused".into();
    let error = one.save(&db).await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(error.to_string().contains("save Article"), "{error}");
    assert_eq!(notes(&db).await, [] as [&str; 0], "the hooks' writes are undone too");
    assert_eq!((one.title.as_str(), one.is_changed()), (" refused", true), "its holder has it as it was");
    one.title = "two".into();
    one.save(&db).await?;
    assert_eq!(Article::by_id(&db, one.id).await?.title, "two");

    // A refusal leaves a transaction of the caller's as it was, but for what the hook itself wrote.
    notes(&db).await;
    let transaction = db.begin().await?;
    one.title = "refused".into();
    assert!(one.save(&transaction).await.unwrap_err().is_refused());
    one.title = "three".into();
    one.save(&transaction).await?;
    transaction.commit().await?;
    assert_eq!(Article::by_id(&db, one.id).await?.title, "three");
    Ok(())
}

async fn an_error_after_the_write_undoes_it(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let error = article("fails").create(&db).await.unwrap_err();
    assert!(error.to_string().ends_with("the hook failed"), "{error}");
    assert_eq!(notes(&db).await, ["rolled back Created"]);
    assert_eq!(db.things::<Article>().count().await?, 0);
    let mut one = article("one").create(&db).await?;
    notes(&db).await;
    one.title = "fails".into();
    assert!(one.save(&db).await.is_err());
    assert_eq!(notes(&db).await, ["rolled back Updated"]);
    assert!(one.is_changed());
    assert_eq!(Article::by_id(&db, one.id).await?.title, "one");
    one.title = "two".into();
    one.save(&db).await?;
    assert_eq!(Article::by_id(&db, one.id).await?.title, "two");
    Ok(())
}

async fn an_error_after_the_write_dooms_the_transaction(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let transaction = db.begin().await?;
    article("one").create(&transaction).await?;
    assert!(article("fails").create(&transaction).await.is_err());
    let error = transaction.commit().await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert_eq!(notes(&db).await, ["rolled back Created", "rolled back Created"]);
    assert_eq!(db.things::<Article>().count().await?, 0);

    // A savepoint is rolled back alone.
    let transaction = db.begin().await?;
    article("one").create(&transaction).await?;
    let inner = transaction.begin().await?;
    assert!(article("fails").create(&inner).await.is_err());
    assert!(inner.commit().await.unwrap_err().is_refused());
    article("two").create(&transaction).await?;
    transaction.commit().await?;
    assert_eq!(db.things::<Article>().count().await?, 2);
    Ok(())
}

async fn changes_tell_old_and_new(stack: &Stack) -> Result<()> {
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Changes<Article>>>>);
    impl Listener<Article> for Kept {
        async fn after_commit(&self, changes: Vec<Changes<Article>>, _: &Db) -> Result<()> {
            self.0.lock().unwrap().extend(changes);
            Ok(())
        }
    }
    let kept = Kept::default();
    let db = listening(stack, |builder| builder.listen::<Article>(kept.clone())).await;
    let mut one = Article { stars: 1, ..article("one") }.create(&db).await?;
    // Somebody else has changed what this holder did not see.
    let mut other = Article::by_id(&db, one.id).await?;
    other.stars = 5;
    other.save(&db).await?;
    one.title = "two".into();
    one.stars = 9;
    one.save(&db).await?;
    one.delete(&db).await?;
    let kept = kept.0.lock().unwrap();
    let kinds: Vec<EventKind> = kept.iter().map(|changes| changes.kind()).collect();
    assert_eq!(kinds, [EventKind::Created, EventKind::Updated, EventKind::Updated, EventKind::Deleted]);
    let created = &kept[0];
    assert!(created.changed(Article::TITLE));
    assert_eq!((created.old(Article::STARS)?, created.new(Article::STARS)?), (None, Some(1)));
    let saved = &kept[2];
    assert!(saved.changed(Article::TITLE) && saved.changed(Article::STARS) && !saved.changed(Article::SLUG));
    assert_eq!((saved.old(Article::STARS)?, saved.new(Article::STARS)?), (Some(5), Some(9)), "as the row was");
    assert_eq!((saved.old(Article::SLUG)?, saved.new(Article::SLUG)?), (Some("one".into()), Some("one".into())));
    assert_eq!(saved.columns().map(|column| column.name).collect::<Vec<_>>(), ["title", "stars"]);
    let deleted = &kept[3];
    assert_eq!((deleted.old(Article::STARS)?, deleted.new(Article::STARS)?), (Some(9), None));
    assert_eq!((deleted.model(), deleted.table()), ("Article", "articles"));
    assert_eq!(deleted.key(), created.key());
    Ok(())
}

async fn a_plain_save_tells_what_the_row_was(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let one = article("one").create(&db).await?.into_inner();
    notes(&db).await;
    Article { stars: 4, ..one.clone() }.save(&db).await?;
    assert_eq!(notes(&db).await[2], "after update of stars");
    let ghost = Article { id: one.id + 1, ..one };
    assert!(ghost.save(&db).await.unwrap_err().is_not_found());
    assert!(notes(&db).await.is_empty());
    article("new").save(&db).await?;
    assert_eq!(notes(&db).await[1], "before create", "an unset key makes it a new object");
    Ok(())
}

async fn a_commit_is_told_once_in_order(stack: &Stack) -> Result<()> {
    let heard = Heard::default();
    let listen =
        |builder: DbBuilder| builder.listen::<Tag>(Named("tags", heard.clone())).listen_all(All(heard.clone()));
    let db = listening(stack, listen).await;
    let tag = |name: &str| Tag { id: 0, name: name.into() };
    let transaction = db.begin().await?;
    let mut a = tag("a").create(&transaction).await?;
    let undone = transaction.begin().await?;
    tag("undone").create(&undone).await?;
    undone.rollback().await?;
    let kept = transaction.begin().await?;
    tag("kept").create(&kept).await?;
    kept.commit().await?;
    let dropped = transaction.begin().await?;
    tag("dropped").create(&dropped).await?;
    drop(dropped);
    a.name = "b".into();
    a.save(&transaction).await?;
    article("one").create(&transaction).await?;
    assert!(heard.take().iter().all(|what| !what.contains("committed")), "not before the end");
    transaction.commit().await?;
    let wanted = ["tags committed Created a, Created kept, Updated b", "all committed 4"];
    assert_eq!(heard.take(), wanted);
    assert_eq!(db.statistics().listener_errors, 0);
    Ok(())
}

async fn a_rollback_is_told(stack: &Stack) -> Result<()> {
    let heard = Heard::default();
    let db = listening(stack, |builder| builder.listen::<Tag>(Named("tags", heard.clone()))).await;
    let transaction = db.begin().await?;
    Tag { id: 0, name: "a".into() }.create(&transaction).await?;
    heard.take();
    transaction.rollback().await?;
    assert_eq!(heard.take(), ["tags rolled back Created a"]);
    let refused: Result<()> = db
        .transaction(async |transaction| {
            Tag { id: 0, name: "b".into() }.create(transaction).await?;
            Err(Error::refused("no"))
        })
        .await;
    assert!(refused.is_err());
    assert_eq!(heard.take().pop().unwrap(), "tags rolled back Created b");
    assert_eq!(db.things::<Tag>().count().await?, 0);
    // What never was in the database is no change of it.
    let transaction = db.begin().await?;
    transaction.rollback().await?;
    assert!(heard.take().is_empty());
    Ok(())
}

async fn a_dropped_transaction_is_told(stack: &Stack) -> Result<()> {
    let heard = Heard::default();
    let db = listening(stack, |builder| builder.listen::<Tag>(Named("tags", heard.clone()))).await;
    let transaction = db.begin().await?;
    Tag { id: 0, name: "a".into() }.create(&transaction).await?;
    heard.take();
    drop(transaction);
    // By a task.
    for _ in 0..1000 {
        let told = heard.take();
        if !told.is_empty() {
            assert_eq!(told, ["tags rolled back Created a"]);
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody was told");
}

async fn what_fails_after_the_end_is_counted(stack: &Stack) -> Result<()> {
    struct Failing(Heard);
    impl Listener<Article> for Failing {
        async fn after_commit(&self, changes: Vec<Changes<Article>>, _: &Db) -> Result<()> {
            self.0.hear(format!("committed {}", changes.len()));
            Err(Error::refused("too late"))
        }
    }
    let heard = Heard::default();
    let db = listening(stack, |builder| builder.listen::<Article>(Failing(heard.clone()))).await;
    let one = Article { title: "panics".into(), ..article("one") }.create(&db).await?;
    assert_eq!(heard.take(), ["committed 1"], "the others are told all the same");
    assert_eq!(db.statistics().listener_errors, 2);
    assert_eq!(Article::by_id(&db, one.id).await?.title, "panics");
    Ok(())
}

async fn many_at_once_run_hooks(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let articles = db.things::<Article>();
    let mut many = articles.create_many(["a", "b", "c"].map(article)).await?;
    let noted = notes(&db).await;
    assert_eq!(noted.iter().filter(|note| *note == "after create").count(), 3);
    assert_eq!(noted[noted.len() - 3..], ["committed Created"; 3], "after the end");
    many[0].stars = 1;
    many[2].stars = 1;
    articles.save_many(&mut many).await?;
    assert_eq!(notes(&db).await.iter().filter(|note| *note == "after save").count(), 2);
    many[1].stars = 2;
    many[2].title = "fails".into();
    let error = articles.save_many(&mut many).await.unwrap_err();
    assert!(error.to_string().starts_with("Article item 2"), "{error}");
    assert_eq!(notes(&db).await, ["rolled back Updated"; 2]);
    assert!(many[1].is_changed() && many[2].is_changed());
    assert_eq!(Article::by_id(&db, many[1].id).await?.stars, 0);
    let error = articles.create_many([article("d"), article("fails")]).await.unwrap_err();
    assert!(error.to_string().starts_with("Article item 1"), "{error}");
    assert_eq!(articles.count().await?, 3);
    notes(&db).await;
    articles.delete_many(many.iter().map(|article| article.id)).await?;
    assert_eq!(notes(&db).await.iter().filter(|note| *note == "committed Deleted").count(), 3);
    assert_eq!(articles.count().await?, 0);
    Ok(())
}

async fn whatever_creates_and_saves_runs_hooks(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let articles = db.things::<Article>();
    assert!(articles.find_or_create(Article::SLUG, article("one")).await?.is_created());
    assert!(notes(&db).await.contains(&"after create".into()));
    assert!(!articles.find_or_create(Article::SLUG, article("one")).await?.is_created());
    assert!(notes(&db).await.is_empty());
    articles.update_or_create(Article::SLUG, article("one"), |article| article.stars += 1).await?;
    assert!(notes(&db).await.contains(&"after update of stars".into()));
    db.transaction(async |transaction| {
        let found = transaction.things::<Article>().find_or_create(Article::SLUG, article("two")).await?;
        assert!(found.is_created());
        Ok(())
    })
    .await?;
    assert_eq!(notes(&db).await.pop().unwrap(), "committed Created");
    Ok(())
}

async fn links_are_told(stack: &Stack) -> Result<()> {
    #[derive(Model, Clone, Debug)]
    #[thing(no_new, many_to_many(tags: Tag, Link::PAGE_ID, Link::TAG_ID))]
    struct Page {
        id: i64,
    }
    #[derive(Model, Clone, Debug)]
    #[thing(key(page_id, tag_id), no_new)]
    struct Link {
        page_id: i64,
        tag_id: i64,
    }
    struct Links(Heard);
    impl Listener<Link> for Links {
        async fn after_create(&self, link: &Link, _: &Changes<Link>, _: &Transaction) -> Result<()> {
            self.0.hear(format!("linked {}", link.tag_id));
            Ok(())
        }

        async fn after_delete(&self, link: &Link, _: &Changes<Link>, _: &Transaction) -> Result<()> {
            self.0.hear(format!("unlinked {}", link.tag_id));
            Ok(())
        }
    }
    let heard = Heard::default();
    let db = stack.builder().await.listen::<Link>(Links(heard.clone())).build();
    db.sync::<(Page, Link, Tag)>().await?;
    let tags = db.things::<Tag>().create_many(["a", "b", "c"].map(|name| NewTag { name: name.into() })).await?;
    let mut page = Page { id: 0 }.create(&db).await?;
    page.attach(&db, Page::TAGS, &tags[0]).await?;
    page.attach(&db, Page::TAGS, &tags[0]).await?;
    page.replace(&db, Page::TAGS, &tags[1..]).await?;
    page.detach(&db, Page::TAGS, &tags[1]).await?;
    let [a, b, c] = [tags[0].id, tags[1].id, tags[2].id];
    let wanted = [format!("linked {a}"), format!("unlinked {a}"), format!("linked {b}"), format!("linked {c}")];
    let told = heard.take();
    assert_eq!(told[..4], wanted);
    assert_eq!(told[4..], [format!("unlinked {b}")]);
    Ok(())
}

async fn increments_are_told_when_they_are_done(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let articles = db.things::<Article>();
    let one = article("one").create(&db).await?;
    notes(&db).await;
    assert_eq!(articles.increment(one.id, Article::STARS.plus(2)).await?.stars, 2);
    let told = ["after update of stars", "after save", "committed Updated"];
    assert_eq!(notes(&db).await, told);
    db.transaction(async |transaction| {
        transaction.things::<Article>().increment(one.id, Article::STARS.plus(1)).await.map(drop)
    })
    .await?;
    assert_eq!(notes(&db).await, told);
    let refused = articles.increment_if(one.id, Article::STARS.plus(1), Article::STARS.lt(3)).await.unwrap_err();
    assert!(refused.is_condition_failed());
    assert!(articles.increment(one.id + 1, Article::STARS.plus(1)).await.unwrap_err().is_not_found());
    assert!(notes(&db).await.is_empty());
    db.raw("UPDATE articles SET title = 'fails'").changes::<Article>().execute().await?;
    assert!(articles.increment(one.id, Article::STARS.plus(1)).await.is_err());
    assert_eq!(Article::by_id(&db, one.id).await?.stars, 3, "an error after it undoes it");
    Ok(())
}

async fn raw_statements_are_not_told(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let one = article("one").create(&db).await?;
    notes(&db).await;
    db.raw("UPDATE articles SET stars = stars + 1").changes::<Article>().execute().await?;
    assert!(notes(&db).await.is_empty());
    assert_eq!(Article::by_id(&db, one.id).await?.stars, 1);
    Ok(())
}

/// A database whose statements can be made to fail, with listeners to tags.
async fn failing(stack: &Stack, heard: &Heard) -> Result<(Arc<RecordingExecutor>, Db)> {
    let recording = RecordingExecutor::new(stack.executor().await);
    let listener = Named("tags", heard.clone());
    let db = stack.over(recording.clone()).await.listen::<Tag>(listener).build();
    db.sync::<Tag>().await?;
    Ok((recording, db))
}

async fn a_write_that_met_another_runs_its_hooks_again(stack: &Stack) -> Result<()> {
    let heard = Heard::default();
    let (recording, db) = failing(stack, &heard).await?;
    let conflict = || Error::new(ErrorKind::Conflict, "it met another");
    recording.fail_next(Matcher::writes_of("tags"), conflict(), When::Before);
    let mut tag = db.things::<Tag>().create(NewTag { name: "a".into() }).await?;
    let wanted = ["tags before save", "tags before save", "tags after create of a", "tags committed Created a"];
    assert_eq!(heard.take(), wanted);
    tag.name = "b".into();
    recording.fail_next(Matcher::writes_of("tags"), conflict(), When::Before);
    tag.save(&db).await?;
    assert_eq!(heard.take()[1..], ["tags before save", "tags after update of a to b", "tags committed Updated b"]);
    assert_eq!(Tag::by_id(&db, tag.id).await?.name, "b");

    // A transaction of the caller's is the caller's to run again.
    let transaction = db.begin().await?;
    recording.fail_next(Matcher::writes_of("tags"), conflict(), When::Before);
    tag.name = "c".into();
    assert!(tag.save(&transaction).await.unwrap_err().is_retryable());
    transaction.rollback().await?;
    assert_eq!(heard.take(), ["tags before save"], "what failed changed nothing");
    Ok(())
}

async fn only_a_known_end_is_told(stack: &Stack) -> Result<()> {
    let heard = Heard::default();
    let (recording, db) = failing(stack, &heard).await?;
    let create = |name: &str| Tag { id: 0, name: name.into() };
    let busy = Error::new(ErrorKind::Busy, "the database is locked");
    recording.fail_next(Matcher::commits(), busy, When::Before);
    assert!(create("a").create(&db).await.is_err());
    assert_eq!(heard.take().pop().unwrap(), "tags rolled back Created a");
    let lost = Error::new(ErrorKind::ConnectionLost { may_have_executed: true }, "the connection broke");
    recording.fail_next(Matcher::commits(), lost, When::Before);
    assert!(create("b").create(&db).await.unwrap_err().may_have_executed());
    assert_eq!(heard.take().pop().unwrap(), "tags after create of b", "nobody knows");
    create("c").create(&db).await?;
    assert_eq!(heard.take().pop().unwrap(), "tags committed Created c");
    Ok(())
}

async fn objects_are_loaded_through_their_hook(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let one = article("one").create(&db).await?;
    assert!(!one.loaded, "it was not read");
    for _ in 0..3 {
        assert!(Article::by_id(&db, one.id).await?.loaded);
        assert!(lists_are_loaded(&db).await?);
        assert!(db.things::<Article>().by_ids([one.id]).await?[&one.id].loaded);
    }
    assert!(db.raw("SELECT * FROM articles").objects::<Article>().await?[0].loaded);
    db.transaction(async |transaction| {
        assert!(Article::by_id(transaction, one.id).await?.loaded);
        Ok(())
    })
    .await?;
    if stack.client().await.is_some() {
        let (sent, read) = statements(&db, Article::by_id(&db, one.id)).await;
        assert_eq!((sent, read?.loaded), (0, true));
    }
    let mut read = Article::by_id(&db, one.id).await?;
    assert!(!read.is_changed());
    read.title = "unreadable".into();
    read.save(&db).await?;
    let error = Article::by_id(&db, one.id).await.unwrap_err();
    assert!(error.to_string().ends_with("nobody can read this"), "{error}");
    Ok(())
}

async fn lists_are_loaded(db: &Db) -> Result<bool> {
    Ok(Article::filter(db, Article::STARS.eq(0)).all().await?.iter().all(|article| article.loaded))
}

async fn hooks_cost_the_row_before(stack: &Stack) -> Result<()> {
    /// Its hooks do nothing.
    #[derive(Model, Clone, Debug)]
    #[thing(hooks, no_new)]
    struct Quiet {
        id: i64,
        name: String,
    }
    impl Hooks for Quiet {}
    let db = stack.db::<(Quiet, Tag)>().await;
    let quiet = |name: &str| Quiet { id: 0, name: name.into() };
    let (sent, one) = statements(&db, quiet("one").create(&db)).await;
    let mut one = one?;
    assert_eq!(sent, 1, "create");
    one.name = "two".into();
    let (sent, saved) = statements(&db, one.save(&db)).await;
    saved?;
    assert_eq!(sent, 2, "save: the row before, locked, and the update");
    let (sent, saved) = statements(&db, one.save(&db)).await;
    saved?;
    assert_eq!(sent, 0, "nothing changed");
    let (sent, deleted) = statements(&db, one.delete(&db)).await;
    deleted?;
    assert_eq!(sent, 2, "delete: the row before, locked, of which the hooks are told too, and the delete");
    let two = quiet("two").create(&db).await?;
    let (sent, deleted) = statements(&db, db.things::<Quiet>().delete(two.id)).await;
    deleted?;
    assert_eq!(sent, 2, "by key: the same");

    let begun = db.statistics().transactions;
    let (sent, tag) = statements(&db, Tag { id: 0, name: "a".into() }.create(&db)).await;
    let mut tag = tag?;
    tag.name = "b".into();
    let (saved, done) = statements(&db, tag.save(&db)).await;
    done?;
    assert_eq!((sent, saved), (1, 1), "without hooks and listeners a write is one statement");
    assert_eq!(db.statistics().transactions, begun);
    Ok(())
}

async fn nobody_reads_what_was_undone(stack: &Stack) -> Result<()> {
    let db = articles(stack).await;
    let one = article("one").create(&db).await?;
    let read = async || {
        let listed = Article::filter(&db, Article::TITLE.eq("one")).all().await?.len();
        let titled = Article::filter(&db, Article::TITLE.ne("one")).count().await?;
        Ok::<_, Error>((Article::by_id(&db, one.id).await?.title.clone(), listed, titled))
    };
    for round in 0..3 {
        assert_eq!(read().await?, ("one".into(), 1, 0), "{round}");
        let mut copy = one.clone();
        copy.title = if round == 1 { "fails".into() } else { "refused".into() };
        assert!(copy.save(&db).await.is_err());
        assert!(article("fails").create(&db).await.is_err());
        assert_eq!(read().await?, ("one".into(), 1, 0), "{round}");
        assert_eq!(read().await?, ("one".into(), 1, 0), "{round}");
    }
    let mut copy = one.clone();
    copy.title = "two".into();
    copy.save(&db).await?;
    assert_eq!(read().await?, ("two".into(), 0, 1));
    assert_eq!(read().await?, ("two".into(), 0, 1));
    copy.delete(&db).await?;
    assert!(Article::find(&db, one.id).await?.is_none());
    Ok(())
}
