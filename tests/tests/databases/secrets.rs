//! Secrets: whatever goes wrong, no message, no trace and no `{:?}` tells them.

use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use serde_json::json;
use thing::driver::{RowImage, Shape, Statement, Value};
use thing::{Db, Error, Json, Model, Result, Secret};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{Database, Stack};

matrix! {
    one_thread: [nothing_that_is_written_or_refused_tells_a_secret]
}

const PLANTED: &str = "planted";

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Account {
    id: i64,
    name: String,
    #[thing(unique)]
    token: Secret<String>,
    salary: Secret<u64>,
    notes: Secret<Json<Vec<String>>>,
    #[thing(version)]
    version: i32,
}

fn account(name: &str, token: &str) -> Account {
    Account {
        id: 0,
        name: name.into(),
        token: Secret::new(format!("{PLANTED}{token}")),
        salary: Secret::new(7_654_321),
        notes: Json(vec![PLANTED.to_owned()]).into(),
        version: 0,
    }
}

/// Writes down everything that is traced, by whichever crate.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = writeln!(self.0.lock().unwrap(), "{field}={value:?}");
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What an error says; with its causes, where the driver has no cause of the server's own words.
fn said(error: &Error, causes: bool) -> String {
    let mut text = error.to_string();
    if causes {
        let _ = write!(text, "{error:?}");
        let mut cause = error.source();
        while let Some(next) = cause {
            let _ = write!(text, "{next}{next:?}");
            cause = next.source();
        }
    }
    text
}

fn untold(text: &str) {
    assert!(!text.contains(PLANTED) && !text.contains("7654321") && !text.contains(&u64::MAX.to_string()), "{text}");
}

async fn nothing_that_is_written_or_refused_tells_a_secret(stack: &Stack) -> Result<()> {
    let heard = Everything::default();
    let _guard = tracing::subscriber::set_default(heard.clone());
    let db = stack.db::<Account>().await;
    // The causes of PostgreSQL's errors are the server's messages.
    let causes = stack.database() != Database::Postgres;
    let mut errors = Vec::new();
    everything(&db, &mut errors).await?;
    assert!(errors.len() >= 7);
    errors.iter().for_each(|error| untold(&said(error, causes)));
    untold(&heard.0.lock().unwrap());
    Ok(())
}

async fn everything(db: &Db, errors: &mut Vec<Error>) -> Result<()> {
    let accounts = db.things::<Account>();
    let mut first = account("a", "1").create(db).await?;
    untold(&format!("{first:?}"));
    assert_eq!(first.token.reveal(), "planted1");
    accounts.create_many([account("b", "2"), account("c", "3")]).await?;
    first.salary = Secret::new(7_654_322);
    first.token.reveal_mut().push('!');
    first.save(db).await?;
    let by_token = || Account::filter(db, Account::TOKEN.eq(Secret::new("planted1!".to_owned())));
    assert_eq!(by_token().one().await?.id, first.id);
    assert_eq!(by_token().uncached().one().await?.id, first.id);
    untold(&format!("{:?} {}", by_token(), by_token().plan()?));

    // Refused: a token that another has, an integer that no column holds, one that is gone, one that was changed.
    let mut second = accounts.by_id(2).await?;
    second.token = first.token.clone();
    errors.push(second.save(db).await.unwrap_err());
    errors.push(account("d", "2").create(db).await.unwrap_err());
    errors.push(accounts.create_many([account("d", "4"), account("e", "2")]).await.unwrap_err());
    let beyond = Account { salary: Secret::new(u64::MAX), ..account("f", "5") };
    errors.push(beyond.create(db).await.unwrap_err());
    let mut stale = accounts.by_id(3).await?;
    let mut newer = accounts.by_id(3).await?;
    newer.notes = Secret::default();
    newer.save(db).await?;
    stale.token = Secret::new("planted3!".to_owned());
    errors.push(stale.save(db).await.unwrap_err());
    newer.clone().delete(db).await?;
    newer.token = Secret::new("planted4".to_owned());
    errors.push(newer.save(db).await.unwrap_err());

    // Stored, but not of the type.
    let other = json!([PLANTED, 7_654_321]).to_string();
    let set = format!("UPDATE accounts SET notes = '{other}' WHERE id = 1");
    db.raw(set).changes_only::<Account, _>([1]).execute().await?;
    errors.push(accounts.by_id_uncached(1).await.unwrap_err());

    // What a driver and a cache are given.
    let shape = Shape::raw("SELECT 1");
    let values = [Value::Text(PLANTED.into())];
    untold(&format!("{:?}", Statement::new(&shape, &values)));
    untold(&format!("{:?}", RowImage::Row(vec![Some(Value::Text(PLANTED.into()))].into())));
    Ok(())
}
