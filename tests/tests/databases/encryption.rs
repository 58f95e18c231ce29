//! Sealed columns: neither the database nor a cache holds what they mean, and they work as columns do.

use std::sync::Arc;

use serde_json::json;
use thing::driver::{Executor, Value};
use thing::{Db, Error, ErrorKind, Fields, Json, KeyRing, Loaded, Model, OpenError, Result, Sealed};
use uuid::Uuid;

use crate::support::{BytesCache, Stack, assert_stored, quoted, statements};

matrix! {
    every: [
        values_of_every_type_come_back,
        the_database_holds_ciphertext_alone,
        sealed_columns_are_written_in_every_way,
        a_value_opens_in_its_own_column_alone,
        errors_name_the_column_and_the_reason,
        an_object_with_a_damaged_value_is_an_object_all_the_same,
        a_save_can_seal_anew,
        a_whole_column_is_sealed_anew,
        who_writes_while_a_column_is_sealed_anew_is_not_undone,
        output_and_messages_show_no_value,
    ]
    cached: [
        caches_hold_ciphertext_alone,
    ]
}

const PLANTED: &str = "planted-123-45-6789";

#[derive(Model, Clone, Debug, PartialEq)]
struct Patient {
    id: i64,
    #[thing(unique)]
    email: String,
    ssn: Sealed<String>,
    note: Option<Sealed<String>>,
    #[thing(version)]
    version: i64,
    #[thing(deleted)]
    gone: bool,
}

fn keys() -> KeyRing {
    KeyRing::new(1, [1; 32])
}

/// The key of [`keys`] opens, and another one seals.
fn newer() -> Result<KeyRing> {
    KeyRing::new(2, [2; 32]).with_key(1, [1; 32])
}

fn patient(email: &str, keys: &KeyRing) -> Result<NewPatient> {
    Ok(NewPatient {
        email: email.into(),
        ssn: Patient::SSN.seal(keys, PLANTED)?,
        note: Some(Patient::NOTE.seal(keys, format!("note of {email}"))?),
    })
}

