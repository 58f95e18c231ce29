//! Types of columns: what they hold.

use thing_driver_api::ValueType;

use crate::dialect::MysqlDialect;

/// A declared type, taken apart: `decimal(10,2) unsigned`, `varchar(9) collate latin1_bin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Type<'a> {
    /// The first word: `decimal`.
    pub(super) name: &'a str,
    /// The numbers in brackets.
    pub(super) sizes: Vec<u32>,
    pub(super) unsigned: bool,
    /// Where it is not that of the dialect.
    pub(super) collation: Option<&'a str>,
}

impl<'a> Type<'a> {
    pub(super) fn read(declared: &'a str) -> Self {
        let (declared, collation) = match declared.split_once(" collate ") {
            Some((declared, collation)) => (declared, Some(collation)),
            None => (declared, None),
        };
        let name = declared.split(['(', ' ']).next().unwrap_or_default();
        let sizes = declared.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(sizes, _)| sizes);
        let sizes = sizes.into_iter().flat_map(|sizes| sizes.split(',')).filter_map(|size| size.trim().parse().ok());
        Self { name, sizes: sizes.collect(), unsigned: declared.contains("unsigned"), collation }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.name, "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext")
    }

    pub(super) fn is_bytes(&self) -> bool {
        matches!(self.name, "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob")
    }

    /// True when it can't be indexed whole.
    pub(super) fn is_unbounded(&self) -> bool {
        self.name.ends_with("text") || self.name.ends_with("blob")
    }

    /// Bytes of an integer; `None` for another type.
    pub(super) fn width(&self) -> Option<u32> {
        Some(match self.name {
            "tinyint" => 1,
            "smallint" => 2,
            "mediumint" => 3,
            "int" | "integer" => 4,
            "bigint" => 8,
            _ => return None,
        })
    }
}

/// A type as the server says it, without what it says of how to print a number, and in lower case.
pub(super) fn shown(column_type: &str, collation: Option<&str>, dialect: &MysqlDialect) -> String {
    let whole = column_type.to_ascii_lowercase();
    let Type { name, sizes, .. } = Type::read(&whole);
    let declared = match (name, sizes.as_slice()) {
        ("enum" | "set", _) => column_type.to_owned(),
        ("tinyint", [1]) => whole,
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint", [_]) if !whole.contains("zerofill") => {
            let rest = whole.split_once(')').map_or("", |(_, rest)| rest);
            format!("{name}{rest}")
        }
        _ => whole,
    };
    match collation.filter(|collation| *collation != dialect.collation()) {
        Some(collation) => format!("{declared} collate {collation}"),
        None => declared,
    }
}

/// The values of an enumeration, or a set, by its type as the server says it.
pub(super) fn allowed(column_type: &str) -> Vec<String> {
    let mut values = Vec::new();
    let Some(("enum", list)) = column_type.split_once('(') else { return values };
    let mut rest = list;
    while let Some((value, behind)) = super::name::read_constant(rest) {
        values.push(value);
        rest = behind.strip_prefix(',').unwrap_or_default();
    }
    values
}

/// The types all of whose values the column holds; of those that no type of a model has just as they are, the unsigned
/// and the smallest, the types that hold the column's: what does not fit is refused in a strict session. So `char` is missing, which drops spaces, and `datetime`, which drops
/// microseconds.
pub(super) fn holds(declared: &str) -> Vec<ValueType> {
    const SMALL: [ValueType; 3] = [ValueType::I16, ValueType::I32, ValueType::I64];
    let Type { name, sizes, unsigned, .. } = Type::read(declared);
    match (name, sizes.as_slice()) {
        ("tinyint", [1]) => [&[ValueType::Bool][..], &SMALL].concat(),
        ("tinyint" | "year", _) => SMALL.to_vec(),
        ("smallint", _) if !unsigned => SMALL[..1].to_vec(),
        ("smallint" | "mediumint", _) => SMALL[1..].to_vec(),
        ("int" | "integer", _) if !unsigned => SMALL[..2].to_vec(),
        ("bigint", _) if !unsigned => SMALL.to_vec(),
        ("int" | "integer" | "bigint", _) => SMALL[2..].to_vec(),
        ("bit", [1]) => vec![ValueType::Bool],
        ("float", []) => vec![ValueType::F32],
        ("double" | "real", []) => vec![ValueType::F32, ValueType::F64],
        ("decimal", [digits, scale]) if *scale >= 30 && digits - scale >= 35 => vec![ValueType::Decimal],
        // Another text than those of the list is refused.
        ("enum", _) => vec![ValueType::Text],
        ("varchar" | "tinytext" | "text" | "mediumtext" | "longtext", _) => vec![ValueType::Text, ValueType::Json],
        ("json", _) => [&[ValueType::Json][..], &ValueType::LISTS].concat(),
        ("varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", _) => vec![ValueType::Bytes, ValueType::Uuid],
        ("binary", [16]) => vec![ValueType::Uuid],
        ("datetime" | "timestamp", [6]) => vec![ValueType::Timestamp],
        ("date", _) => vec![ValueType::Date],
        ("time", [6]) => vec![ValueType::Time],
        _ => Vec::new(),
    }
}

/// Whether text of this collation equals the same text only, spaces at its end included.
pub(super) fn is_exact(collation: &str) -> bool {
    collation.ends_with("_nopad_bin") || collation == "utf8mb4_0900_bin" || collation == "binary"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Flavour;

    #[test]
    fn an_enumeration_holds_its_texts() {
        assert_eq!(holds("enum('1','2')"), [ValueType::Text]);
        assert_eq!(holds("set('a','b')"), []);
    }

    #[test]
    fn types_are_shown_alike_by_all_versions() {
        let dialect = MysqlDialect::new(Flavour::MariaDb);
        let cases = [
            ("bigint(20)", None, "bigint"),
            ("bigint(20) unsigned", None, "bigint unsigned"),
            ("INT", None, "int"),
            ("tinyint(1)", None, "tinyint(1)"),
            ("int(5) unsigned zerofill", None, "int(5) unsigned zerofill"),
            ("varchar(9)", Some("utf8mb4_nopad_bin"), "varchar(9)"),
            ("varchar(9)", Some("latin1_bin"), "varchar(9) collate latin1_bin"),
            ("decimal(65,30)", None, "decimal(65,30)"),
        ];
        for (column_type, collation, declared) in cases {
            assert_eq!(shown(column_type, collation, &dialect), declared);
        }
        assert_eq!(allowed("enum('a','b''c','d,e)')"), ["a", "b'c", "d,e)"]);
    }
}
