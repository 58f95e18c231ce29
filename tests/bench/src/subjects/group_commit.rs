//! A group commit by hand: one thread commits all writes that are queued as one transaction, then answers.

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::data::UserRow;
use crate::subject::Synchronous;
use crate::subjects::rusqlite as raw;

/// The most writes of one transaction.
const MOST: usize = 256;

/// Sends writes to the thread, which ends with this.
#[derive(Debug)]
pub struct GroupCommit {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    write: Write,
    answer: oneshot::Sender<i64>,
}

enum Write {
    Insert(UserRow),
    Update(i64, f64),
}

impl GroupCommit {
    /// Starts the thread.
    pub fn start(path: &Path, synchronous: Synchronous) -> Self {
        let mut connection = raw::open(path, synchronous).expect("the connection for writes opens");
        let (jobs, queue) = mpsc::channel();
        thread::spawn(move || {
            while let Ok(first) = queue.recv() {
                commit(&mut connection, first, &queue).expect("a group is committed");
            }
        });
        Self { jobs }
    }

    /// Adds a user and gives its key.
    pub async fn insert(&self, user: UserRow) -> i64 {
        self.write(Write::Insert(user)).await
    }

    /// Sets a score.
    pub async fn update(&self, id: i64, score: f64) {
        self.write(Write::Update(id, score)).await;
    }

    async fn write(&self, write: Write) -> i64 {
        let (answer, committed) = oneshot::channel();
        self.jobs.send(Job { write, answer }).expect("the thread takes jobs");
        committed.await.expect("the thread answers")
    }
}

fn commit(connection: &mut Connection, first: Job, queue: &mpsc::Receiver<Job>) -> rusqlite::Result<()> {
    let transaction = raw::begin(connection)?;
    let mut answers = Vec::new();
    let mut next = Some(first);
    while let Some(job) = next {
        let key = match job.write {
            Write::Insert(user) => raw::insert(&transaction, &user)?,
            Write::Update(id, score) => {
                raw::update(&transaction, id, score)?;
                id
            }
        };
        answers.push((job.answer, key));
        next = if answers.len() < MOST { queue.try_recv().ok() } else { None };
    }
    transaction.commit()?;
    for (answer, key) in answers {
        answer.send(key).expect("every writer waits for its answer");
    }
    Ok(())
}
