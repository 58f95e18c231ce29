use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    age: i32,
}

#[derive(Clone, Model)]
struct Book {
    id: u64,
    pages: i32,
    title: String,
}

fn main() {
    let _ = User::AGE.eq(Book::PAGES);
    let _ = User::AGE.eq(Book::TITLE);
    let _ = User::AGE.gt(18) & Book::PAGES.gt(100);
}