/// Three patients; the second has no note.
async fn patients(stack: &Stack) -> Result<Db> {
    let db = stack.db::<Patient>().await;
    for email in ["a", "b", "c"] {
        let mut new = patient(email, &keys())?;
        new.note = new.note.filter(|_| email != "b");
        db.things::<Patient>().create(new).await?;
    }
    Ok(db)
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Everything {
    id: Uuid,
    flag: Sealed<bool>,
    number: Sealed<i32>,
    large: Sealed<i64>,
    double: Sealed<f64>,
    text: Sealed<String>,
    bytes: Sealed<Vec<u8>>,
    uuid: Sealed<Uuid>,
    at: Sealed<std::time::SystemTime>,
    list: Sealed<Json<Vec<String>>>,
    price: Sealed<rust_decimal::Decimal>,
    perhaps: Sealed<Option<String>>,
}

async fn values_of_every_type_come_back(stack: &Stack) -> Result<()> {
    let db = stack.db::<Everything>().await;
    let keys = keys();
    let at = crate::support::at(1_700_000_000);
    let (id, price) = (Uuid::new_v4(), rust_decimal::Decimal::new(-12_345, 3));
    let all = Everything {
        id,
        flag: Everything::FLAG.seal(&keys, true)?,
        number: Everything::NUMBER.seal(&keys, i32::MIN)?,
        large: Everything::LARGE.seal(&keys, i64::MAX)?,
        double: Everything::DOUBLE.seal(&keys, -0.5)?,
        text: Everything::TEXT.seal(&keys, "ünïcode \0 '\"")?,
        bytes: Everything::BYTES.seal(&keys, vec![0, 255, 0])?,
        uuid: Everything::UUID.seal(&keys, id)?,
        at: Everything::AT.seal(&keys, at)?,
        list: Everything::LIST.seal(&keys, Json(vec!["a".to_owned()]))?,
        price: Everything::PRICE.seal(&keys, price)?,
        perhaps: Everything::PERHAPS.seal(&keys, None)?,
    };
    all.clone().create(&db).await?;
    for found in [Everything::by_id(&db, id).await?, db.things::<Everything>().by_id_uncached(id).await?] {
        assert_eq!(*found, all);
        assert!(Everything::FLAG.open(&keys, &found.flag)?);
        assert_eq!(Everything::NUMBER.open(&keys, &found.number)?, i32::MIN);
        assert_eq!(Everything::LARGE.open(&keys, &found.large)?, i64::MAX);
        assert_eq!(Everything::DOUBLE.open(&keys, &found.double)?.to_bits(), (-0.5_f64).to_bits());
        assert_eq!(Everything::TEXT.open(&keys, &found.text)?, "ünïcode \0 '\"");
        assert_eq!(Everything::BYTES.open(&keys, &found.bytes)?, [0, 255, 0]);
        assert_eq!(Everything::UUID.open(&keys, &found.uuid)?, id);
        assert_eq!(Everything::AT.open(&keys, &found.at)?, at);
        assert_eq!(Everything::LIST.open(&keys, &found.list)?.0, ["a"]);
        assert_eq!(Everything::PRICE.open(&keys, &found.price)?, price);
        assert_eq!(Everything::PERHAPS.open(&keys, &found.perhaps)?, None);
    }
    assert!(Everything::DOUBLE.seal(&keys, f64::NAN).unwrap_err().to_string().contains("`double`"));
    Ok(())
}

async fn the_database_holds_ciphertext_alone(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let [table, ssn] = ["patients", "ssn"].map(|name| quoted(&db, name));
    let stored: Vec<Vec<u8>> = db.raw(format!("SELECT {ssn} FROM {table} ORDER BY 1")).rows().await?;
    assert_eq!(stored.len(), 3);
    for envelope in &stored {
        assert!(!has(envelope, PLANTED));
        // Type of the value, nonce, authentication, format and number of the key.
        assert_eq!(envelope.len(), PLANTED.len() + 1 + 24 + 16 + 5);
        let sealed = Sealed::from_bytes(envelope.clone());
        assert_eq!(Patient::SSN.open(&keys(), &sealed)?, PLANTED);
    }
    assert!(stored[0] != stored[1] && stored[1] != stored[2], "equal values look different");
    Ok(())
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

/// What was opened of one patient, as the cache and the database tell it.
async fn opened(db: &Db, id: i64) -> Result<(String, Option<String>)> {
    let (keys, patients) = (newer()?, db.things::<Patient>().with_deleted());
    let of = |found: Loaded<Patient>| {
        Ok::<_, Error>((Patient::SSN.open(&keys, &found.ssn)?, Patient::NOTE.open(&keys, &found.note)?))
    };
    let cached = of(patients.by_id(id).await?)?;
    assert_eq!(cached, of(patients.by_id_uncached(id).await?)?);
    Ok(cached)
}

async fn sealed_columns_are_written_in_every_way(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let (keys, things) = (keys(), db.things::<Patient>());
    let seal = |text: &str| Patient::SSN.seal(&keys, text);
    let note = |text: &str| Patient::NOTE.seal(&keys, text);
    assert_eq!(opened(&db, 1).await?, (PLANTED.into(), Some("note of a".into())));
    assert_eq!(opened(&db, 2).await?, (PLANTED.into(), None));

    let mut first = things.by_id(1).await?;
    first.save(&db).await?;
    first.ssn = seal("saved")?;
    first.note = None;
    first.save(&db).await?;
    assert_stored(&db, &first).await?;
    assert_eq!(opened(&db, 1).await?, ("saved".into(), None));

    let set = Patient::SSN.set(seal("set")?) & Patient::NOTE.set(note("set too")?);
    assert_stored(&db, &things.update_by_id(2, set).await?).await?;
    assert_eq!(opened(&db, 2).await?, ("set".into(), Some("set too".into())));
    things.update_by_id(2, Patient::NOTE.set(None::<Sealed<String>>)).await?;
    assert_eq!(opened(&db, 2).await?, ("set".into(), None));
    assert_eq!(Patient::filter(&db, Patient::NOTE.is_null()).count().await?, 2);
    assert_eq!(Patient::filter(&db, Patient::NOTE.is_not_null()).update(Patient::SSN.set(seal("all")?)).await?, 1);
    assert_eq!(opened(&db, 3).await?.0, "all");

    let mut new = patient("c", &keys)?;
    new.ssn = seal("upsert")?;
    things.upsert(new, Patient::EMAIL, Patient::SSN).await?;
    assert_eq!(opened(&db, 3).await?.0, "upsert");
    let mut bulk = things.insert_many();
    bulk.write(["d", "e"].map(|email| patient(email, &keys)).into_iter().collect::<Result<Vec<_>>>()?).await?;
    bulk.finish().await?;
    assert_eq!(opened(&db, 5).await?, (PLANTED.into(), Some("note of e".into())));

    let pairs = things.all_objects().order_by(Patient::ID.asc()).pluck((Patient::ID, Patient::NOTE)).await?;
    let notes = pairs.iter().map(|(id, note)| Ok((*id, Patient::NOTE.open(&keys, note)?)));
    let notes = notes.filter(|note| !matches!(note, Ok((_, None)))).collect::<Result<Vec<_>>>()?;
    assert_eq!(notes, [(3, Some("note of c".into())), (4, Some("note of d".into())), (5, Some("note of e".into()))]);

    let transaction = db.begin().await?;
    transaction.things::<Patient>().update_by_id(1, Patient::SSN.set(seal("undone")?)).await?;
    transaction.rollback().await?;
    assert_eq!(opened(&db, 1).await?.0, "saved");
    Ok(())
}

fn reason<T>(opened: Result<T>, column: &str) -> Option<OpenError> {
    let error = opened.err()?;
    assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some(column.into()) });
    assert!(error.to_string().contains(&format!("patients.{column}")), "{error}");
    OpenError::of(&error)
}

