//! thing/derive
