//! Table names: the plural of a struct's name.

use heck::ToSnakeCase;

/// The table of a struct: its name in snake_case, the last word in the plural.
///
/// The plural is formed by spelling alone: `y` after a consonant becomes `ies`; `s`, `x`, `z`, `ch` and `sh` take `es`;
/// everything else takes `s`. There are no exceptions to remember, so `Person` is `persons` and `News` is `newses`; a
/// model that wants another name says so.
pub(crate) fn table_name(model: &str) -> String {
    plural(model.to_snake_case())
}

fn plural(mut word: String) -> String {
    let takes_es = ["s", "x", "z", "ch", "sh"].iter().any(|ending| word.ends_with(ending));
    if takes_es {
        word.push_str("es");
        return word;
    }
    let mut letters = word.chars().rev();
    if let (Some('y'), Some(before)) = (letters.next(), letters.next())
        && before.is_alphabetic()
        && !"aeiou".contains(before)
    {
        word.truncate(word.len() - 1);
        word.push_str("ies");
        return word;
    }
    word.push('s');
    word
}

#[cfg(test)]
mod tests {
    use super::table_name;

    #[test]
    fn the_last_word_is_in_the_plural() {
        for (model, table) in [
            ("User", "users"),
            ("UserAddress", "user_addresses"),
            ("OrderLine", "order_lines"),
            ("HTTPRequest", "http_requests"),
        ] {
            assert_eq!(table_name(model), table);
        }
    }

    #[test]
    fn y_after_a_consonant_becomes_ies() {
        for (model, table) in [
            ("Category", "categories"),
            ("City", "cities"),
            ("Day", "days"),
            ("Key", "keys"),
            ("Toy", "toys"),
            ("Guy", "guys"),
            ("Y", "ys"),
        ] {
            assert_eq!(table_name(model), table);
        }
    }

    #[test]
    fn hissing_endings_take_es() {
        for (model, table) in [
            ("Bus", "buses"),
            ("Status", "statuses"),
            ("Box", "boxes"),
            ("Waltz", "waltzes"),
            ("Branch", "branches"),
            ("Wish", "wishes"),
            ("Class", "classes"),
            ("News", "newses"),
        ] {
            assert_eq!(table_name(model), table);
        }
    }

    #[test]
    fn there_are_no_irregular_words() {
        for (model, table) in [("Person", "persons"), ("Child", "childs"), ("Photo", "photos"), ("Straße", "straßes")]
        {
            assert_eq!(table_name(model), table);
        }
    }
}
