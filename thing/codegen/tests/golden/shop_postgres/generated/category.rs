// Made by `thing generate`; do not edit.

use thing::Model;

use super::Product;

/// A row of the table `categories`.
#[derive(Model, Clone, Debug)]
#[thing(table = "categories")]
#[thing(unique(name = "one_name_a_parent", columns(parent_id, name)))]
#[thing(nulls(Product::CATEGORY_ID))]
#[thing(belongs_to(parent: Category, PARENT_ID))]
#[thing(has_many(parent_categories: Category, Category::PARENT_ID))]
#[thing(has_many(products: Product, Product::CATEGORY_ID))]
pub struct Category {
    pub id: i32,
    pub name: String,
    #[thing(foreign_key(Category, name = "categories_parent_id_fkey"))]
    pub parent_id: Option<i32>,
}
