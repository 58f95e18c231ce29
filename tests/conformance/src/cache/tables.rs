//! Whole tables: every entry depends on the tag of its table without naming it.

use thing_driver_api::{EntryKey, Found, Key, Outcome, Payload, Scope, Tag, Token};

use super::Subject;
use super::subject::{LONG, OTHER_TABLE, SHORT, TABLE, changed, column_tag, list, object, row_tag};

fn whole() -> [Tag; 1] {
    [Tag::table(TABLE)]
}

fn absent_tags() -> [Tag; 2] {
    [row_tag(8), Tag::rows(TABLE, &Scope::Table)]
}

fn elsewhere() -> EntryKey {
    EntryKey::Object { table: OTHER_TABLE, key: Key::Int(1) }
}

/// One entry of each kind, and one of another table.
async fn fill_all(subject: &Subject) {
    subject.fill(&object(1), &[row_tag(1)], 1).await;
    subject.fill(&list(TABLE, "all"), &[column_tag("a"), column_tag("b")], 2).await;
    let lease = subject.granted(&object(8), &absent_tags()).await;
    assert_eq!(subject.store_payload(&lease, &object(8), &absent_tags(), Payload::Absent).await, 1);
    subject.fill(&elsewhere(), &[Tag::row(OTHER_TABLE, &Key::Int(1))], 3).await;
}

async fn assert_all_unusable(subject: &Subject) {
    for key in [object(1), object(8), list(TABLE, "all")] {
        subject.assert_unusable(&key).await;
    }
}

/// What depends on the table can be filled again, in every way.
async fn assert_open(subject: &Subject) {
    subject.fill(&object(1), &[row_tag(1)], 4).await;
    subject.assert_hit(&object(1), 4).await;
    subject.fill(&list(TABLE, "all"), &[column_tag("a"), column_tag("b")], 5).await;
    subject.assert_hit(&list(TABLE, "all"), 5).await;
    if let Some(rows) = subject.rows(TABLE).await {
        subject.store(&rows, &object(2), &[row_tag(2)], 6).await;
        let found = subject.hit(&object(2)).await;
        assert!(matches!(found, None | Some(6)), "{found:?}");
    }
}

/// Closing a table closes its rows, those known to be absent, and its lists, and nothing of another table.
pub async fn a_closed_table_has_no_entries(subject: &Subject) {
    fill_all(subject).await;
    let token = Token::random();
    subject.quarantine(&whole(), token, LONG).await;
    assert_all_unusable(subject).await;
    subject.assert_quarantined(&object(1), &[row_tag(1)]).await;
    subject.assert_quarantined(&object(5), &[row_tag(5)]).await;
    subject.assert_quarantined(&list(TABLE, "all"), &[column_tag("a")]).await;
    subject.assert_quarantined(&list(TABLE, "new"), &[column_tag("c")]).await;
    subject.assert_hit(&elsewhere(), 3).await;
    subject.fill(&list(OTHER_TABLE, "all"), &[Tag::rows(OTHER_TABLE, &Scope::Table)], 7).await;
    subject.assert_hit(&list(OTHER_TABLE, "all"), 7).await;
    subject.release(&whole(), token, Outcome::Unlisted).await;
}

/// A table that nobody asked for is closed like any other.
pub async fn a_table_is_closed_before_its_first_entry(subject: &Subject) {
    let token = Token::random();
    subject.quarantine(&whole(), token, LONG).await;
    subject.assert_quarantined(&object(1), &[row_tag(1)]).await;
    if let Some(rows) = subject.rows(TABLE).await {
        subject.store(&rows, &object(2), &[row_tag(2)], 1).await;
        subject.assert_unusable(&object(2)).await;
    }
    subject.release(&whole(), token, Outcome::Unlisted).await;
    assert_open(subject).await;
}

/// A fill that began before is not stored, neither while the table is closed nor after.
pub async fn a_closed_table_refuses_running_fills(subject: &Subject) {
    for while_closed in [true, false] {
        let columns = [column_tag("a")];
        let of_row = subject.granted(&object(1), &[row_tag(1)]).await;
        let of_list = subject.granted(&list(TABLE, "all"), &columns).await;
        let of_rows = subject.rows(TABLE).await;
        let token = Token::random();
        subject.quarantine(&whole(), token, LONG).await;
        if !while_closed {
            subject.release(&whole(), token, Outcome::Unlisted).await;
        }
        subject.store(&of_row, &object(1), &[row_tag(1)], 1).await;
        subject.store(&of_list, &list(TABLE, "all"), &columns, 2).await;
        if let Some(lease) = of_rows {
            subject.store(&lease, &object(2), &[row_tag(2)], 3).await;
        }
        for key in [object(1), object(2), list(TABLE, "all")] {
            subject.assert_unusable(&key).await;
        }
        if while_closed {
            subject.release(&whole(), token, Outcome::Unlisted).await;
        }
        for key in [object(1), object(2), list(TABLE, "all")] {
            subject.assert_unusable(&key).await;
        }
    }
}

