//! Entries: one `word`, `word = value` or `word(…)` in `#[thing(…)]`, and what can be asked of it.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Path, Token, Visibility, parenthesized};

use super::{
    CheckEntry, ComputedEntry, Derived, FieldDefault, FieldIndex, ForeignKeyEntry, IndexList, ON_FIELDS, ON_MODELS,
    ON_VARIANTS, RelationEntry, RelationKind,
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
            (Derived::AnyOf, ..) => "a choice of models",
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

    /// `word = expression`.
    pub(super) fn expression(&self, errors: &mut Errors) -> Option<Expr> {
        let Content::Value(value) = &self.content else {
            errors.add(&self.name, format!("`{0}` takes an expression; write `#[thing({0} = …)]`", self.name));
            return None;
        };
        Some(value.clone())
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

    /// `word(name, name = path, …)`, at least one.
    pub(super) fn computed(&self, errors: &mut Errors) -> Vec<ComputedEntry> {
        let entries = match &self.content {
            Content::List(tokens) => Punctuated::<ComputedEntry, Token![,]>::parse_terminated.parse2(tokens.clone()),
            _ => Ok(Punctuated::new()),
        };
        match entries {
            Ok(entries) if !entries.is_empty() => return entries.into_iter().collect(),
            Ok(_) => errors.add(
                &self.name,
                "`computed` names methods of the model; write `#[thing(computed(full_name))]` or \
                 `#[thing(computed(full_name = Self::name_in_full))]`",
            ),
            Err(error) => errors.push(error),
        }
        Vec::new()
    }

    /// `word(name: Model, Model::COLUMN)`; of two columns for `many_to_many` and `belongs_to_any`.
    pub(super) fn relation(&self, errors: &mut Errors) -> Option<RelationEntry> {
        let word = self.name.unraw().to_string();
        let kind = match word.as_str() {
            "belongs_to" => RelationKind::BelongsTo,
            "has_one" => RelationKind::HasOne,
            "has_many" => RelationKind::HasMany,
            "belongs_to_any" => RelationKind::BelongsToAny,
            "has_many_as" => RelationKind::HasManyAs,
            _ => RelationKind::ManyToMany,
        };
        let columns = match kind {
            RelationKind::ManyToMany | RelationKind::BelongsToAny => 2,
            _ => 1,
        };
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
            let (descending, condition) = (Vec::new(), None);
            return Some(IndexList { word: self.name.clone(), name: None, fields, descending, condition });
        }
        let mut name = None;
        let mut fields = None;
        let mut condition = None;
        for entry in &entries {
            if entry.name == "name" {
                set(&mut name, entry.text(errors), &entry.name, errors);
            } else if entry.name == "columns" {
                set(&mut fields, entry.directed_names(errors), &entry.name, errors);
            } else if entry.name == "where" {
                set(&mut condition, entry.text(errors), &entry.name, errors);
            } else {
                let word = &self.name;
                errors.add(
                    &entry.name,
                    format!(
                        "unknown part `{}`; write `#[thing({word}(a, b))]` or \
                         `#[thing({word}(name = \"…\", columns(a, b desc), where = \"…\"))]`",
                        entry.name
                    ),
                );
                return None;
            }
        }
        let Some((fields, descending)) = fields else {
            let word = &self.name;
            errors.add(word, format!("`{word}` names no columns; add `columns(a, b)`"));
            return None;
        };
        Some(IndexList { word: self.name.clone(), name, fields, descending, condition })
    }

    /// `columns(a, b desc)`: the names, and those that are descending.
    fn directed_names(&self, errors: &mut Errors) -> Option<(Vec<Ident>, Vec<Ident>)> {
        let Content::List(tokens) = &self.content else {
            self.names(errors);
            return None;
        };
        match Punctuated::<Directed, Token![,]>::parse_terminated.parse2(tokens.clone()) {
            Ok(names) if !names.is_empty() => {
                let descending = names.iter().filter(|name| name.descending).map(|name| name.name.clone()).collect();
                Some((names.into_iter().map(|name| name.name).collect(), descending))
            }
            Ok(_) => {
                self.names(errors);
                None
            }
            Err(error) => {
                errors.push(error);
                None
            }
        }
    }

    /// `foreign_key(Author, on_delete = "cascade")`; on a struct with `columns(a, b)`.
    pub(super) fn foreign_key(&self, on_struct: bool, errors: &mut Errors) -> Option<ForeignKeyEntry> {
        let parser = |input: ParseStream<'_>| {
            let parent: Path = input.parse()?;
            if input.is_empty() {
                return Ok((parent, Punctuated::new()));
            }
            input.parse::<Token![,]>()?;
            Ok((parent, Punctuated::<Self, Token![,]>::parse_terminated(input)?))
        };
        let parsed = match &self.content {
            Content::List(tokens) => parser.parse2(tokens.clone()),
            _ => Err(syn::Error::new_spanned(
                &self.name,
                "`foreign_key` names the model that is referred to; write `#[thing(foreign_key(Author))]`",
            )),
        };
        let (parent, parts) = parsed.map_err(|error| errors.push(error)).ok()?;
        let word = self.name.clone();
        let mut key = ForeignKeyEntry { word, parent, name: None, fields: None, on_delete: None, on_update: None };
        for part in &parts {
            match part.name.unraw().to_string().as_str() {
                "name" => set(&mut key.name, part.text(errors), &part.name, errors),
                "on_delete" => set(&mut key.on_delete, part.text(errors), &part.name, errors),
                "on_update" => set(&mut key.on_update, part.text(errors), &part.name, errors),
                "columns" if on_struct => set(&mut key.fields, part.names(errors), &part.name, errors),
                "columns" => {
                    errors.add(&part.name, "`columns` goes with `foreign_key` on the struct; here it is the field")
                }
                other => errors.add(
                    &part.name,
                    format!("unknown part `{other}`; a foreign key has `name`, `columns`, `on_delete` and `on_update`"),
                ),
            }
        }
        if on_struct && key.fields.is_none() {
            errors.add(&self.name, "`foreign_key` on a struct says which fields refer; add `columns(a, b)`");
            return None;
        }
        Some(key)
    }

    /// `check(name = "…", "…")`.
    pub(super) fn check(&self, errors: &mut Errors) -> Option<CheckEntry> {
        let parser = |input: ParseStream<'_>| {
            let name: Ident = input.call(Ident::parse_any)?;
            if name != "name" {
                return Err(syn::Error::new_spanned(&name, "the name comes first"));
            }
            input.parse::<Token![=]>()?;
            let name = input.parse()?;
            input.parse::<Token![,]>()?;
            let condition = input.parse()?;
            input.parse::<Option<Token![,]>>()?;
            Ok(CheckEntry { name: Some(name), condition })
        };
        let parsed = match &self.content {
            Content::List(tokens) => parser.parse2(tokens.clone()).ok(),
            _ => None,
        };
        if parsed.is_none() {
            errors.add(
                &self.name,
                "a check of the struct has a name and a condition in SQL; write \
                 `#[thing(check(name = \"ends_late\", \"start < end\"))]`",
            );
        }
        parsed
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

