//! cache/memory
