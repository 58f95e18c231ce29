//! Runs a few tasks in every order in which their steps can follow one another.
//!
//! A task gives up its turn at each [`step`]. A schedule is the list of choices of who goes on; the explorer plays one
//! schedule after the other, each in a world of its own: first all with few switches, then others by lot.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Ends this turn of a task.
pub(crate) async fn step() {
    let mut stepped = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// One world: its tasks, and what must hold when they have ended.
pub(crate) struct Run {
    pub(crate) tasks: Vec<Task>,
    /// The task that may go away at any of its steps.
    pub(crate) cancelled: Option<usize>,
    pub(crate) check: Box<dyn FnOnce() -> Result<(), String>>,
}

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Play so many schedules, if there are as many.
    pub(crate) schedules: usize,
    /// First those in which a task loses its turn without having to at most so often: few switches show nearly all
    /// mistakes (Musuvathi and Qadeer, 2007). The rest is drawn by lot, the same in every run.
    pub(crate) switches: usize,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) schedules: usize,
    /// What was wrong, and the schedule that shows it.
    pub(crate) violation: Option<(String, Vec<usize>)>,
}

/// No schedule is as long as this.
const ENDLESS: usize = 5_000;

#[derive(Clone, Copy, Debug)]
struct Choice {
    taken: usize,
    of: usize,
}

pub(crate) fn explore(bounds: Bounds, mut world: impl FnMut() -> Run) -> Report {
    let mut schedules = 0;
    let mut shown = |wrong: Result<(), String>, choices: &[Choice]| {
        schedules += 1;
        let schedule = || choices.iter().map(|choice| choice.taken).collect();
        let violation = wrong.err().map(|wrong| (wrong, schedule()));
        (schedules == bounds.schedules || violation.is_some()).then_some(Report { schedules, violation })
    };
    for switches in 0..=bounds.switches {
        let mut choices = Vec::new();
        loop {
            let played = play(world(), &mut choices, switches, &mut |_| 0);
            if let Some(report) = shown(played, &choices) {
                return report;
            }
            while choices.last().is_some_and(|last: &Choice| last.taken + 1 == last.of) {
                choices.pop();
            }
            let Some(last) = choices.last_mut() else { break };
            last.taken += 1;
        }
    }
    let mut lot = 0x9e37_79b9_7f4a_7c15_u64;
    loop {
        let mut choices = Vec::new();
        // Turns are long in some schedules and short in others.
        let stays = lot % 4;
        let draw = &mut |of| {
            // Xorshift (Marsaglia, 2003).
            lot ^= lot << 13;
            lot ^= lot >> 7;
            lot ^= lot << 17;
            if lot.is_multiple_of(stays + 1) { (lot >> 32) as usize % of } else { 0 }
        };
        let played = play(world(), &mut choices, usize::MAX, draw);
        if let Some(report) = shown(played, &choices) {
            return report;
        }
    }
}

/// Follows the choices that are there, then takes new ones and adds them.
fn play(
    run: Run,
    choices: &mut Vec<Choice>,
    switches: usize,
    choose: &mut dyn FnMut(usize) -> usize,
) -> Result<(), String> {
    let mut tasks: Vec<Option<Task>> = run.tasks.into_iter().map(Some).collect();
    let flags: Vec<Arc<Flag>> = tasks.iter().map(|_| Arc::new(Flag(AtomicBool::new(true)))).collect();
    let mut cancelled = run.cancelled;
    let (mut current, mut switched, mut at) = (None, 0, 0);
    loop {
        let mut ready: Vec<usize> =
            (0..tasks.len()).filter(|&task| tasks[task].is_some() && flags[task].is_set()).collect();
        if ready.is_empty() {
            if tasks.iter().any(Option::is_some) {
                return Err("the tasks wait for each other".into());
            }
            return (run.check)();
        }
        // Who was at it goes on, unless switches are left.
        if let Some(place) = ready.iter().position(|&task| Some(task) == current) {
            ready.swap(0, place);
            if switched == switches {
                ready.truncate(1);
            }
        }
        let may_cancel = cancelled.filter(|&task| tasks[task].is_some());
        let of = ready.len() + usize::from(may_cancel.is_some());
        if at == ENDLESS {
            return Err("the tasks go on without end".into());
        }
        if at == choices.len() {
            choices.push(Choice { taken: choose(of), of });
        }
        let taken = choices[at].taken;
        at += 1;
        if taken == ready.len() {
            tasks[may_cancel.expect("the choice was counted")] = None;
            cancelled = None;
            continue;
        }
        let task = ready[taken];
        if current.is_some_and(|current| current != task && ready.contains(&current)) {
            switched += 1;
        }
        current = Some(task);
        let waker = Waker::from(flags[task].clone());
        flags[task].0.store(false, Ordering::SeqCst);
        let future = tasks[task].as_mut().expect("ready tasks have not ended");
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            tasks[task] = None;
        }
    }
}

/// Runs a future alone.
pub(crate) fn alone<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    loop {
        assert!(flag.0.swap(false, Ordering::SeqCst), "the future waits for something that nobody does");
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
    }
}

#[derive(Debug)]
struct Flag(AtomicBool);

impl Flag {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
