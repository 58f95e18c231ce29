//! Relations with one of several models: loaded with as many statements as there are kinds, and through the cache.

use std::time::SystemTime;

use thing::{AnyFields, AnyOf, ColumnType, Db, ErrorKind, Fields, KindOf, Loaded, Model, Result};

use crate::support::{Stack, statements};

matrix! {
    every: [
        objects_are_loaded_as_what_they_are,
        many_take_a_statement_for_each_kind,
        what_belongs_to_an_object_is_told_from_what_belongs_to_another,
        an_unknown_kind_is_an_error_that_names_it,
        what_is_out_of_sight_is_not_there,
        what_was_loaded_is_known_and_can_be_changed,
        relations_nest,
        relations_of_each_kind_are_loaded_along,
        each_kind_shows_its_fields,
        fields_of_kinds_are_chosen_among_what_is_allowed,
        relations_are_read_in_transactions,
        kinds_are_enums_and_keys_are_text_too,
    ]
    cached: [
        related_objects_come_from_the_cache,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many_as(comments: Comment, Comment::SUBJECT))]
struct Post {
    id: i64,
    title: String,
    #[thing(deleted)]
    deleted_at: Option<SystemTime>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many_as(comments: Comment, Comment::SUBJECT), keep = Photo::HIDDEN.eq(false))]
struct Photo {
    id: i64,
    file: String,
    #[thing(default)]
    hidden: bool,
}

#[derive(AnyOf, Clone, Debug, PartialEq)]
enum Subject {
    Post(Loaded<Post>),
    #[thing(rename = "picture")]
    Photo(Loaded<Photo>),
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(index(subject_id, subject_type), belongs_to_any(subject: Subject, SUBJECT_TYPE, SUBJECT_ID))]
struct Comment {
    id: i64,
    subject_type: Option<String>,
    subject_id: Option<i64>,
    text: String,
}

fn comment(kind: &str, id: i64, text: &str) -> NewComment {
    NewComment { subject_type: Some(kind.into()), subject_id: Some(id), text: text.into() }
}

/// Two posts and two photos of the same keys; comments 1 to 4 on each, 5 on the first post, 6 on nothing, 7 on a post that is
/// not there.
async fn comments(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Post, Photo, Comment)>().await;
    db.things::<Post>().create_many(["A", "B"].map(|title| NewPost { title: title.into() })).await?;
    db.things::<Photo>().create_many(["a", "b"].map(|file| NewPhoto { file: file.into(), hidden: None })).await?;
    let (post, picture) = (<Subject as KindOf<Post>>::KIND, <Subject as KindOf<Photo>>::KIND);
    assert_eq!((post, picture, Subject::KINDS), ("post", "picture", &["post", "picture"][..]));
    let all = [
        comment(post, 1, "on A"),
        comment(post, 2, "on B"),
        comment(picture, 1, "on a"),
        comment(picture, 2, "on b"),
        comment(post, 1, "on A too"),
        NewComment { subject_type: Some(post.into()), subject_id: None, text: "on nothing".into() },
        comment(post, 9, "on what is gone"),
    ];
    db.things::<Comment>().create_many(all).await?;
    Ok(db)
}

fn name(subject: Option<&Subject>) -> &str {
    match subject {
        Some(Subject::Post(post)) => &post.title,
        Some(Subject::Photo(photo)) => &photo.file,
        None => "",
    }
}

fn names(comments: &[Loaded<Comment>]) -> Result<Vec<&str>> {
    comments.iter().map(|comment| Ok(name(comment.related(Comment::SUBJECT)?))).collect()
}

async fn objects_are_loaded_as_what_they_are(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    for (id, subject) in [(1, "A"), (3, "a"), (4, "b"), (6, ""), (7, "")] {
        let mut comment = Comment::by_id(&db, id).await?;
        assert!(comment.related(Comment::SUBJECT).unwrap_err().is_not_loaded());
        assert_eq!(name(comment.load(&db, Comment::SUBJECT).await?), subject);
        assert_eq!(name(comment.related(Comment::SUBJECT)?), subject);
    }
    let mut without = Comment::by_id(&db, 1).await?;
    without.subject_type = None;
    assert!(without.load(&db, Comment::SUBJECT).await?.is_none());
    Ok(())
}

