//! Relations: the names of their constants, and the columns that they go by.

use std::collections::HashMap;

use syn::{Expr, ExprLit, ExprPath, Ident, Lit, Path, parse_quote};

use super::{Field, FieldKind, OnDelete, Relation, constant};
use crate::attributes::{RelationEntry, RelationKind};
use crate::errors::Errors;

pub(super) fn relations(
    model: &Ident,
    fields: &[Field],
    entries: Vec<RelationEntry>,
    errors: &mut Errors,
) -> Vec<Relation> {
    let columns = fields.iter().filter(|field| !matches!(field.kind, FieldKind::Ignored));
    let mut constants: HashMap<Ident, &'static str> = columns.map(|field| (field.constant(), "column")).collect();
    let mut relations = Vec::new();
    for entry in entries {
        let constant = constant(&entry.name);
        if let Some(other) = constants.insert(constant.clone(), "relation") {
            errors.add(
                &entry.name,
                format!("`{model}::{constant}` is a {other} already; give this relation another name"),
            );
        }
        let link = match entry.kind {
            RelationKind::ManyToMany => owner(&entry.columns[0]),
            _ => None,
        };
        if entry.kind == RelationKind::ManyToMany && link.is_none() {
            errors.add(&entry.columns[0], "name the column with the model that links the two: `BookTag::BOOK_ID`");
            continue;
        }
        let on_delete = entry.on_delete.as_ref().and_then(|text| on_delete(entry.kind, text, errors));
        let own = matches!(entry.kind, RelationKind::BelongsTo | RelationKind::BelongsToAny);
        let columns = entry.columns.into_iter().map(|column| if own { qualified(model, column) } else { column });
        relations.push(Relation {
            kind: entry.kind,
            vis: entry.vis,
            constant,
            target: entry.target,
            link,
            columns: columns.collect(),
            on_delete,
        });
    }
    relations
}

/// What the text says of a relation of this kind.
fn on_delete(kind: RelationKind, text: &Expr, errors: &mut Errors) -> Option<OnDelete> {
    let value = match text {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        _ => String::new(),
    };
    let found = match value.as_str() {
        "restrict" => OnDelete::Restrict,
        "cascade" => OnDelete::Cascade,
        "set_null" => OnDelete::SetNull,
        _ => {
            errors.add(text, "`on_delete` is \"restrict\", \"cascade\" or \"set_null\"");
            return None;
        }
    };
    if matches!(kind, RelationKind::BelongsToAny | RelationKind::HasManyAs) {
        errors.add(text, "`on_delete` does not go with relations of several models; delete in a hook what refers");
        return None;
    }
    if kind == RelationKind::BelongsTo {
        errors.add(text, "`on_delete` goes on the `has_many` or `has_one` of the model that is referred to");
        return None;
    }
    if kind == RelationKind::ManyToMany && found == OnDelete::SetNull {
        errors.add(text, "links are no use with one end; write \"cascade\" to delete them, or \"restrict\"");
        return None;
    }
    Some(found)
}

/// A column that stands without its model is one of this model.
fn qualified(model: &Ident, column: Expr) -> Expr {
    match column {
        Expr::Path(ExprPath { qself: None, path, .. }) if path.segments.len() == 1 => {
            let mut model = model.clone();
            // The compiler shows a wrong column where it is named.
            model.set_span(path.segments[0].ident.span());
            parse_quote!(#model::#path)
        }
        Expr::Field(mut field) => {
            field.base = Box::new(qualified(model, *field.base));
            Expr::Field(field)
        }
        other => other,
    }
}

/// The model whose column it is: `BookTag` of `BookTag::BOOK_ID`.
fn owner(column: &Expr) -> Option<Path> {
    match column {
        Expr::Path(ExprPath { qself: None, path, .. }) if path.segments.len() > 1 => {
            let mut path = path.clone();
            path.segments.pop();
            path.segments.pop_punct();
            Some(path)
        }
        Expr::Field(field) => owner(&field.base),
        _ => None,
    }
}
