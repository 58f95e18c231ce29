//! Models and embeds as the macros understand them. One that is declared wrongly can't be built.

use std::collections::HashMap;

use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Ident, Lit, LitStr, Path, Type, Visibility, parse_quote};

use crate::attributes::{Derived, FieldAttributes, FieldDefault, StructAttributes};
use crate::errors::{Errors, did_you_mean};
use crate::table_name::table_name;

/// The most columns a table can have; the contract crate has the same number.
const MAX_COLUMNS: usize = 128;
/// The most parts of a composite key: so many have an `impl ModelKey`.
const MAX_KEY_PARTS: usize = 4;

/// A struct with `#[derive(Model)]`.
pub(crate) struct Model {
    pub(crate) shape: Shape,
    pub(crate) table: String,
    pub(crate) key: Key,
    /// The name of the struct for new objects, if there is to be one.
    pub(crate) new: Option<Ident>,
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
}

impl Field {
    /// The constant of the field's column.
    pub(crate) fn constant(&self) -> Ident {
        let name = self.ident.unraw().to_string();
        let upper = if name.chars().any(char::is_uppercase) {
            heck::AsShoutySnakeCase(&name).to_string()
        } else {
            name.to_uppercase()
        };
        format_ident!("{upper}", span = self.ident.span())
    }

    /// The function that makes the field's value when nobody gives it.
    pub(crate) fn function(&self) -> Ident {
        format_ident!("new_{}", self.ident.unraw(), span = self.ident.span())
    }

    pub(crate) fn column(&self) -> Option<&Column> {
        match &self.kind {
            FieldKind::Column(column) => Some(column),
            FieldKind::Embed { .. } | FieldKind::Ignored => None,
        }
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
        let table = attributes.table.map_or_else(|| table_name(&name.to_string()), |table| table.value());
        let new = match attributes.no_new {
            Some(_) => None,
            None => Some(attributes.new.unwrap_or_else(|| format_ident!("New{name}"))),
        };
        errors.finish(key.map(|key| Self { shape, table, key, new }))
    }
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

/// A named field with its attributes, not judged yet.
struct RawField<'a> {
    field: &'a syn::Field,
    ident: &'a Ident,
    attributes: FieldAttributes,
}

impl RawField<'_> {
    fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    fn is_column(&self) -> bool {
        self.attributes.ignore.is_none() && self.attributes.embed.is_none()
    }
}

/// The fields of a struct with named fields and without generics; anything else is a mistake.
fn raw_fields<'a>(input: &'a DeriveInput, derived: Derived, errors: &mut Errors) -> Option<Vec<RawField<'a>>> {
    let (article, word) = match derived {
        Derived::Embed => ("an", "embed"),
        Derived::Model | Derived::ColumnType => ("a", "model"),
    };
    if !input.generics.params.is_empty() {
        errors.add(
            &input.generics,
            format!("{article} {word} has no type parameters or lifetimes; write one struct for each type, which owns its data"),
        );
    }
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            Fields::Unnamed(fields) => {
                errors.add(fields, format!("the fields of {article} {word} have names, which name the columns; write `{} {{ … }}`", input.ident));
                return None;
            }
            Fields::Unit => {
                errors.add(&input.ident, format!("`{}` has no fields; {article} {word} needs at least one column", input.ident));
                return None;
            }
        },
        Data::Enum(data) => {
            errors.add(data.enum_token, format!("{article} {word} is a struct; an enum can be a column, with `#[derive(ColumnType)]`"));
            return None;
        }
        Data::Union(data) => {
            errors.add(data.union_token, format!("{article} {word} is a struct with named fields"));
            return None;
        }
    };
    let raw: Vec<RawField<'a>> = fields
        .iter()
        .filter_map(|field| {
            let attributes = FieldAttributes::parse(&field.attrs, errors);
            field.ident.as_ref().map(|ident| RawField { field, ident, attributes })
        })
        .collect();
    if raw.iter().all(|f| f.attributes.ignore.is_some()) {
        errors.add(&input.ident, format!("`{}` has no columns; {article} {word} needs at least one field that is not ignored", input.ident));
    }
    Some(raw)
}

