//! Text that the database takes for equal though it is spelt differently: keys and columns under a collation without
//! case. What is cached goes by the row's own spelling.

use thing::driver::Capability;
use thing::{Db, HasMany, Loaded, Model, Result, Session};
use tokio::task::JoinHandle;

use crate::support::{Limited, Stack, quoted};

matrix! {
    every: [
        a_key_in_another_spelling_finds_its_row,
        a_row_known_to_be_absent_appears_in_every_spelling,
        deletes_in_another_spelling_leave_nothing_stale,
        lists_by_text_stay_right,
        lookups_at_the_same_time_find_their_rows,
        what_belongs_to_an_object_is_replaced_in_any_spelling,
        raw_writes_in_another_spelling_leave_nothing_stale,
        saves_in_another_spelling_leave_nothing_stale,
        the_same_in_a_transaction_leaves_nothing_stale,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(name))]
struct City {
    name: String,
    #[thing(index)]
    country: String,
    people: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(name), has_many(cities: City, City::COUNTRY))]
struct Country {
    name: String,
}

fn city(name: &str, country: &str, people: i32) -> City {
    City { name: name.into(), country: country.into(), people }
}

/// Three cities in a table without case, if the stack's database has such collations.
async fn cities(stack: &Stack) -> Result<Option<Db>> {
    let Some(column_type) = stack.text_without_case() else { return Ok(None) };
    let executor = Limited::new(stack.executor().await, &[Capability::ExactText, Capability::OrderedText]);
    let db = stack.over(executor).await.build();
    let [table, name, country, people] = ["cities", "name", "country", "people"].map(|name| quoted(&db, name));
    let create = format!(
        "CREATE TABLE {table} ({name} {column_type} NOT NULL PRIMARY KEY, {country} {column_type} NOT NULL, \
         {people} INTEGER NOT NULL)"
    );
    db.raw(create).execute().await?;
    let cities = [city("Berlin", "Germany", 1), city("Paris", "France", 2), city("Lyon", "FRANCE", 3)];
    db.things::<City>().create_many(cities).await?;
    Ok(Some(db))
}

const SPELLINGS: [&str; 4] = ["Berlin", "BERLIN", "berlin", "bErLiN"];

/// What every spelling finds, asked twice.
async fn people(db: &Db) -> Result<Option<i32>> {
    let uncached = match db.things::<City>().by_id_uncached("Berlin").await {
        Ok(found) => Some(found.people),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error),
    };
    for spelling in SPELLINGS.into_iter().chain(SPELLINGS) {
        let found = City::find(db, spelling).await?;
        assert_eq!(found.map(|city| city.people), uncached, "{spelling}");
    }
    Ok(uncached)
}

async fn a_key_in_another_spelling_finds_its_row(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    for _ in 0..2 {
        for spelling in SPELLINGS {
            assert_eq!(City::by_id(&db, spelling).await?.name, "Berlin");
        }
        let found = db.things::<City>().by_ids(["BERLIN", "Paris", "lyon", "berlin", "nowhere"]).await?;
        let mut names: Vec<&String> = found.keys().collect();
        names.sort_unstable();
        assert_eq!(names, ["Berlin", "Lyon", "Paris"]);
    }
    let error = city("BERLIN", "", 0).create(&db).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    Ok(())
}

type Lookup = JoinHandle<Result<Option<Loaded<City>>>>;

async fn lookups_at_the_same_time_find_their_rows(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    for _ in 0..2 {
        let names = ["Berlin", "BERLIN", "PARIS", "paris", "lYON", "nowhere", "Paris", "NOWHERE"];
        let lookups: Vec<(&str, Lookup)> = (0..64)
            .map(|n| {
                let (db, name) = (db.clone(), names[n % names.len()]);
                (name, tokio::spawn(async move { City::find(&db, name).await }))
            })
            .collect();
        for (name, lookup) in lookups {
            let found = lookup.await.unwrap()?.map(|city| city.name.to_lowercase());
            assert_eq!(found, Some(name.to_lowercase()).filter(|name| name != "nowhere"), "{name}");
        }
    }
    Ok(())
}

async fn saves_in_another_spelling_leave_nothing_stale(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    assert_eq!(people(&db).await?, Some(1));
    for (n, spelling) in (10..).zip(SPELLINGS) {
        city(spelling, "Germany", n).save(&db).await?;
        assert_eq!(people(&db).await?, Some(n), "saved as {spelling}");
        let mut loaded = City::by_id(&db, spelling).await?;
        loaded.people = -n;
        loaded.save(&db).await?;
        assert_eq!(people(&db).await?, Some(-n), "loaded as {spelling}");
    }
    Ok(())
}

async fn deletes_in_another_spelling_leave_nothing_stale(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    for spelling in SPELLINGS {
        assert!(people(&db).await?.is_some());
        db.things::<City>().delete(spelling).await?;
        assert_eq!(people(&db).await?, None, "deleted as {spelling}");
        city(spelling, "Germany", 5).create(&db).await?;
        assert_eq!(people(&db).await?, Some(5), "created as {spelling}");
        City::by_id(&db, spelling.to_lowercase().as_str()).await?.delete(&db).await?;
        assert_eq!(people(&db).await?, None, "deleted as it was loaded");
        city("Berlin", "Germany", 6).create(&db).await?;
    }
    people(&db).await?;
    db.things::<City>().delete_many(["PARIS", "berlin"]).await?;
    assert_eq!(people(&db).await?, None);
    assert!(City::find(&db, "Paris").await?.is_none());
    Ok(())
}

