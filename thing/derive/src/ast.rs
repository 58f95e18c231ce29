//! Models and embeds as the macros understand them. One that is declared wrongly can't be built.

mod raw;
mod key;
mod field;
mod index;
mod constraint;
mod relation;

pub(crate) use raw::last_segment;

use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Attribute, DeriveInput, Expr, Ident, LitStr, Path, Type, Visibility, parse_quote};

use self::constraint::{checks, foreign_keys};
use self::field::{Role, kind, narrower, refuse_equal_names, refuse_second_stamps};
use self::index::indexes;
use self::key::{check_assigned, model_key, own_key, refuse_nullable_keys};
use self::raw::{RawField, raw_fields};
use self::relation::relations;
use crate::attributes::{ComputedEntry, Derived, RelationKind, StructAttributes};
use crate::errors::Errors;
use crate::table_name::table_name;

/// A struct with `#[derive(Model)]`.
pub(crate) struct Model {
    pub(crate) shape: Shape,
    pub(crate) table: String,
    pub(crate) key: Key,
    /// The name of the struct for new objects, if there is to be one.
    pub(crate) new: Option<Ident>,
    /// The variant of `Coherence`, if one is chosen.
    pub(crate) coherence: Option<Ident>,
    /// The words of the struct that say what goes along with writes, for their places.
    pub(crate) along: Along,
    /// Columns of other models whose rows the database deletes along.
    pub(crate) cascades: Vec<Path>,
    /// Columns of other models that the database sets to NULL.
    pub(crate) nulls: Vec<Path>,
    /// Which objects reads see.
    pub(crate) keep: Option<Expr>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) computed: Vec<ComputedEntry>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) checks: Vec<Check>,
    pub(crate) comment: Option<String>,
    /// Names that the table had.
    pub(crate) was: Vec<String>,
}

/// What goes along with the writes of a model.
pub(crate) struct Along {
    pub(crate) hooks: Option<Ident>,
    pub(crate) validate: Option<Ident>,
    pub(crate) garde: Option<Ident>,
}

/// A struct with `#[derive(Embed)]`.
pub(crate) struct Embed {
    pub(crate) shape: Shape,
    /// The position of the key's field, and whether the database generates it.
    pub(crate) key: Option<(usize, bool)>,
}

/// What models and embeds have in common.
pub(crate) struct Shape {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The path of the crate `thing`.
    pub(crate) krate: Path,
    pub(crate) fields: Vec<Field>,
    pub(crate) indexes: Vec<Index>,
}

/// A field.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// Who sees the field's typed column: whoever sees both the struct and the field, whose types may be private.
    pub(crate) column_vis: Visibility,
    pub(crate) ty: Type,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) kind: FieldKind,
    /// What the column is for.
    pub(crate) comment: Option<String>,
    /// Names that the column had.
    pub(crate) was: Vec<String>,
}

/// What a field is to the table.
pub(crate) enum FieldKind {
    Column(Column),
    Embed {
        /// Stands before the names of the embed's columns and indexes.
        prefix: String,
        /// Part of the struct for new objects.
        given: bool,
    },
    Ignored,
}

/// A field that is a column.
pub(crate) struct Column {
    pub(crate) name: String,
    /// The name of the type that stands for the column.
    pub(crate) marker: Ident,
    pub(crate) is_key: bool,
    pub(crate) source: Source,
}

/// Where the value of a column comes from in a new object.
pub(crate) enum Source {
    /// The application.
    Given,
    /// The application or, without it, this expression of the field's type.
    Default(Expr),
    /// The database.
    GeneratedKey,
    /// The clock, when the row is made.
    Created,
    /// The clock, whenever the row is written.
    Updated,
    /// The number of writes of the row, its first one included.
    Version,
    /// The delete that keeps the row.
    Deleted,
}

/// The primary key of a model.
pub(crate) enum Key {
    /// Positions of fields, one or more.
    Fields { fields: Vec<usize>, generated: bool },
    /// The position of the embed that holds it.
    Embed(usize),
}

