//! A column that changes: which way the server takes, and what becomes of the values.

use thing_driver_api::schema::{ColumnSchema, Effect, Generated};
use thing_driver_api::{Error, Result};

use super::Way;
use crate::schema::types::Type;

/// What the change of a column comes to.
#[derive(Debug)]
pub(super) struct Altered {
    pub(super) what: String,
    pub(super) way: Way,
    pub(super) effects: Vec<Effect>,
}

pub(super) fn between(before: &ColumnSchema, after: &ColumnSchema) -> Result<Altered> {
    let mut effects = Vec::new();
    let mut way = Way::Instant;
    if before.declared != after.declared {
        way = way.max(retyped(before, after, &mut effects)?);
    }
    if before.nullable != after.nullable {
        way = way.max(Way::Rebuilding);
        if !after.nullable {
            effects.push(Effect::null_in(&after.name));
        }
    }
    if before.generated != after.generated {
        let is_computed =
            |column: &ColumnSchema| matches!(column.generated, Some(Generated::Stored(_) | Generated::Virtual(_)));
        if is_computed(before) != is_computed(after) || matches!(after.generated, Some(Generated::Virtual(_))) {
            return Err(Error::unsupported(format!(
                "column `{}` can't become one that is computed otherwise; drop it and add it again",
                after.name
            )));
        }
        way = Way::Copying;
    }
    let what = match after.difference(before) {
        Some(difference) => format!("change column `{}` {difference}", after.name),
        None => format!("change the comment of column `{}`", after.name),
    };
    Ok(Altered { what, way, effects })
}

/// What another type does. In the driver's strict sessions what does not fit is refused, but digits behind the point and
/// parts of a time are rounded away.
fn retyped(before: &ColumnSchema, after: &ColumnSchema, effects: &mut Vec<Effect>) -> Result<Way> {
    let (from, to) = (Type::read(&before.declared), Type::read(&after.declared));
    let name = &after.name;
    let may_fail = Effect::does_not_fit(name, &after.declared);
    let loses = Effect::not_kept(name, &after.declared);
    let collated = from.collation != to.collation;
    let size = |of: &Type<'_>| of.sizes.first().copied();
    match (from.name, to.name) {
        ("varchar", "varchar") | ("varbinary", "varbinary") => {
            let bytes = |of: &Type<'_>| u64::from(size(of).unwrap_or_default()) * bytes_of_a_character(of);
            let (old, new) = (bytes(&from), bytes(&to));
            if size(&from) > size(&to) {
                effects.push(may_fail);
                return Ok(Way::Copying);
            }
            // Rows say the length of a value in one byte, or, where it may have more than 255, in two; one is enough for
            // those of less than 128 in either case.
            let same_form = old < 128 || new < 256 || old > 255;
            return Ok(if same_form && !collated { Way::Instant } else { Way::Copying });
        }
        ("enum", "enum") => {
            if after.allowed.starts_with(&before.allowed) && !collated {
                return Ok(if after.allowed.len() < 256 || before.allowed.len() > 255 {
                    Way::Instant
                } else {
                    Way::Copying
                });
            }
            if before.allowed.iter().any(|value| !after.allowed.contains(value)) {
                effects.push(may_fail);
            }
        }
        ("tinyint", "tinyint") if from.unsigned == to.unsigned => return Ok(Way::Instant),
        ("float", "double") => {}
        ("decimal", "decimal") => {
            let places = |of: &Type<'_>| (size(of).unwrap_or(10), of.sizes.get(1).copied().unwrap_or(0));
            let ((digits, scale), (kept, kept_scale)) = (places(&from), places(&to));
            if kept_scale < scale {
                effects.push(loses);
            }
            if i64::from(kept) - i64::from(kept_scale) < i64::from(digits) - i64::from(scale) {
                effects.push(may_fail);
            }
        }
        ("datetime" | "timestamp" | "time", "datetime" | "timestamp" | "time") => {
            if size(&to).unwrap_or(0) < size(&from).unwrap_or(0) || to.name == "time" && from.name != "time" {
                effects.push(loses);
            }
            if to.name == "timestamp" && from.name != "timestamp" {
                effects.push(may_fail);
            }
        }
        ("date", "datetime") | ("json", "longtext") | ("enum", "longtext" | "text" | "mediumtext") => {}
        ("datetime" | "timestamp", "date") => effects.push(loses),
        // The bytes in the order in which they are written.
        ("uuid", "binary") if size(&to) == Some(16) => {}
        _ if from.width().is_some() && to.width().is_some() => {
            let wider = from.width() < to.width() && (from.unsigned == to.unsigned || from.unsigned);
            if !wider {
                effects.push(may_fail);
            }
        }
        _ if from.width().is_some() && (to.name == "decimal" || to.is_text()) => effects.push(may_fail),
        ("float" | "double" | "decimal" | "bigint", "float" | "double") => effects.push(loses),
        _ if from.width().is_some() && to.name == "double" => {}
        _ if from.width().is_some() && to.name == "float" => effects.push(loses),
        ("float" | "double", "decimal") => effects.extend([may_fail, loses]),
        ("float" | "double" | "decimal", _) if to.width().is_some() => effects.extend([may_fail, loses]),
        _ if from.is_text() && to.is_text() => {
            let capacity = |of: &Type<'_>| match of.name {
                "longtext" => u64::MAX,
                "mediumtext" => 1 << 24,
                "text" => 1 << 16,
                "tinytext" => 1 << 8,
                _ => u64::from(size(of).unwrap_or(1)) * 4,
            };
            if capacity(&to) < capacity(&from) || to.name == "char" {
                effects.push(may_fail);
            }
            // The same bytes, compared otherwise.
            if from.name == to.name && collated && !is_other_charset(&from, &to) && from.is_unbounded() {
                return Ok(Way::Instant);
            }
        }
        _ if from.is_bytes() && to.is_bytes() => effects.push(may_fail),
        // All are written as text, and a text may be read as any.
        _ if to.is_text() && !from.is_bytes() => effects.push(may_fail),
        _ if from.is_text() || from.name == "enum" => effects.push(may_fail),
        _ => {
            return Err(Error::unsupported(format!(
                "there is no way from {} to {} that keeps the values of column `{name}`; add a column, fill it, and drop \
                 the old one",
                before.declared, after.declared
            )));
        }
    }
    Ok(Way::Copying)
}

fn is_other_charset(from: &Type<'_>, to: &Type<'_>) -> bool {
    charset(from) != charset(to)
}

fn charset<'a>(of: &Type<'a>) -> &'a str {
    of.collation.and_then(|collation| collation.split('_').next()).unwrap_or("utf8mb4")
}

fn bytes_of_a_character(of: &Type<'_>) -> u64 {
    match charset(of) {
        _ if of.is_bytes() => 1,
        "latin1" | "ascii" | "latin2" | "cp1250" | "cp1251" | "cp1252" => 1,
        "utf8" | "utf8mb3" => 3,
        _ => 4,
    }
}
