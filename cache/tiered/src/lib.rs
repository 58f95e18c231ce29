//! A near cache.
