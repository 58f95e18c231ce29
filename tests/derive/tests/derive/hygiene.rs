//! The code that the macros write compiles wherever a struct does.

use thing::Model;

#[test]
fn names_of_the_prelude_may_be_taken() {
    assert_eq!(crate::strict::User::table().name(), "users");
}

/// Private types in a model that others see.
#[allow(unreachable_pub, reason = "as in a library")]
mod visibility {
    use thing::{ColumnType, Embed, Model};

    #[derive(Clone, Debug, ColumnType)]
    enum Secret {
        Hidden,
    }

    #[derive(Clone, Debug, Embed)]
    pub(crate) struct Base {
        pub id: u64,
        #[thing(default = Secret::Hidden)]
        secret: Secret,
    }

    #[derive(Clone, Debug, Model)]
    pub struct Account {
        pub id: u64,
        pub(super) shared: i32,
        secret: Secret,
    }

    #[derive(Clone, Debug, Model)]
    pub(in crate::hygiene) struct Restricted {
        #[thing(embed)]
        pub(crate) base: Base,
        pub number: i32,
    }

    #[test]
    fn a_column_is_as_visible_as_its_field() {
        assert_eq!(Account::SECRET.index(), 2);
        let new = NewAccount { shared: 1, secret: Secret::Hidden };
        assert!(matches!(Account::from(new).secret, Secret::Hidden));
    }
}

#[test]
fn private_types_stay_private() {
    assert_eq!((visibility::Account::ID.index(), visibility::Account::SHARED.index()), (0, 1));
    assert_eq!(visibility::Restricted::BASE.id.index(), 0);
    assert_eq!(visibility::Restricted::NUMBER.index(), 2);
}

#[derive(Clone, Debug, PartialEq, Model)]
struct Keywords {
    r#type: u64,
    #[thing(key)]
    r#match: u64,
    _1: i32,
    r#async: Option<String>,
}

#[test]
fn raw_identifiers_are_plain_names() {
    let names: Vec<_> = Keywords::table().columns().iter().map(|c| c.name.as_ref()).collect();
    assert_eq!(names, ["type", "match", "_1", "async"]);
    assert_eq!((Keywords::TYPE.index(), Keywords::_1.index(), Keywords::ASYNC.index()), (0, 2, 3));
    let keywords = NewKeywords { r#type: 1, _1: 2, r#async: None };
    assert_eq!(format!("{keywords:?}"), "NewKeywords { type: 1, _1: 2, async: None }");
    assert_eq!(Keywords::from(keywords).key(), 0);
}

#[test]
fn a_model_can_be_declared_in_a_function() {
    #[derive(Clone, thing::Embed)]
    struct Local {
        id: u64,
    }

    #[derive(Clone, Model)]
    struct Inner {
        #[thing(embed)]
        local: Local,
        age: i32,
    }

    let _ = Inner::LOCAL.id.eq(1u64) & Inner::AGE.gt(18);
    assert_eq!(Inner::table().name(), "inners");
    assert_eq!(Inner::from(NewInner { age: 3 }).age, 3);
}

mod user {
    pub(super) type Age = i32;
}

#[derive(Clone, Model)]
struct User {
    id: u64,
    age: user::Age,
}

#[derive(Clone, Model)]
struct Book {
    id: u64,
    age: user::Age,
}

#[test]
fn models_of_one_module_may_share_names_of_columns() {
    let _ = User::AGE.gt(1);
    let _ = Book::AGE.gt(1);
    assert_eq!((User::ID.index(), Book::ID.index()), (0, 0));
}

macro_rules! model {
    ($name:ident, $field:ident: $ty:ty, $base:ty) => {
        #[derive(Clone, Model)]
        struct $name {
            #[thing(embed)]
            base: $base,
            $field: $ty,
            #[thing(default = 3)]
            count: i32,
        }
    };
}

#[derive(Clone, thing::Embed)]
struct MacroBase {
    id: u64,
    #[thing(updated)]
    at: std::time::SystemTime,
}

model!(FromMacro, name: String, MacroBase);

#[test]
fn a_model_can_come_from_a_macro() {
    let object = FromMacro::from(NewFromMacro { name: "x".into(), count: None });
    assert_eq!((object.key(), object.count, object.heap_size()), (0, 3, object.name.capacity()));
    assert_eq!(FromMacro::NAME.index(), 2);
}

mod reexport {
    pub(super) use thing as orm;
}

#[derive(Clone, reexport::orm::Embed)]
#[thing(crate = "crate::hygiene::reexport::orm")]
struct ReexportedBase {
    id: u64,
}

#[derive(Clone, reexport::orm::Model)]
#[thing(crate = reexport::orm)]
struct Reexported {
    #[thing(embed)]
    base: ReexportedBase,
    level: Level,
}

#[derive(Clone, reexport::orm::ColumnType)]
#[thing(crate = reexport::orm)]
struct Level(i32);

#[test]
fn the_crate_can_have_another_path() {
    assert_eq!(Reexported::LEVEL.index(), 1);
    let object = Reexported::from(NewReexported { level: Level(3) });
    assert_eq!((object.base.id, object.level.0), (0, 3));
}

#[derive(Clone, Model)]
struct Outdated {
    id: u64,
    #[deprecated(note = "use `name`")]
    title: String,
    name: String,
}

#[test]
fn a_deprecated_field_is_read_without_a_warning() {
    assert_eq!(Outdated::table().columns().len(), 3);
    assert_eq!(Outdated::NAME.index(), 2);
}
