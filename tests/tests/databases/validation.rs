//! Validation: an object that breaks the rules of its model is refused before anything is sent, with all that is wrong.

use thing::{Db, ErrorKind, Hooks, Model, Result, Transaction, Validate, Violations};

use crate::support::{Stack, statements};

matrix! {
    every: [
        all_that_is_wrong_is_told_at_once,
        nothing_is_sent_on_any_way_of_writing,
        many_are_refused_before_the_first_is_sent,
        what_a_hook_puts_right_is_right,
        a_refused_save_leaves_object_and_caches_as_they_were,
        fields_of_an_embed_have_their_path,
    ]
}

#[derive(Model, Clone, Debug, garde::Validate)]
#[garde(allow_unvalidated)]
#[thing(validate, garde, no_new)]
struct Booking {
    id: i64,
    #[thing(unique)]
    #[garde(length(min = 1, max = 20))]
    guest: String,
    #[thing(index)]
    #[garde(range(min = 1, max = 8))]
    beds: i32,
    first_night: i32,
    last_night: i32,
}

impl Validate for Booking {
    fn validate(&self, violations: &mut Violations) {
        if self.last_night < self.first_night {
            violations.add("last_night", "is before the first");
        }
    }
}

fn booking(guest: &str) -> Booking {
    Booking { id: 0, guest: guest.into(), beds: 2, first_night: 1, last_night: 3 }
}

async fn bookings(stack: &Stack) -> Db {
    stack.db::<(Booking, Trimmed, Guest)>().await
}

async fn all_that_is_wrong_is_told_at_once(stack: &Stack) -> Result<()> {
    let db = bookings(stack).await;
    let wrong = Booking { beds: 9, last_night: 0, ..booking("") };
    let error = wrong.create(&db).await.unwrap_err();
    let mut fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["beds", "guest", "last_night"]);
    assert_eq!(error.violations()[2].message, "is before the first");
    assert!(matches!(error.kind(), ErrorKind::Invalid(violations) if violations.len() == 3));
    let text = error.to_string();
    assert!(
        text.starts_with("create Booking: ")
            && text.contains("guest: length is lower than 1; ")
            && text.ends_with("; last_night: is before the first"),
        "{text}"
    );
    assert!(!error.is_retryable() && !error.may_have_executed());
    // The rules of the fields are what they are elsewhere in the program.
    assert!(garde::Validate::validate(&booking("one")).is_ok() && garde::Validate::validate(&booking("")).is_err());
    Ok(())
}

async fn nothing_is_sent_on_any_way_of_writing(stack: &Stack) -> Result<()> {
    let db = bookings(stack).await;
    let bookings = db.things::<Booking>();
    let mut one = bookings.create(booking("one")).await?;
    let plain = Booking { beds: 0, ..one.clone().into_inner() };
    one.beds = 0;
    let begun = db.statistics().transactions;
    let work = async {
        let wrong = || booking("");
        let mut errors = vec![
            bookings.create(wrong()).await.unwrap_err(),
            bookings.save(&mut one).await.unwrap_err(),
            bookings.save_plain(plain).await.unwrap_err(),
            wrong().save(&db).await.unwrap_err(),
        ];
        errors.push(bookings.create_many([booking("two"), wrong()]).await.unwrap_err());
        errors.push(bookings.save_many([&mut one]).await.unwrap_err());
        errors
    };
    let (sent, errors) = statements(&db, work).await;
    assert_eq!((sent, db.statistics().transactions - begun), (0, 0));
    for error in errors {
        assert_eq!(error.violations().len(), 1, "{error}");
    }
    // These read first.
    assert!(!bookings.find_or_create(Booking::GUEST, booking("")).await.unwrap_err().violations().is_empty());
    let changed = bookings.update_or_create(Booking::GUEST, booking("one"), |booking| booking.beds = 99).await;
    assert_eq!(changed.unwrap_err().violations()[0].field, "beds");
    db.transaction(async |transaction| {
        let (sent, refused) = statements(&db, booking("").create(transaction)).await;
        assert_eq!((sent, refused.unwrap_err().violations().len()), (0, 1));
        booking("two").create(transaction).await.map(drop)
    })
    .await?;
    assert_eq!(bookings.count().await?, 2);
    Ok(())
}

