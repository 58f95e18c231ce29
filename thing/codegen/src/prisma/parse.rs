//! The parser: text to syntax. After a mistake it goes on with the next line, so that it finds several.

use winnow::Parser;
use winnow::combinator::{alt, delimited, opt, preceded, repeat, separated};
use winnow::error::ParserError;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, one_of, take_till, take_while};

use super::syntax::{
    Argument, Attribute, Block, BlockKind, Document, Expression, ExpressionKind, Field, Member, TypeName, Value, Word,
};
use crate::diagnostic::Mistake;
use crate::model::documentation;

type Input<'a> = LocatingSlice<&'a str>;
type Parsed<T> = Result<T, Failure>;

/// The most brackets within brackets.
const DEEPEST: usize = 16;

const KEYWORDS: [(&str, BlockKind); 6] = [
    ("datasource", BlockKind::Datasource),
    ("enum", BlockKind::Enum),
    ("generator", BlockKind::Generator),
    ("model", BlockKind::Model),
    ("type", BlockKind::Type),
    ("view", BlockKind::View),
];

/// Why a parser stopped.
#[derive(Debug)]
struct Failure {
    mistake: Mistake,
    /// No other way of reading is tried.
    certain: bool,
}

impl<'a> ParserError<Input<'a>> for Failure {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        let at = input.current_token_start();
        let found = match input.as_ref().chars().next() {
            None => "the end of the file".to_owned(),
            Some('\n' | '\r') => "the end of the line".to_owned(),
            Some(other) => format!("`{}`", other.escape_debug()),
        };
        Self { mistake: Mistake::new(&(at..at + 1), format!("{found} is not expected here")), certain: false }
    }

    fn is_backtrack(&self) -> bool {
        !self.certain
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

impl Failure {
    fn certain(mistake: Mistake) -> Self {
        Self { mistake, certain: true }
    }
}

/// The syntax of the text, and what can't be read.
pub(super) fn parse(text: &str) -> (Document, Vec<Mistake>) {
    let mut input = LocatingSlice::new(text);
    let (mut document, mut mistakes) = (Document::default(), Vec::new());
    let mut docs = Docs::default();
    loop {
        skip_blank(&mut input, &mut docs);
        if input.as_ref().is_empty() {
            return (document, mistakes);
        }
        match block(&mut input, docs.take(), &mut mistakes) {
            Ok(block) => document.blocks.push(block),
            Err(failure) => {
                mistakes.push(failure.mistake);
                skip_block(&mut input);
            }
        }
    }
}

/// The lines of `///` that wait for what they are about.
#[derive(Default)]
struct Docs(Vec<String>);

impl Docs {
    fn take(&mut self) -> Option<String> {
        documentation(&std::mem::take(&mut self.0).join("\n"))
    }
}

/// Goes past spaces, line ends and comments, and keeps the lines of documentation. One that an empty line follows is about
/// nothing.
fn skip_blank(input: &mut Input<'_>, docs: &mut Docs) {
    loop {
        skip_spaces(input);
        if line_end(input) {
            docs.0.clear();
        } else if let Some((line, is_doc)) = comment(input) {
            if is_doc {
                docs.0.push(line);
            }
            line_end(input);
        } else {
            return;
        }
    }
}

fn skip_spaces(input: &mut Input<'_>) {
    let _: Parsed<&str> = take_while(0.., is_space).parse_next(input);
}

/// Spaces that word separators of other programs leave count too.
fn is_space(c: char) -> bool {
    c != '\n' && c != '\r' && (c.is_whitespace() || c == '\u{feff}')
}

fn line_end(input: &mut Input<'_>) -> bool {
    let end: Parsed<&str> = alt(("\r\n", "\n", "\r")).parse_next(input);
    end.is_ok()
}

/// A comment, and whether it is documentation.
fn comment(input: &mut Input<'_>) -> Option<(String, bool)> {
    let rest = |input: &mut Input<'_>| -> Parsed<String> {
        take_till(0.., ['\n', '\r']).map(|text: &str| text.trim().to_owned()).parse_next(input)
    };
    let read: Parsed<(String, bool)> =
        alt((preceded("///", rest).map(|text| (text, true)), preceded("//", rest).map(|text| (text, false))))
            .parse_next(input);
    read.ok()
}

