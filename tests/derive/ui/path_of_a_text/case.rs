use thing::{Json, List, Model};

#[derive(Model, Clone)]
struct Page {
    id: i64,
    title: String,
    layout: Json<Vec<i64>>,
    tags: List<String>,
}

fn main() {
    let _ = Page::TITLE.path("a").eq(1);
    let _ = Page::LAYOUT.path("[0]").eq(vec![1]);
    let _ = Page::LAYOUT.has(1);
    let _ = Page::TAGS.has(1);
}
