//! Names in Rust: of structs, enums, variants, modules and fields.

use heck::{ToSnakeCase, ToUpperCamelCase};

use crate::names::Names;

/// What the generated files call by these names, or what every reader of Rust knows by them.
const TYPES: &[&str] = &[
    "Arc",
    "Box",
    "Clone",
    "ColumnType",
    "Copy",
    "Date",
    "Debug",
    "Decimal",
    "Default",
    "Drop",
    "Embed",
    "Eq",
    "Err",
    "Fn",
    "From",
    "Hash",
    "Into",
    "Iterator",
    "Json",
    "List",
    "Loaded",
    "Model",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Rc",
    "Result",
    "Self",
    "Send",
    "Set",
    "Sized",
    "Some",
    "String",
    "Sync",
    "Time",
    "Timestamp",
    "Uuid",
    "Value",
    "Vec",
];

/// The words of the language in its edition of 2024, strict and reserved.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Those of the words that can't be names even with `r#` before them.
const NEVER: &[&str] = &["crate", "self", "super"];

/// The names of structs and enums, which stand beside each other and beside the structs for new objects.
pub(super) struct TypeNames(Names);

impl TypeNames {
    pub(super) fn new() -> Self {
        let mut names = Names::default();
        TYPES.iter().for_each(|name| names.reserve(name));
        Self(names)
    }

    /// The name of a struct. That of its struct for new objects is free too.
    pub(super) fn model(&mut self, name: &str) -> String {
        let base = camel(name);
        let numbered = (2..).map(|number: u32| format!("{base}Row{number}"));
        let wanted = [base.clone(), format!("{base}Row")].into_iter().chain(numbered);
        let mut free = wanted.filter(|name| !self.0.holds(name) && !self.0.holds(&format!("New{name}")));
        let name = free.next().unwrap_or(base);
        self.0.reserve(&name);
        self.0.reserve(&format!("New{name}"));
        name
    }

    pub(super) fn enumeration(&mut self, name: &str) -> String {
        let base = camel(name);
        let kind = format!("{base}Kind");
        self.0.first_free([base, kind], "")
    }
}

/// The modules of the generated files.
pub(super) struct ModuleNames(Names);

impl ModuleNames {
    pub(super) fn new() -> Self {
        let mut names = Names::default();
        ["enums", "generated", "lib", "main"].iter().chain(KEYWORDS).for_each(|name| names.reserve(name));
        // Files that Windows keeps for devices.
        ["aux", "con", "nul", "prn"].iter().for_each(|name| names.reserve(name));
        Self(names)
    }

    pub(super) fn module(&mut self, model: &str) -> String {
        let base = model.to_snake_case();
        let longer = format!("{base}_model");
        self.0.first_free([base, longer], "_")
    }
}

fn camel(name: &str) -> String {
    let camel = name.to_upper_camel_case();
    if camel.is_empty() { "Model".to_owned() } else { camel }
}

/// The name of a field without the `r#` of words of the language: as it is where it is in snake_case.
pub(super) fn field(name: &str, taken: &mut Names) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let kept = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain) && !name.contains("__");
    let snake = if kept { name.to_owned() } else { name.to_snake_case() };
    let snake = match snake.chars().next() {
        None => "field".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("field_{snake}"),
        Some(_) if NEVER.contains(&snake.as_str()) => format!("{snake}_"),
        Some(_) => snake,
    };
    taken.first_free([snake], "_")
}

/// The names of an enum's variants.
pub(super) fn variants<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = Names::default();
    taken.reserve("Self");
    let each = names.map(|name| {
        let camel = camel(name);
        let longer = format!("{camel}Value");
        taken.first_free([camel, longer], "")
    });
    each.collect()
}

/// The name as the code says it.
pub(super) fn code(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}
