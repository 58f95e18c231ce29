//! Pages by cursor and by number: what they hold, what they cost, and which cursors are refused.

mod random;

use std::time::{Duration, SystemTime};

use jiff::civil::{Date, Time, date, time};
use rust_decimal::Decimal;
use thing::{Cursor, Db, ErrorKind, Filter, Json, Loaded, Model, OrderBy, Page, Query, Result};
use uuid::Uuid;

use crate::support::{Post, Stack, User, post, statements};

matrix! {
    every: [
        pages_go_forward_and_back,
        what_is_added_or_removed_between_pages_shifts_nothing,
        an_empty_page_leads_back_to_where_its_cursor_came_from,
        pages_in_the_order_of_every_type,
        pages_in_the_order_of_every_key,
        cursors_of_other_queries_are_refused,
        cursors_are_taken_where_the_key_is_known,
        a_transaction_sees_its_own_writes_in_pages,
        pages_of_nothing_and_by_json_are_refused,
        numbered_pages_tell_how_many_there_are,
    ]
    cached: [
        pages_are_answered_from_the_cache,
        pages_stay_right_when_rows_come_move_and_go,
        a_stale_page_leads_to_where_it_ended,
        totals_are_cached_as_counts_are,
    ]
}

fn ids<'a>(posts: impl IntoIterator<Item = &'a Loaded<Post>>) -> Vec<i64> {
    posts.into_iter().map(|post| post.id).collect()
}

/// Posts with these stars, and keys from 1 on.
async fn posts(stack: &Stack, stars: impl IntoIterator<Item = i32>) -> Result<Db> {
    let db = stack.users().await;
    db.things::<Post>().create_many(stars.into_iter().map(|stars| post(1, stars))).await?;
    Ok(db)
}

fn best(db: &Db) -> Query<'_, Post> {
    Post::filter(db, Post::USER_ID.eq(1)).order_by(Post::STARS.desc())
}

/// A cursor after its way through a client.
fn sent(cursor: &Option<Cursor>) -> Option<Cursor> {
    cursor.as_ref().map(|cursor| cursor.to_string().parse().expect("its own text"))
}

/// All pages, from the first to the last and back to the first.
async fn walk<M: Model + PartialEq + std::fmt::Debug>(query: Query<'_, M>, size: u64) -> Result<Vec<Loaded<M>>> {
    let mut pages: Vec<Page<M>> = vec![query.clone().page(size).await?];
    assert!(pages[0].previous.is_none());
    while let Some(next) = sent(&pages.last().and_then(|page| page.next.clone())) {
        pages.push(query.clone().page_at(&next, size).await?);
    }
    for n in (1..pages.len()).rev() {
        assert!(!pages[n].items.is_empty(), "a next page holds something");
        assert_eq!(pages[n - 1].items.len() as u64, size, "only the last page is not full");
        let previous = sent(&pages[n].previous);
        let page = query.clone().page_at(&previous, size).await?;
        assert_eq!(page.items, pages[n - 1].items);
        assert_eq!(page.previous.is_some(), n > 1);
        let again = query.clone().page_at(&page.next, size).await?;
        assert_eq!(again.items, pages[n].items);
    }
    Ok(pages.into_iter().flat_map(|page| page.items).collect())
}

/// Asserts that pages of several sizes give the rows of the list.
async fn assert_pages<M: Model + PartialEq + std::fmt::Debug>(query: Query<'_, M>) -> Result<()> {
    let list = query.clone().uncached().all().await?;
    for size in [1, 2, 5, 100] {
        assert_eq!(walk(query.clone(), size).await?, list, "pages of {size}: {query:?}");
    }
    Ok(())
}