/// Goes past the block that can't be read: to the line that its bracket stands on alone, or past the one line.
fn skip_block(input: &mut Input<'_>) {
    let mut opened = false;
    loop {
        let line = skip_line(input);
        opened |= line.contains('{');
        if !opened || line.trim_start().starts_with('}') || line.trim_end().ends_with('}') || input.as_ref().is_empty()
        {
            return;
        }
    }
}

/// Goes past the rest of the line.
fn skip_line<'a>(input: &mut Input<'a>) -> &'a str {
    let line: Parsed<&str> = take_till(0.., ['\n', '\r']).parse_next(input);
    line_end(input);
    line.unwrap_or_default()
}

fn block(input: &mut Input<'_>, docs: Option<String>, mistakes: &mut Vec<Mistake>) -> Parsed<Block> {
    let keyword = word("`model`, `enum`, `datasource` or `generator` is expected here").parse_next(input)?;
    let Some((_, kind)) = KEYWORDS.into_iter().find(|(known, _)| *known == keyword.text) else {
        let mistake = Mistake::new(&keyword.span, format!("`{}` starts no block", keyword.text));
        return Err(Failure::certain(mistake.among(&keyword.text, "", KEYWORDS.map(|(known, _)| known))));
    };
    skip_spaces(input);
    let name = word("a name is expected here").parse_next(input)?;
    skip_spaces(input);
    expected(input, '{', || format!("write `{} {} {{`", keyword.text, name.text))?;
    let mut block = Block { kind, name, docs, members: Vec::new(), attributes: Vec::new() };
    let mut docs = Docs::default();
    loop {
        skip_blank(input, &mut docs);
        if input.as_ref().is_empty() {
            let mistake = Mistake::new(&block.name.span, format!("the block `{}` has no end", block.name.text));
            return Err(Failure::certain(mistake.hint("close it with `}`")));
        }
        if closes(input) {
            return Ok(block);
        }
        let start = input.checkpoint();
        if let Err(failure) = line(input, &mut block, &mut docs) {
            docs.take();
            // A bracket that is not closed takes no other lines with it.
            input.reset(&start);
            while input.current_token_start() <= failure.mistake.span.start && !input.as_ref().is_empty() {
                skip_line(input);
            }
            mistakes.push(failure.mistake);
        }
    }
}

fn closes(input: &mut Input<'_>) -> bool {
    let end: Parsed<char> = '}'.parse_next(input);
    end.is_ok()
}

/// One line of a block.
fn line(input: &mut Input<'_>, block: &mut Block, docs: &mut Docs) -> Parsed<()> {
    if input.as_ref().starts_with("@@") {
        let attribute = attribute("@@").parse_next(input)?;
        end_of_line(input, docs)?;
        docs.take();
        block.attributes.push(attribute);
        return Ok(());
    }
    let name = word("a name or `@@` is expected here").parse_next(input)?;
    skip_spaces(input);
    let member = match block.kind {
        BlockKind::Datasource | BlockKind::Generator => {
            expected(input, '=', || format!("write `{} = …`", name.text))?;
            skip_spaces(input);
            let value = expression(input, 0)?;
            end_of_line(input, docs)?;
            docs.take();
            Member::Setting(name, value)
        }
        BlockKind::Enum => {
            let attributes = attributes(input)?;
            end_of_line(input, docs)?;
            Member::Value(Value { name, docs: docs.take(), attributes })
        }
        BlockKind::Model | BlockKind::View | BlockKind::Type => {
            let of = type_name(input, &name)?;
            let attributes = attributes(input)?;
            end_of_line(input, docs)?;
            Member::Field(Field { name, of, docs: docs.take(), attributes })
        }
    };
    block.members.push(member);
    Ok(())
}

/// Nothing more stands on the line but a comment, which may be documentation, or the end of the block.
fn end_of_line(input: &mut Input<'_>, docs: &mut Docs) -> Parsed<()> {
    skip_spaces(input);
    if let Some((line, true)) = comment(input) {
        docs.0.push(line);
    }
    if input.as_ref().is_empty() || input.as_ref().starts_with('}') || line_end(input) {
        return Ok(());
    }
    let at = input.current_token_start();
    let rest = input.as_ref().split(is_space).next().and_then(|rest| rest.lines().next()).unwrap_or_default();
    let mistake = Mistake::new(&(at..at + rest.len()), format!("`{rest}` is too much on this line"));
    Err(Failure::certain(match rest.starts_with('@') {
        true => mistake.hint("only `@@` attributes stand on lines of their own"),
        false => mistake.hint("every field stands on a line of its own, and an attribute starts with `@`"),
    }))
}

