// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Product, ProductSupplier};

/// A row of the table `suppliers`.
#[derive(Model, Clone, Debug)]
#[thing(table = "suppliers")]
#[thing(cascades(ProductSupplier::SUPPLIER_ID))]
#[thing(has_many(products: ProductSupplier, ProductSupplier::SUPPLIER_ID))]
#[thing(many_to_many(linked_products: Product, ProductSupplier::SUPPLIER_ID, ProductSupplier::SKU))]
pub struct Supplier {
    pub id: i32,
    #[thing(unique = "suppliers_name_key")]
    pub name: String,
}