async fn pages_go_forward_and_back(stack: &Stack) -> Result<()> {
    let db = posts(stack, []).await?;
    let page = best(&db).page(3).await?;
    assert!(page.items.is_empty() && page.next.is_none() && page.previous.is_none());
    let db = posts(stack, [3, 1, 2, 3, 3, 1, 2]).await?;
    let first = best(&db).page(3).await?;
    assert_eq!(ids(&first.items), [1, 4, 5]);
    let second = best(&db).page_at(&first.next, 3).await?;
    assert_eq!(ids(&second.items), [3, 7, 2]);
    let third = best(&db).page_at(&second.next, 3).await?;
    assert_eq!((ids(&third.items), &third.next), (vec![6], &None));
    let back = best(&db).page_at(&third.previous, 2).await?;
    assert_eq!(ids(&back.items), [7, 2], "of another size");
    assert_pages(best(&db)).await?;
    assert_pages(best(&db).order_by(Post::ID.desc())).await?;
    assert_pages(db.things::<Post>().order_by(Post::ID.desc()).order_by(Post::TITLE.asc())).await?;
    assert_pages(db.things::<Post>().filter(Filter::nothing())).await
}

async fn what_is_added_or_removed_between_pages_shifts_nothing(stack: &Stack) -> Result<()> {
    let db = posts(stack, [10, 20, 30, 40, 50, 60]).await?;
    let list = || db.things::<Post>().order_by(Post::STARS.asc());
    let first = list().page(2).await?;
    // Before the place, and the very row that the cursor was made of.
    post(1, 5).create(&db).await?;
    db.things::<Post>().delete(2).await?;
    let second = list().page_at(&first.next, 2).await?;
    assert_eq!(ids(&second.items), [3, 4]);
    // Behind the place.
    let between = post(1, 45).create(&db).await?.id;
    db.things::<Post>().delete(5).await?;
    let third = list().page_at(&second.next, 2).await?;
    assert_eq!(ids(&third.items), [between, 6]);
    assert!(third.next.is_none());
    let back = list().page_at(&third.previous, 2).await?;
    assert_eq!(ids(&back.items), [3, 4]);
    let back = list().page_at(&back.previous, 2).await?;
    assert_eq!(ids(&back.items), [7, 1]);
    assert!(back.previous.is_none());
    Ok(())
}

async fn an_empty_page_leads_back_to_where_its_cursor_came_from(stack: &Stack) -> Result<()> {
    let db = posts(stack, [1, 2, 3, 4]).await?;
    let list = || db.things::<Post>().order_by(Post::STARS.asc());
    let first = list().page(2).await?;
    let second = list().page_at(&first.next, 2).await?;
    db.things::<Post>().delete_many([3_i64, 4]).await?;
    let empty = list().page_at(&first.next, 2).await?;
    assert!(empty.items.is_empty() && empty.next.is_none());
    let back = list().page_at(&empty.previous, 2).await?;
    assert_eq!(ids(&back.items), [1, 2], "with the row at the cursor");
    post(1, 9).create(&db).await?;
    db.things::<Post>().delete_many([1_i64, 2]).await?;
    let empty = list().page_at(&second.previous, 2).await?;
    assert!(empty.items.is_empty() && empty.previous.is_none());
    assert_eq!(ids(&list().page_at(&empty.next, 2).await?.items), [5]);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "paged_kinds")]
struct Kinds {
    id: i64,
    flag: Option<bool>,
    small: Option<i16>,
    real: Option<f32>,
    double: Option<f64>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    uuid: Option<Uuid>,
    moment: Option<SystemTime>,
    date: Option<Date>,
    clock: Option<Time>,
    amount: Option<Decimal>,
    certain: f64,
    json: Option<Json<u32>>,
}

fn kinds(n: usize) -> Kinds {
    fn pick<T: Clone>(n: usize, values: &[T]) -> Option<T> {
        (!n.is_multiple_of(4)).then(|| values[n % values.len()].clone())
    }
    let moment = |micros: u64| SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
    Kinds {
        id: 0,
        flag: pick(n, &[true, false]),
        small: pick(n, &[i16::MIN, -1, 0, 1, i16::MAX]),
        real: pick(n, &[0.1, -0.1, 0.0, f32::MAX, f32::MIN_POSITIVE, 1.0 / 3.0]),
        double: pick(n, &[0.1, -0.1, 0.0, f64::MAX, 1.0 / 3.0]),
        text: pick(n, &["", "a", "A", "a ", "ä", "😀", "a%"].map(str::to_owned)),
        bytes: pick(n, &[vec![], vec![0], vec![255], vec![0, 0]]),
        uuid: pick(n, &[1, 2, u128::MAX, 1 << 127].map(Uuid::from_u128)),
        moment: pick(n, &[moment(0), moment(1), moment(1_700_000_000_123_456), moment(1_700_000_000_123_457)]),
        date: pick(n, &[date(1970, 1, 1), date(1900, 2, 28), date(2400, 2, 29)]),
        clock: pick(n, &[time(0, 0, 0, 0), time(23, 59, 59, 999_999_000), time(12, 0, 0, 1_000)]),
        amount: pick(n, &["0", "-0.5", "9.5", "10", "0.0000000000000000000000000001"].map(|t| t.parse().unwrap())),
        certain: [0.5, 0.25, -1.0][n % 3],
        json: None,
    }
}