/// Finds the key: declared on the struct, or on a field, or by the name `id`, or in an embed.
fn model_key(
    input: &DeriveInput,
    attributes: &StructAttributes,
    raw: &[RawField<'_>],
    errors: &mut Errors,
) -> Option<Key> {
    let mistakes = errors.len();
    let key = match &attributes.key {
        Some((word, names)) => composite_key(word, names, raw, errors),
        None => own_key(raw, errors).or_else(|| embedded_key(raw, errors)),
    };
    if let Some(Key::Fields { fields, .. }) = &key {
        refuse_nullable_keys(raw, fields, errors);
    }
    // What could not be read may have been the key.
    let unclear = attributes.unclear || raw.iter().any(|f| f.attributes.unclear || f.attributes.key.is_some());
    if key.is_none() && errors.len() == mistakes && !unclear {
        errors.add(
            &input.ident,
            format!(
                "`{}` has no primary key; name a field `id`, mark one with `#[thing(key)]`, \
                 or list several on the struct with `#[thing(key(a, b))]`",
                input.ident
            ),
        );
    }
    key
}

fn composite_key(word: &Ident, names: &[Ident], raw: &[RawField<'_>], errors: &mut Errors) -> Option<Key> {
    for field in raw {
        if let Some(word) = &field.attributes.key {
            errors.add(word, "the key is declared on the struct; drop one of the two");
        }
    }
    if names.len() > MAX_KEY_PARTS {
        errors.add(word, format!("a key has at most {MAX_KEY_PARTS} parts, this one has {}", names.len()));
        return None;
    }
    let fields = resolve(names, raw, "key", errors)?;
    let generated = fields.len() == 1 && is_generated(&raw[fields[0]]);
    Some(Key::Fields { fields, generated })
}

/// The key that is a field: marked, or named `id`.
fn own_key(raw: &[RawField<'_>], errors: &mut Errors) -> Option<Key> {
    let marked: Vec<usize> = positions(raw, |f| f.attributes.key.is_some() && f.attributes.embed.is_none());
    if let [_, others @ ..] = marked.as_slice()
        && !others.is_empty()
    {
        let names: Vec<String> = marked.iter().map(|&at| raw[at].name()).collect();
        for &other in others {
            errors.add(
                &raw[other].attributes.key,
                format!(
                    "`{}` is marked as the key already; for a key of several fields write \
                     `#[thing(key({}))]` on the struct",
                    names[0],
                    names.join(", ")
                ),
            );
        }
    }
    let embed_is_key = raw.iter().any(|f| f.attributes.key.is_some() && f.attributes.embed.is_some());
    let named_id = || positions(raw, |f| f.name() == "id" && f.is_column());
    let field = match marked.first() {
        Some(&field) => field,
        None if embed_is_key => return None,
        None => *named_id().first()?,
    };
    Some(Key::Fields {
        fields: vec![field],
        generated: is_generated(&raw[field]),
    })
}

/// The key that an embed holds: the only embed, or the one that is marked.
fn embedded_key(raw: &[RawField<'_>], errors: &mut Errors) -> Option<Key> {
    let embeds = positions(raw, |f| f.attributes.embed.is_some());
    let marked = positions(raw, |f| f.attributes.embed.is_some() && f.attributes.key.is_some());
    match (marked.as_slice(), embeds.as_slice()) {
        (&[marked], _) => Some(Key::Embed(marked)),
        ([], &[only]) => Some(Key::Embed(only)),
        ([], []) => None,
        ([], several) => {
            let names: Vec<String> = several.iter().map(|&at| format!("`{}`", raw[at].name())).collect();
            errors.add(
                raw[several[0]].ident,
                format!(
                    "the key can be in {}; write `#[thing(embed, key)]` on the embed that holds it",
                    names.join(" or ")
                ),
            );
            None
        }
        ([_, others @ ..], _) => {
            for &other in others {
                errors.add(&raw[other].attributes.key, "another embed holds the key already; drop one of the two");
            }
            None
        }
    }
}

/// Integer keys are made by the database unless the field says otherwise. Of other types this is known by their name;
/// for a type that is neither, the generated code asks for [`GeneratedKey`].
///
/// [`GeneratedKey`]: https://docs.rs/thing
fn is_generated(field: &RawField<'_>) -> bool {
    let assigned_type = last_segment(&field.field.ty).is_some_and(|name| name == "String" || name == "Uuid");
    field.attributes.assigned.is_none() && !assigned_type
}

fn refuse_nullable_keys(raw: &[RawField<'_>], fields: &[usize], errors: &mut Errors) {
    for &field in fields {
        let ty = &raw[field].field.ty;
        if last_segment(ty).is_some_and(|name| name == "Option") {
            errors.add(ty, format!("the key `{}` can't be an Option: a key is never NULL", raw[field].name()));
        }
    }
}

/// `assigned` says something about the key only.
fn check_assigned(raw: &[RawField<'_>], key: Option<&Key>, errors: &mut Errors) {
    for (at, field) in raw.iter().enumerate() {
        let Some(word) = &field.attributes.assigned else {
            continue;
        };
        match key {
            _ if field.attributes.embed.is_some() => {
                errors.add(word, "`assigned` goes on the key's field, inside the embed");
            }
            Some(Key::Fields { fields, .. }) if fields.contains(&at) => {
                if fields.len() > 1 {
                    errors.add(word, "the parts of a composite key are always assigned; drop `assigned`");
                }
            }
            Some(_) => errors.add(
                word,
                "`assigned` says that the application makes the key, but this field is not the key",
            ),
            None => {}
        }
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

#[derive(Clone, Copy)]
enum Role {
    Key { generated: bool },
    Other,
}

fn kind(input: &DeriveInput, derived: Derived, raw: &RawField<'_>, role: Role, errors: &mut Errors) -> FieldKind {
    let attributes = &raw.attributes;
    if let Some(word) = &attributes.ignore {
        if let Some(key) = &attributes.key {
            errors.add(key, "the key can't be ignored: without it a row is not found again");
        } else if attributes.words() > 1 {
            errors.add(word, "an ignored field is no column; drop the other attributes or `ignore`");
        }
        return FieldKind::Ignored;
    }
    if let Some(word) = &attributes.embed {
        if derived == Derived::Embed {
            errors.add(word, "an embed can't hold another embed; embed both in the model");
        }
        let own = [&attributes.embed, &attributes.key, &attributes.given, &attributes.assigned];
        let own = own.into_iter().flatten().count() + usize::from(attributes.prefix.is_some());
        if attributes.words() > own {
            errors.add(
                word,
                "an embed is several columns; put the other attributes on the fields of its struct",
            );
        }
        return FieldKind::Embed {
            prefix: attributes.prefix.as_ref().map(LitStr::value).unwrap_or_default(),
            given: attributes.given.is_some(),
        };
    }
    if let Some(prefix) = &attributes.prefix {
        errors.add(prefix, "`prefix` goes with `embed`; rename a single column with `column = \"…\"`");
    }
    if let Some(given) = &attributes.given {
        errors.add(given, "`given` goes with `embed`; a column without a default is always given");
    }
    FieldKind::Column(Column {
        name: attributes.column.as_ref().map_or_else(|| raw.name(), LitStr::value),
        marker: format_ident!("{}_{}", input.ident.unraw(), raw.name(), span = raw.ident.span()),
        is_key: matches!(role, Role::Key { .. }),
        source: source(raw, role, errors),
    })
}

fn source(raw: &RawField<'_>, role: Role, errors: &mut Errors) -> Source {
    let FieldAttributes { default, created, updated, .. } = &raw.attributes;
    if let (Some(_), Some(updated)) = (created, updated) {
        errors.add(updated, "a field holds the time of creation or of the last update, not both; drop one");
    }
    if let (Some(stamp), Some(default)) = (created.as_ref().or(updated.as_ref()), default) {
        errors.add(&default.word, format!("`{stamp}` fills the field in; drop the default"));
    }
    match role {
        Role::Key { generated } => {
            if let Some(stamp) = created.as_ref().or(updated.as_ref()) {
                errors.add(stamp, format!("the key can't be `{stamp}`: it never changes, and two rows can be made at one time"));
            }
            if generated && let Some(default) = default {
                errors.add(
                    &default.word,
                    "the database makes this key; drop the default, or write `assigned` when the application makes it",
                );
            }
            if generated {
                return Source::GeneratedKey;
            }
        }
        Role::Other if created.is_some() => return Source::Created,
        Role::Other if updated.is_some() => return Source::Updated,
        Role::Other => {}
    }
    match default {
        Some(default) => Source::Default(default_expression(default, &raw.field.ty)),
        None => Source::Given,
    }
}

/// A text given for a type that is no primitive is converted into it, so that `"active"` is a `String`.
fn default_expression(default: &FieldDefault, ty: &Type) -> Expr {
    let Some(value) = &default.value else {
        return parse_quote!(::core::default::Default::default());
    };
    let literal = matches!(value, Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_) | Lit::ByteStr(_)));
    let plain = last_segment(ty).is_some_and(|name| name == "Option" || name.to_string().starts_with(char::is_lowercase));
    if literal && !plain {
        return parse_quote!(::core::convert::Into::into(#value));
    }
    value.clone()
}

fn refuse_second_stamps(raw: &[RawField<'_>], errors: &mut Errors) {
    let created = raw.iter().filter_map(|f| Some((f, f.attributes.created.as_ref()?)));
    let updated = raw.iter().filter_map(|f| Some((f, f.attributes.updated.as_ref()?)));
    for mut stamps in [created.collect::<Vec<_>>(), updated.collect()].map(Vec::into_iter) {
        let Some((first, _)) = stamps.next() else {
            continue;
        };
        for (_, word) in stamps {
            errors.add(word, format!("`{}` is `{word}` already; one field is enough", first.name()));
        }
    }
}

/// Two columns can't have one name, nor two constants.
fn refuse_equal_names(raw: &[RawField<'_>], fields: &[Field], errors: &mut Errors) {
    let mut columns: HashMap<String, &Ident> = HashMap::new();
    let mut constants: HashMap<Ident, &Ident> = HashMap::new();
    let mut count = 0;
    for (raw, field) in raw.iter().zip(fields) {
        if let Some(column) = field.column() {
            count += 1;
            if count == MAX_COLUMNS + 1 {
                errors.add(raw.ident, format!("a table has at most {MAX_COLUMNS} columns; this is one more"));
            }
            if let Some(first) = columns.insert(column.name.to_lowercase(), raw.ident) {
                let message = format!("column `{}` is declared twice, first by `{first}`; rename one", column.name);
                match &raw.attributes.column {
                    Some(name) => errors.add(name, message),
                    None => errors.add(raw.ident, message),
                }
            }
        }
        if !matches!(field.kind, FieldKind::Ignored)
            && let Some(first) = constants.insert(field.constant(), raw.ident)
        {
            errors.add(
                raw.ident,
                format!("`{first}` and `{}` would both be `{}`; rename one", raw.ident, field.constant()),
            );
        }
    }
}

/// The indexes: those of single fields and of fields that share a name in the order of the fields, then those that the
/// struct declares.
fn indexes(attributes: &StructAttributes, raw: &[RawField<'_>], errors: &mut Errors) -> Vec<Index> {
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
                None => declared.push((Index { name, fields: vec![at], unique }, &index.word)),
            }
        }
    }
    for list in &attributes.indexes {
        let Some(fields) = resolve(&list.fields, raw, &list.word.to_string(), errors) else {
            continue;
        };
        let name = list.name.as_ref().map(LitStr::value);
        let unique = list.word == "unique";
        declared.push((Index { name, fields, unique }, &list.word));
    }
    for (at, (index, word)) in declared.iter().enumerate() {
        for (other, _) in &declared[..at] {
            if other.fields == index.fields {
                errors.add(word, "these columns have an index already, and a unique one serves as one; drop one of the two");
            } else if index.name.is_some() && other.name == index.name {
                errors.add(word, "another index has this name; rename one");
            }
        }
    }
    declared.into_iter().map(|(index, _)| index).collect()
}

/// The positions of the fields that a list names.
fn resolve(names: &[Ident], raw: &[RawField<'_>], list: &str, errors: &mut Errors) -> Option<Vec<usize>> {
    let mistakes = errors.len();
    let mut fields = Vec::new();
    for name in names {
        let text = name.unraw().to_string();
        match raw.iter().position(|field| field.name() == text) {
            None => {
                let known: Vec<String> = raw.iter().filter(|f| f.is_column()).map(RawField::name).collect();
                let hint = did_you_mean(&text, known.iter().map(String::as_str));
                errors.add(name, format!("`{list}` names `{text}`, which is not a field{hint}"));
            }
            Some(at) if !raw[at].is_column() => {
                errors.add(name, format!("`{list}` names `{text}`, which is not a column of its own"));
            }
            Some(at) if fields.contains(&at) => errors.add(name, format!("`{list}` names `{text}` twice; drop one")),
            Some(at) => fields.push(at),
        }
    }
    (errors.len() == mistakes).then_some(fields)
}

fn positions(raw: &[RawField<'_>], choose: impl Fn(&RawField<'_>) -> bool) -> Vec<usize> {
    let chosen = raw.iter().enumerate().filter(|(_, field)| choose(field));
    chosen.map(|(at, _)| at).collect()
}

fn narrower<'a>(a: &'a Visibility, b: &'a Visibility) -> &'a Visibility {
    let width = |vis: &Visibility| match vis {
        Visibility::Public(_) => 3,
        Visibility::Restricted(restricted) if restricted.path.is_ident("crate") => 2,
        Visibility::Restricted(restricted) if restricted.path.is_ident("self") => 0,
        Visibility::Restricted(_) => 1,
        Visibility::Inherited => 0,
    };
    if width(a) < width(b) { a } else { b }
}

/// The last part of a type's path: `String` of `std::string::String`.
pub(crate) fn last_segment(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}