async fn a_value_opens_in_its_own_column_alone(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let [table, ssn, note] = ["patients", "ssn", "note"].map(|name| quoted(&db, name));
    db.raw(format!("UPDATE {table} SET {note} = {ssn}")).changes::<Patient>().execute().await?;
    let moved = Patient::by_id(&db, 1).await?;
    assert_eq!(Patient::SSN.open(&keys(), &moved.ssn)?, PLANTED);
    assert_eq!(reason(Patient::NOTE.open(&keys(), &moved.note), "note"), Some(OpenError::NotAuthentic));
    Ok(())
}

async fn errors_name_the_column_and_the_reason(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let first = Patient::by_id(&db, 1).await?;
    let open = |keys: &KeyRing, sealed: &Sealed<String>| reason(Patient::SSN.open(keys, sealed), "ssn");
    let stranger = KeyRing::new(3, [3; 32]);
    assert_eq!(open(&stranger, &first.ssn), Some(OpenError::UnknownKey { id: 1 }));
    assert_eq!(open(&KeyRing::new(1, [3; 32]), &first.ssn), Some(OpenError::NotAuthentic));
    assert_eq!(open(&keys(), &Sealed::from_bytes(*b"no envelope")), Some(OpenError::UnknownFormat));
    assert_eq!(open(&keys(), &Sealed::from_bytes([])), Some(OpenError::UnknownFormat));

    // The same column, declared as another type.
    #[derive(Model, Clone, Debug)]
    #[thing(table = "patients", no_new)]
    struct Former {
        id: i64,
        ssn: Sealed<i64>,
    }
    let former = Former::by_id(&db, 1).await?;
    assert_eq!(reason(Former::SSN.open(&keys(), &former.ssn), "ssn"), Some(OpenError::OtherType));
    Ok(())
}

async fn an_object_with_a_damaged_value_is_an_object_all_the_same(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let mut damaged = Patient::by_id(&db, 2).await?;
    let mut bytes = damaged.ssn.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    damaged.ssn = Sealed::from_bytes(bytes);
    damaged.save(&db).await?;
    let found = Patient::filter(&db, Patient::EMAIL.eq("b")).one().await?;
    assert_eq!(reason(Patient::SSN.open(&keys(), &found.ssn), "ssn"), Some(OpenError::NotAuthentic));
    assert_eq!(Patient::by_id(&db, 2).await?.email, "b");
    let error = db.things::<Patient>().reseal(Patient::SSN, &newer()?).await.unwrap_err();
    assert!(error.to_string().starts_with("reseal Patient 2: "), "{error}");
    assert_eq!(OpenError::of(&error), Some(OpenError::NotAuthentic));
    Ok(())
}

async fn a_save_can_seal_anew(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let newer = newer()?;
    let mut first = Patient::by_id(&db, 1).await?;
    assert!(!Patient::SSN.reseal(&keys(), &mut first.ssn)?);
    assert!(!first.is_changed());
    assert!(Patient::SSN.reseal(&newer, &mut first.ssn)?);
    assert!(!Patient::SSN.reseal(&newer, &mut first.ssn)?);
    assert_eq!(first.ssn.key_id(), Some(2));
    first.save(&db).await?;
    assert_eq!(opened(&db, 1).await?, (PLANTED.into(), Some("note of a".into())));
    let mut second = Patient::by_id(&db, 2).await?;
    assert!(!Patient::NOTE.reseal(&newer, &mut second.note)?, "there is none");
    Ok(())
}

/// The numbers of the keys that sealed notes and social security numbers.
async fn sealed_by(db: &Db) -> Result<(Vec<Option<u32>>, Vec<Option<u32>>)> {
    let all = db.things::<Patient>().with_deleted().all().await?;
    let note = |one: &Loaded<Patient>| one.note.as_ref().and_then(Sealed::key_id);
    Ok((all.iter().map(note).collect(), all.iter().map(|one| one.ssn.key_id()).collect()))
}