/// `name` or `name desc`.
struct Directed {
    name: Ident,
    descending: bool,
}

impl Parse for Directed {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Self { name, descending: false });
        }
        let direction: Ident = input.call(Ident::parse_any)?;
        match direction.to_string().as_str() {
            "asc" => Ok(Self { name, descending: false }),
            "desc" => Ok(Self { name, descending: true }),
            _ => Err(syn::Error::new_spanned(&direction, "a column of an index is sorted `asc` or `desc`")),
        }
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
        "belongs_to_any" => "belongs_to_any(subject: Subject, SUBJECT_TYPE, SUBJECT_ID)",
        "has_many_as" => "has_many_as(comments: Comment, Comment::SUBJECT)",
        _ => "many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID)",
    }
}

/// `on_delete = …`
fn is_on_delete(expression: &Expr) -> bool {
    let Expr::Assign(assign) = expression else { return false };
    matches!(&*assign.left, Expr::Path(path) if path.path.is_ident("on_delete"))
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
        let mut columns: Vec<Expr> = Punctuated::<Expr, Token![,]>::parse_terminated(input)?.into_iter().collect();
        let on_delete = columns.pop_if(|last| is_on_delete(last)).and_then(|last| match last {
            Expr::Assign(assign) => Some(*assign.right),
            _ => None,
        });
        Ok(RelationEntry { kind, vis, name, target, columns, on_delete })
    }
}

impl Parse for ComputedEntry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        let function = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { name, function })
    }
}
