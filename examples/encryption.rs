//! Encryption: a column that the database and caches hold as ciphertext, and a change of its key.
//!
//!     cargo run --example encryption

use thing::{Db, KeyRing, Model, OpenError, Sealed};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct Patient {
    id: i64,
    name: String,
    ssn: Sealed<String>,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<Patient>().await?;
    let patients = db.things::<Patient>();

    // A program reads it from a store of secrets, `"1:<base64>".parse()`.
    let first = KeyRing::new(1, [1; 32]);
    for (name, ssn) in [("Ann", "123-45-6789"), ("Bob", "987-65-4321")] {
        let ssn = Patient::SSN.seal(&first, ssn)?;
        patients.create(NewPatient { name: name.into(), ssn }).await?;
    }
    let ann = patients.by_id(1).await?;
    println!("object       {ann:?}");
    println!("opened       {}", Patient::SSN.open(&first, &ann.ssn)?);
    let stored: Vec<u8> = db.raw("SELECT ssn FROM patients WHERE id = 1").row().await?;
    println!("stored       {} bytes of ciphertext", stored.len());

    // Another key seals from now on, and the former one opens what it sealed.
    let both = KeyRing::new(2, [2; 32]).with_key(1, [1; 32])?;
    println!("with both    {}", Patient::SSN.open(&both, &ann.ssn)?);
    println!("sealed anew  {} patients", patients.reseal(Patient::SSN, &both).await?);
    println!("again        {} patients", patients.reseal(Patient::SSN, &both).await?);

    let ann = patients.by_id(1).await?;
    println!("key          {:?}", ann.ssn.key_id());
    if let Err(error) = Patient::SSN.open(&first, &ann.ssn) {
        println!("refused      {error}");
    }

    // A changed bit is noticed.
    let mut bytes = ann.ssn.as_bytes().to_vec();
    bytes[40] ^= 1;
    let opened = Patient::SSN.open(&both, &Sealed::from_bytes(bytes));
    println!("tampered     {:?}", opened.err().as_ref().and_then(OpenError::of));
    Ok(())
}
