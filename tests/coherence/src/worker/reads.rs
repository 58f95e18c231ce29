//! Reads: what was seen goes into the history.

use std::time::Duration;

use thing::{Isolation, Loaded, Model, Result, TransactionOptions};

use super::client::Client;
use crate::clock;
use crate::history::{Query, Record, Source};
use crate::model::{Group, Item, RowKey, Seen, digest};

#[derive(Clone, Copy)]
enum Read {
    ById,
    ByIds,
    Query(Query),
    Group,
    Children,
    ByIdUncached,
    QueryUncached,
    Snapshot,
}

const READS: &[(u64, Read)] = &[
    (600, Read::ById),
    (60, Read::ByIds),
    (40, Read::Query(Query::All)),
    (40, Read::Query(Query::Newest)),
    (40, Read::Query(Query::Flagged)),
    (30, Read::Query(Query::Page)),
    (15, Read::Query(Query::Range)),
    (40, Read::Query(Query::Count)),
    (30, Read::Query(Query::CountFlagged)),
    (10, Read::Query(Query::CountRange)),
    (30, Read::Query(Query::Exists)),
    (35, Read::Group),
    (15, Read::Children),
    (6, Read::ByIdUncached),
    (3, Read::QueryUncached),
    (1, Read::Snapshot),
];

/// What a query gave.
enum Answer {
    List(Vec<Loaded<Item>>),
    Number(u64),
}

impl Client {
    /// One read; whether it succeeded.
    pub(super) async fn read(&self) -> bool {
        match self.random.weighted(READS).unwrap_or(Read::ById) {
            Read::ById => self.find(self.some_item()).await.is_ok(),
            Read::ByIds => {
                let ids: Vec<i64> = (0..8).map(|_| self.some_item()).collect();
                self.find_several(&ids).await.is_ok()
            }
            Read::Query(query) => self.ask(query, self.some_group(), Source::Listed).await.is_ok(),
            Read::Group => self.find_group(self.some_group()).await.is_ok(),
            Read::Children => {
                let group = self.some_group();
                self.find_group(group).await.is_ok() && self.ask(Query::All, group, Source::Child).await.is_ok()
            }
            Read::ByIdUncached => self.find_uncached(self.some_item()).await.is_ok(),
            Read::QueryUncached => {
                let query = Query::ALL[self.random.below(Query::ALL.len() as u64) as usize];
                self.ask(query, self.some_group(), Source::ListedUncached).await.is_ok()
            }
            Read::Snapshot => self.read_in_snapshot().await.is_ok(),
        }
    }

    /// Reads everything once.
    pub(super) async fn sweep(&self) {
        for id in 1..=self.items {
            let _ = self.find(id).await;
        }
        for group in 1..=self.groups {
            let _ = self.find_group(group).await;
            for query in Query::ALL {
                let _ = self.ask(*query, group, Source::Listed).await;
            }
        }
    }

    pub(super) async fn find(&self, id: i64) -> Result<Option<Loaded<Item>>> {
        let start = clock::now();
        let found = self.db().things::<Item>().find(id).await;
        self.saw(Source::ById, RowKey::item(id), &found, |item| item.seen(), start);
        found
    }

    pub(super) async fn find_group(&self, id: i64) -> Result<Option<Loaded<Group>>> {
        let start = clock::now();
        let found = self.db().things::<Group>().find(id).await;
        self.saw(Source::Group, RowKey::group(id), &found, |group| group.seen(), start);
        found
    }

    async fn find_uncached(&self, id: i64) -> Result<Option<Loaded<Item>>> {
        let start = clock::now();
        let found = match self.db().things::<Item>().by_id_uncached(id).await {
            Ok(item) => Ok(Some(item)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        };
        self.saw(Source::Uncached, RowKey::item(id), &found, |item| item.seen(), start);
        found
    }

    pub(super) async fn find_several(&self, ids: &[i64]) -> Result<Vec<Loaded<Item>>> {
        let start = clock::now();
        let found = self.db().things::<Item>().by_ids(ids.iter().copied()).await;
        let end = clock::now();
        let found = found.inspect_err(|error| self.read_failed(error, start, end))?;
        self.history().read(ids.iter().map(|id| Record::Row {
            source: Source::ByIds,
            row: RowKey::item(*id),
            seen: found.get(id).map_or(Seen::default(), |item| item.seen()),
            start,
            end,
        }));
        Ok(found.into_values().collect())
    }

    fn saw<M: Model>(
        &self,
        source: Source,
        row: RowKey,
        found: &Result<Option<Loaded<M>>>,
        seen: impl Fn(&M) -> Seen,
        start: u64,
    ) {
        let end = clock::now();
        match found {
            Ok(found) => {
                let seen = found.as_ref().map_or(Seen::default(), |object| seen(object));
                self.history().read([Record::Row { source, row, seen, start, end }]);
            }
            Err(error) => self.read_failed(error, start, end),
        }
    }

    async fn ask(&self, query: Query, group: i64, source: Source) -> Result<()> {
        let uncached = source == Source::ListedUncached;
        let start = clock::now();
        let answer = self.answer(query, group, uncached).await;
        let end = clock::now();
        let answer = answer.inspect_err(|error| self.read_failed(error, start, end))?;
        let (items, answer) = match answer {
            Answer::Number(number) => (Vec::new(), number),
            Answer::List(items) => {
                let answer = digest(items.iter().map(|item| item.id.unsigned_abs()));
                (items, answer)
            }
        };
        let group = u32::try_from(group).unwrap_or(u32::MAX);
        let asked = Record::Answer { query, uncached, group, answer, start, end };
        let rows = items.iter().map(|item| {
            let row = RowKey::item(item.id);
            Record::Row { source, row, seen: item.seen(), start, end }
        });
        self.history().read([asked].into_iter().chain(rows));
        Ok(())
    }

    async fn answer(&self, query: Query, group: i64, uncached: bool) -> Result<Answer> {
        let within = Item::GROUP_ID.eq(group);
        let filter = match query {
            Query::All | Query::Newest | Query::Page | Query::Count => within,
            Query::Flagged | Query::CountFlagged | Query::Exists => within & Item::FLAG.eq(true),
            Query::Range | Query::CountRange => Item::GROUP_ID.ge(group) & Item::GROUP_ID.le(group),
        };
        let mut asked = self.db().things::<Item>().filter(filter);
        if uncached {
            asked = asked.uncached();
        }
        Ok(match query {
            Query::All | Query::Flagged | Query::Range => Answer::List(asked.all().await?),
            Query::Newest => Answer::List(asked.order_by(Item::VALUE.desc()).fetch(0, 5).await?),
            Query::Page => Answer::List(asked.order_by(Item::VALUE.asc()).fetch(2, 3).await?),
            Query::Count | Query::CountFlagged | Query::CountRange => Answer::Number(asked.count().await?),
            Query::Exists => Answer::Number(asked.exists().await?.into()),
        })
    }

    /// Reads what may be old by the time it is read. It must not get into the cache.
    async fn read_in_snapshot(&self) -> Result<()> {
        let options = TransactionOptions::default().read_only(true).isolation(Isolation::RepeatableRead);
        let transaction = self.db().begin_with(&options).await?;
        let items = transaction.things::<Item>();
        items.find(self.some_item()).await?;
        tokio::time::sleep(Duration::from_millis(self.random.below(20))).await;
        items.find(self.some_item()).await?;
        items.filter(Item::GROUP_ID.eq(self.some_group())).all().await?;
        transaction.commit().await
    }
}
