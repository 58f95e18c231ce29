//! A database in memory, a cache, and actors that use them step by step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt;
use thing_cache_memory::{Clock, MemoryCache, MemoryConfig};
use thing_driver_api::{
    Behind, CacheClient, CacheValue, Change, ColumnSet, EntryKey, Found, Key, Lease, LeaseRequest, Leased, NewEntry,
    Outcome, Payload, Peek, Result, RowImage, Scope, TableId, Tag, Token, Value, Wanted,
};

pub(crate) const TABLE: TableId = TableId(0x7461_626c_6500);
const QUARANTINE: Duration = Duration::from_secs(10);

/// A question to the database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Question {
    /// The value of one row.
    Row(i64),
    /// The keys of the rows whose value is at least 10.
    Large,
}

/// A write of one row; `None` deletes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Write {
    pub(crate) key: i64,
    pub(crate) value: Option<i64>,
    /// Whether the row's own tag is touched. The database makes the keys of new rows, so an insert may not know it.
    pub(crate) own_tag: bool,
}

/// One step of an actor. Each actor has one fill, one entry that is behind, and one write.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Asks for leave to fill.
    Lease(Question),
    /// Asks for leave to store any rows.
    LeaseRows,
    /// Reads the database.
    Read,
    /// Stores what was read.
    Store,
    /// Loads an entry.
    Load(Question),
    /// Stamps the entry that was behind, if it is unaffected.
    Restamp,
    /// Stamps the entry that was behind, whether it is affected or not: a mistake.
    RestampBlindly,
    /// Marks what the write touches.
    Quarantine(Write),
    /// Commits the write.
    Commit(Write),
    /// Commits the write in a program that does not know the cache.
    CommitElsewhere(Write),
    /// Ends the quarantine and lists what changed.
    Release(Write),
    /// Ends the quarantine without a list.
    ReleaseUnlisted(Write),
    /// Ends the quarantine of a write that did not happen.
    ReleaseNothing(Write),
    /// Returns to the caller of the write.
    Return,
    /// Lets all quarantines lapse.
    Lapse,
    /// Voids what the write would touch.
    Void(Write),
    /// Voids the table.
    VoidTable,
}

type State = BTreeMap<i64, i64>;

#[derive(Debug, PartialEq)]
enum Answer {
    Row(Option<i64>),
    Keys(Vec<i64>),
}

impl CacheValue for Answer {
    fn weight(&self) -> usize {
        64
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

#[derive(Default)]
struct Actor {
    lease: Option<(Option<Question>, Lease)>,
    /// The number of the state that was read.
    read: Option<usize>,
    behind: Option<(Question, Behind)>,
    deadline: Option<Duration>,
    changes: Vec<Arc<Change>>,
    committed: Option<usize>,
}

pub(crate) struct World {
    cache: MemoryCache,
    clock: ManualClock,
    /// Every committed state, the newest last.
    states: Vec<State>,
    /// The oldest state that an answer may be of.
    floor: usize,
    actors: HashMap<usize, Actor>,
    questions: Vec<Question>,
    pub(crate) hits: usize,
    pub(crate) judged: usize,
    pub(crate) wrong: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct ManualClock(Arc<AtomicU64>);

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Relaxed))
    }
}

impl World {
    /// A database with these rows, and an empty cache that will be asked these questions.
    pub(crate) fn new(rows: &[(i64, i64)], questions: &[Question]) -> Self {
        let clock = ManualClock::default();
        // A small cache is made quickly; nothing is evicted.
        let config = MemoryConfig::default().max_bytes(1 << 20);
        Self {
            cache: MemoryCache::with_clock(config, clock.clone()),
            clock,
            states: vec![rows.iter().copied().collect()],
            floor: 0,
            actors: HashMap::new(),
            questions: questions.to_vec(),
            hits: 0,
            judged: 0,
            wrong: None,
        }
    }

    /// Fills the entry of a question before the programs start.
    pub(crate) fn filled(mut self, question: Question) -> Self {
        let actor = usize::MAX;
        for step in [Step::Lease(question), Step::Read, Step::Store] {
            self.run(actor, &step);
        }
        self
    }

