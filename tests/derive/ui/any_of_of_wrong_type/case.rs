use thing::{AnyOf, Loaded, Model};

#[derive(Clone, Model)]
struct Post {
    id: u64,
}

#[derive(Clone, Model)]
struct Page {
    #[thing(key)]
    name: String,
}

/// No subject.
#[derive(Clone, Model)]
#[thing(has_many_as(comments: Comment, Comment::SUBJECT))]
struct Video {
    id: u64,
}

#[derive(Clone, AnyOf)]
enum Subject {
    Post(Loaded<Post>),
}

#[derive(Clone, AnyOf)]
enum Mixed {
    Post(Loaded<Post>),
    Page(Loaded<Page>),
}

#[derive(Clone, Model)]
#[thing(belongs_to_any(subject: Subject, SUBJECT_TYPE, SUBJECT_ID))]
#[thing(belongs_to_any(other: Subject, SUBJECT_TYPE, NAME))]
#[thing(belongs_to_any(none: Post, SUBJECT_TYPE, SUBJECT_ID))]
struct Comment {
    id: u64,
    subject_type: String,
    subject_id: u64,
    name: String,
}

fn main() {}
