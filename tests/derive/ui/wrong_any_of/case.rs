use thing::{AnyOf, Loaded, Model};

#[derive(Clone, Model)]
struct Post {
    id: u64,
}

#[derive(Clone, Model)]
#[thing(has_many_as(comments: Comment, Comment::SUBJECT, on_delete = "cascade"))]
struct Album {
    id: u64,
}

#[derive(Clone, AnyOf)]
struct Subject(Loaded<Post>);

#[derive(Clone, AnyOf)]
enum Nothing {}

#[derive(Clone, AnyOf)]
#[thing(table = "subjects")]
enum Choice {
    Post(Post),
    Photo { photo: Loaded<Post> },
    #[thing(rename = "a")]
    A(Loaded<Post>),
    #[thing(rename = "a")]
    B(Loaded<Post>),
}

#[derive(Clone, Model)]
#[thing(belongs_to_any(subject: Subject, SUBJECT_ID))]
struct Comment {
    id: u64,
    subject_id: u64,
}

fn main() {}
