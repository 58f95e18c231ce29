//! Belonging to one of several models: comments on posts and on photos.
//!
//!     cargo run --example any_of

use thing::{AnyOf, Db, Fields, KindOf, Loaded, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
#[thing(has_many_as(comments: Comment, Comment::SUBJECT))]
struct Post {
    id: i64,
    title: String,
}

#[derive(Model, Clone, Debug)]
#[thing(has_many_as(comments: Comment, Comment::SUBJECT))]
struct Photo {
    id: i64,
    file: String,
}

/// What a comment can be about. `subject_type` holds `post` or `photo`.
#[derive(AnyOf, Clone, Debug)]
enum Subject {
    Post(Loaded<Post>),
    Photo(Loaded<Photo>),
}

#[derive(Model, Clone, Debug)]
#[thing(index(subject_id, subject_type), belongs_to_any(subject: Subject, SUBJECT_TYPE, SUBJECT_ID))]
struct Comment {
    id: i64,
    subject_type: String,
    subject_id: i64,
    text: String,
}

/// A comment on an object of a model that is one of the subjects.
fn comment<M: Model<Key = i64>>(subject: &M, text: &str) -> NewComment
where
    Subject: KindOf<M>,
{
    let subject_type = <Subject as KindOf<M>>::KIND.to_owned();
    NewComment { subject_type, subject_id: subject.key(), text: text.into() }
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<(Post, Photo, Comment)>().await?;
    let mut post = db.things::<Post>().create(NewPost { title: "Norway".into() }).await?;
    let photo = db.things::<Photo>().create(NewPhoto { file: "fjord.jpg".into() }).await?;
    let new = [comment(&*post, "well told"), comment(&*photo, "so blue"), comment(&*post, "and then?")];
    db.things::<Comment>().create_many(new).await?;

    // One statement for the comments, and one for each kind of subject.
    let before = db.statistics().statements();
    let comments = db.things::<Comment>().with(Comment::SUBJECT).all().await?;
    println!("{} comments, {} statements", comments.len(), db.statistics().statements() - before);
    for comment in &comments {
        match comment.related(Comment::SUBJECT)? {
            Some(Subject::Post(post)) => println!("on the post {}: {}", post.title, comment.text),
            Some(Subject::Photo(photo)) => println!("on the photo {}: {}", photo.file, comment.text),
            None => println!("on what is gone: {}", comment.text),
        }
    }
    let before = db.statistics().statements();
    db.things::<Comment>().with(Comment::SUBJECT).all().await?;
    println!("again, {} statements", db.statistics().statements() - before);

    // As JSON: of each kind what is asked for.
    let fields = Fields::parse("text,subject{post{title},photo{file}}")?;
    println!("{}", fields.list_to_json(&db.things::<Comment>().all_objects().with_fields(&fields).all().await?)?);

    // From the other side.
    println!("{} comments on the post", post.load(&db, Post::COMMENTS).await?.len());
    println!("{} on the photo", Comment::filter(&db, Comment::SUBJECT.is(&*photo)).count().await?);

    let mut other = db.things::<Comment>().by_id(1).await?;
    other.subject_type = "video".into();
    if let Err(error) = other.load(&db, Comment::SUBJECT).await {
        println!("refused: {error}");
    }
    Ok(())
}
