//! Voids: what others changed is forgotten, and writers at work are left alone.

use thing_driver_api::{EntryKey, Key, Outcome, Tag, Token};

use super::Subject;
use super::subject::{LONG, OTHER_TABLE, TABLE, column_tag, list, object, row_tag};

/// A void drops what depends on the tag, and nothing else.
pub async fn a_void_drops_entries(subject: &Subject) {
    for n in [1, 2] {
        subject.fill(&object(n), &[row_tag(n)], 1).await;
    }
    subject.fill(&list(TABLE, "all"), &[column_tag("a"), column_tag("b")], 3).await;
    subject.void(&[row_tag(1), column_tag("b")]).await;
    subject.assert_unusable(&object(1)).await;
    subject.assert_unusable(&list(TABLE, "all")).await;
    subject.assert_hit(&object(2), 1).await;
    subject.fill(&object(1), &[row_tag(1)], 4).await;
    subject.assert_hit(&object(1), 4).await;
}

/// A fill that began before the void is refused.
pub async fn a_void_refuses_running_fills(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let lease = subject.granted(&key, &tags).await;
    subject.void(&tags).await;
    subject.store(&lease, &key, &tags, 1).await;
    subject.assert_unusable(&key).await;
}

/// A void leaves quarantines alone: it would let a reader store what the writer is about to change.
pub async fn a_void_leaves_quarantines(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let token = Token::random();
    subject.quarantine(&tags, token, LONG).await;
    subject.void(&tags).await;
    subject.assert_quarantined(&key, &tags).await;
    subject.release(&tags, token, Outcome::Unlisted).await;
    subject.fill(&key, &tags, 1).await;
    subject.assert_hit(&key, 1).await;
}

/// What was voided during a quarantine does not come back when its writer says that nothing happened.
pub async fn a_void_outlives_a_quarantine(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    subject.fill(&key, &tags, 1).await;
    let token = Token::random();
    subject.quarantine(&tags, token, LONG).await;
    subject.void(&tags).await;
    subject.release(&tags, token, Outcome::Nothing).await;
    subject.assert_unusable(&key).await;
}

/// Voids of tags that nobody uses do nothing.
pub async fn a_void_of_nothing(subject: &Subject) {
    subject.void(&[]).await;
    subject.void(&[Tag(1), Tag(2)]).await;
    subject.void_table(TABLE).await;
    subject.fill(&object(1), &[row_tag(1)], 1).await;
    subject.assert_hit(&object(1), 1).await;
}

/// Voiding a table forgets its rows and its lists, and those of no other table.
pub async fn a_table_is_forgotten(subject: &Subject) {
    let other = EntryKey::Object { table: OTHER_TABLE, key: Key::Int(1) };
    for n in 0..100 {
        subject.fill(&object(n), &[row_tag(n)], 1).await;
    }
    subject.fill(&list(TABLE, "all"), &[column_tag("a")], 2).await;
    subject.fill(&other, &[Tag::row(OTHER_TABLE, &Key::Int(1))], 3).await;
    subject.void_table(TABLE).await;
    for n in 0..100 {
        subject.assert_unusable(&object(n)).await;
    }
    subject.assert_unusable(&list(TABLE, "all")).await;
    subject.assert_hit(&other, 3).await;
    subject.fill(&object(1), &[row_tag(1)], 4).await;
    subject.assert_hit(&object(1), 4).await;
}

/// Fills that were running when a table was voided are refused, those of rows that a list brings along too.
pub async fn voiding_a_table_refuses_running_fills(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let (question, columns) = (list(TABLE, "all"), [column_tag("a")]);
    let of_row = subject.granted(&key, &tags).await;
    let of_list = subject.granted(&question, &columns).await;
    let of_rows = subject.rows(TABLE).await;
    subject.void_table(TABLE).await;
    subject.store(&of_row, &key, &tags, 1).await;
    subject.store(&of_list, &question, &columns, 2).await;
    if let Some(lease) = of_rows {
        subject.store(&lease, &object(2), &[row_tag(2)], 3).await;
    }
    for key in [key, question, object(2)] {
        subject.assert_unusable(&key).await;
    }
}

/// Voiding a table leaves quarantines alone.
pub async fn voiding_a_table_leaves_quarantines(subject: &Subject) {
    let (key, tags) = (object(1), [row_tag(1)]);
    let token = Token::random();
    subject.fill(&key, &tags, 1).await;
    subject.quarantine(&tags, token, LONG).await;
    subject.void_table(TABLE).await;
    subject.assert_quarantined(&key, &tags).await;
    subject.release(&tags, token, Outcome::Nothing).await;
    subject.assert_unusable(&key).await;
}