async fn a_row_known_to_be_absent_appears_in_every_spelling(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    for name in ["Rome", "ROME", "rome"] {
        assert!(City::find(&db, name).await?.is_none());
    }
    city("rOME", "Italy", 4).create(&db).await?;
    for name in ["Rome", "ROME", "rome", "rOME"] {
        assert_eq!(City::by_id(&db, name).await?.people, 4);
    }
    Ok(())
}

async fn the_same_in_a_transaction_leaves_nothing_stale(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    assert_eq!(people(&db).await?, Some(1));
    let save = async |session: &dyn Session, name: &str, people| {
        session.things::<City>().save_plain(city(name, "Germany", people)).await.map(drop)
    };
    db.transaction(async |transaction| save(transaction, "BERLIN", 7).await).await?;
    assert_eq!(people(&db).await?, Some(7));
    let transaction = db.begin().await?;
    save(&transaction, "berlin", 8).await?;
    assert_eq!(City::by_id(&transaction, "BERLIN").await?.people, 8);
    transaction.rollback().await?;
    assert_eq!(people(&db).await?, Some(7));
    db.transaction(async |transaction| transaction.things::<City>().delete("bERLIN").await).await?;
    assert_eq!(people(&db).await?, None);
    Ok(())
}

async fn lists_by_text_stay_right(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    let check = async |expected: &[&str]| -> Result<()> {
        for country in ["France", "FRANCE", "france"] {
            for _ in 0..2 {
                let query = || City::filter(&db, City::COUNTRY.eq(country)).order_by(City::PEOPLE.asc());
                let found = query().all().await?;
                let names: Vec<&str> = found.iter().map(|city| city.name.as_str()).collect();
                assert_eq!(names, expected, "{country}");
                assert_eq!(query().count().await?, expected.len() as u64);
                assert_eq!(query().uncached().all().await?, found);
            }
        }
        Ok(())
    };
    check(&["Paris", "Lyon"]).await?;
    city("Nice", "fRANCE", 4).create(&db).await?;
    check(&["Paris", "Lyon", "Nice"]).await?;
    let mut paris = City::by_id(&db, "PARIS").await?;
    paris.country = "Texas".into();
    paris.save(&db).await?;
    check(&["Lyon", "Nice"]).await?;
    city("LYON", "italy", 3).save(&db).await?;
    check(&["Nice"]).await?;
    city("paris", "FRANCE", 9).save(&db).await?;
    check(&["Nice", "Paris"]).await?;
    db.things::<City>().delete("NICE").await?;
    check(&["Paris"]).await?;
    // The same country in other letters is the same scope to the database.
    let mut paris = City::by_id(&db, "Paris").await?;
    paris.country = "france".into();
    paris.save(&db).await?;
    check(&["Paris"]).await
}

async fn raw_writes_in_another_spelling_leave_nothing_stale(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    assert_eq!(people(&db).await?, Some(1));
    let table = quoted(&db, "cities");
    let update = format!("UPDATE {table} SET people = people + 1 WHERE name = 'Berlin'");
    for (n, spelling) in (2..).zip(SPELLINGS) {
        db.raw(&update).changes_only::<City, _>([spelling]).execute().await?;
        assert_eq!(people(&db).await?, Some(n), "said as {spelling}");
    }
    let rename = format!("UPDATE {table} SET name = 'BERLIN', people = 9 WHERE name = 'Berlin'");
    db.raw(rename).changes_only::<City, _>(["berlin"]).execute().await?;
    assert_eq!(people(&db).await?, Some(9));
    assert_eq!(City::by_id(&db, "Berlin").await?.name, "BERLIN");
    let delete = format!("DELETE FROM {table} WHERE name = 'Berlin'");
    db.raw(delete).changes_only::<City, _>(["bErLiN"]).execute().await?;
    assert_eq!(people(&db).await?, None);
    Ok(())
}

async fn what_belongs_to_an_object_is_replaced_in_any_spelling(stack: &Stack) -> Result<()> {
    let Some(db) = cities(stack).await? else { return Ok(()) };
    let column_type = stack.text_without_case().unwrap_or_default();
    let [table, name] = ["countries", "name"].map(|name| quoted(&db, name));
    db.raw(format!("CREATE TABLE {table} ({name} {column_type} NOT NULL PRIMARY KEY)")).execute().await?;
    let mut france = Country { name: "France".into() }.create(&db).await?;
    let names = async || -> Result<Vec<String>> {
        let cities = Country::CITIES.order_by(City::PEOPLE.asc());
        Ok(france_cities(&db, cities).await?.into_iter().map(|city| city.name.clone()).collect())
    };
    assert_eq!(names().await?, ["Paris", "Lyon"]);
    let kept = [city("LYON", "", 0), city("bERLIN", "", 0)];
    france.replace_all(&db, Country::CITIES, &kept, [city("Nice", "", 4)]).await?;
    assert_eq!(names().await?, ["Berlin", "Lyon", "Nice"]);
    assert!(City::find(&db, "PARIS").await?.is_none());
    assert_eq!(City::by_id(&db, "lyon").await?.people, 3);
    assert_eq!(City::filter(&db, City::COUNTRY.eq("germany")).count().await?, 0);
    let twice = [city("nice", "", 0), city("NICE", "", 0)];
    france.replace_all(&db, Country::CITIES, &twice, [] as [City; 0]).await?;
    assert_eq!(names().await?, ["Nice"]);
    Ok(())
}

async fn france_cities(db: &Db, cities: HasMany<Country, City>) -> Result<Vec<Loaded<City>>> {
    let mut country = Country::by_id(db, "FRANCE").await?;
    Ok(country.load(db, cities).await?.to_vec())
}
