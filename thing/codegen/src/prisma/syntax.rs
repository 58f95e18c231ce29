//! The syntax of a Prisma schema: what stands where.

use std::ops::Range;

/// A place in the text.
pub(super) type Span = Range<usize>;

/// A word and its place.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Span,
}

#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) blocks: Vec<Block>,
}

/// `model User { … }` and the like.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) name: Word,
    pub(super) docs: Option<String>,
    pub(super) members: Vec<Member>,
    /// Those with `@@`.
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Datasource,
    Generator,
    Model,
    Enum,
    View,
    Type,
}

#[derive(Debug)]
pub(super) enum Member {
    Field(Field),
    Value(Value),
    Setting(Word, Expression),
}

/// `name Type @attribute`
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Word,
    pub(super) of: TypeName,
    pub(super) docs: Option<String>,
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug)]
pub(super) struct TypeName {
    pub(super) name: Word,
    /// The text in `Unsupported("…")`.
    pub(super) unsupported: Option<String>,
    pub(super) list: bool,
    pub(super) optional: bool,
}

/// A variant of an enum.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) name: Word,
    pub(super) docs: Option<String>,
    pub(super) attributes: Vec<Attribute>,
}

/// `@name(…)` or `@@name(…)`, the name without its signs.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: Word,
    pub(super) arguments: Vec<Argument>,
}

#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: Option<Word>,
    pub(super) value: Expression,
}

#[derive(Debug)]
pub(super) struct Expression {
    pub(super) kind: ExpressionKind,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum ExpressionKind {
    Text(String),
    Number(String),
    Name(String),
    Call(String, Vec<Argument>),
    List(Vec<Expression>),
}
