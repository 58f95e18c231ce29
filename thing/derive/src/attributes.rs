//! Attributes: what stands in `#[thing(…)]` on a struct, a field or a variant.

mod entry;

use syn::ext::IdentExt;
use syn::{Attribute, Expr, Ident, LitStr, Path, Type, Visibility};

use self::entry::{entries, set};
use crate::errors::Errors;

/// What `#[thing(…)]` says on a model or an embed.
#[derive(Default)]
pub(crate) struct StructAttributes {
    pub(crate) krate: Option<Path>,
    pub(crate) table: Option<LitStr>,
    pub(crate) key: Option<(Ident, Vec<Ident>)>,
    pub(crate) indexes: Vec<IndexList>,
    pub(crate) new: Option<Ident>,
    pub(crate) no_new: Option<Ident>,
    pub(crate) coherence: Option<LitStr>,
    /// An enum is stored as integers.
    pub(crate) integer: Option<Ident>,
    pub(crate) hooks: Option<Ident>,
    pub(crate) validate: Option<Ident>,
    pub(crate) garde: Option<Ident>,
    pub(crate) computed: Vec<ComputedEntry>,
    /// Columns of other models whose rows the database deletes along.
    pub(crate) cascades: Vec<Path>,
    /// Columns of other models that the database sets to NULL.
    pub(crate) nulls: Vec<Path>,
    /// Which objects reads see.
    pub(crate) keep: Option<Expr>,
    pub(crate) relations: Vec<RelationEntry>,
    pub(crate) foreign_keys: Vec<ForeignKeyEntry>,
    pub(crate) checks: Vec<CheckEntry>,
    pub(crate) comment: Option<LitStr>,
    /// Names that the table had.
    pub(crate) was: Vec<LitStr>,
    /// Something could not be read: what seems to be missing may stand there.
    pub(crate) unclear: bool,
}

/// `index(…)` or `unique(…)` on a struct.
pub(crate) struct IndexList {
    pub(crate) word: Ident,
    pub(crate) name: Option<LitStr>,
    pub(crate) fields: Vec<Ident>,
    /// Those of the fields whose greatest value comes first.
    pub(crate) descending: Vec<Ident>,
    /// Which rows it counts.
    pub(crate) condition: Option<LitStr>,
}

/// `foreign_key(Model, …)` on a field or a struct.
pub(crate) struct ForeignKeyEntry {
    pub(crate) word: Ident,
    pub(crate) parent: Path,
    pub(crate) name: Option<LitStr>,
    /// The fields that refer; none on a field.
    pub(crate) fields: Option<Vec<Ident>>,
    pub(crate) on_delete: Option<LitStr>,
    pub(crate) on_update: Option<LitStr>,
}

/// `check = "…"` on a field, `check(name = "…", "…")` on a struct.
pub(crate) struct CheckEntry {
    pub(crate) name: Option<LitStr>,
    pub(crate) condition: LitStr,
}

/// `has_many(name: Model, Model::COLUMN)` and the like on a struct.
pub(crate) struct RelationEntry {
    pub(crate) kind: RelationKind,
    pub(crate) vis: Option<Visibility>,
    pub(crate) name: Ident,
    pub(crate) target: Type,
    pub(crate) columns: Vec<Expr>,
    /// What becomes of the related objects when this one is deleted: a text.
    pub(crate) on_delete: Option<Expr>,
}

/// `name` or `name = path` in `computed(…)`.
pub(crate) struct ComputedEntry {
    pub(crate) name: Ident,
    /// The function, if it is not the method of this name.
    pub(crate) function: Option<Path>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelationKind {
    BelongsTo,
    HasOne,
    HasMany,
    ManyToMany,
    BelongsToAny,
    HasManyAs,
}

/// What `#[thing(…)]` says on a field. Words are kept for their place in the source.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) column: Option<LitStr>,
    pub(crate) key: Option<Ident>,
    pub(crate) assigned: Option<Ident>,
    pub(crate) ignore: Option<Ident>,
    pub(crate) indexes: Vec<FieldIndex>,
    pub(crate) default: Option<FieldDefault>,
    pub(crate) created: Option<Ident>,
    pub(crate) deleted: Option<Ident>,
    pub(crate) updated: Option<Ident>,
    pub(crate) version: Option<Ident>,
    pub(crate) embed: Option<Ident>,
    pub(crate) prefix: Option<LitStr>,
    pub(crate) given: Option<Ident>,
    pub(crate) foreign_key: Option<ForeignKeyEntry>,
    pub(crate) check: Option<LitStr>,
    pub(crate) comment: Option<LitStr>,
    /// Names that the column had.
    pub(crate) was: Vec<LitStr>,
    /// Something could not be read: what seems to be missing may stand there.
    pub(crate) unclear: bool,
}

