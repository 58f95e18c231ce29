//! The derive macros of the [Thing](https://docs.rs/thing) ORM: [`Model`](derive@Model), [`Embed`](derive@Embed) and
//! [`ColumnType`](derive@ColumnType).
//!
//! ```text
//! struct ─▶ attributes ─▶ ast ─▶ expand ─▶ impl Model, typed columns, the struct for new objects
//!               └── errors: all mistakes of one struct at once, each in its place
//! ```
//!
//! Applications use the macros through the crate `thing`.

mod attributes;
mod ast;
mod table_name;
mod expand;
mod column_type;
mod any_of;
mod sql_files;
mod errors;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a plain struct a model: one row of a table.
///
/// ```
/// use std::time::SystemTime;
/// use thing::Model;
///
/// #[derive(Clone, Debug, Model)]
/// #[thing(index(city, age))]
/// pub struct User {
///     pub id: u64,
///     pub name: String,
///     #[thing(unique)]
///     pub mail: String,
///     pub city: Option<String>,
///     #[thing(default = 18)]
///     pub age: i32,
///     #[thing(created)]
///     pub created_at: SystemTime,
/// }
///
/// // Typed columns: a wrong name or a wrong type does not compile.
/// let adults = User::AGE.ge(18) & User::CITY.eq("Paris");
///
/// // A struct for new objects, without what the database and the clock fill in.
/// let alice = User::from(NewUser {
///     name: "Alice".into(),
///     mail: "alice@example.com".into(),
///     ..NewUser::default()
/// });
/// assert_eq!(alice.age, 18);
/// ```
///
/// The struct has named fields and no generics, and is `Clone`. The macro writes:
///
/// - `impl Model`;
/// - a constant of type `Column` for each column, named after the field: `User::AGE`. It is as visible as the field;
/// - a struct for new objects, `NewUser`, with `impl From<NewUser> for User`.
///
/// # The table
///
/// The table is the struct's name in snake_case, the last word in the plural: `UserAddress` is `user_addresses`. The
/// plural follows the spelling alone: `y` after a consonant becomes `ies` (`Category`, `categories`); `s`, `x`, `z`,
/// `ch` and `sh` take `es` (`Status`, `statuses`); everything else takes `s`. There is no list of exceptions, so `Person`
/// is `persons` and `News` is `newses`.
///
/// | On the struct | |
/// |---|---|
/// | `table = "people"` | names the table |
/// | `key(order_id, line)` | the primary key, of up to four fields, in this order |
/// | `index(city, age)` | an index over these fields, in this order |
/// | `index(name = "by_city", columns(city, age))` | the same with a name |
/// | `index(columns(city, age desc), where = "age > 17")` | the greatest age first; over the rows only for which the condition holds, where the database can |
/// | `unique(…)` | as `index(…)`, and no two rows may agree in all the fields |
/// | `foreign_key(Seat, columns(row, number))` | a foreign key of several fields to the key of a model, with parts as on a field |
/// | `check(name = "in_order", "start < end")` | the database refuses rows for which the condition, in its own words, is false |
/// | `comment = "…"` | what the table is for, kept in the database where it keeps such |
/// | `was = "people"` | a name that the table had: one that has it still is renamed, not made anew |
/// | `new = "Draft"` | names the struct for new objects |
/// | `no_new` | there is none |
/// | `cascades(Post::USER_ID)` | the database deletes the rows of other models whose columns refer to a deleted row |
/// | `nulls(Post::EDITOR_ID)` | the database sets these columns to NULL in rows that refer to a deleted row |
/// | `keep = Self::shown()` | a filter of this model that [reads obey](#rules) |
/// | `belongs_to(…)`, `has_one(…)`, `has_many(…)`, `many_to_many(…)` | [relations](#relations) with other models |
/// | `computed(full_name)`, `computed(full_name = Self::name_in_full)` | methods `fn(&self) -> impl Serialize` that JSON output shows, with the feature `json` of `thing` |
/// | `hooks` | what `impl Hooks` says runs around the writes of objects, and when one is read |
/// | `validate` | objects are checked by `impl Validate` before they are written |
/// | `garde` | objects are checked by `#[derive(garde::Validate)]` before they are written, with the feature `garde` |
/// | `coherence = "strict"` | what reads and writes promise across processes: `"fresh"`, `"bounded"` or `"strict"` |
/// | `crate = "my_crate::thing"` | the path of the crate `thing`, where it is not `::thing` |
///
/// An index without a name is called `<table>_<column>_…_index`, or `…_unique`.
///
/// # Fields
///
/// Every field is a column of the same name. Its type implements `ColumnType`; `Option<T>` is a column that may be NULL.
///
/// | On a field | |
/// |---|---|
/// | `column = "full_name"` | names the column |
/// | `key` | the field is the primary key; without any, the field named `id` is |
/// | `assigned` | the application makes the key, not the database |
/// | `index`, `unique` | an index over this field |
/// | `index = "by_city"`, `unique = "by_city"` | the same with a name; fields that share a name form one index, in their order |
/// | `default = 18` | the default, an expression of the field's type; a text literal is converted into the type |
/// | `default` | the default is `Default::default()` |
/// | `created` | holds when the row was made |
/// | `deleted` | marks [deleted objects](#deleted-objects), a `bool` or an `Option` of a point in time |
/// | `updated` | holds when the row was last written |
/// | `version` | counts the writes of the row, and refuses one by who saw an older row |
/// | `foreign_key(Author)` | the column holds a key of the model, or NULL: the database sees to it |
/// | `foreign_key(Author, name = "…", on_delete = "cascade", on_update = "cascade")` | the same with what becomes of the row: `"no_action"`, `"restrict"`, `"cascade"`, and on delete `"set_null"`. One that changes rows is [declared on the model](derive@Model#the-table) that it refers to, by `cascades`, `nulls` or a relation's `on_delete` |
/// | `check = "age > 0"` | the database refuses rows for which the condition, in its own words, is false |
/// | `comment = "…"` | what the column is for, kept in the database where it keeps such |
/// | `was = "name"` | a name that the column had: one that has it still is renamed, not made anew |
/// | `embed` | the columns of a struct with `#[derive(Embed)]` |
/// | `ignore` | no column; the field is `Default::default()` when the row is read |
///
/// # Keys
///
/// An integer key, or a newtype over an integer, is generated by the database: a new object has zero there. `assigned`
/// leaves it to the application. `String`, `Uuid` and composite keys are always assigned; a newtype over such a type
/// says so with `assigned`.
///
/// ```
/// # use thing::{ColumnType, Model};
/// #[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
/// struct OrderId(u64);
///
/// #[derive(Clone, Model)]
/// struct Order {
///     id: OrderId,
///     note: String,
/// }
///
/// #[derive(Clone, Model)]
/// #[thing(key(order_id, line))]
/// struct OrderLine {
///     order_id: OrderId,
///     line: u32,
///     amount: i32,
/// }
///
/// let line = OrderLine { order_id: OrderId(7), line: 1, amount: 3 };
/// assert_eq!(line.key(), (OrderId(7), 1));
/// ```
///
/// # Deleted objects
///
/// With a `deleted` field an object that is deleted stays in its table, marked. Reads and writes don't find it, unless
/// `with_deleted()` or `only_deleted()` asks for it; `restore` makes it one like any other again, and `force_delete` removes it.
/// Unique indexes count the living objects only. The field is no part of the struct for new objects.
///
/// # Rules
///
/// `keep` gives a filter, evaluated at each read, that all reads obey but those that are `unfiltered()`.
///
/// # Defaults
///
/// A default is used twice. The table declares it, for statements outside Thing; there it has the value that the
/// expression gives when the table is first used, so the expression gives the same value each time. And in the struct
/// for new objects the field becomes an `Option`, in which `None` stands for the default.
///
/// The default of an assigned key, such as `default = Uuid::new_v4()`, is not declared in the table and may differ each
/// time.
///
/// # New objects
///
/// `NewUser` has the fields of `User`, as visible and documented as they are, without
///
/// - the key, if the database generates it,
/// - the fields that are `created`, `updated`, the version or ignored,
/// - embeds that are not `given`.
///
/// Where `User` is asked for as a new object, `NewUser` can be given as well. It is `Clone`, and `Debug` and `Default` if
/// the types of all its fields are; fields with a default need not be `Default`.
///
/// # Time stamps
///
/// A `created` field is set when the object is created, an `updated` field then and at every save. Their type is
/// `SystemTime`, `jiff::Timestamp` with the feature `jiff`, or a newtype over one of these. A model has at most one of
/// each.
///
/// # The version
///
/// A `version` field begins at 1, and every save raises it. A save or a delete of an object that somebody else has
/// written since it was read is refused: `Error::is_stale`. Its type is `i32`, `i64`, `u32` or `u64`, or a newtype over
/// one of these. A model has at most one.
///
/// # Embeds
///
/// Fields that several models share stand in a struct with [`#[derive(Embed)]`](derive@Embed), and their columns become
/// columns of every table that embeds it.
///
/// ```
/// # use std::time::SystemTime;
/// use thing::{Embed, Model};
///
/// #[derive(Clone, Debug, Embed)]
/// struct Base {
///     id: u64,
///     #[thing(created)]
///     created_at: SystemTime,
///     #[thing(default = false, index)]
///     deleted: bool,
/// }
///
/// #[derive(Clone, Debug, Embed)]
/// struct Address {
///     street: String,
///     city: String,
/// }
///
/// #[derive(Clone, Debug, Model)]
/// struct User {
///     #[thing(embed, key)]
///     base: Base,
///     name: String,
///     #[thing(embed, given, prefix = "home_")]
///     home: Address,
/// }
///
/// let filter = User::BASE.deleted.eq(false) & User::HOME.city.eq("Paris");
/// assert_eq!(format!("{:?}", User::HOME.city), "users.home_city");
///
/// let user = User::from(NewUser {
///     name: "Alice".into(),
///     home: Address { street: "Rue Cler".into(), city: "Paris".into() },
/// });
/// assert_eq!(user.key(), 0);
/// ```
///
/// | Beside `embed` | |
/// |---|---|
/// | `key` | the embed holds the key; not needed where it is the only embed and the model has no key of its own |
/// | `prefix = "home_"` | stands before the names of the embed's columns, and of its indexes that have a name |
/// | `given` | the embed is part of the struct for new objects |
///
/// Without `given`, the struct for new objects leaves the embed out. That needs an embed that fills itself: each of its
/// fields is a generated key, a time stamp, an `Option`, ignored, or has a default. The compiler says so where one does
/// not.
///
/// # Relations
///
/// Objects of other models that belong to one of this model. Each is a constant of the model, as visible as the struct or as
/// a visibility before its name says; see `thing::Relation` for what can be done with it.
///
/// | On the struct | |
/// |---|---|
/// | `belongs_to(author: Author, AUTHOR_ID)` | `Book::AUTHOR`: a column of this model holds the key of the other |
/// | `has_one(profile: Profile, Profile::AUTHOR_ID)` | `Author::PROFILE`: a column of the other, where it is unique, holds the key of this |
/// | `has_many(books: Book, Book::AUTHOR_ID)` | `Author::BOOKS`: a column of the other holds the key of this |
/// | `many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID)` | `Book::TAGS`: rows of `BookTag` hold the keys of both, of this model's in the first column |
///
/// | `belongs_to_any(subject: Subject, SUBJECT_TYPE, SUBJECT_ID)` | `Comment::SUBJECT`: two columns of this model hold the kind and the key of one of several, of which `Subject` is the [enum](derive@AnyOf) |
/// | `has_many_as(comments: Comment, Comment::SUBJECT)` | `Post::COMMENTS`: a `belongs_to_any` of the other leads to objects of this |
///
/// The column has the type of the key that it holds, or an `Option` of it. `on_delete = "restrict"`, `"cascade"` or
/// `"set_null"` behind the columns, of `has_one`, `has_many` and `many_to_many`, says what becomes of objects that refer to a deleted one.
///
/// ```
/// # use thing::Model;
/// #[derive(Clone, Debug, Model)]
/// #[thing(belongs_to(manager: Employee, MANAGER_ID), has_many(reports: Employee, Employee::MANAGER_ID))]
/// struct Employee {
///     id: u64,
///     #[thing(index)]
///     manager_id: Option<u64>,
/// }
///
/// let relation: thing::HasMany<Employee, Employee> = Employee::REPORTS;
/// ```
#[proc_macro_derive(Model, attributes(thing))]
pub fn model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    errors::tokens(ast::Model::parse(&input).map(|model| expand::model(&model)))
}

