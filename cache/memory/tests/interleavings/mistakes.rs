//! Programs with a mistake in them: the check has to notice each.

use crate::explorer::explore;
use crate::world::{Question, Step, World, Write};
use Step::{Commit, Lapse, Lease, Load, Quarantine, Read, Release, ReleaseNothing, RestampBlindly, Return, Store};

const ROW: Question = Question::Row(1);
const LIST: Question = Question::Large;
const WRITE: Write = Write { key: 1, value: Some(20), own_tag: true };
const OTHER: Write = Write { key: 2, ..WRITE };
const WRITES: &[Step] = &[Quarantine(WRITE), Commit(WRITE), Release(WRITE)];

fn world() -> World {
    World::new(&[(1, 1), (2, 1)], &[ROW, LIST])
}

#[track_caller]
fn assert_noticed(world: impl Fn() -> World, programs: &[&[Step]]) {
    let explored = explore(world, programs);
    assert!(explored.wrong.is_some(), "unnoticed in {} schedules", explored.schedules);
}

#[test]
fn a_quarantine_after_the_commit() {
    for question in [ROW, LIST] {
        let late = &[Commit(WRITE), Quarantine(WRITE), Release(WRITE)];
        assert_noticed(|| world().filled(question), &[late]);
        assert_noticed(world, &[late, &[Lease(question), Read, Store]]);
    }
}

#[test]
fn no_quarantine_at_all() {
    for question in [ROW, LIST] {
        assert_noticed(|| world().filled(question), &[&[Commit(WRITE)]]);
    }
}

#[test]
fn a_lease_after_the_read() {
    for question in [ROW, LIST] {
        assert_noticed(world, &[WRITES, &[Read, Lease(question), Store]]);
    }
}

#[test]
fn a_release_that_is_not_awaited() {
    for question in [ROW, LIST] {
        let fill = &[Lease(question), Read, Store];
        let hasty = &[Quarantine(WRITE), Commit(WRITE), Return, Release(WRITE)];
        assert_noticed(world, &[hasty, fill, &[Lapse]]);
    }
}

#[test]
fn a_commit_that_is_called_nothing() {
    let denied = &[Quarantine(WRITE), Commit(WRITE), ReleaseNothing(WRITE)];
    assert_noticed(|| world().filled(LIST), &[denied]);
    assert_noticed(
        || World::new(&[], &[ROW]).filled(ROW),
        &[&[Quarantine(OTHER), Commit(Write { own_tag: false, ..WRITE }), ReleaseNothing(OTHER)]],
    );
}

#[test]
fn a_restamp_without_judgement() {
    assert_noticed(|| world().filled(LIST), &[WRITES, &[Load(LIST), RestampBlindly]]);
}

#[test]
fn a_changed_row_that_is_not_listed() {
    let other = Write { value: Some(2), ..OTHER };
    // The change of one write is replaced by that of another, which does not matter to the list.
    let forgetful = &[Quarantine(WRITE), Commit(WRITE), Commit(other), Release(WRITE)];
    assert_noticed(|| world().filled(LIST), &[forgetful, &[Load(LIST)]]);
}

#[test]
fn a_write_that_touches_the_wrong_row() {
    let stray = &[Quarantine(OTHER), Commit(WRITE), Release(OTHER)];
    assert_noticed(|| world().filled(ROW), &[stray]);
}
