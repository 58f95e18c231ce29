//! thing
