//! Runs programs in every order of their steps.

use crate::world::{Step, World};

/// What the runs of all schedules showed.
pub(crate) struct Explored {
    /// The number of schedules.
    pub(crate) schedules: usize,
    /// The hits in all of them.
    pub(crate) hits: usize,
    /// The answers of entries that were behind and proved unaffected.
    pub(crate) judged: usize,
    /// The first wrong answer and the schedule that led to it.
    pub(crate) wrong: Option<String>,
}

/// Runs the programs in every order until an answer is wrong.
pub(crate) fn explore(world: impl Fn() -> World, programs: &[&[Step]]) -> Explored {
    let mut explored = Explored { schedules: 0, hits: 0, judged: 0, wrong: None };
    let mut left: Vec<usize> = programs.iter().map(|program| program.len()).collect();
    schedules(&mut left, &mut Vec::new(), &mut |schedule| {
        explored.schedules += 1;
        let mut world = world();
        let mut next = vec![0; programs.len()];
        for &actor in schedule {
            world.run(actor, &programs[actor][next[actor]]);
            next[actor] += 1;
        }
        world.rest();
        explored.hits += world.hits;
        explored.judged += world.judged;
        explored.wrong = world.wrong.map(|wrong| format!("{wrong} in {}", named(schedule, programs)));
        explored.wrong.is_none()
    });
    explored
}

/// Asserts that every answer is right, and that the cache answered at all.
pub(crate) fn assert_right(world: impl Fn() -> World, programs: &[&[Step]]) -> Explored {
    let explored = explore(world, programs);
    if let Some(wrong) = &explored.wrong {
        panic!("{wrong}");
    }
    assert!(explored.hits > 0, "nothing was ever found in {} schedules", explored.schedules);
    explored
}

/// Visits every order of `left[i]` steps of each program; stops when `visit` returns false.
fn schedules(left: &mut [usize], schedule: &mut Vec<usize>, visit: &mut impl FnMut(&[usize]) -> bool) -> bool {
    if left.iter().all(|&steps| steps == 0) {
        return visit(schedule);
    }
    for actor in 0..left.len() {
        if left[actor] == 0 {
            continue;
        }
        left[actor] -= 1;
        schedule.push(actor);
        let go_on = schedules(left, schedule, visit);
        schedule.pop();
        left[actor] += 1;
        if !go_on {
            return false;
        }
    }
    true
}

fn named(schedule: &[usize], programs: &[&[Step]]) -> String {
    let mut next = vec![0; programs.len()];
    let mut names = Vec::new();
    for &actor in schedule {
        names.push(format!("{actor}:{:?}", programs[actor][next[actor]]));
        next[actor] += 1;
    }
    names.join(" ")
}

#[test]
fn every_order_is_visited_once() {
    let mut seen = std::collections::HashSet::new();
    schedules(&mut [2, 2, 1], &mut Vec::new(), &mut |schedule| seen.insert(schedule.to_vec()));
    assert_eq!(seen.len(), 30);
}