/// An index. The columns are positions of fields, all of them columns.
pub(crate) struct Index {
    pub(crate) name: Option<String>,
    pub(crate) fields: Vec<usize>,
    pub(crate) unique: bool,
    /// Those of the fields whose greatest value comes first.
    pub(crate) descending: Vec<usize>,
    /// Which rows it counts, in SQL.
    pub(crate) condition: Option<String>,
}

/// A foreign key to the key of another model. The columns are positions of fields, all of them columns.
pub(crate) struct ForeignKey {
    pub(crate) parent: Path,
    pub(crate) name: Option<String>,
    pub(crate) fields: Vec<usize>,
    pub(crate) on_delete: ForeignAction,
    pub(crate) on_update: ForeignAction,
}

/// What the database does with rows that refer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForeignAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
}

/// A condition that every row fulfils.
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) condition: String,
}

/// A relation with another model.
pub(crate) struct Relation {
    pub(crate) kind: RelationKind,
    /// Who sees the constant, if not whoever sees the struct.
    pub(crate) vis: Option<Visibility>,
    pub(crate) constant: Ident,
    pub(crate) target: Type,
    /// The model whose rows link the two, of `many_to_many`.
    pub(crate) link: Option<Path>,
    /// The columns, as expressions.
    pub(crate) columns: Vec<Expr>,
    pub(crate) on_delete: Option<OnDelete>,
}

/// What becomes of the related objects when an object is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDelete {
    Restrict,
    Cascade,
    SetNull,
}

/// The name of the constant for a field or a relation.
fn constant(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    let upper = if name.chars().any(char::is_uppercase) {
        heck::AsShoutySnakeCase(&name).to_string()
    } else {
        name.to_uppercase()
    };
    format_ident!("{upper}", span = ident.span())
}

impl Field {
    /// The constant of the field's column.
    pub(crate) fn constant(&self) -> Ident {
        constant(&self.ident)
    }

    /// The function that makes the field's value when nobody gives it. Its name hides no function that a default calls.
    pub(crate) fn function(&self) -> Ident {
        format_ident!("__new_{}", self.ident.unraw(), span = self.ident.span())
    }

    /// The name, as output shows it.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    pub(crate) fn column(&self) -> Option<&Column> {
        match &self.kind {
            FieldKind::Column(column) => Some(column),
            FieldKind::Embed { .. } | FieldKind::Ignored => None,
        }
    }
}

impl Relation {
    /// The name, as output shows it.
    pub(crate) fn name(&self) -> String {
        self.constant.to_string().to_lowercase()
    }
}

impl Model {
    pub(crate) fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let attributes = StructAttributes::parse(&input.attrs, Derived::Model, &mut errors);
        let Some(raw) = raw_fields(input, Derived::Model, &mut errors) else {
            return errors.finish(None);
        };
        let key = model_key(input, &attributes, &raw, &mut errors);
        let shape = shape(input, Derived::Model, &attributes, &raw, key.as_ref(), &mut errors);
        let name = input.ident.unraw();
        let table = attributes.table.as_ref().map_or_else(|| table_name(&name.to_string()), |table| table.value());
        let new = match attributes.no_new {
            Some(_) => None,
            None => Some(attributes.new.unwrap_or_else(|| format_ident!("New{name}"))),
        };
        let coherence = attributes.coherence.and_then(|text| coherence(&text, &mut errors));
        let along = Along { hooks: attributes.hooks, validate: attributes.validate, garde: attributes.garde };
        let (cascades, nulls, keep) = (attributes.cascades, attributes.nulls, attributes.keep);
        if let (Some(Key::Fields { fields, .. }), Some(column)) = (&key, cascades.iter().chain(&nulls).next())
            && fields.len() > 1
        {
            errors.add(column, "a composite key has no column of another model that refers to it; invalidate by hand");
        }
        let relations = relations(&input.ident, &shape.fields, attributes.relations, &mut errors);
        let foreign_keys = foreign_keys(&attributes.foreign_keys, &raw, &mut errors);
        let checks = checks(&table, &attributes.checks, &raw, &mut errors);
        let comment = attributes.comment.as_ref().map(LitStr::value);
        let was = attributes.was.iter().map(LitStr::value).collect();
        let computed = attributes.computed;
        refuse_taken_names(&computed, &shape.fields, &relations, &mut errors);
        errors.finish(key.map(|key| Self {
            shape,
            table,
            key,
            new,
            coherence,
            along,
            cascades,
            nulls,
            keep,
            relations,
            computed,
            foreign_keys,
            checks,
            comment,
            was,
        }))
    }
}