fn type_name(input: &mut Input<'_>, field: &Word) -> Parsed<TypeName> {
    let hint = || format!("write `{} String`, or another type", field.text);
    if !input.as_ref().starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let mistake = Mistake::new(&field.span, format!("the field `{}` has no type", field.text));
        return Err(Failure::certain(mistake.hint(hint())));
    }
    let name = word("a type is expected here").parse_next(input)?;
    let unsupported = match name.text.as_str() {
        "Unsupported" => Some(delimited('(', text, ')').parse_next(input).map_err(|failure: Failure| {
            Failure::certain(failure.mistake.hint("write `Unsupported(\"the type's name\")`"))
        })?),
        _ => None,
    };
    let list: Option<&str> = opt("[]").parse_next(input)?;
    let optional: Option<char> = opt('?').parse_next(input)?;
    if list.is_some() && optional.is_some() {
        let mistake = Mistake::new(&name.span, "a list can't be optional");
        return Err(Failure::certain(mistake.hint("drop the `?`: a list may be empty")));
    }
    Ok(TypeName { name, unsupported, list: list.is_some(), optional: optional.is_some() })
}

fn attributes(input: &mut Input<'_>) -> Parsed<Vec<Attribute>> {
    let mut all = Vec::new();
    loop {
        skip_spaces(input);
        if input.as_ref().starts_with("@@") {
            let at = input.current_token_start();
            let mistake = Mistake::new(&(at..at + 2), "an attribute with `@@` belongs to the whole block");
            return Err(Failure::certain(mistake.hint("give it a line of its own, or drop one `@`")));
        }
        if !input.as_ref().starts_with('@') {
            return Ok(all);
        }
        all.push(attribute("@").parse_next(input)?);
    }
}

fn attribute<'a>(sign: &'static str) -> impl Parser<Input<'a>, Attribute, Failure> {
    move |input: &mut Input<'a>| {
        sign.void().parse_next(input)?;
        let name = path(input)?;
        let arguments = match input.as_ref().starts_with('(') {
            true => arguments(input, 0)?,
            false => Vec::new(),
        };
        Ok(Attribute { name, arguments })
    }
}

/// `(…)`, over several lines if need be.
fn arguments(input: &mut Input<'_>, depth: usize) -> Parsed<Vec<Argument>> {
    let (start, begin) = (input.current_token_start(), input.checkpoint());
    let list = delimited(
        ('(', gap),
        separated(0.., |input: &mut Input<'_>| argument(input, depth), (gap, ',', gap)),
        (gap, opt((',', gap)), ')'),
    )
    .parse_next(input);
    list.map_err(|failure: Failure| match failure.certain {
        true => failure,
        false if !closed(input, &begin) => {
            let mistake = Mistake::new(&(start..start + 1), "this bracket is not closed");
            Failure::certain(mistake.hint("close it with `)`"))
        }
        false => Failure::certain(failure.mistake),
    })
}

/// Whether a bracket closes on the line where the text was left.
fn closed<'a>(input: &Input<'a>, begin: &<Input<'a> as Stream>::Checkpoint) -> bool {
    let mut from = *input;
    from.reset(begin);
    from.as_ref().lines().next().is_some_and(|line| line.contains(')'))
}

fn argument(input: &mut Input<'_>, depth: usize) -> Parsed<Argument> {
    let name = opt((word("a name"), gap, ':', gap).map(|(name, ..)| name)).parse_next(input)?;
    Ok(Argument { name, value: expression(input, depth)? })
}

