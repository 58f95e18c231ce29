//! Writes that come at the same time go together.
//!
//! A tag that everybody touches is one cell: to change it for several writers at once costs as much as for one. So while
//! some requests of a kind are on their way, those that come wait, and are the next to go, all at once.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thing_driver_api::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error;
use crate::keeper::Way;

/// How many are on their way at a time, before others wait: so the servers need not wait either.
const AT_ONCE: usize = 2;
/// The most that go together, and the most tags that they have together unless one alone has more.
const MOST: usize = 64;
const MOST_TAGS: usize = 256;

/// What a writer wants of the cache.
pub(crate) trait Request: Send + Sync + Sized + 'static {
    /// It in words, for errors.
    const WHAT: &'static str;

    /// Where requests of this kind meet.
    fn merged(way: &Way) -> &Merged<Self>;

    /// How many tags it has.
    fn size(&self) -> usize;

    /// Fulfils several.
    fn run(way: &Way, requests: &[Self]) -> impl Future<Output = Result<()>> + Send;
}

/// The requests of a kind.
#[derive(Debug)]
pub(crate) struct Merged<R>(Mutex<State<R>>);

#[derive(Debug)]
struct State<R> {
    running: usize,
    waiting: VecDeque<Waiting<R>>,
}

#[derive(Debug)]
struct Waiting<R> {
    request: R,
    answer: oneshot::Sender<Result<()>>,
}

impl<R> Default for Merged<R> {
    fn default() -> Self {
        Self(Mutex::new(State { running: 0, waiting: VecDeque::new() }))
    }
}

impl<R> Merged<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fulfils a request, alone or with others. Dropped, it is not sent any more if it still waits.
pub(crate) async fn run<R: Request>(way: &Arc<Way>, request: R) -> Result<()> {
    let waiting = {
        let mut state = R::merged(way).state();
        if state.running < AT_ONCE {
            state.running += 1;
            Err(request)
        } else {
            let (answer, answered) = oneshot::channel();
            state.waiting.push_back(Waiting { request, answer });
            Ok(answered)
        }
    };
    match waiting {
        Err(request) => {
            let _turn = Turn::<R>::new(way);
            R::run(way, &[request]).await
        }
        Ok(answered) => match way.wait(R::WHAT, pin!(answered)).await? {
            Ok(answer) => answer,
            Err(_) => Err(error::unreachable(R::WHAT)),
        },
    }
}

/// One of those on their way. When it ends, others go.
struct Turn<R: Request> {
    way: Arc<Way>,
    kind: PhantomData<fn(R)>,
}

impl<R: Request> Turn<R> {
    fn new(way: &Arc<Way>) -> Self {
        Self { way: way.clone(), kind: PhantomData }
    }
}

impl<R: Request> Drop for Turn<R> {
    fn drop(&mut self) {
        let merged = R::merged(&self.way);
        let mut state = merged.state();
        let mut together: Vec<Waiting<R>> = Vec::new();
        let mut tags = 0;
        while let Some(next) = state.waiting.front() {
            if next.answer.is_closed() {
                state.waiting.pop_front();
                continue;
            }
            tags += next.request.size();
            if together.len() == MOST || !together.is_empty() && tags > MOST_TAGS {
                break;
            }
            together.extend(state.waiting.pop_front());
        }
        match Handle::try_current() {
            Ok(runtime) if !together.is_empty() => {
                drop(state);
                let turn = Self::new(&self.way);
                runtime.spawn(turn.go(together));
            }
            _ => {
                state.running -= 1;
                // Those who wait outside of a runtime learn that nobody asks for them.
                state.waiting.clear();
            }
        }
    }
}

impl<R: Request> Turn<R> {
    async fn go(self, together: Vec<Waiting<R>>) {
        let (requests, answers): (Vec<R>, Vec<_>) =
            together.into_iter().map(|Waiting { request, answer }| (request, answer)).unzip();
        let result = R::run(&self.way, &requests).await;
        for answer in answers {
            // Whoever does not wait any more needs no answer.
            let _ = answer.send(result.as_ref().copied().map_err(Error::duplicate));
        }
    }
}
