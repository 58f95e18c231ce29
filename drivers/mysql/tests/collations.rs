//! Collations: text that the server takes for equal, and a cache that must not believe otherwise.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Fresh, raw};
use thing::{Db, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{Capability, Executor};

#[derive(Clone, Debug, PartialEq, Model)]
#[thing(table = "people", no_new)]
struct Person {
    id: i64,
    #[thing(index)]
    name: String,
}

#[derive(Clone, Debug, PartialEq, Model)]
#[thing(table = "words", no_new)]
struct Word {
    #[thing(key)]
    word: String,
    meaning: i64,
}

fn db(fresh: &Fresh) -> Db {
    Db::builder(fresh.executor.clone()).cache(MemoryCache::new(MemoryConfig::default())).build()
}

async fn ids(db: &Db, name: &str) -> Vec<i64> {
    let people = db.things::<Person>().filter(Person::NAME.eq(name)).order_by(Person::ID.asc());
    people.fetch(0, 100).await.unwrap().iter().map(|person| person.id).collect()
}

async fn people(collation: &str) -> (Fresh, Db) {
    let fresh = Fresh::new().await;
    let text = format!(
        "CREATE TABLE people (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(99) COLLATE {collation} NOT NULL, INDEX people_name_index (name))"
    );
    raw(&fresh.executor, &text).await.unwrap();
    let db = db(&fresh);
    db.sync::<Person>().await.unwrap();
    (fresh, db)
}

/// Letter case and spaces at the end make no difference to these collations, and the lists follow.
#[tokio::test(flavor = "multi_thread")]
async fn cached_lists_follow_the_collation_of_the_column() {
    for collation in ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"] {
        let (fresh, db) = people(collation).await;
        assert!(!fresh.executor.capabilities().has(Capability::ExactText));
        let blind = !collation.ends_with("_bin");
        let things = db.things::<Person>();
        let mut person = Person { id: 0, name: "Alice".into() }.save(&db).await.unwrap();
        for _ in 0..2 {
            assert_eq!(ids(&db, "alice").await, if blind { vec![1] } else { vec![] }, "{collation}");
            assert_eq!(ids(&db, "Alice ").await, [1], "{collation}: spaces at the end do not count");
        }
        Person { id: 0, name: "ALICE".into() }.save(&db).await.unwrap();
        assert_eq!(ids(&db, "alice").await, if blind { vec![1, 2] } else { vec![] }, "{collation}");
        assert_eq!(ids(&db, "Alice ").await, if blind { vec![1, 2] } else { vec![1] }, "{collation}");
        person.name = "alicE  ".into();
        person.save(&db).await.unwrap();
        assert_eq!(ids(&db, "alice").await, if blind { vec![1, 2] } else { vec![] }, "{collation}");
        assert_eq!(ids(&db, "alicE").await, if blind { vec![1, 2] } else { vec![1] }, "{collation}");
        person.name = "bob".into();
        person.save(&db).await.unwrap();
        assert_eq!(ids(&db, "alice").await, if blind { vec![2] } else { vec![] }, "{collation}");
        assert_eq!(ids(&db, "BOB").await, if blind { vec![1] } else { vec![] }, "{collation}");
        things.filter(Person::NAME.eq("Bob")).fetch(0, 10).await.unwrap();
    }
}

/// The row is found by another spelling of its key, and what is written by one spelling is seen by the other.
#[tokio::test(flavor = "multi_thread")]
async fn text_keys_in_another_spelling_name_the_same_row() {
    let fresh = Fresh::new().await;
    raw(
        &fresh.executor,
        "CREATE TABLE words (word VARCHAR(99) COLLATE utf8mb4_general_ci PRIMARY KEY, meaning BIGINT NOT NULL)",
    )
    .await
    .unwrap();
    let db = db(&fresh);
    db.sync::<Word>().await.unwrap();
    raw(&fresh.executor, "INSERT INTO words VALUES ('Tree', 1)").await.unwrap();
    for spelling in ["Tree", "tree", "TREE", "tree "] {
        let word = Word::by_id(&db, spelling.to_owned()).await.unwrap();
        assert_eq!((word.word.as_str(), word.meaning), ("Tree", 1), "{spelling:?}");
    }
    let mut word = Word::by_id(&db, "tree".to_owned()).await.unwrap();
    word.meaning = 2;
    word.save(&db).await.unwrap();
    for spelling in ["Tree", "tree", "TREE", "tree "] {
        assert_eq!(Word::by_id(&db, spelling.to_owned()).await.unwrap().meaning, 2, "{spelling:?}");
    }
}

/// Tables that sync makes tell everything apart.
#[tokio::test(flavor = "multi_thread")]
async fn tables_of_sync_tell_letter_case_and_spaces_apart() {
    for exact in [false, true] {
        let fresh = Fresh::with(|config| config.exact_text(exact)).await;
        let db = db(&fresh);
        db.sync::<(Person, Word)>().await.unwrap();
        for word in ["a", "A", "a ", " a", "ä", "ａ"] {
            db.things::<Word>().create(Word { word: word.into(), meaning: 0 }).await.unwrap();
            Person { id: 0, name: word.into() }.save(&db).await.unwrap();
        }
        for (id, word) in (1..).zip(["a", "A", "a ", " a", "ä", "ａ"]) {
            assert_eq!(ids(&db, word).await, [id], "{word:?}");
            assert_eq!(Word::by_id(&db, word.to_owned()).await.unwrap().word, word);
        }
    }
}
