//! Filters, windows and lookups at their edges.

use thing::{ErrorKind, Filter, Model, Query, Result};

use super::{Note, note, notes};
use crate::support::Stack;

matrix! {
    every: [
        null_follows_three_valued_logic,
        nothing_is_special_to_the_text_methods,
        windows_end_where_the_rows_end,
        pages_over_equal_values_lose_and_repeat_nothing,
        by_ids_takes_none_repeated_missing_and_thousands,
        values_that_no_column_holds_are_refused_and_named,
        floats_at_their_edges_come_back_as_they_were,
    ]
}

/// The ids that a query finds, asked twice: the second time from the cache where there is one.
async fn ids(query: Query<'_, Note>) -> Result<Vec<i64>> {
    let first: Vec<i64> = query.clone().all().await?.iter().map(|note| note.id).collect();
    let second: Vec<i64> = query.clone().all().await?.iter().map(|note| note.id).collect();
    assert_eq!(first, second);
    assert_eq!(query.clone().count().await?, first.len() as u64);
    assert_eq!(query.exists().await?, !first.is_empty());
    Ok(first)
}

async fn null_follows_three_valued_logic(stack: &Stack) -> Result<()> {
    const ALL: &[i64] = &[1, 2, 3, 4, 5, 6];
    const SET: &[i64] = &[1, 2, 4, 5];
    let db = notes(stack).await?;
    let cases: [(Filter<Note>, &[i64]); 20] = [
        (Note::RANK.is_in([] as [i32; 0]), &[]),
        (Note::RANK.not_in([] as [i32; 0]), ALL),
        (!Note::RANK.is_in([] as [i32; 0]), ALL),
        (Note::RANK.eq(None), &[3, 6]),
        (Note::RANK.ne(None), SET),
        (Note::RANK.eq(Some(2)), &[2, 4]),
        (Note::RANK.ne(2), &[1, 5]),
        (!Note::RANK.eq(2), &[1, 5]),
        (!Note::RANK.ne(2), &[2, 4]),
        (Note::RANK.gt(None), &[]),
        (!Note::RANK.gt(None), &[]),
        (Note::RANK.is_in([Some(1), None]), &[1]),
        (Note::RANK.not_in([Some(1), None]), &[]),
        (!Note::RANK.is_in([Some(1), None]), &[]),
        (!(Note::RANK.is_in([Some(1), None]) | Note::ID.gt(0)), &[]),
        (!Note::RANK.not_in([Some(1), None]), &[1]),
        (!!Note::RANK.between(2, 3), &[2, 4, 5]),
        (!Note::RANK.not_between(2, 3), &[2, 4, 5]),
        (!(Note::RANK.is_null() & !Note::ID.eq(3)), &[1, 2, 3, 4, 5]),
        (Note::RANK.between(3, 2), &[]),
    ];
    for (filter, expected) in cases {
        let shown = format!("{filter:?}");
        assert_eq!(ids(Note::filter(&db, filter)).await?, expected, "{shown}");
    }
    assert_eq!(ids(db.things::<Note>().filter(Filter::everything())).await?, ALL);
    assert_eq!(ids(db.things::<Note>().filter(Filter::nothing())).await?, [0; 0]);
    Ok(())
}

async fn nothing_is_special_to_the_text_methods(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let cases: [(Filter<Note>, &[i64]); 12] = [
        (Note::TITLE.contains("%"), &[1]),
        (Note::TITLE.contains("_"), &[2]),
        (Note::TITLE.contains("\\"), &[3]),
        (Note::TITLE.starts_with("a"), &[1, 2, 3]),
        (Note::TITLE.starts_with("A"), &[4]),
        (Note::TITLE.ends_with("b"), &[1, 2, 3, 4]),
        (Note::TITLE.ends_with("%b"), &[1]),
        (Note::TITLE.contains(""), &[1, 2, 3, 4, 5, 6]),
        (Note::TITLE.like("a_b"), &[1, 2, 3]),
        (Note::TITLE.like("a\\_b"), &[2]),
        (Note::TITLE.contains("ïcö"), &[5]),
        (Note::TITLE.like("_ tail"), &[6]),
    ];
    for (filter, expected) in cases {
        let shown = format!("{filter:?}");
        assert_eq!(ids(Note::filter(&db, filter)).await?, expected, "{shown}");
    }
    Ok(())
}