async fn many_are_refused_before_the_first_is_sent(stack: &Stack) -> Result<()> {
    let db = bookings(stack).await;
    let bookings = db.things::<Booking>();
    let (sent, error) = statements(&db, bookings.create_many([booking("one"), booking("two"), booking("")])).await;
    let error = error.unwrap_err();
    assert_eq!(sent, 0);
    assert!(error.to_string().starts_with("Booking item 2: guest: "), "{error}");
    let mut many = bookings.create_many(["one", "two"].map(booking)).await?;
    many[0].beds = 3;
    many[1].beds = 9;
    let (sent, error) = statements(&db, bookings.save_many(&mut many)).await;
    assert_eq!((sent, error.unwrap_err().violations().len()), (0, 1));
    many[1].beds = 4;
    bookings.save_many(&mut many).await?;
    assert_eq!(Booking::filter(&db, Booking::BEDS.ge(3)).count().await?, 2);
    Ok(())
}

/// Its hook puts right what its rule forbids.
#[derive(Model, Clone, Debug)]
#[thing(hooks, validate, no_new)]
struct Trimmed {
    id: i64,
    name: String,
}

impl Hooks for Trimmed {
    async fn before_save(&mut self, _: &Transaction) -> Result<()> {
        self.name = self.name.trim().to_owned();
        Ok(())
    }
}

impl Validate for Trimmed {
    fn validate(&self, violations: &mut Violations) {
        if self.name.is_empty() || self.name.starts_with(' ') {
            violations.add("name", "is empty, or begins with a space");
        }
    }
}

async fn what_a_hook_puts_right_is_right(stack: &Stack) -> Result<()> {
    let db = bookings(stack).await;
    let mut one = Trimmed { id: 0, name: " one".into() }.create(&db).await?;
    assert_eq!(one.name, "one");
    let (sent, refused) = statements(&db, Trimmed { id: 0, name: "  ".into() }.create(&db)).await;
    assert_eq!((sent, refused.unwrap_err().violations().len()), (0, 1));
    one.name = "   ".into();
    let (sent, refused) = statements(&db, one.save(&db)).await;
    assert_eq!((sent, refused.unwrap_err().violations().len()), (0, 1));
    assert_eq!(one.name, "   ", "its holder has it as it was");
    let refused = db.things::<Trimmed>().create_many(["a", " "].map(|name| Trimmed { id: 0, name: name.into() })).await;
    assert!(refused.unwrap_err().to_string().starts_with("Trimmed item 1: name: "));
    assert_eq!(db.things::<Trimmed>().count().await?, 1);
    Ok(())
}

async fn a_refused_save_leaves_object_and_caches_as_they_were(stack: &Stack) -> Result<()> {
    let db = bookings(stack).await;
    let mut one = booking("one").create(&db).await?;
    let pairs = || Booking::filter(&db, Booking::BEDS.eq(2)).count();
    assert_eq!((Booking::by_id(&db, one.id).await?.beds, pairs().await?), (2, 1));
    one.beds = 0;
    assert!(one.save(&db).await.is_err());
    assert!(one.is_changed());
    assert_eq!((Booking::by_id(&db, one.id).await?.beds, pairs().await?), (2, 1));
    one.beds = 3;
    one.save(&db).await?;
    assert_eq!((Booking::by_id(&db, one.id).await?.beds, pairs().await?), (3, 0));
    Ok(())
}

#[derive(thing::Embed, Clone, Debug, garde::Validate)]
struct Address {
    #[garde(length(min = 1))]
    street: String,
    #[garde(ascii)]
    zip: String,
}

#[derive(Model, Clone, Debug, garde::Validate)]
#[thing(garde, no_new)]
struct Guest {
    #[garde(skip)]
    id: i64,
    #[thing(embed, given, prefix = "home_")]
    #[garde(dive)]
    home: Address,
}

async fn fields_of_an_embed_have_their_path(stack: &Stack) -> Result<()> {
    let db = bookings(stack).await;
    let home = |street: &str, zip: &str| Address { street: street.into(), zip: zip.into() };
    let error = Guest { id: 0, home: home("", "é") }.create(&db).await.unwrap_err();
    let fields: Vec<&str> = error.violations().iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["home.street", "home.zip"]);
    Guest { id: 0, home: home("Rue Cler", "75007") }.create(&db).await?;
    Ok(())
}
