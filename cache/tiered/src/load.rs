//! Loading: what the memory may not answer is asked of the shared cache, and kept.

use std::sync::Arc;

use thing_driver_api::{Behind, CacheClient, Decodable, EntryKey, Found, Payload, Result, Wanted};

use crate::client::Tiers;
use crate::fills::{Judged, Noted};
use crate::near::Reading;

impl Tiers {
    pub(crate) async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        let mut answers = self.near.answers(wanted).await?;
        let unanswered = wanted.iter().zip(&answers).filter(|(_, answer)| answer.is_none());
        let asked: Vec<Wanted<'_>> = unanswered.map(|(wanted, _)| *wanted).collect();
        if !asked.is_empty() {
            let mut found = self.ask(&asked).await?.into_iter();
            answers.iter_mut().filter(|answer| answer.is_none()).for_each(|answer| *answer = found.next());
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Found::Miss)).collect())
    }

    /// Asks the shared cache, and keeps what it says.
    pub(crate) async fn ask(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        // Before the shared cache is asked: what is invalidated from here on is not kept.
        let reading = Arc::new(self.near.begin(wanted.iter().map(|wanted| wanted.key.table())).await?);
        let mut answers = match self.shared.load(wanted).await {
            Ok(answers) => answers,
            Err(error) => {
                self.near.forget(wanted.iter().map(|wanted| wanted.key))?;
                return Err(error);
            }
        };
        let mut entries = Vec::with_capacity(answers.len());
        let mut gone: Vec<&EntryKey> = Vec::new();
        for (wanted, answer) in wanted.iter().zip(&mut answers) {
            match answer {
                Found::Hit(payload) => {
                    *payload = decodable(payload);
                    match self.near.entry(wanted.key, wanted.tags, payload) {
                        Some(entry) => entries.push(entry),
                        None => gone.push(wanted.key),
                    }
                }
                // Whether it is an answer is yet to be judged.
                Found::Behind(behind) => self.note(&reading, wanted, behind),
                _ => gone.push(wanted.key),
            }
        }
        self.near.keep(&reading, entries)?;
        self.near.forget(gone.into_iter())?;
        Ok(answers)
    }

    fn note(&self, reading: &Arc<Reading>, wanted: &Wanted<'_>, behind: &mut Behind) {
        let payload = behind.payload.clone();
        behind.payload = decodable(&payload);
        let judged = Judged { payload, tags: wanted.tags.to_vec() };
        self.fills.begin(behind.as_of.id, Noted { reading: reading.clone(), behind: Some(judged) });
    }

    /// Stamps an entry anew where it came from: the leases of the shared cache are known, all others are the memory's.
    pub(crate) async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        let Some(Noted { reading, behind: Some(judged) }) = self.fills.end(behind.as_of.id) else {
            return self.near.memory.restamp(key, behind).await;
        };
        let as_given = Behind::new(judged.payload, behind.changes.clone(), behind.as_of.clone()).aged(behind.age);
        let held = self.shared.restamp(key, &as_given).await;
        let entry = self.near.entry(key, &judged.tags, &behind.payload).filter(|_| matches!(held, Ok(true)));
        match entry {
            Some(entry) => self.near.keep(&reading, vec![entry])?,
            None => self.near.forget(std::iter::once(key))?,
        }
        held
    }
}

/// The payload in the form that is decoded once, by the first who uses it.
pub(crate) fn decodable(payload: &Payload) -> Payload {
    match payload {
        Payload::Encoded(bytes) => Payload::Decodable(Arc::new(Decodable::new(bytes.clone()))),
        payload => payload.clone(),
    }
}
