//! derive
mod attributes;
mod ast;
mod table_name;
mod expand;
mod column_type;
mod errors;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Model
#[proc_macro_derive(Model, attributes(thing))]
pub fn model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    errors::tokens(ast::Model::parse(&input).map(|model| expand::model(&model)))
}

/// Embed
#[proc_macro_derive(Embed, attributes(thing))]
pub fn embed(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    errors::tokens(ast::Embed::parse(&input).map(|embed| expand::embed(&embed)))
}

/// ColumnType
#[proc_macro_derive(ColumnType, attributes(thing))]
pub fn column_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    errors::tokens(column_type::ColumnType::parse(&input).map(|column_type| column_type.expand()))
}