async fn many_take_a_statement_for_each_kind(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let all = || db.things::<Comment>().all_objects().uncached().with(Comment::SUBJECT).all();
    let (sent, loaded) = statements(&db, all()).await;
    assert_eq!(names(&loaded?)?, ["A", "B", "a", "b", "A", "", ""]);
    assert_eq!(sent, 3, "the comments, the posts, the photos");

    let mut posts: Vec<Loaded<Comment>> =
        Comment::filter(&db, Comment::SUBJECT_TYPE.eq("post")).uncached().all().await?;
    let things = db.things::<Comment>();
    things.load_many(&mut posts, Comment::SUBJECT).await?;
    assert_eq!(names(&posts)?, ["A", "B", "A", "", ""]);

    let many = (0..300).map(|n| comment(["post", "picture"][n % 2], 1 + (n as i64 / 2) % 2, "more"));
    things.create_many(many).await?;
    let (sent, loaded) = statements(&db, all()).await;
    assert_eq!((sent, loaded?.len()), (3, 307));
    let none = things.filter(Comment::ID.lt(0)).uncached().with(Comment::SUBJECT);
    let (sent, none) = statements(&db, none.all()).await;
    assert_eq!((sent, none?.len()), (1, 0));
    Ok(())
}

async fn related_objects_come_from_the_cache(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let all = || db.things::<Comment>().with(Comment::SUBJECT).all();
    for _ in 0..2 {
        all().await?;
    }
    let (sent, loaded) = statements(&db, all()).await;
    assert_eq!((sent, names(&loaded?)?), (0, vec!["A", "B", "a", "b", "A", "", ""]));
    let mut post = Post::by_id(&db, 1).await?;
    post.title = "AA".into();
    post.save(&db).await?;
    assert_eq!(names(&all().await?)?[0], "AA");

    let of = async |id| -> Result<usize> {
        let mut post = Post::by_id(&db, id).await?;
        Ok(post.load(&db, Post::COMMENTS).await?.len())
    };
    assert_eq!((of(1).await?, of(1).await?), (2, 2));
    let (sent, again) = statements(&db, of(1)).await;
    assert_eq!((sent, again?), (0, 2));
    db.things::<Comment>().create(comment("post", 1, "new")).await?;
    assert_eq!(of(1).await?, 3);
    Ok(())
}

async fn what_belongs_to_an_object_is_told_from_what_belongs_to_another(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let texts = |comments: &[Loaded<Comment>]| comments.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
    for _ in 0..2 {
        let posts = db.things::<Post>().with(Post::COMMENTS).all().await?;
        assert_eq!(texts(posts[0].related(Post::COMMENTS)?), ["on A", "on A too"]);
        assert_eq!(texts(posts[1].related(Post::COMMENTS)?), ["on B"]);
        let mut photo = Photo::by_id(&db, 1).await?;
        assert_eq!(texts(photo.load(&db, Photo::COMMENTS).await?), ["on a"]);
        let late = Post::COMMENTS.filter(Comment::ID.gt(1)).order_by(Comment::ID.desc()).limit(5);
        let mut post = Post::by_id(&db, 1).await?;
        assert_eq!(texts(post.load(&db, late).await?), ["on A too"]);
        assert_eq!(Post::COMMENTS.of(&db, &post).count().await?, 2);
        assert_eq!(Photo::COMMENTS.of(&db, &photo).count().await?, 1);
        assert_eq!(Comment::filter(&db, Comment::SUBJECT.is(&*photo)).one().await?.text, "on a");
        assert_eq!(Comment::filter(&db, Comment::SUBJECT.is(&*post)).count().await?, 2);
    }
    assert_eq!(Photo::COMMENTS.of(&db, &*Photo::by_id(&db, 1).await?).delete().await?, 1);
    assert_eq!(db.things::<Comment>().count().await?, 6);
    Ok(())
}

