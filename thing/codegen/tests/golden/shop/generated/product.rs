// Made by `thing generate`; do not edit.

use jiff::civil::Time;
use rust_decimal::Decimal;
use thing::{List, Model};

use super::{Category, OrderLine, ProductSupplier, ProductToTag, Supplier, Tag};

/// What is sold.
#[derive(Model, Clone, Debug)]
#[thing(table = "products")]
#[thing(comment = "What is sold.")]
#[thing(index(name = "by_category", columns(category_id, price)))]
#[thing(index(name = "products_name_idx", columns(name desc)))]
#[thing(cascades(ProductSupplier::SKU, ProductToTag::A))]
#[thing(belongs_to(category: Category, CATEGORY_ID))]
#[thing(has_many(lines: OrderLine, OrderLine::SKU))]
#[thing(has_many(suppliers: ProductSupplier, ProductSupplier::SKU))]
#[thing(many_to_many(linked_suppliers: Supplier, ProductSupplier::SKU, ProductSupplier::SUPPLIER_ID))]
#[thing(many_to_many(tags: Tag, ProductToTag::A, ProductToTag::B))]
pub struct Product {
    #[thing(key, default = uuid::Uuid::new_v4().to_string())]
    pub sku: String,
    pub name: String,
    #[thing(default = Decimal::new(990, 2))]
    pub price: Decimal,
    pub weight: Option<f32>,
    #[thing(default = 0)]
    pub stock: i16,
    #[thing(default = 0)]
    pub views: i64,
    pub opens: Option<Time>,
    pub labels: Option<List<String>>,
    #[thing(foreign_key(Category, name = "products_category_id_fkey", on_delete = "set_null", on_update = "cascade"))]
    pub category_id: Option<i32>,
}