/// Makes a struct a group of columns that models embed.
///
/// ```
/// use thing::{Embed, Model};
///
/// #[derive(Clone, Debug, Embed)]
/// struct Base {
///     id: u64,
///     #[thing(created)]
///     created_at: std::time::SystemTime,
/// }
///
/// #[derive(Clone, Debug, Model)]
/// struct Book {
///     #[thing(embed)]
///     base: Base,
///     title: String,
/// }
///
/// let by_age = Book::BASE.created_at.desc();
/// assert_eq!(Book::table().columns()[2].name, "title");
/// ```
///
/// The struct has named fields and no generics, and is `Clone`. The attributes of its fields are those of
/// [`Model`](derive@Model), except that an embed can't hold another. A field named `id` or marked with `key` is the key
/// of the models that take their key from the embed. On the struct stand `index(…)`, `unique(…)` and `crate`.
#[proc_macro_derive(Embed, attributes(thing))]
pub fn embed(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    errors::tokens(ast::Embed::parse(&input).map(|embed| expand::embed(&embed)))
}

/// Makes a newtype or an enum a type that a column can have.
///
/// ```
/// use thing::{ColumnType, Model};
///
/// #[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
/// struct UserId(u64);
///
/// #[derive(Clone, Copy, Debug, PartialEq, ColumnType)]
/// enum Status {
///     Active,
///     OnHold,
///     #[thing(rename = "gone")]
///     Deleted,
/// }
///
/// #[derive(Clone, Debug, Model)]
/// struct User {
///     id: UserId,
///     status: Status,
/// }
///
/// let active = User::STATUS.is_in([Status::Active, Status::OnHold]);
/// ```
///
/// A **newtype**, a tuple struct with one field, is stored as what it holds, and can do what that can: it is a key if it
/// is also `Eq`, `Hash` and `Debug`, it is text, it holds a time stamp.
///
/// An **enum** has variants without data. It is stored as text: the variant's name in snake_case, or what
/// `#[thing(rename = "…")]` says on the variant. With `#[thing(integer)]` on the enum it is stored as an integer of 32
/// bits: `Active = 1` says which, on each variant. A stored text or number that is none of these is an error of the read,
/// so a variant is added to the program before the first row has it.
///
/// The type has no generics and is `Clone`. `#[thing(crate = "…")]` names the path of the crate `thing`, where it is not
/// `::thing`.
#[proc_macro_derive(ColumnType, attributes(thing))]
pub fn column_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    errors::tokens(column_type::ColumnType::parse(&input).map(|column_type| column_type.expand()))
}

