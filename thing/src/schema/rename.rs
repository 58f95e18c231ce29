//! Renames: as declared, and what else of a schema goes by the new names then.

use thing_driver_api::schema::{Change, Generated, IndexColumn, TableChange, TableSchema};

use super::Wanted;

/// The new names of one table and its columns.
#[derive(Clone, Debug)]
pub(super) struct Rename {
    pub(super) from: String,
    pub(super) to: String,
    /// Old and new names of columns.
    pub(super) columns: Vec<(String, String)>,
}

impl Rename {
    /// What is to get another name; columns do so only where the new name is not there yet and the old one not wanted.
    pub(super) fn of(before: &TableSchema, wanted: &Wanted) -> Self {
        let mut columns: Vec<(String, String)> = Vec::new();
        for (now, former) in &wanted.former_columns {
            let Some(known) = before.column(former) else { continue };
            let taken = columns.iter().any(|(from, to)| from == &known.name || to == now);
            if !taken && before.column(now).is_none() && wanted.schema.column(former).is_none() {
                columns.push((known.name.clone(), now.clone()));
            }
        }
        let same = before.name.eq_ignore_ascii_case(&wanted.schema.name);
        let to = if same { &before.name } else { &wanted.schema.name };
        Self { from: before.name.clone(), to: to.clone(), columns }
    }

    /// The change that makes the renames; `None` without any.
    pub(super) fn change(&self, before: &TableSchema) -> Option<TableChange> {
        let table = (self.from != self.to).then_some(Change::RenameTable);
        let columns = self.columns.iter().map(|(from, to)| Change::RenameColumn { from: from.clone(), to: to.clone() });
        let changes: Vec<Change> = table.into_iter().chain(columns).collect();
        if changes.is_empty() {
            return None;
        }
        let mut after = before.clone();
        self.apply(&mut after);
        Some(TableChange::alter(before.clone(), after, changes))
    }

    fn apply(&self, table: &mut TableSchema) {
        table.name.clone_from(&self.to);
        table.columns.iter_mut().for_each(|column| self.column(&mut column.name));
        table.key.iter_mut().for_each(|column| self.column(column));
        for index in &mut table.indexes {
            index.condition.iter_mut().for_each(|text| self.text(text));
            for part in &mut index.parts {
                match &mut part.of {
                    IndexColumn::Column(column) => self.column(column),
                    IndexColumn::Expression(text) => self.text(text),
                }
            }
        }
        for column in &mut table.columns {
            if let Some(Generated::Stored(text) | Generated::Virtual(text)) = &mut column.generated {
                self.text(text);
            }
        }
        table.checks.iter_mut().for_each(|check| self.text(&mut check.condition));
        table.foreign_keys.iter_mut().flat_map(|key| &mut key.columns).for_each(|column| self.column(column));
        self.follow(table);
        for text in &mut table.attached {
            let mut renamed = String::with_capacity(text.len());
            self.attached(text, &mut renamed);
            *text = renamed;
        }
    }

    /// Whether it is known what the triggers of this table, which is called as before, say after the rename. A name may be
    /// one of another table, too, and then the database alone tells.
    pub(super) fn is_clear_for(&self, table: &TableSchema) -> bool {
        table.attached.iter().all(|text| match table.name == self.from {
            true => self.attached(text, &mut String::new()),
            false => !self.concerns(text),
        })
    }

    /// Whether a trigger of another table has a name that changes.
    fn concerns(&self, text: &str) -> bool {
        let says = |name: &str| {
            let mut said = false;
            each_name(text, &mut String::new(), |known, _, _| {
                said |= known.eq_ignore_ascii_case(name);
                None
            });
            said
        };
        says(&self.from) && (self.from != self.to || self.columns.iter().any(|(from, _)| says(from)))
    }

    /// Writes a trigger of the table by the new names. False when a name may be one of another table: it stays.
    fn attached(&self, text: &str, out: &mut String) -> bool {
        const BEFORE_TABLES: [&str; 6] = ["on", "into", "from", "update", "join", "table"];
        let mut clear = true;
        each_name(text, out, |name, before, behind| {
            let (before, behind) = (before.trim_end(), behind.trim_start());
            let (before, qualified) = before.strip_suffix('.').map_or((before, false), |before| (before, true));
            let word = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
            let is = |known: &str| word.eq_ignore_ascii_case(known);
            if name.eq_ignore_ascii_case(&self.from) && self.from != self.to && !qualified {
                let of_table = behind.starts_with('.') || BEFORE_TABLES.iter().any(|before| is(before));
                clear &= of_table;
                return of_table.then(|| self.to.clone());
            }
            let (_, to) = self.columns.iter().find(|(from, _)| from.eq_ignore_ascii_case(name))?;
            if !qualified && is_call(behind) {
                return None;
            }
            let own = if qualified { is("new") || is("old") || is(&self.from) } else { is("of") };
            clear &= own;
            own.then(|| to.clone())
        });
        clear
    }