async fn an_unknown_kind_is_an_error_that_names_it(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let mut video = db.things::<Comment>().create(comment("video", 1, "on a video")).await?;
    let error = video.load(&db, Comment::SUBJECT).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some("subject_type".into()) });
    assert_eq!(
        error.to_string(),
        "load Comment::SUBJECT: column `subject_type` of Comment 8 holds `video`, which is no kind of Subject; \
         known are `post`, `picture`"
    );
    assert!(db.things::<Comment>().with(Comment::SUBJECT).all().await.is_err());
    assert!(video.related(Comment::SUBJECT).is_err());
    // The kind is told exactly.
    let mut shouted = db.things::<Comment>().create(comment("POST", 1, "")).await?;
    assert!(shouted.load(&db, Comment::SUBJECT).await.is_err());
    Ok(())
}

async fn what_is_out_of_sight_is_not_there(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    db.things::<Post>().delete(1).await?;
    let mut photo = Photo::by_id(&db, 1).await?;
    photo.hidden = true;
    photo.save(&db).await?;
    for _ in 0..2 {
        let all = |relation| db.things::<Comment>().with(relation).all();
        assert_eq!(names(&all(Comment::SUBJECT).await?)?, ["", "B", "", "b", "", "", ""]);
        assert_eq!(names(&all(Comment::SUBJECT.with_deleted()).await?)?, ["A", "B", "", "b", "A", "", ""]);
        assert_eq!(names(&all(Comment::SUBJECT.unfiltered()).await?)?, ["", "B", "a", "b", "", "", ""]);
    }
    db.things::<Post>().restore(1).await?;
    assert_eq!(names(&db.things::<Comment>().with(Comment::SUBJECT).all().await?)?[0], "A");
    Ok(())
}

async fn what_was_loaded_is_known_and_can_be_changed(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let mut comment = Comment::by_id(&db, 1).await?;
    comment.load(&db, Comment::SUBJECT).await?;
    let copy = comment.clone();
    if let Some(Subject::Post(post)) = comment.related_mut(Comment::SUBJECT)? {
        post.title = "changed".into();
        post.save(&db).await?;
    }
    assert_eq!(name(comment.related(Comment::SUBJECT)?), "changed");
    assert_eq!(name(copy.related(Comment::SUBJECT)?), "A");
    assert_eq!(Post::by_id(&db, 1).await?.title, "changed");
    // The same key of another kind is another object.
    comment.subject_type = Some("picture".into());
    let error = comment.related(Comment::SUBJECT).unwrap_err();
    assert!(
        error.is_not_loaded() && error.to_string().contains("Comment::SUBJECT was loaded for another key"),
        "{error}"
    );
    assert_eq!(name(comment.load(&db, Comment::SUBJECT).await?), "a");
    Ok(())
}

async fn relations_nest(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let posts = db.things::<Post>().with(Post::COMMENTS.with(Comment::SUBJECT)).all().await?;
    for post in &posts {
        assert_eq!(names(post.related(Post::COMMENTS)?)?.first(), Some(&post.title.as_str()));
    }
    Ok(())
}

