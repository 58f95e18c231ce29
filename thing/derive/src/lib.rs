//! derive
use proc_macro::TokenStream;
/// Model
#[proc_macro_derive(Model, attributes(thing))]
pub fn model(_: TokenStream) -> TokenStream { TokenStream::new() }
/// Embed
#[proc_macro_derive(Embed, attributes(thing))]
pub fn embed(_: TokenStream) -> TokenStream { TokenStream::new() }
/// ColumnType
#[proc_macro_derive(ColumnType, attributes(thing))]
pub fn column_type(_: TokenStream) -> TokenStream { TokenStream::new() }
