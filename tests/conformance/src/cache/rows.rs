//! Leases for rows: a read of a list brings rows along, which are stored unless they were touched since.
//!
//! A client may decline such leases; the cases then have nothing to ask.

use thing_driver_api::{Lease, Leased, NewEntry, Outcome, Token};

use super::subject::{LONG, OTHER_TABLE, SHORT, TABLE, changed, list, object, row_tag};
use super::{Number, Subject};

async fn store_row(subject: &Subject, lease: &Lease, row: i64, number: u64) -> usize {
    subject.store(lease, &object(row), &[row_tag(row)], number).await
}

/// Rows that nobody touched are stored, many under one lease.
pub async fn untouched_rows_are_stored(subject: &Subject) {
    let Some(lease) = subject.rows(TABLE).await else { return };
    let row = |n: i64| NewEntry::new(object(n), vec![row_tag(n)], Number::new(n as u64).payload());
    let entries: Vec<_> = (0..50).map(row).collect();
    let kept = subject.cache().store(&lease, entries).await.expect("the cache answers");
    assert_eq!(kept, 50);
    for n in 0..50 {
        subject.assert_hit(&object(n), n as u64).await;
    }
}

/// Rows that a writer touched since are refused, and the others of the same store are kept.
pub async fn touched_rows_are_refused(subject: &Subject) {
    let Some(lease) = subject.rows(TABLE).await else { return };
    subject.write(&[row_tag(1)], Outcome::Unlisted).await;
    subject.write(&[row_tag(2)], changed(2, 0, 1)).await;
    subject.void(&[row_tag(3)]).await;
    subject.quarantine(&[row_tag(4)], Token::random(), LONG).await;
    let row = |n: i64| NewEntry::new(object(n), vec![row_tag(n)], Number::new(7).payload());
    let entries: Vec<_> = (0..5).map(row).collect();
    subject.cache().store(&lease, entries).await.expect("the cache answers");
    subject.assert_hit(&object(0), 7).await;
    for n in 1..5 {
        subject.assert_no_hit(&object(n)).await;
    }
}

/// A writer that was at work when the lease was given, and is done when the rows come: the read may have been before its
/// commit.
pub async fn a_writer_at_work_at_the_lease_counts(subject: &Subject) {
    for outcome in [Outcome::Unlisted, changed(1, 0, 1)] {
        let token = Token::random();
        subject.quarantine(&[row_tag(1)], token, LONG).await;
        let Some(lease) = subject.rows(TABLE).await else { return };
        subject.release(&[row_tag(1)], token, outcome).await;
        store_row(subject, &lease, 1, 7).await;
        subject.assert_no_hit(&object(1)).await;
    }
}

/// The same where the writer's quarantine lapsed instead. (Waits for it.)
pub async fn a_lapse_since_the_lease_counts(subject: &Subject) {
    for n in 1..=50 {
        subject.quarantine(&[row_tag(n)], Token::random(), SHORT).await;
        let Some(lease) = subject.rows(TABLE).await else { return };
        // On a busy machine it may lapse before the lease. Then the row may be kept, and another one is tried.
        if let Leased::Granted(probe) = subject.lease(&list(TABLE, &format!("{n} stands?")), &[row_tag(n)]).await {
            subject.cache().abandon(&probe);
            subject.cache().abandon(&lease);
            continue;
        }
        subject.lapsed(&[row_tag(n)]).await;
        store_row(subject, &lease, n, 7).await;
        subject.assert_no_hit(&object(n)).await;
        return;
    }
    panic!("a quarantine stands for a while");
}

/// The same where nobody looked at the tag in between. (Waits for the lapse.)
pub async fn an_unseen_lapse_counts(subject: &Subject) {
    let Some(lease) = subject.rows(TABLE).await else { return };
    subject.quarantine(&[row_tag(1)], Token::random(), SHORT).await;
    tokio::time::sleep(SHORT * 2).await;
    store_row(subject, &lease, 1, 7).await;
    subject.assert_no_hit(&object(1)).await;
}

/// Writes to other tables do not matter.
pub async fn other_tables_do_not_matter(subject: &Subject) {
    let Some(lease) = subject.rows(TABLE).await else { return };
    subject.void_table(OTHER_TABLE).await;
    if store_row(subject, &lease, 1, 7).await == 1 {
        subject.assert_hit(&object(1), 7).await;
    }
}

/// Two leases for rows of one table at once: neither holds the other, and an older read does not replace what a newer
/// one stored after a write.
pub async fn an_older_read_does_not_replace_a_newer(subject: &Subject) {
    let Some(older) = subject.rows(TABLE).await else { return };
    subject.write(&[row_tag(1)], Outcome::Unlisted).await;
    let Some(newer) = subject.rows(TABLE).await else { return };
    store_row(subject, &newer, 1, 2).await;
    store_row(subject, &older, 1, 1).await;
    let found = subject.hit(&object(1)).await;
    assert!(found.is_none_or(|number| number == 2), "the older value {found:?} is served");
}

/// Thousands of writes between the lease and the store do not make it forget one. (More than any log keeps.)
pub async fn a_touch_long_ago_counts(subject: &Subject) {
    let Some(lease) = subject.rows(TABLE).await else { return };
    subject.write(&[row_tag(1)], changed(1, 0, 1)).await;
    for n in 0..20_000 {
        subject.write(&[row_tag(1000 + n)], changed(1000 + n, 0, 1)).await;
    }
    store_row(subject, &lease, 1, 7).await;
    subject.assert_no_hit(&object(1)).await;
}
