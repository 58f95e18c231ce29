//! Random models and random text: what is written is read as what it was, and nothing makes the parser panic.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use thing_driver_api::schema::Action;

use super::from_prisma;
use super::relations::usual_on_delete;
use crate::model::{
    Column, DefaultValue, End, Enum, Index, IndexPart, Key, Link, Model, Native, Relation, Table, Type, Variant,
    documentation,
};
use crate::{Options, names};

/// Choices from a tape of random bytes; one that has ended chooses the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn below(&mut self, count: usize) -> usize {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(first) % count
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 1
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn text(&mut self) -> String {
        let parts = ["a", "B", " ", "\"", "\\", "\n", "é", "\u{7f}", "'", "{", "//", "\t", "😀", "\u{1}", "@"];
        let length = 1 + self.below(5);
        (0..length).map(|_| self.one(&parts)).collect()
    }

    fn docs(&mut self) -> Option<String> {
        if self.maybe() { documentation(&self.text()) } else { None }
    }
}

fn native(name: &str, arguments: &[&str]) -> Option<Native> {
    Some(Native::new(name, arguments))
}

fn column(choices: &mut Choices<'_>, name: String, enums: &[Enum]) -> Column {
    let types = [
        (Type::Boolean, None),
        (Type::Int, None),
        (Type::Int, native("SmallInt", &[])),
        (Type::BigInt, None),
        (Type::Float, native("Real", &[])),
        (Type::Decimal, native("Decimal", &["10", "2"])),
        (Type::String, None),
        (Type::String, native("VarChar", &["20"])),
        (Type::String, native("Uuid", &[])),
        (Type::DateTime, native("Timestamptz", &["6"])),
        (Type::DateTime, native("Date", &[])),
        (Type::Json, None),
        (Type::Bytes, None),
        (Type::Unsupported("odd \"type\"".into()), None),
    ];
    let (mut holds, mut native) = choices.one(&types);
    if let (true, Some(one)) = (choices.maybe(), enums.first()) {
        (holds, native) = (Type::Enum(one.name.clone()), None);
    }
    let mapped = if choices.maybe() { format!("{name} {}", choices.text()) } else { name.clone() };
    let mut column = Column::new(name, mapped, holds);
    (column.native, column.docs) = (native, choices.docs());
    match choices.below(4) {
        0 => column.nullable = true,
        1 => (column.list, column.nullable) = (true, true),
        _ => {}
    }
    let number = DefaultValue::Number("-12".into());
    let default = match &column.holds {
        Type::Boolean => DefaultValue::Bool(choices.maybe()),
        Type::Int => choices.one(&[DefaultValue::AutoIncrement, number]),
        Type::BigInt => number,
        Type::Float | Type::Decimal => choices.one(&[number, DefaultValue::Number("1.50".into())]),
        Type::String => {
            let text = DefaultValue::Text(choices.text());
            let several = [text, DefaultValue::Uuid(None), DefaultValue::Uuid(Some(7)), DefaultValue::NanoId(Some(5))];
            choices.one(&several)
        }
        Type::DateTime => DefaultValue::Now,
        Type::Enum(name) => {
            let one = enums.iter().find(|one| one.name == *name).unwrap();
            DefaultValue::Variant(choices.one(&one.variants).name)
        }
        _ => choices.one(&[DefaultValue::Expression(None), DefaultValue::Expression(Some("f('x')".into()))]),
    };
    if choices.maybe() {
        column.default = Some(if column.list { DefaultValue::List(vec![default]) } else { default });
    }
    column.updated = column.holds == Type::DateTime && choices.maybe();
    column.ignored = choices.below(8) == 1;
    column
}

fn enumeration(choices: &mut Choices<'_>, at: usize) -> Enum {
    let name = format!("E{at}");
    let database = if choices.maybe() { format!("enum {at}") } else { name.clone() };
    let variants = (0..1 + choices.below(3)).map(|at| {
        let name = format!("v{at}");
        let text = if choices.maybe() { format!("{at}{}", choices.text()) } else { name.clone() };
        Variant { name, text, docs: choices.docs() }
    });
    Enum { name, database, variants: variants.collect(), docs: None }
}

fn index(choices: &mut Choices<'_>, table: &Table, columns: &[usize], unique: bool) -> Index {
    let suffix = if unique { "_key" } else { "_idx" };
    let usual = names::constraint("postgresql", &table.table, &table.column_names(columns), suffix);
    let name = if choices.maybe() { usual } else { format!("own {}", choices.text()) };
    let parts = columns.iter().map(|&at| IndexPart::new(at)).collect();
    Index { name, alias: None, parts, unique, method: None, condition: None }
}

fn table(choices: &mut Choices<'_>, at: usize, enums: &[Enum]) -> Table {
    let name = format!("T{at}");
    let mapped = if choices.maybe() { format!("table {at}{}", choices.text()) } else { name.clone() };
    let mut table = Table { name, table: mapped, docs: choices.docs(), ..Table::default() };
    table.columns.push(Column::new("id", "id", choices.one(&[Type::Int, Type::BigInt, Type::String])));
    table.columns.push(Column::new("part", "PART", Type::Int));
    for at in 0..choices.below(5) {
        table.columns.push(column(choices, format!("c{at}"), enums));
    }
    let columns = if choices.maybe() { vec![0, 1] } else { vec![0] };
    let alias = (columns.len() > 1 && choices.maybe()).then(|| "together".to_owned());
    table.key = Some(Key { columns, name: choices.maybe().then(|| "own_key".to_owned()), alias });
    table.ignored = choices.below(8) == 1;
    table
}

