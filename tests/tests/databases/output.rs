//! Output: JSON with the fields that a text asks for, and what is loaded for it.

use std::time::{Duration, SystemTime};

use rust_decimal::Decimal;
use thing::{Db, Fields, Json, List, Loaded, Model, Result, Secret};
use uuid::Uuid;

use crate::support::{Stack, statements};

matrix! {
    every: [
        columns_are_chosen_and_ordered,
        values_have_one_form_on_every_database,
        relations_nest_and_take_a_constant_number_of_statements,
        a_relation_that_is_not_loaded_is_an_error,
        what_is_computed_is_shown,
        fields_are_chosen_by_type_too,
        a_text_from_outside_chooses_among_what_is_allowed,
        a_list_is_written_piece_by_piece,
        mistakes_in_the_text_are_named,
        secrets_are_shown_by_their_name_alone,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(books: Book, Book::AUTHOR_ID), computed(greeting, initial = Self::first_letter))]
struct Author {
    id: i64,
    name: String,
    #[thing(column = "pass_word")]
    secret: String,
}

impl Author {
    fn greeting(&self) -> String {
        format!("Hello \"{}\"", self.name)
    }

    fn first_letter(&self) -> &str {
        self.name.get(..1).unwrap_or_default()
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(belongs_to(author: Author, AUTHOR_ID), many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID))]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: Option<i64>,
    title: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Tag {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(book_id, tag_id))]
struct BookTag {
    book_id: i64,
    #[thing(index)]
    tag_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Everything {
    id: Uuid,
    flag: bool,
    number: i64,
    single: f32,
    double: f64,
    text: String,
    bytes: Vec<u8>,
    at: SystemTime,
    price: Decimal,
    list: Json<Vec<i32>>,
    nothing: Option<i32>,
}

async fn library(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Author, Book, Tag, BookTag)>().await;
    let author = |name: &str| NewAuthor { name: name.into(), secret: "x".into() };
    db.things::<Author>().create_many(["Ann", "Bob"].map(author)).await?;
    let book = |(author_id, title): (Option<i64>, &str)| NewBook { author_id, title: title.into() };
    db.things::<Book>()
        .create_many([(Some(1), "Zen"), (Some(2), "Map"), (Some(1), "Fog"), (None, "Joy")].map(book))
        .await?;
    db.things::<Tag>().create_many(["old", "new"].map(|name| NewTag { name: name.into() })).await?;
    for (book_id, tag_id) in [(1, 1), (1, 2), (2, 2)] {
        BookTag { book_id, tag_id }.create(&db).await?;
    }
    Ok(db)
}