async fn pages_in_the_order_of_every_type(stack: &Stack) -> Result<()> {
    let db = stack.db::<Kinds>().await;
    db.things::<Kinds>().create_many((0..17).map(kinds)).await?;
    let ways: [(OrderBy<Kinds>, OrderBy<Kinds>); 12] = [
        (Kinds::FLAG.asc(), Kinds::FLAG.desc()),
        (Kinds::SMALL.asc(), Kinds::SMALL.desc()),
        (Kinds::REAL.asc(), Kinds::REAL.desc()),
        (Kinds::DOUBLE.asc(), Kinds::DOUBLE.desc()),
        (Kinds::TEXT.asc(), Kinds::TEXT.desc()),
        (Kinds::BYTES.asc(), Kinds::BYTES.desc()),
        (Kinds::UUID.asc(), Kinds::UUID.desc()),
        (Kinds::MOMENT.asc(), Kinds::MOMENT.desc()),
        (Kinds::DATE.asc(), Kinds::DATE.desc()),
        (Kinds::CLOCK.asc(), Kinds::CLOCK.desc()),
        (Kinds::AMOUNT.asc(), Kinds::AMOUNT.desc()),
        (Kinds::CERTAIN.asc(), Kinds::CERTAIN.desc()),
    ];
    for (n, (up, down)) in ways.into_iter().enumerate() {
        let other = ways[(n + 1) % ways.len()].1;
        for query in [db.things::<Kinds>().order_by(up), db.things::<Kinds>().order_by(down).order_by(other)] {
            assert_eq!(walk(query.clone(), 3).await?, query.uncached().all().await?);
        }
    }
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "paged_words", key(word))]
struct Word {
    word: String,
    length: Option<i32>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "paged_seats", key(row, number))]
struct Seat {
    row: String,
    number: i32,
    price: i64,
}

async fn pages_in_the_order_of_every_key(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Word, Seat)>().await;
    let words = ["b", "a", "", "A", "ä", "ab", "😀", "a b", "Z", "zz"].into_iter().enumerate();
    let words = words.map(|(n, word)| Word { word: word.into(), length: (n % 3 != 0).then_some(n as i32 % 2) });
    db.things::<Word>().create_many(words).await?;
    let seat =
        |n: i32| Seat { row: ["B", "A", "C"][n as usize % 3].into(), number: n % 7 - 3, price: i64::from(n % 2) };
    db.things::<Seat>().create_many((0..20).map(seat)).await?;
    assert_pages(db.things::<Word>().all_objects()).await?;
    assert_pages(db.things::<Word>().order_by(Word::LENGTH.desc())).await?;
    assert_pages(db.things::<Seat>().all_objects()).await?;
    assert_pages(db.things::<Seat>().order_by(Seat::NUMBER.desc())).await?;
    assert_pages(db.things::<Seat>().order_by(Seat::PRICE.asc()).order_by(Seat::ROW.desc())).await
}

fn refusal<M: thing::Model + std::fmt::Debug>(page: Result<Page<M>>) -> String {
    let error = page.expect_err("the cursor is refused");
    assert_eq!(*error.kind(), ErrorKind::InvalidCursor, "{error}");
    error.to_string()
}

