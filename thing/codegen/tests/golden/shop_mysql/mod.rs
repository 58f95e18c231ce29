//! The models.
//!
//! Those in `generated` are made by `thing generate`. This file is written once; methods and traits of models go into
//! modules that are declared here.

mod generated;

pub use generated::*;
