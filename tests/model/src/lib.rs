//! The cache protocol as a model, explored exhaustively.