async fn cursors_of_other_queries_are_refused(stack: &Stack) -> Result<()> {
    let db = posts(stack, [1, 2, 3]).await?;
    let cursor = best(&db).page(1).await?.next;
    assert!(best(&db).page_at(&cursor, 2).await.is_ok());
    for other in [
        Post::filter(&db, Post::USER_ID.eq(1)),
        Post::filter(&db, Post::USER_ID.eq(1)).order_by(Post::STARS.asc()),
        Post::filter(&db, Post::USER_ID.eq(2)).order_by(Post::STARS.desc()),
        Post::filter(&db, Post::USER_ID.ge(1)).order_by(Post::STARS.desc()),
        best(&db).filter(Post::ID.gt(0)),
        best(&db).order_by(Post::TITLE.asc()),
    ] {
        assert!(refusal(other.page_at(&cursor, 2).await).contains("another query"));
    }
    let users = db.things::<User>().filter(User::AGE.eq(1)).order_by(User::SCORE.desc());
    assert!(refusal(users.page_at(&cursor, 2).await).contains("User: the cursor belongs to another query"));
    for text in ["", "x", "not a cursor", "AQ", "ä"] {
        assert_eq!(*text.parse::<Cursor>().unwrap_err().kind(), ErrorKind::InvalidCursor);
    }
    let text = cursor.unwrap().to_string();
    let changed = if text.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{changed}{}", &text[..20], &text[21..]);
    if changed != text {
        assert!(refusal(best(&db).page_at(&changed.parse::<Cursor>()?, 2).await).contains("changed"));
    }
    Ok(())
}

async fn cursors_are_taken_where_the_key_is_known(stack: &Stack) -> Result<()> {
    let executor = stack.executor().await;
    let [one, same, other] = [Some("a key"), Some("a key"), None].map(|key| {
        let builder = Db::builder(executor.clone());
        key.map_or(Db::builder(executor.clone()), |key| builder.cursor_key(key)).build()
    });
    one.sync::<Post>().await?;
    one.things::<Post>().create_many((1..=3).map(|n| post(1, n))).await?;
    let cursor = best(&one).page(1).await?.next;
    assert_eq!(ids(&best(&same).page_at(&cursor, 2).await?.items), [2, 1]);
    assert!(refusal(best(&other).page_at(&cursor, 2).await).contains("cursor_key"));
    Ok(())
}

async fn a_transaction_sees_its_own_writes_in_pages(stack: &Stack) -> Result<()> {
    let db = posts(stack, [1, 2, 3]).await?;
    let transaction = db.begin().await?;
    post(1, 9).create(&transaction).await?;
    let query = || Post::filter(&transaction, Post::USER_ID.eq(1)).order_by(Post::STARS.desc());
    assert_eq!(ids(&walk(query(), 2).await?), [4, 3, 2, 1]);
    let numbered = query().page_number(1, 3).await?;
    assert_eq!(numbered.total, 4);
    let cursor = query().page(2).await?.next;
    transaction.rollback().await?;
    assert_eq!(ids(&best(&db).page_at(&cursor, 2).await?.items), [2, 1]);
    assert_eq!(ids(&best(&db).page(2).await?.items), [3, 2]);
    Ok(())
}

async fn pages_of_nothing_and_by_json_are_refused(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Post, Kinds)>().await;
    let all = || db.things::<Post>().all_objects();
    for error in [
        all().page(0).await.unwrap_err(),
        all().page_number(1, 0).await.unwrap_err(),
        all().page_number(0, 10).await.unwrap_err(),
    ] {
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let error = db.things::<Kinds>().order_by(Kinds::JSON.asc()).page(5).await.unwrap_err();
    assert!(*error.kind() == ErrorKind::InvalidInput && error.to_string().contains("`json`"), "{error}");
    Ok(())
}

async fn numbered_pages_tell_how_many_there_are(stack: &Stack) -> Result<()> {
    let db = posts(stack, 0..7).await?;
    for (number, expected) in [(1, vec![7, 6, 5]), (2, vec![4, 3, 2]), (3, vec![1]), (4, vec![]), (u64::MAX, vec![])] {
        let page = best(&db).page_number(number, 3).await?;
        assert_eq!((ids(&page.items), page.total, page.pages()), (expected, 7, 3));
        assert_eq!((page.number, page.size), (number, 3));
        assert_eq!((page.has_previous(), page.has_next()), (number > 1, number < 3));
    }
    let all = best(&db).page_number(1, u64::MAX).await?;
    assert_eq!((all.items.len(), all.total, all.pages()), (7, 7, 1));
    let none = best(&db).filter(Filter::nothing()).page_number(1, 3).await?;
    assert_eq!((none.items.len(), none.total, none.pages(), none.has_next()), (0, 0, 0, false));
    let (asked, page) = statements(&db, best(&db).uncached().page_number(3, 3)).await;
    assert_eq!((asked, page?.total), (1, 7), "the last page tells it");
    Ok(())
}