/// `index` or `unique` on a field.
pub(crate) struct FieldIndex {
    pub(crate) word: Ident,
    pub(crate) name: Option<LitStr>,
}

/// `default` or `default = …` on a field.
pub(crate) struct FieldDefault {
    pub(crate) word: Ident,
    pub(crate) value: Option<Expr>,
}

/// What `#[thing(…)]` says on a variant.
#[derive(Default)]
pub(crate) struct VariantAttributes {
    pub(crate) rename: Option<LitStr>,
}

/// What a struct with `#[thing(…)]` derives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derived {
    Model,
    Embed,
    ColumnType,
    AnyOf,
}

// Statics: which of them a list is, its address tells.
static ON_FIELDS: &[&str] = &[
    "assigned",
    "check",
    "column",
    "comment",
    "created",
    "default",
    "deleted",
    "embed",
    "foreign_key",
    "given",
    "ignore",
    "index",
    "key",
    "prefix",
    "unique",
    "updated",
    "version",
    "was",
];
static ON_MODELS: &[&str] = &[
    "belongs_to",
    "belongs_to_any",
    "cascades",
    "check",
    "coherence",
    "comment",
    "computed",
    "crate",
    "foreign_key",
    "garde",
    "has_many",
    "has_many_as",
    "has_one",
    "hooks",
    "index",
    "keep",
    "key",
    "many_to_many",
    "new",
    "no_new",
    "nulls",
    "table",
    "unique",
    "validate",
    "was",
];
static ON_EMBEDS: &[&str] = &["crate", "index", "unique"];
static ON_COLUMN_TYPES: &[&str] = &["crate", "integer"];
static ON_VARIANTS: &[&str] = &["rename"];
static ON_ANY_OF: &[&str] = &["crate"];
const RELATIONS: &[&str] = &["belongs_to", "belongs_to_any", "has_many", "has_many_as", "has_one", "many_to_many"];

impl StructAttributes {
    pub(crate) fn parse(attributes: &[Attribute], derived: Derived, errors: &mut Errors) -> Self {
        let known = match derived {
            Derived::Model => ON_MODELS,
            Derived::Embed => ON_EMBEDS,
            Derived::ColumnType => ON_COLUMN_TYPES,
            Derived::AnyOf => ON_ANY_OF,
        };
        let mut parsed = Self::default();
        for entry in entries(attributes, &mut parsed.unclear, errors) {
            let name = entry.name.unraw().to_string();
            if !known.contains(&name.as_str()) {
                parsed.unclear = true;
                entry.unknown(known, derived, errors);
                continue;
            }
            match name.as_str() {
                "cascades" => parsed.cascades.extend(entry.columns(errors)),
                "nulls" => parsed.nulls.extend(entry.columns(errors)),
                name if RELATIONS.contains(&name) => parsed.relations.extend(entry.relation(errors)),
                "foreign_key" => parsed.foreign_keys.extend(entry.foreign_key(true, errors)),
                "check" => parsed.checks.extend(entry.check(errors)),
                "comment" => set(&mut parsed.comment, entry.text(errors), &entry.name, errors),
                "was" => parsed.was.extend(entry.text(errors)),
                "keep" => set(&mut parsed.keep, entry.expression(errors), &entry.name, errors),
                "coherence" => set(&mut parsed.coherence, entry.text(errors), &entry.name, errors),
                "computed" => parsed.computed.extend(entry.computed(errors)),
                "crate" => set(&mut parsed.krate, entry.path(errors), &entry.name, errors),
                "integer" => set(&mut parsed.integer, entry.flag(errors), &entry.name, errors),
                "garde" => set(&mut parsed.garde, entry.flag(errors), &entry.name, errors),
                "hooks" => set(&mut parsed.hooks, entry.flag(errors), &entry.name, errors),
                "validate" => set(&mut parsed.validate, entry.flag(errors), &entry.name, errors),
                "table" => set(&mut parsed.table, entry.text(errors), &entry.name, errors),
                "key" => {
                    let key = entry.names(errors).map(|names| (entry.name.clone(), names));
                    parsed.unclear |= key.is_none();
                    set(&mut parsed.key, key, &entry.name, errors);
                }
                "index" | "unique" => parsed.indexes.extend(entry.index_list(errors)),
                "new" => {
                    let name = entry.text(errors).and_then(|text| match text.parse::<Ident>() {
                        Ok(name) => Some(name),
                        Err(_) => {
                            errors.add(&text, format!("`{}` is no name for a struct", text.value()));
                            None
                        }
                    });
                    set(&mut parsed.new, name, &entry.name, errors);
                }
                _ => set(&mut parsed.no_new, entry.flag(errors), &entry.name, errors),
            }
        }
        if let (Some(_), Some(word)) = (&parsed.new, &parsed.no_new) {
            errors.add(word, "`new` and `no_new` exclude each other; drop one");
        }
        parsed
    }
}

