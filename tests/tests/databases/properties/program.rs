//! Random programs: what is done, and what is asked in between.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use thing::driver::ValueType;

use super::filters::{Plan, plans};
use super::schema::{Schema, schemas};

/// One case: a schema, a setting, questions and steps.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) schema: Schema,
    pub(crate) setting: Setting,
    /// Asked again and again, so that their answers are remembered while the rows change.
    pub(crate) questions: Vec<Question>,
    pub(crate) steps: Vec<Step>,
}

/// How the database and the cache look to the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) cache: CacheKind,
    /// What the driver seems to be able to do.
    pub(crate) returning: bool,
    pub(crate) exact_text: bool,
    pub(crate) exact_numbers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheKind {
    /// Everything fits.
    Roomy,
    /// Few entries, tags and changes: forgetting is the rule.
    Tiny,
    /// Entries are bytes, and nothing is found without a load, as in a cache outside the process.
    Bytes,
}

/// A question to ask.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    List { plan: Plan, order: Vec<(u8, bool)>, window: Window },
    Count(Plan),
    Exists(Plan),
    ById(Target),
    ByIds(Vec<Target>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Window {
    All,
    First,
    One,
    Fetch { offset: u64, limit: u64 },
}

/// A row: one that exists if there are any, or whatever has the key of these choices.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Existing(u8),
    Pool(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(u8),
    Create(Vec<u8>),
    CreateMany(Vec<Vec<u8>>),
    /// Changes an object that was read before, however long ago, and saves it.
    Save {
        which: u8,
        changes: Vec<(u8, u8)>,
    },
    SaveMany {
        which: Vec<u8>,
        changes: Vec<(u8, u8)>,
    },
    SavePlain {
        target: Target,
        row: Vec<u8>,
    },
    /// Changes columns of all rows that match.
    UpdateWhere {
        plan: Plan,
        changes: Vec<(u8, u8)>,
    },
    DeleteWhere(Plan),
    Delete(Target),
    DeleteMany(Vec<Target>),
    DeleteLoaded(u8),
    Raw {
        set: u8,
        to: u8,
        when: u8,
        is: u8,
    },
    Begin,
    Commit,
    Rollback,
    /// Drops the innermost transaction.
    Drop,
}

pub(crate) fn programs(steps: usize, types: &[ValueType]) -> impl Strategy<Value = Program> + use<> {
    (schemas(types), settings(), vec(questions(), 1..7), vec(step(), 1..steps))
        .prop_map(|(schema, setting, questions, steps)| Program { schema, setting, questions, steps })
}

fn settings() -> impl Strategy<Value = Setting> {
    let cache = prop_oneof![
        3 => Just(CacheKind::Roomy),
        1 => Just(CacheKind::Tiny),
        1 => Just(CacheKind::Bytes),
    ];
    let mostly = || proptest::bool::weighted(0.8);
    (cache, mostly(), mostly(), mostly()).prop_map(|(cache, returning, exact_text, exact_numbers)| Setting {
        cache,
        returning,
        exact_text,
        exact_numbers,
    })
}

fn questions() -> BoxedStrategy<Question> {
    let order = vec((any::<u8>(), any::<bool>()), 0..3);
    let window = prop_oneof![
        3 => Just(Window::All),
        1 => Just(Window::First),
        1 => Just(Window::One),
        2 => (0..5u64, 0..5u64).prop_map(|(offset, limit)| Window::Fetch { offset, limit }),
    ];
    prop_oneof![
        6 => (plans(), order, window).prop_map(|(plan, order, window)| Question::List { plan, order, window }),
        2 => plans().prop_map(Question::Count),
        1 => plans().prop_map(Question::Exists),
        2 => target().prop_map(Question::ById),
        1 => vec(target(), 0..5).prop_map(Question::ByIds),
    ]
    .boxed()
}

fn target() -> BoxedStrategy<Target> {
    prop_oneof![any::<u8>().prop_map(Target::Existing), choices().prop_map(Target::Pool)].boxed()
}

fn choices() -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), 8).boxed()
}

fn step() -> BoxedStrategy<Step> {
    let byte = any::<u8>;
    let changes = || vec((byte(), byte()), 0..4);
    prop_oneof![
        12 => byte().prop_map(Step::Ask),
        6 => choices().prop_map(Step::Create),
        2 => vec(choices(), 0..4).prop_map(Step::CreateMany),
        6 => (byte(), changes()).prop_map(|(which, changes)| Step::Save { which, changes }),
        1 => (vec(byte(), 0..4), changes()).prop_map(|(which, changes)| Step::SaveMany { which, changes }),
        2 => (target(), choices()).prop_map(|(target, row)| Step::SavePlain { target, row }),
        2 => (plans(), changes()).prop_map(|(plan, changes)| Step::UpdateWhere { plan, changes }),
        1 => plans().prop_map(Step::DeleteWhere),
        2 => target().prop_map(Step::Delete),
        1 => vec(target(), 0..3).prop_map(Step::DeleteMany),
        1 => byte().prop_map(Step::DeleteLoaded),
        1 => (byte(), byte(), byte(), byte()).prop_map(|(set, to, when, is)| Step::Raw { set, to, when, is }),
        2 => Just(Step::Begin),
        2 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        1 => Just(Step::Drop),
    ]
    .boxed()
}