async fn a_whole_column_is_sealed_anew(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let (things, newer) = (db.things::<Patient>(), newer()?);
    let mut bulk = things.insert_many();
    bulk.write((0..600).map(|n| patient(&format!("n{n}"), &keys())).collect::<Result<Vec<_>>>()?).await?;
    bulk.finish().await?;
    things.delete(3).await?;
    let current = patient("current", &newer)?;
    things.create(current).await?;
    let versions = things.by_id(1).await?.version;
    assert_eq!(sealed_by(&db).await?.0[..3], [Some(1), None, Some(1)]);

    assert_eq!(things.reseal(Patient::NOTE, &newer).await?, 602);
    let (notes, numbers) = sealed_by(&db).await?;
    assert!(notes.iter().enumerate().all(|(at, key)| *key == (at != 1).then_some(2)), "{notes:?}");
    assert!(numbers[..603].iter().all(|key| *key == Some(1)));
    assert_eq!(things.by_id(1).await?.version, versions + 1);
    assert_eq!(opened(&db, 1).await?, (PLANTED.into(), Some("note of a".into())));
    assert_eq!(opened(&db, 3).await?.1, Some("note of c".into()));

    let (sent, again) = statements(&db, things.reseal(Patient::NOTE, &newer)).await;
    assert_eq!((sent, again?), (1, 0), "what is sealed by the right key is not read");
    things.reseal(Patient::SSN, &newer).await?;
    // The former key has had its time.
    let alone = KeyRing::new(2, [2; 32]);
    assert_eq!(Patient::SSN.open(&alone, &things.by_id(1).await?.ssn)?, PLANTED);
    Ok(())
}

async fn who_writes_while_a_column_is_sealed_anew_is_not_undone(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let newer = newer()?;
    let (resealed, written) = tokio::join!(db.things::<Patient>().reseal(Patient::SSN, &newer), async {
        for round in 0..20 {
            let sealed = Patient::SSN.seal(&keys(), format!("round {round}"))?;
            db.things::<Patient>().update_by_id(2, Patient::SSN.set(sealed)).await?;
        }
        Ok::<_, Error>(())
    });
    assert!(resealed? >= 2);
    written?;
    assert_eq!(opened(&db, 2).await?.0, "round 19");
    db.things::<Patient>().reseal(Patient::SSN, &newer).await?;
    assert_eq!(opened(&db, 2).await?.0, "round 19");
    Ok(())
}

async fn output_and_messages_show_no_value(stack: &Stack) -> Result<()> {
    let db = patients(stack).await?;
    let first = Patient::by_id(&db, 1).await?;
    let text = format!("{first:?} {:?} {:?}", keys(), Patient::SSN);
    assert!(text.contains("ssn: Sealed { key: Some(1), .. }") && !text.contains(PLANTED), "{text}");
    let json = Fields::<Patient>::all().to_json(&first)?;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&json).unwrap(),
        json!({
            "id": 1, "email": "a", "version": 1, "gone": false,
        })
    );
    let named = Fields::<Patient>::parse("ssn")?.to_json(&first)?;
    assert!(named.starts_with(r#"{"ssn":"AQAAAA"#) && !named.contains(PLANTED), "{named}");
    let taken = db.things::<Patient>().create(patient("a", &keys())?).await.unwrap_err();
    assert!(taken.is_unique_violation() && !format!("{taken:?}").contains(PLANTED));
    Ok(())
}

/// What a shared cache is given are the bytes of the objects.
async fn caches_hold_ciphertext_alone(stack: &Stack) -> Result<()> {
    let Some(client) = stack.client().await else { return Ok(()) };
    let looked = |bytes: &mut Vec<u8>| assert!(!has(bytes, PLANTED), "a cache was given a value");
    let executor: Arc<dyn Executor> = stack.executor().await;
    let db = Db::builder(executor).cache(BytesCache::damaging(client, looked)).build();
    db.sync::<Patient>().await?;
    db.things::<Patient>().create(patient("a", &keys())?).await?;
    for _ in 0..2 {
        assert_eq!(opened(&db, 1).await?.0, PLANTED);
        assert_eq!(Patient::filter(&db, Patient::EMAIL.eq("a")).all().await?.len(), 1);
    }
    let first = Patient::by_id(&db, 1).await?;
    let Value::Bytes(bytes) = first.value(Patient::SSN.index())? else { panic!("no bytes") };
    assert!(!has(&bytes, PLANTED));
    Ok(())
}