/// A computed field has a name of its own among fields and relations.
fn refuse_taken_names(computed: &[ComputedEntry], fields: &[Field], relations: &[Relation], errors: &mut Errors) {
    let mut taken: Vec<String> = fields.iter().filter(|field| field.column().is_some()).map(Field::name).collect();
    taken.extend(relations.iter().map(Relation::name));
    for entry in computed {
        let name = entry.name.unraw().to_string();
        if taken.contains(&name) {
            errors.add(&entry.name, format!("`{name}` names a field, a relation or a computed field already"));
        }
        taken.push(name);
    }
}

/// The variant of `Coherence` that the text names.
fn coherence(text: &LitStr, errors: &mut Errors) -> Option<Ident> {
    let variant = match text.value().as_str() {
        "fresh" => "Fresh",
        "bounded" => "Bounded",
        "strict" => "Strict",
        other => {
            errors.add(text, format!("`{other}` is no coherence; there are \"fresh\", \"bounded\" and \"strict\""));
            return None;
        }
    };
    Some(Ident::new(variant, text.span()))
}

impl Embed {
    pub(crate) fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let attributes = StructAttributes::parse(&input.attrs, Derived::Embed, &mut errors);
        let Some(raw) = raw_fields(input, Derived::Embed, &mut errors) else {
            return errors.finish(None);
        };
        let key = own_key(&raw, &mut errors);
        let shape = shape(input, Derived::Embed, &attributes, &raw, key.as_ref(), &mut errors);
        let key = match key {
            Some(Key::Fields { fields, generated }) => {
                refuse_nullable_keys(&raw, &fields, &mut errors);
                Some((fields[0], generated))
            }
            Some(Key::Embed(_)) | None => None,
        };
        errors.finish(Some(Self { shape, key }))
    }
}

/// Judges the fields and indexes. The result is of use only if no mistake was found.
fn shape(
    input: &DeriveInput,
    derived: Derived,
    attributes: &StructAttributes,
    raw: &[RawField<'_>],
    key: Option<&Key>,
    errors: &mut Errors,
) -> Shape {
    check_assigned(raw, key, errors);
    let fields: Vec<Field> = raw
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let role = match key {
                Some(Key::Fields { fields, generated }) if fields.contains(&at) => Role::Key { generated: *generated },
                _ => Role::Other,
            };
            Field {
                ident: field.ident.clone(),
                vis: field.field.vis.clone(),
                column_vis: narrower(&input.vis, &field.field.vis).clone(),
                ty: field.field.ty.clone(),
                docs: field.field.attrs.iter().filter(|a| a.path().is_ident("doc")).cloned().collect(),
                kind: kind(input, derived, field, role, errors),
                comment: field.attributes.comment.as_ref().map(LitStr::value),
                was: field.attributes.was.iter().map(LitStr::value).collect(),
            }
        })
        .collect();
    refuse_second_stamps(raw, errors);
    refuse_equal_names(raw, &fields, errors);
    let indexes = indexes(attributes, raw, errors);
    Shape {
        ident: input.ident.clone(),
        vis: input.vis.clone(),
        krate: attributes.krate.clone().unwrap_or_else(|| parse_quote!(::thing)),
        fields,
        indexes,
    }
}
