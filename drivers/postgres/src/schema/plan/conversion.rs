//! Conversions: what it takes to give a column another type.

use thing_driver_api::schema::Effect;
use thing_driver_api::{Error, Result};

use crate::schema::definition::identifier;
use crate::schema::types::Type;

/// How the values of a column become those of another type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    /// The stored bytes do not mean the same in the new type.
    pub(super) rewrites: bool,
    /// The expression that makes the new value, where the server has no cast of its own accord.
    pub(super) using: Option<String>,
    /// Why it may fail.
    pub(super) may_fail: Option<Effect>,
    /// What is lost.
    pub(super) loses: Option<Effect>,
}

/// The conversion of this column, which is called `column`.
///
/// # Errors
///
/// Unsupported where no value of the one type has a meaning in the other.
pub(super) fn between(column: &str, before: &str, after: &str) -> Result<Conversion> {
    let (from, to) = (Type::read(before), Type::read(after));
    let name = identifier(column);
    let whole = Conversion { rewrites: true, ..Conversion::default() };
    let cast = Conversion { using: Some(format!("{name}::{}", bare(after))), ..whole.clone() };
    let too_big = || Some(Effect::does_not_fit(column, after));
    let rounded = || Some(Effect::not_kept(column, after));
    let misread = || Some(Effect::MayFail(format!("a text in `{column}` is no {}", to.name)));
    let utc = |expression: &str| Some(format!("{expression} AT TIME ZONE 'UTC'"));
    Ok(match (from.name, to.name) {
        (a, b) if a == b => same_name(&from, &to, too_big, rounded),
        ("smallint", "integer" | "bigint") | ("integer", "bigint") => whole,
        ("bigint", "integer" | "smallint") | ("integer", "smallint") => Conversion { may_fail: too_big(), ..whole },
        ("smallint" | "integer" | "bigint", "numeric") if to.sizes.is_empty() => whole,
        ("smallint" | "integer" | "bigint", "numeric") => Conversion { may_fail: too_big(), ..whole },
        ("smallint", "real" | "double precision") | ("integer", "double precision") => whole,
        ("real", "double precision") => whole,
        ("integer" | "bigint", "real" | "double precision") => Conversion { loses: rounded(), ..whole },
        ("numeric" | "real" | "double precision", "smallint" | "integer" | "bigint")
        | ("numeric" | "double precision", "real" | "double precision")
        | ("real" | "double precision", "numeric") => Conversion { may_fail: too_big(), loses: rounded(), ..whole },
        // The bytes are the same; a length is looked at.
        ("character varying", "text") => Conversion::default(),
        ("text", "character varying") if to.sizes.is_empty() => Conversion::default(),
        (_, "text" | "character varying") if from.is_text() && to.sizes.is_empty() => whole,
        (_, "character varying") if from.is_text() => Conversion { may_fail: too_big(), ..whole },
        (_, "character" | "bpchar") if from.is_text() => Conversion { may_fail: too_big(), ..whole },
        ("bytea", "text" | "character varying") => {
            let may_fail = Some(Effect::MayFail(format!("a value of `{column}` is no text in UTF-8")));
            Conversion { using: Some(format!("convert_from({name}, 'UTF8')")), may_fail, ..whole }
        }
        ("text" | "character varying", "bytea") => {
            Conversion { using: Some(format!("convert_to({name}, 'UTF8')")), ..whole }
        }
        (_, "bytea") => return Err(impossible(column, before, after)),
        (_, "text") => whole,
        (_, "character varying" | "character" | "bpchar") => Conversion { may_fail: too_big(), ..whole },
        (_, _) if from.is_text() => Conversion { may_fail: misread(), ..cast },
        ("json", "jsonb") | ("jsonb", "json") => cast,
        ("timestamp without time zone", "timestamp with time zone")
        | ("timestamp with time zone", "timestamp without time zone") => {
            let loses = (!to.sizes.is_empty() && to.sizes != from.sizes).then(rounded).flatten();
            Conversion { using: utc(&name), loses, ..whole }
        }
        ("date", "timestamp with time zone") => Conversion { using: utc(&format!("{name}::timestamp")), ..whole },
        ("date", "timestamp without time zone") => whole,
        ("timestamp with time zone", "date") => {
            Conversion { using: utc(&name).map(|at| format!("({at})::date")), loses: rounded(), ..whole }
        }
        ("timestamp without time zone", "date") => Conversion { loses: rounded(), ..whole },
        ("boolean", "smallint" | "integer" | "bigint") => {
            Conversion { using: Some(format!("{name}::integer::{}", to.name)), ..whole }
        }
        ("smallint" | "integer" | "bigint", "boolean") => {
            let loses = Some(Effect::Loses(format!("which numbers other than 0 and 1 stood in column `{column}`")));
            Conversion { using: Some(format!("{name} <> 0")), loses, ..whole }
        }
        _ => return Err(impossible(column, before, after)),
    })
}

/// Types of one name that differ in size or collation.
fn same_name(
    from: &Type<'_>,
    to: &Type<'_>,
    too_big: impl Fn() -> Option<Effect>,
    rounded: impl Fn() -> Option<Effect>,
) -> Conversion {
    let same = Conversion::default();
    let whole = Conversion { rewrites: true, ..Conversion::default() };
    match (from.name, from.sizes.as_slice(), to.sizes.as_slice()) {
        (_, before, after) if before == after => same,
        ("character varying" | "bit varying", _, []) => same,
        ("character varying" | "bit varying", [before], [after]) if before <= after => same,
        ("character varying" | "character" | "bpchar" | "bit varying", _, _) => {
            Conversion { may_fail: too_big(), ..whole }
        }
        ("numeric", _, []) => same,
        ("numeric", &[before, ref places @ ..], &[after, ref kept @ ..]) => {
            let (places, kept) = (places.first().unwrap_or(&0), kept.first().unwrap_or(&0));
            let fits = after - kept >= before - places;
            let may_fail = if fits { None } else { too_big() };
            match places.cmp(kept) {
                std::cmp::Ordering::Equal if fits => same,
                std::cmp::Ordering::Greater => Conversion { may_fail: too_big(), loses: rounded(), ..whole },
                _ => Conversion { may_fail, ..whole },
            }
        }
        // Times have six digits of the second where nothing is said.
        (name, before, after) if name.starts_with("time") => {
            let digits = |sizes: &[i32]| sizes.first().copied().unwrap_or(6);
            if digits(before) <= digits(after) { same } else { Conversion { loses: rounded(), ..whole } }
        }
        _ => Conversion { may_fail: too_big(), loses: rounded(), ..whole },
    }
}

/// The type without its collation, which a cast can't have.
fn bare(declared: &str) -> &str {
    declared.split_once(" collate ").map_or(declared, |(bare, _)| bare)
}

fn impossible(column: &str, before: &str, after: &str) -> Error {
    Error::unsupported(format!(
        "PostgreSQL has no way from {before} to {after} for column `{column}`; add a column, fill it, and drop the old one"
    ))
}
