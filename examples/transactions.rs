//! Transactions: closures, handles, savepoints, and code that works inside and outside of them.
//!
//!     cargo run --example transactions

use thing::{Db, Error, Model, Session, TransactionOptions};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct Account {
    id: i64,
    owner: String,
    balance: i64,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<Account>().await?;
    let alice = open(&db, "Alice", 100).await?;
    let bob = open(&db, "Bob", 50).await?;
    show(&db, "at the beginning").await?;

    // A closure: `Ok` commits, an error rolls back.
    db.transaction(async |transaction| transfer(transaction, alice, bob, 30).await).await?;
    show(&db, "30 from Alice to Bob").await?;
    let refused = db.transaction(async |transaction| transfer(transaction, alice, bob, 1_000).await).await;
    println!("{:<34}{}", "1000 from Alice to Bob", refused.err().map_or_else(String::new, |e| e.to_string()));
    show(&db, "nothing was changed").await?;

    // A handle. Dropped without a commit, it rolls back.
    let transaction = db.begin().await?;
    transfer(&transaction, bob, alice, 80).await?;
    let inside = Account::by_id(&transaction, bob).await?.balance;
    println!("{:<34}{inside}", "Bob, seen in the transaction");
    drop(transaction);
    println!("{:<34}{}", "Bob, seen after the rollback", Account::by_id(&db, bob).await?.balance);

    // Within a transaction another one is a savepoint.
    let transaction = db.begin().await?;
    transfer(&transaction, alice, bob, 5).await?;
    let attempt = transaction.begin().await?;
    transfer(&attempt, alice, bob, 50).await?;
    attempt.rollback().await?;
    transfer(&transaction, alice, bob, 5).await?;
    transaction.commit().await?;
    show(&db, "5, not 50, and 5 again").await?;

    let reader = db.begin_with(&TransactionOptions::default().read_only(true)).await?;
    let write = open(&reader, "Carol", 1).await;
    println!("{:<34}{}", "a write in a read-only one", write.err().map_or_else(String::new, |e| e.to_string()));
    Ok(())
}

/// Works on a `Db` and in a transaction.
async fn open<S: Session>(session: &S, owner: &str, balance: i64) -> thing::Result<i64> {
    let account = Account { id: 0, owner: owner.into(), balance };
    Ok(account.create(session).await?.id)
}

async fn transfer<S: Session>(session: &S, from: i64, to: i64, amount: i64) -> thing::Result<()> {
    let mut from = Account::by_id(session, from).await?;
    let mut to = Account::by_id(session, to).await?;
    if from.balance < amount {
        return Err(Error::invalid_input(format!("{} has {} only", from.owner, from.balance)));
    }
    from.balance -= amount;
    to.balance += amount;
    from.save(session).await?;
    to.save(session).await
}

async fn show(db: &Db, what: &str) -> thing::Result<()> {
    let accounts = db.things::<Account>().all().await?;
    let balances: Vec<String> = accounts.iter().map(|a| format!("{} {}", a.owner, a.balance)).collect();
    println!("{what:<34}{}", balances.join(", "));
    Ok(())
}
