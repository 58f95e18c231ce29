//! Rows.

use crate::explorer::assert_right;
use crate::world::{Question, Step, World, Write};
use Step::{
    Commit, Lapse, Lease, LeaseRows, Load, Quarantine, Read, Release, ReleaseNothing, ReleaseUnlisted, Return, Store,
    Void, VoidTable,
};

const ROW: Question = Question::Row(1);
const A: Write = Write { key: 1, value: Some(2), own_tag: true };
const B: Write = Write { key: 1, value: Some(3), own_tag: true };

const FILL: &[Step] = &[Lease(ROW), Read, Store];
const FILL_ROWS: &[Step] = &[LeaseRows, Read, Store];
const WRITE_A: &[Step] = &[Quarantine(A), Commit(A), Release(A)];
const WRITE_B: &[Step] = &[Quarantine(B), Commit(B), Release(B)];

fn world() -> World {
    World::new(&[(1, 1)], &[ROW])
}

#[test]
fn two_readers_and_a_writer() {
    assert_right(world, &[FILL, FILL, WRITE_A]);
}

#[test]
fn a_reader_and_two_writers() {
    assert_right(world, &[FILL, WRITE_A, WRITE_B]);
    assert_right(world, &[FILL_ROWS, WRITE_A, WRITE_B]);
}

#[test]
fn readers_of_one_row_and_of_many_and_two_writers() {
    assert_right(world, &[FILL, FILL_ROWS, WRITE_A, &WRITE_B[..1]]);
}

#[test]
fn a_writer_crashes_after_its_commit() {
    let crash = &[Quarantine(A), Commit(A)];
    assert_right(world, &[FILL, FILL_ROWS, crash, &[Lapse]]);
    assert_right(world, &[FILL, crash, WRITE_B, &[Lapse]]);
}

#[test]
fn a_writer_crashes_before_its_commit() {
    assert_right(world, &[FILL, &[Quarantine(A)], WRITE_B, &[Lapse]]);
    assert_right(world, &[FILL_ROWS, &[Quarantine(A)], WRITE_B, &[Lapse]]);
}

#[test]
fn a_writer_is_paused_for_longer_than_its_quarantine() {
    let write = &[Quarantine(A), Commit(A), Release(A), Return];
    assert_right(world, &[FILL_ROWS, write, &[Lapse]]);
    assert_right(world, &[FILL, write, &[Lapse, Lapse]]);
    let prolonged = &[Quarantine(A), Quarantine(A), Commit(A), Release(A), Return];
    assert_right(world, &[FILL, prolonged, &[Lapse]]);
}

#[test]
fn a_writer_gives_up() {
    let nothing = &[Quarantine(A), ReleaseNothing(A)];
    assert_right(world, &[FILL, nothing, WRITE_B]);
    assert_right(world, &[FILL_ROWS, nothing, WRITE_B]);
    assert_right(|| world().filled(ROW), &[FILL, nothing, WRITE_B]);
}

#[test]
fn a_writer_lists_nothing_and_another_voids() {
    let unlisted = &[Quarantine(A), Commit(A), ReleaseUnlisted(A)];
    assert_right(world, &[FILL, FILL_ROWS, unlisted, &[Void(A)]]);
}

#[test]
fn a_table_is_voided_between_writes() {
    assert_right(world, &[FILL, FILL_ROWS, WRITE_A, &[VoidTable]]);
}

#[test]
fn a_release_runs_twice_and_a_quarantine_late() {
    let write = &[Quarantine(A), Commit(A), Release(A), Release(A), Quarantine(A)];
    assert_right(world, &[FILL, write, WRITE_B]);
}

#[test]
fn a_read_without_a_cache_entry_and_loads_in_between() {
    let load = &[Load(ROW), Load(ROW)];
    assert_right(world, &[FILL, load, WRITE_A, &[Void(B)]]);
}