    /// Runs one step, then looks at every entry.
    pub(crate) fn run(&mut self, id: usize, step: &Step) {
        let mut actor = self.actors.remove(&id).unwrap_or_default();
        self.step(id, &mut actor, step);
        self.actors.insert(id, actor);
        self.look();
    }

    /// Looks at every entry when all marks are gone.
    pub(crate) fn rest(&mut self) {
        self.clock.0.fetch_add(QUARANTINE.as_secs() + 1, Relaxed);
        self.look();
    }

    fn step(&mut self, id: usize, actor: &mut Actor, step: &Step) {
        let token = Token(id as u128);
        match step {
            Step::Lease(question) => {
                let (key, tags) = (entry_key(*question), dependencies(*question));
                let request = LeaseRequest::Entry { key: &key, tags: &tags };
                match now(self.cache.lease(&[request])).remove(0) {
                    Leased::Granted(lease) => actor.lease = Some((Some(*question), lease)),
                    Leased::Held(id) => {
                        // The caller waits for that fill, whose answer is of what it has read or will read.
                        let holder = self.actors.values().find(|a| a.lease.as_ref().is_some_and(|(_, l)| l.id == id));
                        if let Some(read) = holder.unwrap().read {
                            let answer = answer(*question, &self.states[read]);
                            self.check(*question, &answer, "joined");
                        }
                    }
                    Leased::Quarantined | Leased::Filled(_) => {}
                }
            }
            Step::LeaseRows => {
                let Leased::Granted(lease) = now(self.cache.lease(&[LeaseRequest::Rows { table: TABLE }])).remove(0)
                else {
                    return;
                };
                actor.lease = Some((None, lease));
            }
            Step::Read => actor.read = Some(self.states.len() - 1),
            Step::Store => {
                let (Some((question, lease)), Some(read)) = (&actor.lease, actor.read) else {
                    return;
                };
                let state = &self.states[read];
                let entries = match question {
                    Some(question) => vec![new_entry(*question, state)],
                    None => state.keys().map(|&key| new_entry(Question::Row(key), state)).collect(),
                };
                now(self.cache.store(lease, entries));
                actor.lease = None;
            }
            Step::Load(question) => match now(self.cache.load(&[Wanted::new(&entry_key(*question))])).remove(0) {
                Found::Hit(payload) => {
                    self.hits += 1;
                    self.check_payload(*question, &payload, "loaded");
                }
                Found::Behind(behind) => {
                    if !behind.changes.iter().any(|change| is_affected(*question, change)) {
                        self.judged += 1;
                        self.check_payload(*question, &behind.payload, "judged");
                    }
                    actor.behind = Some((*question, behind));
                }
                _ => {}
            },
            Step::Restamp => {
                if let Some((question, behind)) = actor.behind.take()
                    && !behind.changes.iter().any(|change| is_affected(question, change))
                {
                    now(self.cache.restamp(&entry_key(question), &behind));
                }
            }
            Step::RestampBlindly => {
                if let Some((question, behind)) = actor.behind.take() {
                    now(self.cache.restamp(&entry_key(question), &behind));
                }
            }
            Step::Quarantine(write) => {
                now(self.cache.quarantine(&touched(write), token, QUARANTINE));
                actor.deadline = Some(self.clock.now() + QUARANTINE);
            }
            Step::Commit(write) => {
                self.commit(actor, write);
                // A writer that was paused for longer than its quarantine promises only what it has returned. One
                // that has not marked anything has no excuse.
                if actor.deadline.is_none_or(|deadline| self.clock.now() < deadline) {
                    self.floor = self.states.len() - 1;
                }
            }
            Step::CommitElsewhere(write) => self.commit(actor, write),
            Step::Release(write) => {
                let outcome = Outcome::Changed(actor.changes.clone());
                now(self.cache.release(&touched(write), token, outcome));
            }
            Step::ReleaseUnlisted(write) => now(self.cache.release(&touched(write), token, Outcome::Unlisted)),
            Step::ReleaseNothing(write) => now(self.cache.release(&touched(write), token, Outcome::Nothing)),
            Step::Return => self.floor = self.floor.max(actor.committed.unwrap_or(0)),
            Step::Lapse => {
                self.clock.0.fetch_add(QUARANTINE.as_secs(), Relaxed);
            }
            Step::Void(write) => now(self.cache.void(&touched(write))),
            Step::VoidTable => now(self.cache.void_table(TABLE)),
        }
    }

