//! A server's processes. PostgreSQL has one for each connection, each in a session of its own, so that no process group
//! holds them all; the kernel's list of processes says who began whom.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process and those that it began, parents before their children.
pub(super) struct ProcessTree {
    members: Vec<Pid>,
}

impl ProcessTree {
    /// The tree at this moment.
    pub(super) fn below(root: u32) -> Self {
        let processes = processes();
        let mut members: Vec<Pid> = pid(root).into_iter().collect();
        let mut next = 0;
        while let Some(&parent) = members.get(next) {
            members
                .extend(processes.iter().filter(|process| process.parent == Some(parent)).map(|process| process.pid));
            next += 1;
        }
        Self { members }
    }

    pub(super) fn signal_root(&self, signal: Signal) {
        if let Some(&root) = self.members.first() {
            send(root, signal);
        }
    }

    pub(super) fn resume(&self) {
        self.members.iter().for_each(|&member| send(member, Signal::CONT));
    }

    /// Stops the root first, and then also what it began before it stopped.
    pub(super) fn pause(&self) {
        self.paused();
    }

    /// Pauses all before it kills the first, so that no member sees another one end.
    pub(super) fn kill(&self) {
        self.paused().members.iter().for_each(|&member| send(member, Signal::KILL));
    }

    pub(super) fn is_alive(&self) -> bool {
        processes().iter().any(|process| !process.ended && self.members.contains(&process.pid))
    }

    fn paused(&self) -> Self {
        self.signal_root(Signal::STOP);
        let Some(root) = self.members.first() else { return Self { members: Vec::new() } };
        let tree = Self::below(root.as_raw_nonzero().get().unsigned_abs());
        tree.members.iter().for_each(|&member| send(member, Signal::STOP));
        tree
    }
}

struct Process {
    pid: Pid,
    parent: Option<Pid>,
    /// It ended and nobody has asked for its status yet.
    ended: bool,
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        panic!("private instances of servers need /proc, that is Linux");
    };
    entries.flatten().filter_map(|entry| process(entry.file_name().to_str()?)).collect()
}

/// Reads `/proc/<pid>/stat`: `pid (name) state parent …`, where the name may hold anything.
fn process(number: &str) -> Option<Process> {
    let id = number.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    Some(Process { pid: pid(id)?, parent: pid(fields.next()?.parse().ok()?), ended: state == "Z" || state == "X" })
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// A process that has ended in the meantime is no failure.
fn send(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}
