//! Files: the text of the generated modules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use heck::ToSnakeCase;

use super::Options;
use super::attributes::{on_field, on_struct};
use super::names::code;
use super::plan::{Kind, Plan, Role, RustEnum, RustField, Struct};
use super::values::rust_type;
use crate::files::{File, HEADER};

const OWN: &str = "\
//! The models.
//!
//! Those in `generated` are made by `thing generate`. This file is written once; methods and traits of models go into
//! modules that are declared here.

mod generated;

pub use generated::*;
";

/// What the generated modules say to the tools that look at them. `rustfmt::skip` alone is not stable within a module.
const SETTINGS: &str = "\
// Formatting leaves these files alone.
#![cfg_attr(rustfmt, rustfmt::skip)]
// Not every program uses every model.
#![allow(dead_code, missing_docs, unreachable_pub, unused_imports)]

";

/// All files, by path.
pub(super) fn files(plan: &Plan<'_>, options: &Options) -> Vec<File> {
    let mut files = vec![File::once("mod.rs", OWN.to_owned()), File::new("generated/mod.rs", root(plan))];
    if !plan.enums.is_empty() {
        files.push(File::new("generated/enums.rs", enums(&plan.enums, options)));
    }
    for planned in &plan.structs {
        files.push(File::new(format!("generated/{}.rs", planned.module), structure(planned, options)));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The module of all others.
fn root(plan: &Plan<'_>) -> String {
    let mut modules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for planned in &plan.structs {
        modules.insert(&planned.module, vec![format!("New{}", planned.name), planned.name.clone()]);
    }
    if !plan.enums.is_empty() {
        modules.insert("enums", plan.enums.iter().map(|one| one.name.clone()).collect());
    }
    let mut out = format!("{HEADER}\n\n//! The models of the database.\n{}\n", needs(plan));
    out.push_str(SETTINGS);
    for module in modules.keys() {
        let _ = writeln!(out, "mod {module};");
    }
    out.push('\n');
    for (module, names) in &mut modules {
        names.sort();
        match names.as_slice() {
            [name] => out.push_str(&format!("pub use {module}::{name};\n")),
            names => push_list(&mut out, &format!("pub use {module}::"), names),
        }
    }
    out
}

/// `path::{a, b};`, on lines of a hundred characters.
fn push_list(out: &mut String, path: &str, names: &[String]) {
    let one = format!("{path}{{{}}};", names.join(", "));
    if one.len() <= 100 {
        let _ = writeln!(out, "{one}");
        return;
    }
    for name in names {
        let _ = writeln!(out, "{path}{name};");
    }
}

/// Which crates and features the models need, as lines of documentation.
fn needs(plan: &Plan<'_>) -> String {
    let mut crates = BTreeSet::new();
    let mut features = BTreeSet::new();
    for field in plan.structs.iter().flat_map(|planned| &planned.fields) {
        for import in imports_of(field) {
            let name = import.split("::").next().unwrap_or_default();
            crates.insert(name);
            features.extend(match (name, *import) {
                ("rust_decimal", _) => Some("decimal"),
                ("serde_json", _) | (_, "thing::List") => Some("json"),
                ("jiff" | "uuid", _) => Some(name),
                _ => None,
            });
        }
        if let Role::Default(expression) = &field.role
            && expression.contains("uuid::")
        {
            crates.insert("uuid");
        }
    }
    crates.remove("thing");
    let list = |what: &str, words: &BTreeSet<&str>| match words.is_empty() {
        true => String::new(),
        false => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("//!\n//! {what}: {}.\n", words.join(", "))
        }
    };
    list("Crates that they need", &crates) + &list("Features of `thing` that they need", &features)
}

fn imports_of(field: &RustField<'_>) -> &'static [&'static str] {
    match field.kind {
        Kind::Plain(value_type) => rust_type(value_type).map_or(&[], |of| of.imports),
        Kind::Enum(_) => &[],
    }
}

fn derives(first: &str, options: &Options) -> String {
    let more: String = options.derives.iter().map(|derive| format!(", {derive}")).collect();
    format!("#[derive({first}{more})]\n")
}

fn push_docs(out: &mut String, indent: &str, docs: &str) {
    // A line end in the name of a table would end the comment.
    for line in docs.split(['\n', '\r']) {
        let _ = writeln!(out, "{}", format!("{indent}/// {line}").trim_end());
    }
}

fn enums(enums: &[RustEnum<'_>], options: &Options) -> String {
    let mut out = format!("{HEADER}\n\nuse thing::ColumnType;\n");
    for RustEnum { name, of, variants } in enums {
        out.push('\n');
        match &of.docs {
            Some(docs) => push_docs(&mut out, "", docs),
            None => push_docs(&mut out, "", &format!("The values of `{}`.", of.database)),
        }
        out.push_str(&derives("ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash", options));
        let _ = writeln!(out, "pub enum {name} {{");
        for (variant, name) in variants {
            if let Some(docs) = &variant.docs {
                push_docs(&mut out, "    ", docs);
            }
            if name.to_snake_case() != variant.text {
                let _ = writeln!(out, "    #[thing(rename = {:?})]", variant.text);
            }
            let _ = writeln!(out, "    {name},");
        }
        out.push_str("}\n");
    }
    out
}

fn structure(planned: &Struct<'_>, options: &Options) -> String {
    let mut out = format!("{HEADER}\n\n");
    push_imports(&mut out, planned);
    match &planned.table.docs {
        Some(docs) => push_docs(&mut out, "", docs),
        None => push_docs(&mut out, "", &format!("A row of the table `{}`.", planned.table.table)),
    }
    out.push_str(&derives("Model, Clone, Debug", options));
    for attribute in on_struct(planned) {
        let _ = writeln!(out, "#[thing({attribute})]");
    }
    let _ = writeln!(out, "pub struct {} {{", planned.name);
    for (at, field) in planned.fields.iter().enumerate() {
        if let Some(docs) = &field.column.docs {
            push_docs(&mut out, "    ", docs);
        }
        let attributes = on_field(planned, at);
        let together = attributes.join(", ");
        match attributes.as_slice() {
            [] => {}
            _ if together.len() <= 100 => out.push_str(&format!("    #[thing({together})]\n")),
            attributes => attributes.iter().for_each(|one| out.push_str(&format!("    #[thing({one})]\n"))),
        }
        let _ = writeln!(out, "    pub {}: {},", code(&field.name), type_of(field));
    }
    out.push_str("}\n");
    out
}

fn type_of(field: &RustField<'_>) -> String {
    let name = match &field.kind {
        Kind::Plain(value_type) => rust_type(*value_type).map_or("String", |of| of.name).to_owned(),
        Kind::Enum(one) => one.name.clone(),
    };
    if field.column.nullable { format!("Option<{name}>") } else { name }
}

fn push_imports(out: &mut String, planned: &Struct<'_>) {
    let mut own = BTreeSet::new();
    let mut crates: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([("thing", BTreeSet::from(["Model"]))]);
    for field in &planned.fields {
        if let Kind::Enum(one) = &field.kind {
            own.insert(&one.name);
        }
        for import in imports_of(field) {
            let (path, name) = import.rsplit_once("::").unwrap_or(("", import));
            crates.entry(path).or_default().insert(name);
        }
    }
    for relation in &planned.relations {
        own.insert(&relation.target);
        own.extend(relation.columns.iter().filter_map(|(owner, _)| owner.as_ref()));
    }
    own.extend(planned.foreign_keys.iter().map(|key| &key.parent));
    own.extend(planned.dependents.iter().map(|dependent| &dependent.child));
    own.remove(&planned.name);
    for (path, names) in crates {
        let names: Vec<&str> = names.into_iter().collect();
        match names.as_slice() {
            [name] => out.push_str(&format!("use {path}::{name};\n")),
            names => out.push_str(&format!("use {path}::{{{}}};\n", names.join(", "))),
        }
    }
    if !own.is_empty() {
        let own: Vec<String> = own.into_iter().cloned().collect();
        out.push('\n');
        match own.as_slice() {
            [name] => out.push_str(&format!("use super::{name};\n")),
            names => push_list(out, "use super::", names),
        }
    }
    out.push('\n');
}