async fn relations_of_each_kind_are_loaded_along(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let late = Post::COMMENTS.filter(Comment::ID.gt(1)).with(Comment::SUBJECT);
    let about = Comment::SUBJECT.with(late.clone()).with(Photo::COMMENTS);
    let (sent, loaded) =
        statements(&db, db.things::<Comment>().all_objects().uncached().with(about.clone()).all()).await;
    assert_eq!(sent, 6, "the comments, the posts, the photos, the comments of both, and the posts of these");
    let loaded = loaded?;
    assert_eq!(names(&loaded)?, ["A", "B", "a", "b", "A", "", ""]);
    let Some(Subject::Post(post)) = loaded[0].related(Comment::SUBJECT)? else { panic!("a post") };
    assert_eq!(names(post.related(late.clone())?)?, ["A"]);
    assert_eq!(post.related(late)?[0].text, "on A too");
    let photo = loaded[2].related(Comment::SUBJECT)?.and_then(KindOf::<Photo>::get);
    let photo = photo.expect("a photo");
    assert_eq!(photo.related(Photo::COMMENTS)?[0].text, "on a");
    assert!(KindOf::<Post>::get(&Subject::of(photo.clone())).is_none());

    // Of kinds that do not occur nothing is asked.
    let mut first = Comment::by_id(&db, 1).await?;
    let about = Comment::SUBJECT.with(Photo::COMMENTS);
    let (sent, loaded) = statements(&db, db.things::<Comment>().load_many([&mut first], about)).await;
    assert!(loaded.is_ok() && sent <= 1, "{sent}");
    let Some(Subject::Post(post)) = first.related_mut(Comment::SUBJECT)? else { panic!("a post") };
    assert!(post.related(Post::COMMENTS).unwrap_err().is_not_loaded());
    assert_eq!(post.load(&db, Post::COMMENTS).await?.len(), 2);
    Ok(())
}

