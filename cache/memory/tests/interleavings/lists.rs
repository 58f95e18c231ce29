//! Lists, which are judged when they are behind.

use crate::explorer::assert_right;
use crate::world::{Question, Step, World, Write};
use Step::{
    Commit, CommitElsewhere, Lapse, Lease, Load, Quarantine, Read, Release, ReleaseNothing, ReleaseUnlisted, Restamp,
    Return, Store, Void, VoidTable,
};

const LIST: Question = Question::Large;
const GROWS: Write = Write { key: 1, value: Some(11), own_tag: true };
const STAYS: Write = Write { key: 2, value: Some(2), own_tag: true };
const SHRINKS: Write = Write { value: Some(3), ..GROWS };

const FILL: &[Step] = &[Lease(LIST), Read, Store];
const LOAD: &[Step] = &[Load(LIST), Restamp];
const WRITE_GROWS: &[Step] = &[Quarantine(GROWS), Commit(GROWS), Release(GROWS)];
const WRITE_STAYS: &[Step] = &[Quarantine(STAYS), Commit(STAYS), Release(STAYS)];
const WRITE_SHRINKS: &[Step] = &[Quarantine(SHRINKS), Commit(SHRINKS), Release(SHRINKS)];

fn world() -> World {
    World::new(&[(1, 1), (2, 1), (3, 30)], &[LIST])
}

fn filled() -> World {
    world().filled(LIST)
}

#[test]
fn fills_and_a_write() {
    assert_right(world, &[FILL, FILL, WRITE_GROWS]);
    assert_right(filled, &[FILL, LOAD, WRITE_GROWS]);
}

#[test]
fn a_write_that_does_not_matter_costs_nothing() {
    let explored = assert_right(filled, &[WRITE_STAYS, LOAD, LOAD]);
    assert!(explored.judged > 0);
}

#[test]
fn overlapping_writes_are_all_judged() {
    let explored = assert_right(filled, &[WRITE_STAYS, WRITE_GROWS, LOAD]);
    assert!(explored.judged > 0);
    assert_right(filled, &[WRITE_GROWS, WRITE_SHRINKS, LOAD]);
    assert_right(world, &[FILL, WRITE_STAYS, WRITE_GROWS]);
}

#[test]
fn fills_and_restamps_meet() {
    assert_right(filled, &[FILL, LOAD, WRITE_STAYS, &WRITE_GROWS[..2]]);
}

#[test]
fn a_writer_crashes() {
    assert_right(filled, &[LOAD, WRITE_STAYS, &WRITE_GROWS[..2], &[Lapse]]);
    assert_right(filled, &[FILL, LOAD, &WRITE_GROWS[..2], &[Lapse]]);
}

#[test]
fn a_writer_is_paused_for_longer_than_its_quarantine() {
    let slow = &[Quarantine(GROWS), Commit(GROWS), Release(GROWS), Return];
    assert_right(filled, &[FILL, LOAD, slow, &[Lapse]]);
}

#[test]
fn a_writer_gives_up() {
    let nothing = &[Quarantine(STAYS), ReleaseNothing(STAYS)];
    assert_right(filled, &[LOAD, nothing, WRITE_GROWS]);
    assert_right(world, &[FILL, nothing, WRITE_GROWS]);
}

#[test]
fn a_writer_lists_nothing() {
    let unlisted = &[Quarantine(GROWS), Commit(GROWS), ReleaseUnlisted(GROWS)];
    assert_right(filled, &[FILL, LOAD, unlisted]);
    assert_right(filled, &[LOAD, unlisted, WRITE_STAYS]);
}

#[test]
fn tags_and_the_table_are_voided() {
    assert_right(filled, &[LOAD, WRITE_GROWS, &[Void(STAYS), Void(STAYS)]]);
    assert_right(filled, &[FILL, LOAD, WRITE_GROWS, &[VoidTable]]);
}

#[test]
fn a_change_that_nobody_announced_is_gone_with_the_void() {
    let change = &[CommitElsewhere(GROWS), Void(GROWS), Return];
    assert_right(filled, &[FILL, LOAD, change]);
    assert_right(filled, &[LOAD, change, &[Quarantine(STAYS), ReleaseNothing(STAYS)]]);
}