impl FieldAttributes {
    pub(crate) fn parse(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut parsed = Self::default();
        for entry in entries(attributes, &mut parsed.unclear, errors) {
            match entry.name.unraw().to_string().as_str() {
                "column" => set(&mut parsed.column, entry.text(errors), &entry.name, errors),
                "key" => set(&mut parsed.key, entry.flag(errors), &entry.name, errors),
                "assigned" => set(&mut parsed.assigned, entry.flag(errors), &entry.name, errors),
                "ignore" => set(&mut parsed.ignore, entry.flag(errors), &entry.name, errors),
                "index" | "unique" => parsed.indexes.extend(entry.field_index(errors)),
                "default" => set(&mut parsed.default, entry.default(errors), &entry.name, errors),
                "created" => set(&mut parsed.created, entry.flag(errors), &entry.name, errors),
                "deleted" => set(&mut parsed.deleted, entry.flag(errors), &entry.name, errors),
                "updated" => set(&mut parsed.updated, entry.flag(errors), &entry.name, errors),
                "version" => set(&mut parsed.version, entry.flag(errors), &entry.name, errors),
                "embed" => set(&mut parsed.embed, entry.flag(errors), &entry.name, errors),
                "prefix" => set(&mut parsed.prefix, entry.text(errors), &entry.name, errors),
                "given" => set(&mut parsed.given, entry.flag(errors), &entry.name, errors),
                "foreign_key" => {
                    set(&mut parsed.foreign_key, entry.foreign_key(false, errors), &entry.name, errors);
                }
                "check" => set(&mut parsed.check, entry.text(errors), &entry.name, errors),
                "comment" => set(&mut parsed.comment, entry.text(errors), &entry.name, errors),
                "was" => parsed.was.extend(entry.text(errors)),
                name if RELATIONS.contains(&name) => {
                    parsed.unclear = true;
                    errors.add(
                        &entry.name,
                        format!("a relation is declared on the struct: `#[thing({})]`", entry::relation_example(name)),
                    );
                }
                _ => {
                    parsed.unclear = true;
                    entry.unknown(ON_FIELDS, Derived::Model, errors);
                }
            }
        }
        parsed
    }

    /// How many things the attributes say.
    pub(crate) fn words(&self) -> usize {
        let words = [&self.key, &self.assigned, &self.ignore, &self.created, &self.updated, &self.version];
        words.into_iter().chain([&self.deleted, &self.embed, &self.given]).flatten().count()
            + [&self.column, &self.prefix, &self.check, &self.comment].into_iter().flatten().count()
            + self.indexes.len()
            + self.was.len()
            + usize::from(self.foreign_key.is_some())
            + usize::from(self.default.is_some())
    }
}

impl VariantAttributes {
    pub(crate) fn parse(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut parsed = Self::default();
        for entry in entries(attributes, &mut false, errors) {
            if entry.name == "rename" {
                set(&mut parsed.rename, entry.text(errors), &entry.name, errors);
            } else {
                entry.unknown(ON_VARIANTS, Derived::ColumnType, errors);
            }
        }
        parsed
    }
}
