//! The arguments of attributes: by name or by place, and what each may be.

use super::syntax::{Argument, Attribute, Expression, ExpressionKind, Span};
use crate::diagnostic::Mistake;

/// The values of the known arguments, in their order. The first `by_place` of them may stand without their names.
pub(super) fn arguments<'a, const N: usize>(
    attribute: &'a Attribute,
    known: [&str; N],
    by_place: usize,
    mistakes: &mut Vec<Mistake>,
) -> [Option<&'a Expression>; N] {
    let mut values = [None; N];
    let mut place = 0;
    for argument in &attribute.arguments {
        let at = match &argument.name {
            Some(name) => known.iter().position(|known| *known == name.text).ok_or_else(|| {
                let message = format!("`{}` has no argument `{}`", attribute.name.text, name.text);
                Mistake::new(&name.span, message).among(&name.text, "", known)
            }),
            None if place < by_place => Ok(place),
            None => {
                Err(Mistake::new(&argument.value.span, format!("`{}` takes no such argument", attribute.name.text))
                    .among("", "", known))
            }
        };
        match at {
            Ok(at) if values[at].is_some() => {
                mistakes.push(Mistake::new(&argument.value.span, format!("`{}` is given twice", known[at])));
            }
            Ok(at) => values[at] = Some(&argument.value),
            Err(mistake) => mistakes.push(mistake),
        }
        place += usize::from(argument.name.is_none());
    }
    values
}

/// A text that is not empty.
pub(super) fn text(value: &Expression, mistakes: &mut Vec<Mistake>) -> Option<String> {
    match &value.kind {
        ExpressionKind::Text(text) if !text.is_empty() && !text.contains('\0') => Some(text.clone()),
        ExpressionKind::Text(_) => {
            mistakes.push(Mistake::new(&value.span, "this name is empty or has a zero byte"));
            None
        }
        _ => {
            mistakes.push(Mistake::new(&value.span, "a text in quotes is expected here"));
            None
        }
    }
}

/// A word without quotes.
pub(super) fn name<'a>(value: &'a Expression, mistakes: &mut Vec<Mistake>) -> Option<&'a str> {
    match &value.kind {
        ExpressionKind::Name(name) => Some(name),
        _ => {
            mistakes.push(Mistake::new(&value.span, "a word without quotes is expected here"));
            None
        }
    }
}

/// A name in a list, and what stands in brackets behind it.
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    pub(super) span: &'a Span,
    pub(super) arguments: &'a [Argument],
}

/// `[a, b(sort: Desc)]`, or one of these without the brackets.
pub(super) fn items<'a>(value: &'a Expression, mistakes: &mut Vec<Mistake>) -> Vec<Item<'a>> {
    let one = |value: &'a Expression, mistakes: &mut Vec<Mistake>| match &value.kind {
        ExpressionKind::Name(name) => Some(Item { name, span: &value.span, arguments: &[] }),
        ExpressionKind::Call(name, arguments) => Some(Item { name, span: &value.span, arguments }),
        _ => {
            mistakes.push(Mistake::new(&value.span, "the name of a field is expected here"));
            None
        }
    };
    match &value.kind {
        ExpressionKind::List(list) if list.is_empty() => {
            mistakes.push(Mistake::new(&value.span, "this list is empty").hint("name at least one field"));
            Vec::new()
        }
        ExpressionKind::List(list) => list.iter().filter_map(|value| one(value, mistakes)).collect(),
        _ => one(value, mistakes).into_iter().collect(),
    }
}

/// An expression as it is written.
pub(super) fn written(value: &Expression) -> String {
    let all = |arguments: &[Argument]| {
        let each = arguments.iter().map(|argument| match &argument.name {
            Some(name) => format!("{}: {}", name.text, written(&argument.value)),
            None => written(&argument.value),
        });
        each.collect::<Vec<_>>().join(", ")
    };
    match &value.kind {
        ExpressionKind::Text(text) => super::write::quoted(text),
        ExpressionKind::Number(number) => number.clone(),
        ExpressionKind::Name(name) => name.clone(),
        ExpressionKind::Call(name, arguments) => format!("{name}({})", all(arguments)),
        ExpressionKind::List(list) => format!("[{}]", list.iter().map(written).collect::<Vec<_>>().join(", ")),
    }
}
