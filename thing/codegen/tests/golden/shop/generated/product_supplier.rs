// Made by `thing generate`; do not edit.

use rust_decimal::Decimal;
use thing::Model;

use super::{Product, Supplier};

/// Who delivers what, and for how much.
#[derive(Model, Clone, Debug)]
#[thing(table = "product_suppliers")]
#[thing(key(sku, supplier_id))]
#[thing(comment = "Who delivers what, and for how much.")]
#[thing(belongs_to(product: Product, SKU))]
#[thing(belongs_to(supplier: Supplier, SUPPLIER_ID))]
pub struct ProductSupplier {
    #[thing(foreign_key(Product, name = "product_suppliers_sku_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub sku: String,
    #[thing(index = "product_suppliers_supplier_id_idx")]
    #[thing(foreign_key(Supplier, name = "product_suppliers_supplier_id_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub supplier_id: i32,
    pub price: Decimal,
}
