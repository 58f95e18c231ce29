//! Indexes: those of fields and those of the struct.

use syn::{Ident, LitStr};

use super::Index;
use super::raw::{RawField, resolve};
use crate::attributes::StructAttributes;
use crate::errors::Errors;

/// The indexes: those of single fields and of fields that share a name in the order of the fields, then those that the
/// struct declares.
pub(super) fn indexes(attributes: &StructAttributes, raw: &[RawField<'_>], errors: &mut Errors) -> Vec<Index> {
    let mut declared: Vec<(Index, &Ident)> = Vec::new();
    for (at, field) in raw.iter().enumerate() {
        for index in &field.attributes.indexes {
            let unique = index.word == "unique";
            let name = index.name.as_ref().map(LitStr::value);
            let group = declared.iter_mut().find(|(other, _)| name.is_some() && other.name == name);
            match group {
                Some((group, _)) if group.unique != unique => {
                    let name = &index.name;
                    errors.add(name, "this name is given to an index and to a unique one; make them agree");
                }
                Some((group, _)) if group.fields.contains(&at) => {
                    errors.add(&index.name, "the field is in this index already; drop one");
                }
                Some((group, _)) => group.fields.push(at),
                None => {
                    let (descending, condition) = (Vec::new(), None);
                    declared.push((Index { name, fields: vec![at], unique, descending, condition }, &index.word));
                }
            }
        }
    }
    for list in &attributes.indexes {
        let Some(fields) = resolve(&list.fields, raw, &list.word.to_string(), errors) else {
            continue;
        };
        let name = list.name.as_ref().map(LitStr::value);
        let unique = list.word == "unique";
        let is_descending = |&&field: &&usize| list.descending.iter().any(|name| name == raw[field].ident);
        let descending = fields.iter().filter(is_descending).copied().collect();
        let condition = list.condition.as_ref().map(LitStr::value);
        declared.push((Index { name, fields, unique, descending, condition }, &list.word));
    }
    for (at, (index, word)) in declared.iter().enumerate() {
        for (other, _) in &declared[..at] {
            let alike = (&other.fields, &other.descending, &other.condition)
                == (&index.fields, &index.descending, &index.condition);
            if alike {
                errors.add(
                    word,
                    "these columns have an index already, and a unique one serves as one; drop one of the two",
                );
            } else if index.name.is_some() && other.name == index.name {
                errors.add(word, "another index has this name; rename one");
            }
        }
    }
    declared.into_iter().map(|(index, _)| index).collect()
}
