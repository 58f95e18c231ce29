//! The tests of the derive macros; the programs with mistakes lie in `ui`.
