//! Attributes: what stands in `#[thing(…)]` on a struct, a field or a variant.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Path, Token, parenthesized};

use crate::errors::{Errors, did_you_mean};

/// What `#[thing(…)]` says on a model or an embed.
#[derive(Default)]
pub(crate) struct StructAttributes {
    pub(crate) krate: Option<Path>,
    pub(crate) table: Option<LitStr>,
    pub(crate) key: Option<(Ident, Vec<Ident>)>,
    pub(crate) indexes: Vec<IndexList>,
    pub(crate) new: Option<Ident>,
    pub(crate) no_new: Option<Ident>,
    /// Something could not be read: what seems to be missing may stand there.
    pub(crate) unclear: bool,
}

/// `index(…)` or `unique(…)` on a struct.
pub(crate) struct IndexList {
    pub(crate) word: Ident,
    pub(crate) name: Option<LitStr>,
    pub(crate) fields: Vec<Ident>,
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
    pub(crate) updated: Option<Ident>,
    pub(crate) embed: Option<Ident>,
    pub(crate) prefix: Option<LitStr>,
    pub(crate) given: Option<Ident>,
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
}

const ON_FIELDS: &[&str] = &[
    "assigned", "column", "created", "default", "embed", "given", "ignore", "index", "key", "prefix", "unique", "updated",
];
const ON_MODELS: &[&str] = &["crate", "index", "key", "new", "no_new", "table", "unique"];
const ON_EMBEDS: &[&str] = &["crate", "index", "unique"];
const ON_COLUMN_TYPES: &[&str] = &["crate"];
const ON_VARIANTS: &[&str] = &["rename"];
const RELATIONS: &[&str] = &["belongs_to", "has_many", "has_one", "many_to_many", "relation"];