async fn windows_end_where_the_rows_end(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let all = || db.things::<Note>().order_by(Note::RANK.desc());
    for (offset, limit, expected) in
        [(0, 0, 0), (6, 10, 0), (5, 10, 1), (100, 1, 0), (0, u64::MAX, 6), (u64::MAX, u64::MAX, 0), (2, u64::MAX, 4)]
    {
        for _ in 0..2 {
            assert_eq!(all().fetch(offset, limit).await?.len(), expected, "offset {offset}, limit {limit}");
        }
    }
    assert!(all().filter(Note::ID.gt(100)).first().await?.is_none());
    assert!(all().filter(Note::ID.gt(100)).one().await.unwrap_err().is_not_found());
    assert_eq!(*all().one().await.unwrap_err().kind(), ErrorKind::NotUnique);
    assert_eq!(all().filter(Note::ID.eq(4)).one().await?.id, 4);
    Ok(())
}

async fn pages_over_equal_values_lose_and_repeat_nothing(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let many = (0..200).map(|n| note(n % 3, &format!("title {n}")));
    db.things::<Note>().create_many(many).await?;
    for order in [Note::RANK.asc(), Note::RANK.desc()] {
        let mut paged = Vec::new();
        for page in 0..30 {
            let found = db.things::<Note>().order_by(order).fetch(page * 7, 7).await?;
            paged.extend(found.iter().map(|note| note.id));
        }
        let all: Vec<i64> = db.things::<Note>().order_by(order).all().await?.iter().map(|note| note.id).collect();
        assert_eq!(paged, all);
        paged.sort_unstable();
        assert_eq!(paged, (1..=206).collect::<Vec<i64>>());
    }
    Ok(())
}

async fn by_ids_takes_none_repeated_missing_and_thousands(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let things = || db.things::<Note>();
    assert!(things().by_ids([] as [i64; 0]).await?.is_empty());
    for _ in 0..2 {
        let found = things().by_ids([3, 1, 3, 99, -1, 0, i64::MAX, i64::MIN, 1]).await?;
        let mut keys: Vec<i64> = found.keys().copied().collect();
        keys.sort_unstable();
        assert_eq!(keys, [1, 3]);
        assert_eq!(found[&3].title, "a\\b");
    }
    things().create_many((0..5000).map(|n| note(1, &format!("title {n}")))).await?;
    for _ in 0..2 {
        assert_eq!(things().by_ids(1..=6000).await?.len(), 5006);
    }
    Ok(())
}

async fn values_that_no_column_holds_are_refused_and_named(stack: &Stack) -> Result<()> {
    let db = notes(stack).await?;
    let error = Note::filter(&db, Note::SIZE.eq(u64::MAX)).all().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    let error = Note::filter(&db, Note::WEIGHT.lt(f64::NAN)).count().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    let mut size = note(1, "size");
    size.size = u64::MAX;
    let error = size.create(&db).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { column: Some(column) } if column == "size"), "{error}");
    let mut nan = note(1, "nan");
    nan.weight = f64::NAN;
    let error = nan.clone().create(&db).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { column: Some(column) } if column == "weight"), "{error}");
    let error = db.things::<Note>().create_many([note(1, "fine"), nan]).await.unwrap_err();
    assert!(error.to_string().contains("item 1"), "{error}");
    let mut one = Note::by_id(&db, 1).await?;
    one.weight = f64::NAN;
    assert!(one.save(&db).await.is_err());
    assert_eq!(db.things::<Note>().count().await?, 6, "nothing was stored");
    assert_eq!(Note::by_id(&db, 1).await?.weight, 0.5);
    // What the refused writes closed is open again.
    let sent = db.statistics().statements();
    Note::by_id(&db, 1).await?;
    assert!(db.statistics().statements() - sent <= 1);
    Ok(())
}

async fn floats_at_their_edges_come_back_as_they_were(stack: &Stack) -> Result<()> {
    let edges = [0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY, 0.1 + 0.2];
    let db = notes(stack).await?;
    for (n, weight) in edges.into_iter().enumerate() {
        let mut new = note(1, &format!("float {n}"));
        new.weight = weight;
        let created = match new.create(&db).await {
            Ok(created) => created,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{weight:?}: {error}");
                assert_eq!(Note::filter(&db, Note::TITLE.eq(format!("float {n}"))).count().await?, 0);
                continue;
            }
        };
        for found in [db.things::<Note>().by_id_uncached(created.id).await?, Note::by_id(&db, created.id).await?] {
            // A zero may lose its sign: the two are equal.
            assert!(found.weight.to_bits() == weight.to_bits() || weight == 0.0 && found.weight == 0.0, "{weight:?}");
        }
    }
    Ok(())
}
