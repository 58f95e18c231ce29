//! JSON: paths into documents, and how a dialect asks for what stands there.

use std::fmt;
use std::str::FromStr;

use crate::{Comparison, Error, ListItem, Slot};

/// A path into a JSON document, of one step or more.
///
/// Written as `author.name`, `tags[0]`, `[2].id`; a key that holds dots or brackets stands in quotation marks:
/// `"a.b".c`. It is shown as SQL databases write it, `$."author"."name"`: no key has quotation marks, backslashes or
/// control characters in it, or begins with a hyphen, so a path means the same between any quotes and on any database.
///
/// A key finds nothing in an array, nor a number in an object or a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonPath(Vec<JsonStep>);

/// One step of a [`JsonPath`].
///
/// Exhaustive: a driver that could not take one of them would answer wrongly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonStep {
    /// The value of this key, in an object.
    Key(String),
    /// The element of this number, counted from 0, in an array.
    Index(u32),
}

impl JsonPath {
    /// The steps, the outermost first.
    pub fn steps(&self) -> &[JsonStep] {
        &self.0
    }

    /// The arrays that the path leads through: for each step that is a number, the text of the path before it.
    pub fn arrays(&self) -> impl Iterator<Item = String> {
        let numbers = self.0.iter().enumerate().filter(|(_, step)| matches!(step, JsonStep::Index(_)));
        numbers.map(|(at, _)| text(&self.0[..at]))
    }
}

/// As `$."key"[0]`.
impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&self.0))
    }
}

fn text(steps: &[JsonStep]) -> String {
    steps.iter().fold("$".to_owned(), |path, step| match step {
        JsonStep::Key(key) => path + ".\"" + key + "\"",
        JsonStep::Index(index) => format!("{path}[{index}]"),
    })
}

impl FromStr for JsonPath {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what is no path.
    fn from_str(path: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::invalid_input(format!("`{}` is no path: {why}", path.escape_debug()));
        let mut steps = Vec::new();
        let mut rest = path;
        while !rest.is_empty() || steps.is_empty() {
            if let Some(behind) = rest.strip_prefix('[') {
                let (number, behind) = behind.split_once(']').ok_or_else(|| wrong("a `[` has no `]`"))?;
                let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                // Beyond, some count from the end.
                let index = number.parse().ok().filter(|index: &u32| digits && *index <= i32::MAX.unsigned_abs());
                steps.push(JsonStep::Index(index.ok_or_else(|| wrong("between `[` and `]` stands no number"))?));
                rest = behind;
                continue;
            }
            if !steps.is_empty() {
                rest = rest.strip_prefix('.').ok_or_else(|| wrong("between two steps stands no dot"))?;
            }
            let (key, behind) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| wrong("a quotation mark is not closed"))?,
                None => rest.split_at(rest.find(['.', '[', ']', '"']).unwrap_or(rest.len())),
            };
            if key.is_empty() && !rest.starts_with('"') {
                return Err(wrong("a key is missing; write `author.name`, `tags[0]`, or a key as `\"a.b\"`"));
            }
            if key.contains(|c: char| c == '\\' || c.is_control()) {
                return Err(wrong("a key has a backslash or a control character in it"));
            }
            if key.starts_with('-') {
                // Some read what follows as a number that counts from the end.
                return Err(wrong("a key begins with a hyphen, which not every database finds"));
            }
            steps.push(JsonStep::Key(key.to_owned()));
            rest = behind;
        }
        Ok(Self(steps))
    }
}

/// What kind of value a JSON value is compared as. Values of other kinds are not compared: there the answer is unknown.
///
/// Exhaustive: a driver that could not say one of them would answer wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonKind {
    /// `true` or `false`, with a [`Value::Bool`](crate::Value::Bool).
    Bool,
    /// A number of any form, with a [`Value::I64`](crate::Value::I64). Integers compare exactly, others as floats.
    Integer,
    /// A number of any form, with a finite [`Value::F64`](crate::Value::F64). Numbers that differ in the last digits of a
    /// float may be taken for equal.
    Float,
    /// A text, with a [`Value::Text`](crate::Value::Text), by its bytes.
    Text,
}

/// What is asked about the value at a path of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonTest {
    /// A comparison with a value; unknown where the column is NULL, nothing stands at the path, or a value of another
    /// kind.
    Compare {
        /// What the value is compared as.
        kind: JsonKind,
        /// How the two compare.
        operator: Comparison,
        /// The right side.
        slot: Slot,
    },
    /// Something stands there, be it `null`; never unknown.
    Exists,
    /// Nothing stands there, or `null`; never unknown.
    IsNull,
}

/// What is asked about a column of [lists](crate::ValueType::List).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListTest {
    /// One of the elements equals the value; unknown where the column is NULL.
    Has {
        /// The value, which is not NULL, in the form that an element has in JSON: a UUID is a text.
        slot: Slot,
    },
    /// There are no elements; unknown where the column is NULL.
    IsEmpty,
}

/// How one database asks about JSON documents: what
/// [`Capability::JsonConditions`](crate::Capability::JsonConditions) promises.
///
/// `column` is the quoted name of the column, behind that of its table. Paths hold no quotation mark but `"`, and no
/// backslash; an apostrophe MUST be doubled where it stands in a literal, or a path from outside becomes SQL.
pub trait JsonDialect: Send + Sync + fmt::Debug {
    /// Appends an expression for the value at the path, as a value of the kind. It MUST be NULL where the value is of
    /// another kind, since a comparison is then unknown on every database.
    fn value(&self, column: &str, path: &JsonPath, kind: JsonKind, out: &mut String);

    /// Appends the bound value that [`JsonDialect::value`] is compared with.
    fn operand(&self, kind: JsonKind, placeholder: &str, out: &mut String) {
        let _ = kind;
        out.push_str(placeholder);
    }

    /// Appends a condition, never unknown: something stands at the path. `null` says whether a JSON `null` is something.
    fn exists(&self, column: &str, path: &JsonPath, null: bool, out: &mut String);

    /// Appends a condition: the column, of [lists](crate::ValueType::List) of this type, has the element. Unknown where the
    /// column is NULL.
    fn has(&self, column: &str, item: ListItem, placeholder: &str, out: &mut String);

    /// Appends an expression for the number of a list's elements.
    fn length(&self, column: &str, out: &mut String);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> Result<String, String> {
        path.parse::<JsonPath>().map(|path| path.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_are_read_step_by_step() {
        for (path, expected) in [
            ("a", r#"$."a""#),
            ("author.name", r#"$."author"."name""#),
            ("tags[0]", r#"$."tags"[0]"#),
            ("[2].id", r#"$[2]."id""#),
            ("a[0][12].b", r#"$."a"[0][12]."b""#),
            (r#""a.b[".c"#, r#"$."a.b["."c""#),
            (r#""""#, r#"$."""#),
            ("it's a key; DROP", r#"$."it's a key; DROP""#),
            ("0", r#"$."0""#),
        ] {
            assert_eq!(shown(path).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "", ".a", "a.", "a..b", "a[", "a[x]", "a[-1]", "a[+1]", "a[]", "a]", "a[0]b", "a\"b\"", "\"a", "a\\b",
            "a\0", "-a",
        ] {
            assert!(shown(path).is_err(), "{path:?}");
        }
        assert!(shown("a[4294967296]").unwrap_err().contains("no number"));
    }

    #[test]
    fn arrays_on_the_way_are_named() {
        let path: JsonPath = "a[0].b[1]".parse().unwrap();
        assert_eq!(path.arrays().collect::<Vec<_>>(), [r#"$."a""#, r#"$."a"[0]."b""#]);
    }
}