    /// Has foreign keys of any table refer to the new names.
    pub(super) fn follow(&self, table: &mut TableSchema) {
        for key in table.foreign_keys.iter_mut().filter(|key| key.table.eq_ignore_ascii_case(&self.from)) {
            key.table.clone_from(&self.to);
            key.references.iter_mut().for_each(|column| self.column(column));
        }
    }

    fn column(&self, name: &mut String) {
        if let Some((_, to)) = self.columns.iter().find(|(from, _)| from.eq_ignore_ascii_case(name)) {
            name.clone_from(to);
        }
    }

    fn text(&self, text: &mut String) {
        for (from, to) in &self.columns {
            *text = with_name(text, from, to);
        }
    }
}

/// Whether the SQL expression mentions the column.
pub(super) fn mentions(text: &str, column: &str) -> bool {
    let mut found = false;
    each_name(text, &mut String::new(), |name, _, behind| {
        found |= name.eq_ignore_ascii_case(column) && !is_call(behind);
        None
    });
    found
}

/// The SQL expression with another name in the place of this one.
fn with_name(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let is = |name: &str, behind: &str| name.eq_ignore_ascii_case(from) && !is_call(behind);
    each_name(text, &mut out, |name, _, behind| is(name, behind).then(|| to.to_owned()));
    out
}

/// Whether a name with this behind it is one of a function.
fn is_call(behind: &str) -> bool {
    behind.trim_start().starts_with('(')
}

/// Copies SQL and puts other names in place of those for which there are any, by what stands before and behind them. Text
/// is no name.
fn each_name(text: &str, out: &mut String, mut other: impl FnMut(&str, &str, &str) -> Option<String>) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '\'' | '"' | '`' => Some(first),
            '[' => Some(']'),
            _ => None,
        };
        let length = match closing {
            Some(closing) => quoted(rest, closing),
            None if is_name(first) => rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()),
            None => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        let before = &text[..text.len() - rest.len()];
        let renamed = match closing {
            Some('\'') => None,
            Some(closing) => {
                let inner = token.get(first.len_utf8()..token.len().saturating_sub(1)).unwrap_or_default();
                let doubled = format!("{closing}{closing}");
                let name = inner.replace(&doubled, &closing.to_string());
                other(&name, before, behind).map(|to| format!("{first}{}{closing}", to.replace(closing, &doubled)))
            }
            None if is_name(first) && !first.is_ascii_digit() => other(token, before, behind).map(|to| {
                let plain = to.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if plain { to } else { format!("\"{}\"", to.replace('"', "\"\"")) }
            }),
            None => None,
        };
        out.push_str(renamed.as_deref().unwrap_or(token));
        rest = behind;
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The length of what is quoted at the beginning of the text, quotes included; a doubled quote does not end it.
fn quoted(text: &str, closing: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == closing && characters.next_if(|(_, next)| *next == closing).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Rename, mentions, with_name};

    #[test]
    fn names_in_a_trigger_change_where_they_are_of_the_table() {
        let column = ("name".to_owned(), "title".to_owned());
        let rename = Rename { from: "people".into(), to: "crew".into(), columns: vec![column] };
        let renamed = |text: &str| {
            let mut out = String::new();
            rename.attached(text, &mut out).then_some(out)
        };
        let text = "UPDATE OF name ON people BEGIN INSERT INTO people (id) SELECT people.name || new.\"name\", 'name' \
                    FROM people; END";
        let expected = "UPDATE OF title ON crew BEGIN INSERT INTO crew (id) SELECT crew.title || new.\"title\", 'name' \
                        FROM crew; END";
        assert_eq!(renamed(text).as_deref(), Some(expected));
        for unclear in ["INTO log (name)", "INTO log (people)", "log.name", "FROM log, people", "name = 1"] {
            assert_eq!(renamed(unclear), None, "{unclear}");
        }
        assert!(rename.concerns("INSERT INTO people (id)") && !rename.concerns("INSERT INTO log (name)"));
    }

    #[test]
    fn names_change_and_text_does_not() {
        let renamed = with_name("age > 0 AND \"Age\" <> 'age' AND age (1) AND page", "age", "years");
        assert_eq!(renamed, "years > 0 AND \"years\" <> 'age' AND age (1) AND page");
        assert_eq!(with_name("[a]]b] + `a`", "a]b", "c]"), "[c]]] + `a`");
        assert_eq!(with_name("a = 'it''s a'", "a", "two words"), "\"two words\" = 'it''s a'");
    }

    #[test]
    fn a_name_is_mentioned_outside_of_text_only() {
        assert!(mentions("a + B", "b"));
        assert!(!mentions("a + 'b' + abc", "b"));
        assert!(!mentions("'open", "open"));
    }
}
