//! Rows that are known to be absent.

use crate::explorer::assert_right;
use crate::world::{Question, Step, World, Write};
use Step::{
    Commit, Lapse, Lease, LeaseRows, Load, Quarantine, Read, Release, ReleaseNothing, Restamp, Return, Store, Void,
    VoidTable,
};

const ROW: Question = Question::Row(1);
/// The database makes the key, so the insert does not touch the row's own tag.
const INSERT: Write = Write { key: 1, value: Some(5), own_tag: false };
const INSERT_KNOWN: Write = Write { own_tag: true, ..INSERT };
const DELETE: Write = Write { value: None, ..INSERT_KNOWN };
const OTHER: Write = Write { key: 2, ..INSERT };

const FILL: &[Step] = &[Lease(ROW), Read, Store];
const INSERTS: &[Step] = &[Quarantine(INSERT), Commit(INSERT), Release(INSERT)];
const INSERTS_KNOWN: &[Step] = &[Quarantine(INSERT_KNOWN), Commit(INSERT_KNOWN), Release(INSERT_KNOWN)];
const DELETES: &[Step] = &[Quarantine(DELETE), Commit(DELETE), Release(DELETE)];
const INSERTS_OTHER: &[Step] = &[Quarantine(OTHER), Commit(OTHER), Release(OTHER)];
const LOAD: &[Step] = &[Load(ROW), Restamp];

fn empty() -> World {
    World::new(&[], &[ROW])
}

#[test]
fn the_row_is_inserted() {
    assert_right(empty, &[FILL, FILL, INSERTS]);
    assert_right(empty, &[FILL, FILL, INSERTS_KNOWN]);
    assert_right(|| empty().filled(ROW), &[FILL, LOAD, INSERTS]);
}

#[test]
fn the_row_is_inserted_and_deleted() {
    assert_right(empty, &[FILL, INSERTS, DELETES]);
    let rows = &[LeaseRows, Read, Store];
    let both = [DELETES, INSERTS].concat();
    assert_right(|| World::new(&[(1, 1)], &[ROW]), &[FILL, rows, &both]);
}

#[test]
fn another_row_is_inserted() {
    let explored = assert_right(|| empty().filled(ROW), &[INSERTS_OTHER, LOAD, LOAD, &[Load(ROW)]]);
    assert!(explored.judged > 0);
    assert_right(|| empty().filled(ROW), &[INSERTS_OTHER, LOAD, INSERTS]);
    assert_right(empty, &[FILL, INSERTS_OTHER, INSERTS]);
}

#[test]
fn writers_crash_give_up_or_are_slow() {
    let slow = &[Quarantine(INSERT), Commit(INSERT), Release(INSERT), Return];
    assert_right(|| empty().filled(ROW), &[FILL, LOAD, slow, &[Lapse]]);
    assert_right(|| empty().filled(ROW), &[FILL, LOAD, &INSERTS[..2], &[Lapse]]);
    let nothing = &[Quarantine(OTHER), ReleaseNothing(OTHER)];
    assert_right(|| empty().filled(ROW), &[LOAD, nothing, INSERTS]);
    assert_right(empty, &[FILL, nothing, INSERTS]);
}

#[test]
fn tags_and_the_table_are_voided() {
    assert_right(|| empty().filled(ROW), &[FILL, LOAD, INSERTS, &[Void(OTHER)]]);
    assert_right(|| empty().filled(ROW), &[FILL, LOAD, INSERTS, &[VoidTable]]);
}