async fn each_kind_shows_its_fields(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let shown = async |text: &str| -> Result<Vec<String>> {
        let fields = Fields::<Comment>::parse(text)?;
        let chosen = Comment::ID.is_in([1, 3, 6]);
        let comments = Comment::filter(&db, chosen).with_fields(&fields).all().await?;
        comments.iter().map(|comment| fields.to_json(comment)).collect()
    };
    for (text, json) in [
        (
            "subject{post{title},picture{-id}}",
            [r#"{"subject":{"title":"A"}}"#, r#"{"subject":{"file":"a","hidden":false}}"#, r#"{"subject":null}"#],
        ),
        (
            "id,subject",
            [
                r#"{"id":1,"subject":{"id":1,"title":"A","deleted_at":null}}"#,
                r#"{"id":3,"subject":{"id":1,"file":"a","hidden":false}}"#,
                r#"{"id":6,"subject":null}"#,
            ],
        ),
        (
            "subject{picture{file},*}",
            [
                r#"{"subject":{"id":1,"title":"A","deleted_at":null}}"#,
                r#"{"subject":{"file":"a"}}"#,
                r#"{"subject":null}"#,
            ],
        ),
        (
            "subject{-post}",
            [r#"{"subject":{}}"#, r#"{"subject":{"id":1,"file":"a","hidden":false}}"#, r#"{"subject":null}"#],
        ),
        (
            "text,subject{post{comments{id,subject{post{title}}}},picture{comments{text}}}",
            [
                r#"{"text":"on A","subject":{"comments":[{"id":1,"subject":{"title":"A"}},{"id":5,"subject":{"title":"A"}}]}}"#,
                r#"{"text":"on a","subject":{"comments":[{"text":"on a"}]}}"#,
                r#"{"text":"on nothing","subject":null}"#,
            ],
        ),
    ] {
        assert_eq!(shown(text).await?, json, "{text}");
    }
    let fields = Fields::<Comment>::parse("subject{post{comments{subject{post{title}}}},picture{comments{text}}}")?;
    assert_eq!(format!("{fields:?}"), "subject{post{comments{subject{post{title}}}},picture{comments{text}}}");
    let all = db.things::<Comment>().all_objects().uncached().with_fields(&fields).all();
    let (sent, loaded) = statements(&db, all).await;
    assert_eq!((sent, loaded?.len()), (6, 7), "comments, posts, photos, comments of both, posts of these");

    let plain = Comment::by_id(&db, 1).await?;
    assert!(fields.to_json(&plain).unwrap_err().is_not_loaded());
    for (text, message) in [
        ("subject{video}", "Subject has no kind `video` (character 9); known are `post`, `picture`"),
        ("subject{post,post}", "`post` (character 14) is named twice"),
        (
            "subject{post{file}}",
            "Post has no field `file` (character 14); known are `id`, `title`, `deleted_at`, `comments`",
        ),
    ] {
        assert_eq!(Fields::<Comment>::parse(text).unwrap_err().to_string(), message);
    }
    Ok(())
}

async fn fields_of_kinds_are_chosen_among_what_is_allowed(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let post = Fields::none().columns((Post::ID, Post::TITLE)).relation(Post::COMMENTS.limit(1), Fields::all());
    let public = Fields::none().columns(Comment::TEXT).relation(Comment::SUBJECT, AnyFields::none().of(post));
    let shown = async |fields: &Fields<Comment>, id| -> Result<String> {
        fields.to_json(&Comment::filter(&db, Comment::ID.eq(id)).with_fields(fields).one().await?)
    };
    let chosen = public.choose("subject{post{title,comments{id}}}")?;
    assert_eq!(shown(&chosen, 1).await?, r#"{"subject":{"title":"A","comments":[{"id":1}]}}"#);
    assert_eq!(shown(&chosen, 3).await?, r#"{"subject":{}}"#);
    assert_eq!(shown(&public.choose("subject{post{*}}")?, 1).await?, r#"{"subject":{"id":1,"title":"A"}}"#);
    for text in ["subject{picture}", "subject{post{deleted_at}}", "subject_id"] {
        let error = public.choose(text).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{text}: {error}");
    }
    // What shows all columns allows no more than these.
    let public = Fields::none().relation(Comment::SUBJECT.with_deleted(), AnyFields::all());
    assert!(public.choose("subject{post{comments}}").is_err());
    db.things::<Post>().delete(1).await?;
    assert_eq!(shown(&public.choose("subject{post{title}}")?, 1).await?, r#"{"subject":{"title":"A"}}"#);
    assert_eq!(shown(&Fields::parse("subject")?, 1).await?, r#"{"subject":null}"#);
    Ok(())
}

async fn relations_are_read_in_transactions(stack: &Stack) -> Result<()> {
    let db = comments(stack).await?;
    let transaction = db.begin().await?;
    let post = transaction.things::<Post>().create(NewPost { title: "new".into() }).await?;
    let mut comment = transaction.things::<Comment>().create(comment("post", post.id, "on new")).await?;
    assert_eq!(name(comment.load(&transaction, Comment::SUBJECT).await?), "new");
    transaction.rollback().await?;
    assert!(comment.load(&db, Comment::SUBJECT).await?.is_none());
    Ok(())
}

/// The kind is an enum, and the key no integer.
#[derive(ColumnType, Clone, Copy, Debug, PartialEq)]
enum PlaceKind {
    Town,
    River,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Town {
    #[thing(key)]
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct River {
    #[thing(key)]
    name: String,
}

#[derive(AnyOf, Clone, Debug, PartialEq)]
enum Place {
    Town(Loaded<Town>),
    River(Loaded<River>),
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(belongs_to_any(of: Place, KIND, PLACE))]
struct Note {
    id: i64,
    kind: PlaceKind,
    place: String,
}

async fn kinds_are_enums_and_keys_are_text_too(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Town, River, Note)>().await;
    Town { name: "Main".into() }.create(&db).await?;
    River { name: "Main".into() }.create(&db).await?;
    let note = |kind| NewNote { kind, place: "Main".into() };
    db.things::<Note>().create_many([PlaceKind::Town, PlaceKind::River].map(note)).await?;
    for _ in 0..2 {
        let notes = db.things::<Note>().with(Note::OF).all().await?;
        assert!(matches!(notes[0].related(Note::OF)?, Some(Place::Town(town)) if town.name == "Main"));
        assert!(matches!(notes[1].related(Note::OF)?, Some(Place::River(river)) if river.name == "Main"));
    }
    Ok(())
}