/// Its release opens a table, and gives life to new fills only.
pub async fn a_released_table_is_empty(subject: &Subject) {
    for outcome in [Outcome::Unlisted, changed(1, 0, 1)] {
        fill_all(subject).await;
        subject.write(&whole(), outcome).await;
        for key in [object(1), object(8)] {
            subject.assert_unusable(&key).await;
        }
        subject.assert_no_hit(&list(TABLE, "all")).await;
        subject.assert_hit(&elsewhere(), 3).await;
        assert_open(subject).await;
        subject.cache().void_table(TABLE).await.expect("the cache answers");
        subject.void(&[Tag::row(OTHER_TABLE, &Key::Int(1))]).await;
    }
}

/// A table is closed until its last writer leaves.
pub async fn writers_of_a_table_are_a_set(subject: &Subject) {
    let (first, second) = (Token::random(), Token::random());
    subject.quarantine(&whole(), first, LONG).await;
    subject.quarantine(&whole(), second, LONG).await;
    subject.release(&whole(), first, Outcome::Unlisted).await;
    subject.assert_quarantined(&object(1), &[row_tag(1)]).await;
    subject.release(&whole(), second, Outcome::Nothing).await;
    assert_open(subject).await;
}

/// A table that nobody releases opens by itself, empty: its writer may have committed.
pub async fn a_closed_table_lapses(subject: &Subject) {
    fill_all(subject).await;
    let late = subject.granted(&object(2), &[row_tag(2)]).await;
    let token = Token::random();
    subject.quarantine(&whole(), token, SHORT).await;
    subject.lapsed(&[column_tag("probe")]).await;
    assert_all_unusable(subject).await;
    subject.store(&late, &object(2), &[row_tag(2)], 1).await;
    subject.assert_unusable(&object(2)).await;
    assert_open(subject).await;
    // What was filled meanwhile may be from before the commit.
    subject.release(&whole(), token, Outcome::Nothing).await;
    subject.assert_unusable(&object(1)).await;
    subject.assert_unusable(&list(TABLE, "all")).await;
}

/// A writer of the table that did nothing may leave everything as it was, and nothing that is wrong.
pub async fn nothing_opens_a_table(subject: &Subject) {
    fill_all(subject).await;
    let token = Token::random();
    subject.quarantine(&whole(), token, LONG).await;
    subject.write(&[row_tag(1)], Outcome::Unlisted).await;
    subject.release(&whole(), token, Outcome::Nothing).await;
    subject.assert_unusable(&object(1)).await;
    let found = subject.hit(&list(TABLE, "all")).await;
    assert!(matches!(found, None | Some(2)), "{found:?}");
    let absent = subject.found(&object(8)).await;
    assert!(matches!(absent, Found::Miss | Found::Hit(Payload::Absent)), "{absent:?}");
    subject.fill(&list(TABLE, "new"), &[column_tag("c")], 9).await;
    subject.assert_hit(&list(TABLE, "new"), 9).await;
}

/// A void of the table's tag forgets the table, running fills included, and leaves quarantines.
pub async fn a_void_of_the_tag_forgets_the_table(subject: &Subject) {
    fill_all(subject).await;
    let late = subject.granted(&object(2), &[row_tag(2)]).await;
    let rows = subject.rows(TABLE).await;
    let (token, closed) = (Token::random(), [row_tag(9)]);
    subject.quarantine(&closed, token, LONG).await;
    subject.void(&whole()).await;
    assert_all_unusable(subject).await;
    subject.assert_hit(&elsewhere(), 3).await;
    subject.store(&late, &object(2), &[row_tag(2)], 1).await;
    subject.assert_unusable(&object(2)).await;
    if let Some(rows) = rows {
        subject.store(&rows, &object(3), &[row_tag(3)], 1).await;
        subject.assert_unusable(&object(3)).await;
    }
    subject.assert_quarantined(&object(9), &closed).await;
    subject.release(&closed, token, Outcome::Unlisted).await;
    assert_open(subject).await;
}

/// Voids leave the quarantine of a table alone, in either spelling, and outlive it.
pub async fn a_void_leaves_a_closed_table_closed(subject: &Subject) {
    fill_all(subject).await;
    let token = Token::random();
    subject.quarantine(&whole(), token, LONG).await;
    subject.void(&whole()).await;
    subject.assert_quarantined(&object(1), &[row_tag(1)]).await;
    subject.cache().void_table(TABLE).await.expect("the cache answers");
    subject.assert_quarantined(&object(1), &[row_tag(1)]).await;
    subject.release(&whole(), token, Outcome::Nothing).await;
    assert_all_unusable(subject).await;
    assert_open(subject).await;
}

/// Rows and table closed by one write, released together.
pub async fn rows_and_table_in_one_write(subject: &Subject) {
    fill_all(subject).await;
    let tags = [row_tag(1), column_tag("a"), Tag::table(TABLE)];
    let token = Token::random();
    subject.quarantine(&tags, token, LONG).await;
    subject.assert_quarantined(&object(1), &[row_tag(1)]).await;
    subject.release(&tags, token, changed(1, 0, 1)).await;
    for key in [object(1), object(8)] {
        subject.assert_unusable(&key).await;
    }
    subject.assert_no_hit(&list(TABLE, "all")).await;
    assert_open(subject).await;
}