    fn commit(&mut self, actor: &mut Actor, write: &Write) {
        let mut state = self.states[self.states.len() - 1].clone();
        let before = match write.value {
            Some(value) => state.insert(write.key, value),
            None => state.remove(&write.key),
        };
        actor.changes = vec![change(write, before)];
        actor.committed = Some(self.states.len());
        self.states.push(state);
    }

    fn look(&mut self) {
        for question in self.questions.clone() {
            if let Peek::Hit(payload) = self.cache.peek(&entry_key(question)) {
                self.hits += 1;
                self.check_payload(question, &payload, "peeked");
            }
        }
    }

    fn check_payload(&mut self, question: Question, payload: &Payload, how: &str) {
        match payload {
            Payload::Absent => self.check(question, &Answer::Row(None), how),
            Payload::Shared(value) => {
                let value: &dyn std::any::Any = &**value;
                self.check(question, value.downcast_ref().unwrap(), how);
            }
            _ => unreachable!("no such payload is stored"),
        }
    }

    fn check(&mut self, question: Question, given: &Answer, how: &str) {
        let allowed = &self.states[self.floor..];
        if self.wrong.is_none() && !allowed.iter().any(|state| answer(question, state) == *given) {
            self.wrong = Some(format!("{how} {given:?} for {question:?} where the states are {allowed:?}"));
        }
    }
}

fn now<T>(command: impl Future<Output = Result<T>>) -> T {
    command.now_or_never().unwrap().unwrap()
}

fn entry_key(question: Question) -> EntryKey {
    match question {
        Question::Row(key) => EntryKey::Object { table: TABLE, key: Key::Int(key) },
        Question::Large => EntryKey::Query { table: TABLE, question: Box::from(*b"large") },
    }
}

fn dependencies(question: Question) -> Vec<Tag> {
    let rows = Tag::rows(TABLE, &Scope::Table);
    match question {
        Question::Row(key) => vec![Tag::row(TABLE, &Key::Int(key)), rows],
        Question::Large => vec![rows, Tag::column(TABLE, &Scope::Table, "value")],
    }
}

/// The tags that a write touches: all that it may, for it is not known beforehand whether it is an insert.
fn touched(write: &Write) -> Vec<Tag> {
    let mut tags = vec![Tag::rows(TABLE, &Scope::Table), Tag::column(TABLE, &Scope::Table, "value")];
    if write.own_tag {
        tags.push(Tag::row(TABLE, &Key::Int(write.key)));
    }
    tags
}

fn new_entry(question: Question, state: &State) -> NewEntry {
    let mut tags = dependencies(question);
    let payload = match answer(question, state) {
        Answer::Row(None) => Payload::Absent,
        answer => {
            if matches!(question, Question::Row(_)) {
                tags.truncate(1);
            }
            Payload::Shared(Arc::new(answer))
        }
    };
    NewEntry::new(entry_key(question), tags, payload)
}

fn answer(question: Question, state: &State) -> Answer {
    match question {
        Question::Row(key) => Answer::Row(state.get(&key).copied()),
        Question::Large => Answer::Keys(state.iter().filter(|(_, v)| **v >= 10).map(|(k, _)| *k).collect()),
    }
}

fn change(write: &Write, before: Option<i64>) -> Arc<Change> {
    let image = |value: Option<i64>| match value {
        None => RowImage::Absent,
        Some(value) => RowImage::Row(Arc::new([Some(Value::I64(value))])),
    };
    let key = Key::Int(write.key);
    Arc::new(Change::new(TABLE, key, ColumnSet::ALL, image(before), image(write.value)))
}

/// The exact judgement.
fn is_affected(question: Question, change: &Change) -> bool {
    let is_large = |image: &RowImage| match image {
        RowImage::Row(values) => matches!(values[0], Some(Value::I64(value)) if value >= 10),
        _ => false,
    };
    match question {
        Question::Row(key) => change.key == Key::Int(key),
        Question::Large => is_large(&change.before) != is_large(&change.after),
    }
}