fn expression(input: &mut Input<'_>, depth: usize) -> Parsed<Expression> {
    if depth > DEEPEST {
        let at = input.current_token_start();
        return Err(Failure::certain(Mistake::new(&(at..at + 1), "too many brackets within brackets")));
    }
    let named = |input: &mut Input<'_>| {
        let name = path(input)?;
        Ok(match input.as_ref().starts_with('(') {
            true => ExpressionKind::Call(name.text, arguments(input, depth + 1)?),
            false => ExpressionKind::Name(name.text),
        })
    };
    let list = |input: &mut Input<'_>| {
        '['.void().parse_next(input)?;
        let rest = delimited(
            gap,
            separated(0.., |input: &mut Input<'_>| expression(input, depth + 1), (gap, ',', gap)),
            (gap, opt((',', gap)), ']'),
        )
        .parse_next(input);
        rest.map_err(|failure: Failure| Failure { certain: true, ..failure })
    };
    let kind = alt((
        text.map(ExpressionKind::Text),
        list.map(ExpressionKind::List),
        number.map(|number: &str| ExpressionKind::Number(number.to_owned())),
        named,
    ));
    kind.with_span().map(|(kind, span)| Expression { kind, span }).parse_next(input)
}

fn number<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    let digits = || take_while(1.., |c: char| c.is_ascii_digit());
    (opt('-'), digits(), opt(('.', digits()))).take().parse_next(input)
}

/// A text in quotes, with the escapes of JSON.
fn text(input: &mut Input<'_>) -> Parsed<String> {
    let start = input.current_token_start();
    '"'.parse_next(input)?;
    let inside: String = repeat(0.., character)
        .fold(String::new, |mut all, c: char| {
            all.push(c);
            all
        })
        .parse_next(input)?;
    match '"'.parse_next(input) {
        Ok(_) => Ok(inside),
        Err(failure) => {
            let failure: Failure = failure;
            let at = input.current_token_start();
            let escape = input.as_ref().starts_with('\\');
            Err(Failure::certain(match escape {
                true => Mistake { span: at..at + 2, ..failure.mistake }
                    .hint("escapes are those of JSON: `\\\\`, `\\\"`, `\\n`"),
                false => Mistake::new(&(start..at), "this text has no end").hint("close it with `\"`"),
            }))
        }
    }
}

fn character(input: &mut Input<'_>) -> Parsed<char> {
    alt((
        one_of(|c: char| c != '"' && c != '\\' && !c.is_control()),
        preceded(
            '\\',
            alt((
                any.verify_map(|c: char| {
                    Some(match c {
                        '"' | '\\' | '/' => c,
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        _ => return None,
                    })
                }),
                preceded('u', unicode),
            )),
        ),
    ))
    .parse_next(input)
}

/// The digits after `\u`; characters beyond the first plane are two of these.
fn unicode(input: &mut Input<'_>) -> Parsed<char> {
    let digits = || {
        take_while(4..=4, |c: char| c.is_ascii_hexdigit())
            .verify_map(|digits: &str| u16::from_str_radix(digits, 16).ok())
    };
    let pair = (digits(), opt(preceded("\\u", digits())));
    alt((
        digits().verify_map(|unit| char::from_u32(unit.into())),
        pair.verify_map(|(high, low)| char::decode_utf16([high, low?]).next()?.ok()),
    ))
    .parse_next(input)
}

/// `name` or `db.Name`.
fn path(input: &mut Input<'_>) -> Parsed<Word> {
    let part = || take_while(1.., |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let parts: Parsed<(&str, _)> =
        (part(), repeat(0.., ('.', part())).map(|()| ())).take().with_span().parse_next(input);
    parts.map(|(text, span)| Word { text: text.to_owned(), span })
}

fn word<'a>(expected: &'static str) -> impl Parser<Input<'a>, Word, Failure> {
    move |input: &mut Input<'a>| {
        let first = one_of(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let read: Parsed<(&str, _)> =
            (first, take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-'))
                .take()
                .with_span()
                .parse_next(input);
        read.map(|(text, span)| Word { text: text.to_owned(), span }).map_err(|mut failure| {
            failure.mistake.hint = Some(expected.to_owned());
            failure
        })
    }
}

/// Spaces, line ends and comments within brackets.
fn gap(input: &mut Input<'_>) -> Parsed<()> {
    skip_blank(input, &mut Docs::default());
    Ok(())
}

fn expected(input: &mut Input<'_>, mut sign: char, hint: impl Fn() -> String) -> Parsed<()> {
    let read: Parsed<char> = sign.parse_next(input);
    read.map(drop).map_err(|failure| Failure::certain(failure.mistake.hint(hint())))
}
