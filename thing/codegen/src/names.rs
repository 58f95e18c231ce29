//! Names: what a model, a field or a constraint is called where the source does not say.

use std::collections::BTreeSet;

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Names in use, among which every new one is another. Letter case does not make a difference: names become files too.
#[derive(Debug, Default)]
pub(crate) struct Names {
    used: BTreeSet<String>,
}

impl Names {
    /// Takes a name out of use for others.
    pub(crate) fn reserve(&mut self, name: &str) {
        self.used.insert(name.to_lowercase());
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        self.used.contains(&name.to_lowercase())
    }

    /// The first of these names that is free, or the last with the least number behind it that is.
    pub(crate) fn first_free(&mut self, wanted: impl IntoIterator<Item = String>, separator: &str) -> String {
        let mut last = String::new();
        for name in wanted {
            if !self.holds(&name) {
                self.reserve(&name);
                return name;
            }
            last = name;
        }
        let mut number = 2_u64;
        while self.holds(&format!("{last}{separator}{number}")) {
            number += 1;
        }
        let name = format!("{last}{separator}{number}");
        self.reserve(&name);
        name
    }
}

/// The name of a table's model: its words in PascalCase, the last one in the singular.
///
/// The singular is formed by spelling: `ies` becomes `y`; `sses`, `xes`, `ches`, `shes`, `oes`, `uses` and `tzes` drop `es`;
/// `ss`, `us` and `is` stay; any other `s` is dropped. Words that the spelling leads astray are listed here.
pub(crate) fn model_name(table: &str) -> String {
    let snake = identifier(table, "").to_snake_case();
    let singular = match snake.rsplit_once('_') {
        Some((before, last)) => format!("{before}_{}", singular(last)),
        None => singular(&snake),
    };
    start_with_letter(singular.to_upper_camel_case(), "Model")
}

fn singular(word: &str) -> String {
    const IRREGULAR: &[(&str, &str)] = &[
        ("aliases", "alias"),
        ("axes", "axis"),
        ("bonuses", "bonus"),
        ("brownies", "brownie"),
        ("caches", "cache"),
        ("calories", "calorie"),
        ("canvases", "canvas"),
        ("causes", "cause"),
        ("children", "child"),
        ("clauses", "clause"),
        ("cookies", "cookie"),
        ("excuses", "excuse"),
        ("headaches", "headache"),
        ("houses", "house"),
        ("licences", "licence"),
        ("men", "man"),
        ("menus", "menu"),
        ("mice", "mouse"),
        ("movies", "movie"),
        ("news", "news"),
        ("niches", "niche"),
        ("pauses", "pause"),
        ("people", "person"),
        ("quizzes", "quiz"),
        ("rookies", "rookie"),
        ("series", "series"),
        ("shoes", "shoe"),
        ("species", "species"),
        ("spouses", "spouse"),
        ("ties", "tie"),
        ("toes", "toe"),
        ("warehouses", "warehouse"),
        ("women", "woman"),
    ];
    if let Some((_, one)) = IRREGULAR.iter().find(|(many, _)| *many == word) {
        return (*one).to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    let drops_es = ["sses", "xes", "ches", "shes", "oes", "uses", "tzes"];
    if drops_es.iter().any(|ending| word.ends_with(ending) && word.len() > ending.len()) {
        return word[..word.len() - 2].to_owned();
    }
    if ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending)) {
        return word.to_owned();
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// The name of an enum or of one of its variants.
pub(crate) fn type_name(text: &str) -> String {
    start_with_letter(identifier(text, "").to_upper_camel_case(), "Model")
}

/// The name of a column's field: the column's, with `_` for what a Prisma schema does not take.
pub(crate) fn field_name(column: &str) -> String {
    identifier(column, "field_")
}

/// A name of ASCII letters, digits and `_`, a letter first; `prefix` goes before what has none.
pub(crate) fn identifier(text: &str, prefix: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    start_with_letter(plain.trim_start_matches('_').to_owned(), prefix)
}

fn start_with_letter(name: String, prefix: &str) -> String {
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name,
        None if !prefix.is_empty() => prefix.trim_end_matches('_').to_owned(),
        _ => format!("{prefix}{name}"),
    }
}

/// The table that Prisma makes for a relation of many to many.
pub(crate) fn link_table(name: Option<&str>, a: &str, b: &str) -> String {
    match name {
        Some(name) => format!("_{name}"),
        None => format!("_{a}To{b}"),
    }
}

/// What Prisma calls a constraint or an index that is given no name, cut to what the database holds.
pub(crate) fn constraint(provider: &str, table: &str, columns: &[&str], suffix: &str) -> String {
    let limit = match provider {
        "mysql" => 64,
        "sqlite" => usize::MAX,
        _ => 63,
    };
    let mut name = std::iter::once(table).chain(columns.iter().copied()).collect::<Vec<_>>().join("_");
    let most = limit - suffix.len();
    if name.len() > most {
        let end = (0..=most).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
        name.truncate(end);
    }
    name + suffix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_called_by_the_singular() {
        for (table, model) in [
            ("users", "User"),
            ("user_addresses", "UserAddress"),
            ("categories", "Category"),
            ("statuses", "Status"),
            ("status", "Status"),
            ("courses", "Course"),
            ("databases", "Database"),
            ("boxes", "Box"),
            ("branches", "Branch"),
            ("heroes", "Hero"),
            ("people", "Person"),
            ("movies", "Movie"),
            ("news", "News"),
            ("s", "S"),
            ("OrderLines", "OrderLine"),
            ("2fa_tokens", "Model2faToken"),
            ("größen", "GrEn"),
            ("", "Model"),
            ("__", "Model"),
        ] {
            assert_eq!(model_name(table), model, "{table}");
        }
    }

    #[test]
    fn fields_keep_what_can_be_kept() {
        for (column, field) in
            [("created_at", "created_at"), ("_id", "id"), ("2fa", "field_2fa"), ("a b", "a_b"), ("", "field")]
        {
            assert_eq!(field_name(column), field);
        }
    }

    #[test]
    fn a_name_is_given_once() {
        let mut names = Names::default();
        assert_eq!(names.first_free(["User".to_owned()], ""), "User");
        assert_eq!(names.first_free(["user".to_owned()], ""), "user2");
        assert_eq!(names.first_free(["User".to_owned(), "UserRow".to_owned()], ""), "UserRow");
        assert_eq!(names.first_free(["User".to_owned(), "UserRow".to_owned()], ""), "UserRow2");
    }

    #[test]
    fn names_of_constraints_are_cut() {
        let table = "t".repeat(80);
        assert_eq!(constraint("postgresql", &table, &["a"], "_key").len(), 63);
        assert_eq!(constraint("sqlite", "users", &["a", "b"], "_idx"), "users_a_b_idx");
    }
}