async fn columns_are_chosen_and_ordered(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let ann = Author::by_id(&db, 1).await?;
    for (text, json) in [
        ("name,id", r#"{"name":"Ann","id":1}"#),
        ("-secret", r#"{"id":1,"name":"Ann"}"#),
        (" - secret , - id ", r#"{"name":"Ann"}"#),
        ("*", r#"{"id":1,"name":"Ann","secret":"x"}"#),
        ("secret, *", r#"{"secret":"x","id":1,"name":"Ann"}"#),
        ("*,-secret", r#"{"id":1,"name":"Ann"}"#),
        ("name,-secret", r#"{"name":"Ann"}"#),
        ("-id,-name,-secret", "{}"),
    ] {
        assert_eq!(Fields::<Author>::parse(text)?.to_json(&ann)?, json, "{text}");
    }
    assert_eq!(
        Fields::<Author>::all().to_json(&Author { name: "É\n".into(), ..ann.into_inner() })?,
        r#"{"id":1,"name":"É\n","secret":"x"}"#
    );
    Ok(())
}

async fn values_have_one_form_on_every_database(stack: &Stack) -> Result<()> {
    let db = stack.db::<Everything>().await;
    let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let all = Everything {
        id,
        flag: true,
        number: i64::MAX,
        single: 0.1,
        double: 1e300,
        text: "a\"b".into(),
        bytes: vec![1, 2, 255],
        at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_709_210_096_000_001),
        price: Decimal::new(1050, 2),
        list: Json(vec![1, 2]),
        nothing: None,
    };
    all.create(&db).await?;
    let json = Fields::<Everything>::all().to_json(&Everything::by_id(&db, id).await?)?;
    let price = if json.contains("\"10.50\"") { "10.50" } else { "10.5" };
    assert_eq!(json.replace("[1, 2]", "[1,2]"), format!(
        r#"{{"id":"01234567-89ab-cdef-0123-456789abcdef","flag":true,"number":9223372036854775807,"single":0.1,"double":1e+300,"text":"a\"b","bytes":"AQL/","at":"2024-02-29T12:34:56.000001Z","price":"{price}","list":[1,2],"nothing":null}}"#
    ).replace("1e+300", if json.contains("1e+300") { "1e+300" } else { "1e300" }));
    Ok(())
}

async fn relations_nest_and_take_a_constant_number_of_statements(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let fields: Fields<Author> = Fields::parse("name,books{title,tags{name},author{id}}")?;
    assert_eq!(fields.relations().collect::<Vec<_>>(), ["books"]);
    let query = || db.things::<Author>().all_objects().uncached().with_fields(&fields).all();
    let (sent, authors) = statements(&db, query()).await;
    assert_eq!(sent, 5, "authors, books, links, tags, authors of books");
    let json = r#"[{"name":"Ann","books":[{"title":"Zen","tags":[{"name":"old"},{"name":"new"}],"author":{"id":1}},{"title":"Fog","tags":[],"author":{"id":1}}]},{"name":"Bob","books":[{"title":"Map","tags":[{"name":"new"}],"author":{"id":2}}]}]"#;
    assert_eq!(fields.list_to_json(&authors?)?, json);
    // The same of objects that are there.
    let mut authors = db.things::<Author>().all().await?;
    db.things::<Author>().load_fields(&mut authors, &fields).await?;
    assert_eq!(fields.list_to_json(&authors)?, json);
    // What belongs to nothing, and a relation without braces.
    let fields: Fields<Book> = Fields::parse("author,tags")?;
    let joy = db.things::<Book>().filter(Book::TITLE.eq("Joy")).with_fields(&fields).one().await?;
    assert_eq!(fields.to_json(&joy)?, r#"{"author":null,"tags":[]}"#);
    // After a write the answer is the new one.
    let mut zen = Book::by_id(&db, 1).await?;
    zen.title = "Zen 2".into();
    zen.save(&db).await?;
    let fields: Fields<Author> = Fields::parse("books{title}")?;
    let ann = db.things::<Author>().filter(Author::ID.eq(1)).with_fields(&fields).one().await?;
    assert_eq!(fields.to_json(&ann)?, r#"{"books":[{"title":"Zen 2"},{"title":"Fog"}]}"#);
    Ok(())
}

async fn a_relation_that_is_not_loaded_is_an_error(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let fields: Fields<Author> = Fields::parse("name,books")?;
    let ann = Author::by_id(&db, 1).await?;
    let error = fields.to_json(&ann).unwrap_err();
    assert!(error.is_not_loaded() && error.to_string().contains("Author::BOOKS"), "{error}");
    let error = fields.to_json(&ann.into_inner()).unwrap_err();
    assert!(error.is_not_loaded() && error.to_string().contains("load_fields"), "{error}");
    Ok(())
}

async fn what_is_computed_is_shown(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    let fields: Fields<Author> = Fields::parse("greeting,initial")?;
    assert_eq!(fields.to_json(&ann)?, r#"{"greeting":"Hello \"Ann\"","initial":"A"}"#);
    ann.name = "Zoe".into();
    assert_eq!(fields.to_json(&ann)?, r#"{"greeting":"Hello \"Zoe\"","initial":"Z"}"#);
    assert!(!Fields::<Author>::all().names().any(|name| name == "greeting"), "only who asks gets it");
    Ok(())
}

async fn fields_are_chosen_by_type_too(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let titles = Fields::<Book>::none().columns(Book::TITLE);
    let late = Author::BOOKS.filter(Book::ID.gt(1)).order_by(Book::TITLE.asc());
    let fields = Fields::all().without(Author::SECRET).relation(late, titles).computed("initial")?;
    assert_eq!(format!("{fields:?}"), "id,name,books{title},initial");
    let ann = db.things::<Author>().filter(Author::ID.eq(1)).with_fields(&fields).one().await?;
    assert_eq!(fields.to_json(&ann)?, r#"{"id":1,"name":"Ann","books":[{"title":"Fog"}],"initial":"A"}"#);
    assert_eq!(Fields::<Author>::parse("id,books{title}")?.names().collect::<Vec<_>>(), ["id", "books"]);
    assert!(Fields::<Author>::all().computed("age").is_err());
    Ok(())
}

async fn a_text_from_outside_chooses_among_what_is_allowed(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let allowed: Fields<Author> = Fields::parse("id,name,initial,books{id,title}")?;
    let chosen = allowed.choose("*,books")?;
    assert_eq!(format!("{chosen:?}"), "id,name,books{id,title}");
    assert_eq!(format!("{:?}", allowed.choose("books{-id},initial")?), "books{title},initial");
    for text in ["secret", "books{author}", "books{author{secret}}", "greeting"] {
        assert!(allowed.choose(text).is_err(), "{text}");
    }
    let authors: Vec<Loaded<Author>> = db.things::<Author>().all_objects().with_fields(&chosen).all().await?;
    assert!(chosen.list_to_json(&authors)?.starts_with(r#"[{"id":1,"name":"Ann","books":[{"id":1,"#));
    Ok(())
}

async fn a_list_is_written_piece_by_piece(stack: &Stack) -> Result<()> {
    let db = stack.db::<Tag>().await;
    db.things::<Tag>().create_many((0..2000).map(|n| NewTag { name: format!("tag number {n}") })).await?;
    let fields: Fields<Tag> = Fields::parse("name")?;
    let mut pieces = Pieces::default();
    let mut list = fields.list(&mut pieces);
    let mut tags = db.things::<Tag>().order_by(Tag::ID.asc()).stream().await?;
    while let Some(tag) = tags.next().await? {
        list.push(&tag)?;
    }
    list.finish()?;
    assert!(pieces.most < 20_000 && pieces.count > 2, "{} pieces, the longest of {}", pieces.count, pieces.most);
    let tags = db.things::<Tag>().all().await?;
    assert_eq!(String::from_utf8(pieces.all).unwrap(), fields.list_to_json(&tags)?);
    let mut written = Vec::new();
    fields.write_list(&tags[..2], &mut written)?;
    assert_eq!(written, br#"[{"name":"tag number 0"},{"name":"tag number 1"}]"#);
    let mut written = Vec::new();
    fields.write(&tags[0], &mut written)?;
    assert_eq!(written, br#"{"name":"tag number 0"}"#);
    assert_eq!(fields.list_to_json::<Tag>(&[])?, "[]");
    Ok(())
}

/// A writer that notes how it is written to.
#[derive(Default)]
struct Pieces {
    all: Vec<u8>,
    count: usize,
    most: usize,
}

impl std::io::Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        self.all.extend_from_slice(piece);
        self.count += 1;
        self.most = self.most.max(piece.len());
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn mistakes_in_the_text_are_named(_: &Stack) -> Result<()> {
    for (text, message) in [
        (
            "name,books{titel}",
            "Book has no field `titel` (character 12); known are `id`, `author_id`, `title`, `author`, `tags`",
        ),
        (
            "nmae",
            "Author has no field `nmae` (character 1); known are `id`, `name`, `secret`, `greeting`, `initial`, `books`",
        ),
        (
            "-nmae",
            "Author has no field `nmae` (character 2); known are `id`, `name`, `secret`, `greeting`, `initial`, `books`",
        ),
        ("name,id,name", "`name` (character 9) is named twice"),
        ("name,-name", "`name` (character 7) is named twice"),
        ("name{first}", "`name` (character 1) is no relation, and has no fields of its own"),
        (
            "pass_word",
            "Author has no field `pass_word` (character 1); known are `id`, `name`, `secret`, `greeting`, `initial`, `books`",
        ),
    ] {
        let error = Fields::<Author>::parse(text).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
    }
    Ok(())
}

#[derive(Model, Clone, Debug)]
struct Session {
    id: i64,
    token: Secret<String>,
    #[thing(column = "former")]
    former_token: Option<Secret<String>>,
    codes: List<Secret<String>>,
    user: i64,
}

async fn secrets_are_shown_by_their_name_alone(stack: &Stack) -> Result<()> {
    let db = stack.db::<Session>().await;
    let codes = ["c", "d"].map(|code| Secret::new(code.to_owned())).into_iter().collect();
    let new = NewSession { token: "t".to_owned().into(), former_token: Some("f".to_owned().into()), codes, user: 7 };
    let session = db.things::<Session>().create(new).await?;
    for (text, json) in [
        ("*", r#"{"id":1,"user":7}"#),
        ("-user", r#"{"id":1}"#),
        ("token,*", r#"{"token":"t","id":1,"user":7}"#),
        ("codes", r#"{"codes":["c","d"]}"#),
    ] {
        assert_eq!(Fields::<Session>::parse(text)?.to_json(&session)?, json, "{text}");
    }
    assert_eq!(Fields::<Session>::all().to_json(&session)?, r#"{"id":1,"user":7}"#);
    assert!(Fields::<Session>::all().choose("token").is_err(), "from outside");
    Ok(())
}