/// Adds the column and the relation by which one table refers to another.
fn relate(choices: &mut Choices<'_>, model: &mut Model, at: usize) {
    let (from, to) = (choices.below(model.tables.len()), choices.below(model.tables.len()));
    let target = &model.tables[to];
    let (target_name, key) = (target.name.clone(), target.key.clone().unwrap().columns);
    if key.len() != 1 {
        return;
    }
    let holds = target.columns[key[0]].holds.clone();
    let (optional, many) = (choices.maybe(), choices.maybe());
    let table = &mut model.tables[from];
    let mut column = Column::new(format!("ref{at}"), format!("ref{at}"), holds);
    column.nullable = optional;
    table.columns.push(column);
    let position = table.columns.len() - 1;
    if !many {
        let unique = index(choices, table, &[position], true);
        table.indexes.push(unique);
    }
    let actions = [Action::Cascade, Action::Restrict, Action::NoAction, usual_on_delete(optional)];
    let usual = names::constraint("postgresql", &table.table, &table.column_names(&[position]), "_fkey");
    let mut to = End::new(target_name, format!("back{at}"));
    (to.docs, to.ignored) = (choices.docs(), choices.below(8) == 1);
    model.relations.push(Relation {
        name: Some(format!("relation {at}")),
        from: End::new(&table.name, format!("to{at}")),
        to,
        columns: vec![format!("ref{at}")],
        references: vec!["id".to_owned()],
        optional,
        many,
        on_delete: choices.one(&actions),
        on_update: choices.one(&actions),
        constraint: choices.one(&[usual, "own".to_owned()]),
    });
}

fn link(choices: &mut Choices<'_>, model: &mut Model, at: usize) {
    let (a, b) = (choices.below(model.tables.len()), choices.below(model.tables.len()));
    let (a, b) = (&model.tables[a.min(b)], &model.tables[a.max(b)]);
    let single = |table: &Table| table.key.as_ref().is_some_and(|key| key.columns.len() == 1);
    if single(a) && single(b) {
        let (a, b) = (End::new(&a.name, format!("links{at}a")), End::new(&b.name, format!("links{at}b")));
        model.links.push(Link { name: Some(format!("link{at}")), a, b });
    }
}

/// The model that the tape describes.
fn model(tape: &[u8]) -> Model {
    let mut choices = Choices(tape);
    let mut model = Model { provider: "postgresql".into(), ..Model::default() };
    model.enums = (0..choices.below(3)).map(|at| enumeration(&mut choices, at)).collect();
    let enums = model.enums.clone();
    model.tables = (0..1 + choices.below(4)).map(|at| table(&mut choices, at, &enums)).collect();
    for at in 0..choices.below(6) {
        relate(&mut choices, &mut model, at);
    }
    for at in 0..choices.below(3) {
        link(&mut choices, &mut model, at);
    }
    for table in &mut model.tables {
        if choices.maybe() {
            let unique = choices.maybe();
            let mut found = index(&mut choices, table, &[1, 0], unique);
            found.alias = (found.unique && choices.maybe()).then(|| "pair".to_owned());
            found.parts[0].descending = choices.maybe();
            found.parts[1].length = choices.maybe().then_some(10);
            found.method = choices.one(&[None, Some("Hash".to_owned())]);
            table.indexes.push(found);
        }
    }
    model.sort();
    model
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_what_it_was(tape in vec(any::<u8>(), 0..400)) {
        let model = model(&tape);
        let (text, notes) = model.to_prisma("postgresql");
        prop_assert_eq!(notes, Vec::new());
        match from_prisma(&text) {
            Ok((again, _)) => {
                prop_assert_eq!(&again, &model, "{}", text);
                prop_assert_eq!(again.to_prisma("postgresql").0, text);
            }
            Err(found) => panic!("{}\n{text}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        }
        // Rust of any model can be written, and is Rust.
        for file in model.to_rust(&Options::default()).0 {
            syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{error}\n{}", file.text));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = from_prisma(&text).map_err(|found| found.iter().map(ToString::to_string).collect::<String>());
    }

    #[test]
    fn no_change_of_a_schema_makes_the_parser_panic(tape in vec(any::<u8>(), 0..200), changes in changes()) {
        let mut text: Vec<char> = model(&tape).to_prisma("postgresql").0.chars().collect();
        for (at, to, change) in changes {
            let (at, to) = (at % text.len().max(1), to % text.len().max(1));
            match change {
                0 if at < text.len() => drop(text.remove(at)),
                1 if at < text.len() => text.swap(at, to),
                2 => text.insert(at, ['{', '}', '(', ')', '[', '@', '"', '\n', '?', '.', ':', '\\'][to % 12]),
                _ => text.truncate(text.len() - to.min(text.len()) / 4),
            }
        }
        let text: String = text.into_iter().collect();
        match from_prisma(&text) {
            Ok((model, _)) => {
                let written = model.to_prisma(&model.provider).0;
                let again = from_prisma(&written).map(|(again, _)| again.to_prisma(&again.provider).0);
                prop_assert_eq!(again, Ok(written));
                let _ = model.to_rust(&Options::default());
            }
            Err(found) => {
                assert!(!found.is_empty());
                let _ = found.iter().map(ToString::to_string).collect::<String>();
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<(usize, usize, u8)>> {
    vec((any::<usize>(), any::<usize>(), 0..4_u8), 1..6)
}

#[test]
fn brackets_within_brackets_have_an_end() {
    let deep = format!("model A {{\n  id Int @id @default({}\n}}\n", "[".repeat(100_000));
    assert!(from_prisma(&deep).is_err());
}