impl StructAttributes {
    pub(crate) fn parse(attributes: &[Attribute], derived: Derived, errors: &mut Errors) -> Self {
        let known = match derived {
            Derived::Model => ON_MODELS,
            Derived::Embed => ON_EMBEDS,
            Derived::ColumnType => ON_COLUMN_TYPES,
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
                "crate" => set(&mut parsed.krate, entry.path(errors), &entry.name, errors),
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
                "updated" => set(&mut parsed.updated, entry.flag(errors), &entry.name, errors),
                "embed" => set(&mut parsed.embed, entry.flag(errors), &entry.name, errors),
                "prefix" => set(&mut parsed.prefix, entry.text(errors), &entry.name, errors),
                "given" => set(&mut parsed.given, entry.flag(errors), &entry.name, errors),
                name if RELATIONS.contains(&name) => {
                    parsed.unclear = true;
                    errors.add(
                        &entry.name,
                        "Thing has no relations yet; store the key of the other model in a column, \
                         such as `author_id: u64` with `#[thing(index)]`, and query by it",
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
        let words = [
            &self.key,
            &self.assigned,
            &self.ignore,
            &self.created,
            &self.updated,
            &self.embed,
            &self.given,
        ];
        words.into_iter().flatten().count()
            + [&self.column, &self.prefix].into_iter().flatten().count()
            + self.indexes.len()
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

fn set<T>(place: &mut Option<T>, value: Option<T>, word: &Ident, errors: &mut Errors) {
    if value.is_some() && place.is_some() {
        errors.add(word, format!("`{word}` is given twice; drop one"));
    }
    if value.is_some() {
        *place = value;
    }
}

/// All entries of all `#[thing(…)]`; `unclear` is set when one of the attributes can't be read.
fn entries(attributes: &[Attribute], unclear: &mut bool, errors: &mut Errors) -> Vec<Entry> {
    let mut all = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("thing")) {
        match attribute.parse_args_with(Punctuated::<Entry, Token![,]>::parse_terminated) {
            Ok(entries) => all.extend(entries),
            Err(error) => {
                *unclear = true;
                errors.push(error);
            }
        }
    }
    all
}

/// One entry: `word`, `word = value` or `word(…)`.
struct Entry {
    name: Ident,
    content: Content,
}

enum Content {
    Nothing,
    Value(Expr),
    List(TokenStream),
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = Ident::parse_any(input)?;
        let content = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Content::Value(input.parse()?)
        } else if input.peek(syn::token::Paren) {
            let list;
            parenthesized!(list in input);
            Content::List(list.parse()?)
        } else {
            Content::Nothing
        };
        Ok(Self { name, content })
    }
}

impl Entry {
    fn unknown(&self, known: &[&'static str], derived: Derived, errors: &mut Errors) {
        let name = self.name.unraw().to_string();
        let place = match (derived, std::ptr::eq(known, ON_FIELDS), std::ptr::eq(known, ON_VARIANTS)) {
            (_, true, _) => "a field",
            (_, _, true) => "a variant",
            (Derived::Model, ..) => "a model",
            (Derived::Embed, ..) => "an embed",
            (Derived::ColumnType, ..) => "a column type",
        };
        let list = known.join("`, `");
        let message = if ON_FIELDS.contains(&name.as_str()) {
            format!("`{name}` goes on a field of a model or an embed; known on {place} are `{list}`")
        } else if ON_MODELS.contains(&name.as_str()) {
            format!("`{name}` goes on a model itself; known on {place} are `{list}`")
        } else {
            let hint = did_you_mean(&name, known.iter().copied());
            let end = if hint.is_empty() { ";" } else { "" };
            format!("unknown attribute `{name}`{hint}{end} known on {place} are `{list}`")
        };
        errors.add(&self.name, message);
    }

    fn flag(&self, errors: &mut Errors) -> Option<Ident> {
        match &self.content {
            Content::Nothing => {}
            Content::List(_) if self.name == "key" => errors.add(
                &self.name,
                "a composite key is declared on the struct: `#[thing(key(a, b))]`; on a field write `#[thing(key)]`",
            ),
            _ => errors.add(&self.name, format!("`{0}` takes no value; write `#[thing({0})]`", self.name)),
        }
        Some(self.name.clone())
    }

    fn text(&self, errors: &mut Errors) -> Option<LitStr> {
        let Content::Value(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) = &self.content else {
            errors.add(&self.name, format!("`{0}` takes a text; write `#[thing({0} = \"…\")]`", self.name));
            return None;
        };
        let value = text.value();
        if value.is_empty() || value.contains('\0') {
            errors.add(text, format!("`{}` can't be empty or have a zero byte", self.name));
            return None;
        }
        Some(text.clone())
    }

    fn path(&self, errors: &mut Errors) -> Option<Path> {
        let path = match &self.content {
            Content::Value(Expr::Path(path)) => Some(path.path.clone()),
            Content::Value(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => text.parse_with(Path::parse_mod_style).ok(),
            _ => None,
        };
        if path.is_none() {
            let name = &self.name;
            errors.add(name, format!("`{name}` takes a path; write `#[thing({name} = \"my_crate::thing\")]`"));
        }
        path
    }

    fn names(&self, errors: &mut Errors) -> Option<Vec<Ident>> {
        let names = match &self.content {
            Content::List(tokens) => names_in(tokens, errors)?,
            _ => Vec::new(),
        };
        if names.is_empty() {
            let word = &self.name;
            errors.add(word, format!("`{word}` on a struct lists fields; write `#[thing({word}(a, b))]`"));
            return None;
        }
        Some(names)
    }

    /// `index(a, b)` or `index(name = "…", columns(a, b))`.
    fn index_list(&self, errors: &mut Errors) -> Option<IndexList> {
        let Content::List(tokens) = &self.content else {
            self.names(errors);
            return None;
        };
        let detailed = Punctuated::<Self, Token![,]>::parse_terminated.parse2(tokens.clone());
        let Ok(entries) = detailed else {
            errors.push(detailed.err()?);
            return None;
        };
        if entries.iter().all(|entry| matches!(entry.content, Content::Nothing)) {
            let fields = self.names(errors)?;
            return Some(IndexList { word: self.name.clone(), name: None, fields });
        }
        let mut name = None;
        let mut fields = None;
        for entry in &entries {
            if entry.name == "name" {
                set(&mut name, entry.text(errors), &entry.name, errors);
            } else if entry.name == "columns" {
                set(&mut fields, entry.names(errors), &entry.name, errors);
            } else {
                let word = &self.name;
                errors.add(
                    &entry.name,
                    format!(
                        "unknown part `{}`; write `#[thing({word}(a, b))]` or \
                         `#[thing({word}(name = \"…\", columns(a, b)))]`",
                        entry.name
                    ),
                );
                return None;
            }
        }
        let Some(fields) = fields else {
            let word = &self.name;
            errors.add(word, format!("`{word}` names no columns; add `columns(a, b)`"));
            return None;
        };
        Some(IndexList { word: self.name.clone(), name, fields })
    }

    fn field_index(&self, errors: &mut Errors) -> Option<FieldIndex> {
        let name = match &self.content {
            Content::Nothing => None,
            Content::Value(_) => Some(self.text(errors)?),
            Content::List(_) => {
                let word = &self.name;
                errors.add(
                    word,
                    format!("`{word}(…)` goes on the struct; on a field write `{word}` or `{word} = \"name\"`"),
                );
                return None;
            }
        };
        Some(FieldIndex { word: self.name.clone(), name })
    }

    fn default(&self, errors: &mut Errors) -> Option<FieldDefault> {
        let value = match &self.content {
            Content::Nothing => None,
            Content::Value(value) => Some(value.clone()),
            Content::List(_) => {
                errors.add(&self.name, "write `#[thing(default = …)]`, or `#[thing(default)]` for `Default::default()`");
                return None;
            }
        };
        Some(FieldDefault { word: self.name.clone(), value })
    }
}

fn names_in(tokens: &TokenStream, errors: &mut Errors) -> Option<Vec<Ident>> {
    let parser = |input: ParseStream<'_>| Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any);
    match parser.parse2(tokens.clone()) {
        Ok(names) => Some(names.into_iter().collect()),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}