async fn pages_are_answered_from_the_cache(stack: &Stack) -> Result<()> {
    let db = posts(stack, 0..10).await?;
    let pages = || walk(best(&db), 4);
    let expected = pages().await?;
    let (asked, found) = statements(&db, pages()).await;
    assert_eq!((asked, found?), (0, expected.clone()));
    // Another user's post is of another scope; a title is not what they depend on.
    post(2, 5).create(&db).await?;
    assert_eq!(statements(&db, pages()).await.0, 0);
    // Behind the place of a cursor, a row is none of the pages before it.
    let first = best(&db).page(4).await?;
    let second = best(&db).page_at(&first.next, 4).await?;
    post(1, 100).create(&db).await?;
    let (asked, page) = statements(&db, best(&db).page_at(&first.next, 4)).await;
    assert_eq!(
        (asked, page?.items),
        (0, second.items),
        "the change log shows that the new row is not behind the cursor"
    );
    assert_eq!(pages().await?.len(), 11);
    Ok(())
}

async fn pages_stay_right_when_rows_come_move_and_go(stack: &Stack) -> Result<()> {
    let db = posts(stack, [3, 1, 2, 3, 3, 1, 2]).await?;
    let check = async || -> Result<()> {
        for size in [1, 3] {
            let list = best(&db).uncached().all().await?;
            assert_eq!(walk(best(&db), size).await?, list);
            assert_eq!(walk(best(&db), size).await?, list, "the second time");
        }
        Ok(())
    };
    check().await?;
    let mut new = post(1, 2).create(&db).await?;
    check().await?;
    for stars in [0, 100, 2] {
        new.stars = stars;
        new.save(&db).await?;
        check().await?;
    }
    new.user_id = 2;
    new.save(&db).await?;
    check().await?;
    new.user_id = 1;
    new.title = "Another".into();
    new.save(&db).await?;
    check().await?;
    new.delete(&db).await?;
    check().await?;
    db.transaction(async |transaction| {
        post(1, 3).create(transaction).await?;
        transaction.things::<Post>().delete(1).await
    })
    .await?;
    check().await
}

async fn a_stale_page_leads_to_where_it_ended(stack: &Stack) -> Result<()> {
    const LONG: Duration = Duration::from_secs(300);
    let db = posts(stack, 1..=6).await?;
    let list = || db.things::<Post>().order_by(Post::STARS.asc());
    assert_eq!(ids(&list().page(2).await?.items), [1, 2]);
    let mut second = Post::by_id(&db, 2).await?;
    second.stars = 100;
    second.save(&db).await?;
    let page = list().stale_ok(LONG).page(2).await?;
    assert_eq!((ids(&page.items), page.items[1].stars), (vec![1, 2], 100));
    assert_eq!(ids(&list().page_at(&page.next, 2).await?.items), [3, 4], "not behind where the row is now");
    Ok(())
}

async fn totals_are_cached_as_counts_are(stack: &Stack) -> Result<()> {
    let db = posts(stack, 0..10).await?;
    let page = || best(&db).page_number(2, 3);
    assert_eq!(statements(&db, page()).await.0, 2);
    let (asked, found) = statements(&db, page()).await;
    assert_eq!((asked, found?.total), (0, 10));
    post(2, 1).create(&db).await?;
    assert_eq!(statements(&db, page()).await.0, 0);
    post(1, 1).create(&db).await?;
    assert_eq!(page().await?.total, 11);
    let mut last = best(&db).page_number(4, 3).await?.items.pop().unwrap();
    last.user_id = 2;
    last.save(&db).await?;
    assert_eq!(page().await?.total, 10);
    db.things::<Post>().delete(last.id).await?;
    assert_eq!(page().await?.total, 10);
    Ok(())
}
