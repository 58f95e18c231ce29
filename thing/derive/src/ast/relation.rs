//! Relations: the names of their constants, and the columns that they go by.

use std::collections::HashMap;

use syn::{Expr, ExprPath, Ident, Path, parse_quote};

use super::{Field, FieldKind, Relation, constant};
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
        let own = entry.kind == RelationKind::BelongsTo;
        let columns = entry.columns.into_iter().map(|column| if own { qualified(model, column) } else { column });
        relations.push(Relation {
            kind: entry.kind,
            vis: entry.vis,
            constant,
            target: entry.target,
            link,
            columns: columns.collect(),
        });
    }
    relations
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
