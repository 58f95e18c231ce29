//! Entries: one `word`, `word = value` or `word(…)` in `#[thing(…)]`, and what can be asked of it.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Path, Token, Visibility, parenthesized};

use super::{
    Derived, FieldDefault, FieldIndex, IndexList, ON_FIELDS, ON_MODELS, ON_VARIANTS, RelationEntry, RelationKind,
};
use crate::errors::{Errors, did_you_mean};

/// Keeps a value that may be given once.
pub(super) fn set<T>(place: &mut Option<T>, value: Option<T>, word: &Ident, errors: &mut Errors) {
    if value.is_some() && place.is_some() {
        errors.add(word, format!("`{word}` is given twice; drop one"));
    }
    if value.is_some() {
        *place = value;
    }
}

/// All entries of all `#[thing(…)]`; `unclear` is set when one of the attributes can't be read.
pub(super) fn entries(attributes: &[Attribute], unclear: &mut bool, errors: &mut Errors) -> Vec<Entry> {
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
pub(super) struct Entry {
    pub(super) name: Ident,
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
    /// Reports a word that is not known here.
    pub(super) fn unknown(&self, known: &[&'static str], derived: Derived, errors: &mut Errors) {
        let name = self.name.unraw().to_string();
        let place = match (derived, std::ptr::eq(known, ON_FIELDS), std::ptr::eq(known, ON_VARIANTS)) {
            (_, true, _) => "a field",
            (_, _, true) => "a variant",
            (Derived::Model, ..) => "a model",
            (Derived::Embed, ..) => "an embed",
            (Derived::ColumnType, ..) => "a column type",
        };
        let verb = if known.len() == 1 { "is" } else { "are" };
        let list = format!("known on {place} {verb} `{}`", known.join("`, `"));
        let message = if ON_FIELDS.contains(&name.as_str()) {
            format!("`{name}` goes on a field of a model or an embed; {list}")
        } else if ON_MODELS.contains(&name.as_str()) {
            format!("`{name}` goes on a model itself; {list}")
        } else {
            let hint = did_you_mean(&name, known.iter().copied());
            let end = if hint.is_empty() { ";" } else { "" };
            format!("unknown attribute `{name}`{hint}{end} {list}")
        };
        errors.add(&self.name, message);
    }

    /// The word itself, which takes no value.
    pub(super) fn flag(&self, errors: &mut Errors) -> Option<Ident> {
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

    /// `word = "…"`, not empty.
    pub(super) fn text(&self, errors: &mut Errors) -> Option<LitStr> {
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

    /// `word = path` or `word = "path"`.
    pub(super) fn path(&self, errors: &mut Errors) -> Option<Path> {
        let path = match &self.content {
            Content::Value(Expr::Path(path)) => Some(path.path.clone()),
            Content::Value(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
                text.parse_with(Path::parse_mod_style).ok()
            }
            _ => None,
        };
        if path.is_none() {
            let name = &self.name;
            errors.add(name, format!("`{name}` takes a path; write `#[thing({name} = \"my_crate::thing\")]`"));
        }
        path
    }

    /// `word(Post::USER_ID, …)`, at least one.
    pub(super) fn columns(&self, errors: &mut Errors) -> Vec<Path> {
        let paths = match &self.content {
            Content::List(tokens) => Punctuated::<Path, Token![,]>::parse_terminated.parse2(tokens.clone()),
            _ => Ok(Punctuated::new()),
        };
        match paths {
            Ok(paths) if !paths.is_empty() => return paths.into_iter().collect(),
            Ok(_) => {
                let word = &self.name;
                errors.add(
                    word,
                    format!("`{word}` lists columns of other models; write `#[thing({word}(Post::USER_ID))]`"),
                );
            }
            Err(error) => errors.push(error),
        }
        Vec::new()
    }

    /// `word(name: Model, Model::COLUMN)`; of two columns for `many_to_many`.
    pub(super) fn relation(&self, errors: &mut Errors) -> Option<RelationEntry> {
        let word = self.name.unraw().to_string();
        let kind = match word.as_str() {
            "belongs_to" => RelationKind::BelongsTo,
            "has_one" => RelationKind::HasOne,
            "has_many" => RelationKind::HasMany,
            _ => RelationKind::ManyToMany,
        };
        let columns = if kind == RelationKind::ManyToMany { 2 } else { 1 };
        let parsed = match &self.content {
            Content::List(tokens) => relation(kind).parse2(tokens.clone()).ok(),
            _ => None,
        };
        let parsed = parsed.filter(|relation| relation.columns.len() == columns);
        if parsed.is_none() {
            let example = relation_example(&word);
            errors.add(&self.name, format!("`{word}` names a relation; write `#[thing({example})]`"));
        }
        parsed
    }

    /// `word(a, b)`, at least one.
    pub(super) fn names(&self, errors: &mut Errors) -> Option<Vec<Ident>> {
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
    pub(super) fn index_list(&self, errors: &mut Errors) -> Option<IndexList> {
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

    /// `word` or `word = "name"`.
    pub(super) fn field_index(&self, errors: &mut Errors) -> Option<FieldIndex> {
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

    /// `word` or `word = expression`.
    pub(super) fn default(&self, errors: &mut Errors) -> Option<FieldDefault> {
        let value = match &self.content {
            Content::Nothing => None,
            Content::Value(value) => Some(value.clone()),
            Content::List(_) => {
                errors
                    .add(&self.name, "write `#[thing(default = …)]`, or `#[thing(default)]` for `Default::default()`");
                return None;
            }
        };
        Some(FieldDefault { word: self.name.clone(), value })
    }
}

fn names_in(tokens: &TokenStream, errors: &mut Errors) -> Option<Vec<Ident>> {
    let parser =
        |input: ParseStream<'_>| Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any);
    match parser.parse2(tokens.clone()) {
        Ok(names) => Some(names.into_iter().collect()),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}

/// How a relation of this kind is declared.
pub(super) fn relation_example(word: &str) -> &'static str {
    match word {
        "belongs_to" => "belongs_to(author: Author, AUTHOR_ID)",
        "has_one" => "has_one(profile: Profile, Profile::AUTHOR_ID)",
        "has_many" => "has_many(books: Book, Book::AUTHOR_ID)",
        _ => "many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID)",
    }
}

fn relation(kind: RelationKind) -> impl Parser<Output = RelationEntry> {
    move |input: ParseStream<'_>| {
        let vis = match input.parse()? {
            Visibility::Inherited => None,
            vis => Some(vis),
        };
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let target = input.parse()?;
        input.parse::<Token![,]>()?;
        let columns = Punctuated::<Expr, Token![,]>::parse_terminated(input)?.into_iter().collect();
        Ok(RelationEntry { kind, vis, name, target, columns })
    }
}