/// Makes an enum the choice of models that an object can belong to, for `belongs_to_any`.
///
/// ```
/// use thing::{AnyOf, Loaded, Model};
///
/// #[derive(Clone, Debug, Model)]
/// #[thing(has_many_as(comments: Comment, Comment::SUBJECT))]
/// struct Post {
///     id: u64,
/// }
///
/// #[derive(Clone, Debug, Model)]
/// struct Photo {
///     id: u64,
/// }
///
/// #[derive(AnyOf, Clone, Debug)]
/// enum Subject {
///     Post(Loaded<Post>),
///     #[thing(rename = "picture")]
///     Photo(Loaded<Photo>),
/// }
///
/// #[derive(Clone, Debug, Model)]
/// #[thing(index(subject_id, subject_type), belongs_to_any(subject: Subject, SUBJECT_TYPE, SUBJECT_ID))]
/// struct Comment {
///     id: u64,
///     subject_type: String,
///     subject_id: u64,
/// }
///
/// assert_eq!(<Subject as thing::KindOf<Photo>>::KIND, "picture");
/// ```
///
/// Each variant holds a loaded object of another model. In the column of the kind stands the variant's name in snake_case, or
/// what `#[thing(rename = "…")]` says. The models have keys of one type. The enum has no generics and is `Clone`.
#[proc_macro_derive(AnyOf, attributes(thing))]
pub fn any_of(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    errors::tokens(any_of::AnyOf::parse(&input).map(|any_of| any_of.expand()))
}

/// The SQL files of a folder as `&[(name, text)]`, for `thing_migrate::embed!`.
#[doc(hidden)]
#[proc_macro]
pub fn sql_files(input: TokenStream) -> TokenStream {
    let folder = parse_macro_input!(input as syn::LitStr);
    sql_files::expand(&folder).unwrap_or_else(syn::Error::into_compile_error).into()
}
