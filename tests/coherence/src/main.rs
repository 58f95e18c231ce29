//! The coherence bench.
fn main() {}
